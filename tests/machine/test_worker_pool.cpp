// The pool's promises: every worker once, every index once, errors come back, no
// deadlock from nesting, many callers or more workers than cores.
#include "machine/worker_pool.h"
#include "test_support.h"

#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

using namespace quant;
using test::require_error;

TEST_CASE("run calls every worker once, again and again") {
    for (const unsigned size : {1u, 2u, 5u}) {
        WorkerPool pool(size);
        REQUIRE(pool.size() == size);
        std::vector<int> calls(size, 0);
        for (int round = 0; round < 200; ++round) pool.run([&](unsigned worker) { ++calls.at(worker); });
        REQUIRE(std::all_of(calls.begin(), calls.end(), [](int n) { return n == 200; }));
    }
}

TEST_CASE("parallel_for covers every index once, in chunks of at least the grain") {
    WorkerPool pool(3);
    for (const size_t count : {0, 1, 2, 3, 7, 64, 1000, 4099})
        for (const size_t grain : {0, 1, 5, 4096}) {
            std::vector<std::atomic<int>> seen(count);
            std::atomic<bool> small{false}, foreign{false};
            pool.parallel_for(count, grain, [&](size_t begin, size_t end, unsigned worker) {
                if (end - begin < grain && end != count) small = true;
                if (worker >= pool.size()) foreign = true;
                for (size_t i = begin; i < end; ++i) ++seen[i];
            });
            REQUIRE_FALSE(small);
            REQUIRE_FALSE(foreign);
            REQUIRE(std::all_of(seen.begin(), seen.end(), [](const auto &n) { return n == 1; }));
        }
}

TEST_CASE("an exception of any worker comes to the caller, and the pool works on") {
    WorkerPool pool(3);
    for (unsigned thrower = 0; thrower < 3; ++thrower) {
        require_error(QUANT_ERR_MODEL, {"worker", std::to_string(thrower)}, [&] {
            pool.run([&](unsigned worker) {
                if (worker == thrower) fail(QUANT_ERR_MODEL, "worker {} failed", worker);
            });
        });
        require_error(QUANT_ERR_IO, {"chunk"}, [&] {
            pool.parallel_for(1000, 1, [&](size_t begin, size_t, unsigned) {
                if (begin > 400) fail(QUANT_ERR_IO, "chunk {}", begin);
            });
        });
        std::atomic<int> calls{0};
        pool.run([&](unsigned) { ++calls; });
        REQUIRE(calls == 3);
    }
}

TEST_CASE("work inside work: loops run in place, a second job is refused") {
    WorkerPool pool(2), other(2);
    std::atomic<size_t> sum{0};
    pool.parallel_for(8, 1, [&](size_t begin, size_t end, unsigned worker) {
        for (size_t i = begin; i < end; ++i)
            pool.parallel_for(10, 1, [&](size_t from, size_t to, unsigned inner) {
                if (inner == worker) sum += to - from;
            });
    });
    REQUIRE(sum == 80);
    require_error(QUANT_ERR_INTERNAL, {"same pool"}, [&] { pool.run([&](unsigned) { pool.run([](unsigned) {}); }); });
    std::atomic<int> calls{0};
    pool.parallel_for(1, 1, [&](size_t, size_t, unsigned) { other.run([&](unsigned) { ++calls; }); });
    REQUIRE(calls == 2);
}

TEST_CASE("many callers at a time take turns") {
    WorkerPool pool(2);
    std::atomic<int> inside{0}, overlaps{0};
    std::atomic<size_t> total{0};
    std::vector<std::thread> callers;
    for (int c = 0; c < 4; ++c)
        callers.emplace_back([&] {
            for (int round = 0; round < 100; ++round) {
                pool.run([&](unsigned worker) {
                    if (worker == 0 && inside++ != 0) ++overlaps;
                    if (worker == 0) --inside;
                });
                pool.parallel_for(50, 1, [&](size_t begin, size_t end, unsigned) { total += end - begin; });
            }
        });
    for (auto &caller : callers) caller.join();
    REQUIRE(overlaps == 0);
    REQUIRE(total == 4 * 100 * 50);
}

TEST_CASE("more workers than cores still finish, also after they went to sleep") {
    WorkerPool pool(std::thread::hardware_concurrency() * 4 + 1);
    std::atomic<unsigned> calls{0};
    for (int round = 0; round < 20; ++round) {
        pool.run([&](unsigned) { ++calls; });
        if (round % 5 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    REQUIRE(calls == 20 * pool.size());
}

TEST_CASE("QUANT_THREADS sets the size and nonsense is refused") {
    ::setenv("QUANT_THREADS", "3", 1);
    REQUIRE(WorkerPool().size() == 3);
    REQUIRE(WorkerPool(2).size() == 2);
    for (const char *bad : {"0", "-1", "two", "3x", "4000000000", "100000"}) {
        ::setenv("QUANT_THREADS", bad, 1);
        require_error(QUANT_ERR_ARGUMENT, {"QUANT_THREADS", bad}, [] { WorkerPool(); });
    }
    ::unsetenv("QUANT_THREADS");
    REQUIRE(WorkerPool().size() >= 1);
}

TEST_CASE("workers leave a process's signals to the program's own threads, but for those that they cause") {
    WorkerPool pool(3);
    sigset_t before;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &before);
    REQUIRE(sigismember(&before, SIGTERM) == 0);
    std::vector<int> term(3), crash(3);
    pool.run([&](unsigned worker) {
        sigset_t mask;
        ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
        term[worker] = sigismember(&mask, SIGTERM), crash[worker] = sigismember(&mask, SIGSEGV);
    });
    REQUIRE(term == std::vector<int>{0, 1, 1});
    REQUIRE(crash == std::vector<int>(3));
}
