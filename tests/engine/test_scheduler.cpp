// Many generations at a time: each gets the text it would have alone, in turn, and ends when asked.
#include "engine/scheduler.h"
#include "test_support.h"

#include <atomic>
#include <future>

using namespace quant;
using test::require_error;

namespace {

std::shared_ptr<const Model> shipped_model() {
    static const auto model = Model::open(test::data("").parent_path().parent_path() / "../share/models/kjv-5m");
    return model;
}

std::vector<int32_t> tokens_of(const std::string &text) {
    return shipped_model()->tokenizer().encode(text, {.add_special = true, .parse_special = true});
}

/// What became of a request.
struct Outcome {
    std::string text, message;
    quant_status status;
    quant_generate_result result;
};

/// A request whose outcome can be waited for.
struct Asked {
    std::shared_ptr<std::promise<Outcome>> promise = std::make_shared<std::promise<Outcome>>();
    GenerationRequest request;

    explicit Asked(std::vector<int32_t> prompt, uint32_t max_tokens = 24) {
        request.prompt = std::move(prompt);
        request.sampling.temperature = 0;
        request.max_tokens = max_tokens;
        request.ignore_end = true;
        request.on_event = [promise = promise, text = std::string()](const GenerationEvent &e) mutable {
            text += e.text;
            if (e.ended) promise->set_value({text, std::string(e.message), e.status, e.result});
        };
    }
    Outcome wait() { return promise->get_future().get(); }
};

Outcome run_alone(std::vector<int32_t> prompt, uint32_t max_tokens = 24) {
    Scheduler scheduler(shipped_model(), {.context = 2048, .cached_tokens = 0});
    Asked asked(std::move(prompt), max_tokens);
    scheduler.submit(asked.request);
    return asked.wait();
}

const char *const beginnings[] = {"In the beginning God created the heaven and the earth.",
                                  "And the LORD spake unto Moses, saying,",
                                  "Blessed are the poor in spirit",
                                  "The",
                                  "Now it came to pass in the days when the judges ruled, that there was a famine",
                                  "And Jesus answered and said unto him,",
                                  "Hear",
                                  "For God so loved the world, that he gave his only begotten Son",
                                  "The words of the Preacher, the son of David,",
                                  "And it came to pass",
                                  "Vanity of vanities, saith the Preacher",
                                  "He that hath an ear, let him hear",
                                  "Thus saith the LORD of hosts",
                                  "The LORD is my shepherd; I shall not want",
                                  "And God said, Let there be light",
                                  "Then said Jesus unto his disciples"};

std::string repeated(const std::string &text, int times) {
    std::string out;
    for (int i = 0; i < times; i++) out += text + " ";
    return out;
}

} // namespace

TEST_CASE("sequences that run together have the text that each has alone") {
    Scheduler scheduler(shipped_model(), {.context = 2048, .sequences = 16});
    std::vector<Asked> asked;
    for (size_t i = 0; i < std::size(beginnings); i++) // Some prompts are long.
        asked.emplace_back(tokens_of(repeated(beginnings[i], i % 3 == 0 ? 40 : 1)), 10 + static_cast<uint32_t>(i) * 3);
    for (Asked &a : asked) scheduler.submit(a.request);
    for (size_t i = 0; i < asked.size(); i++) {
        const Outcome together = asked[i].wait();
        INFO(beginnings[i]);
        REQUIRE(together.status == QUANT_OK);
        REQUIRE(together.result.stop == QUANT_STOP_LENGTH);
        REQUIRE(together.result.generated_tokens == asked[i].request.max_tokens);
        REQUIRE(together.text == run_alone(asked[i].request.prompt, asked[i].request.max_tokens).text);
    }
    const SchedulerStatistics s = scheduler.statistics();
    REQUIRE(s.requests == std::size(beginnings));
    REQUIRE(s.waiting == 0);
}

TEST_CASE("a session's text is the scheduler's") {
    const auto prompt = tokens_of(beginnings[4]);
    Session session(shipped_model(), 512, Activations::int8_of_many, generating_kv_types);
    quant_generate_options options{};
    options.size = sizeof options;
    options.prompt = beginnings[4], options.prompt_bytes = std::string(beginnings[4]).size();
    options.text_flags = QUANT_TEXT_ADD_SPECIAL | QUANT_TEXT_PARSE_SPECIAL;
    options.max_tokens = 12;
    quant_sampling greedy = default_sampling();
    greedy.temperature = 0;
    options.sampling = &greedy;
    std::string text;
    options.user = &text;
    options.on_text = [](void *user, const char *piece, size_t bytes) {
        static_cast<std::string *>(user)->append(piece, bytes);
        return 0;
    };
    session.generate(options);
    REQUIRE(!text.empty());
    Scheduler scheduler(shipped_model(), {.context = 512});
    Asked asked(prompt, 12);
    asked.request.ignore_end = false;
    scheduler.submit(asked.request);
    REQUIRE(asked.wait().text == text);
}

TEST_CASE("what a prompt has in common with an earlier one is not run again, and the text stays the same") {
    const auto first = tokens_of(repeated(beginnings[0], 30)),
               second = tokens_of(repeated(beginnings[0], 30) + beginnings[5]);
    Scheduler scheduler(shipped_model(), {.context = 2048});
    Asked one(first), again(first), longer(second);
    scheduler.submit(one.request);
    const Outcome cold = one.wait();
    REQUIRE(cold.result.cached_tokens == 0);
    scheduler.submit(again.request);
    const Outcome warm = again.wait();
    REQUIRE(warm.result.cached_tokens == first.size() - 9);
    REQUIRE(warm.text == cold.text);
    scheduler.submit(longer.request);
    const Outcome other = longer.wait();
    REQUIRE(other.result.cached_tokens >= first.size() - 9);
    REQUIRE(other.text == run_alone(second).text);
    REQUIRE(scheduler.statistics().kept_tokens > 0);
}

TEST_CASE("a step that does not end shows") {
    Scheduler scheduler(shipped_model(), {.context = 512});
    CHECK(scheduler.statistics().step_seconds == 0);
    std::promise<void> entered, let_go;
    std::once_flag once;
    Asked asked(tokens_of(beginnings[0]), 2);
    const auto tell = asked.request.on_event;
    asked.request.on_event = [&](const GenerationEvent &e) {
        std::call_once(once, [&] { entered.set_value(), let_go.get_future().wait(); });
        tell(e);
    };
    scheduler.submit(asked.request);
    entered.get_future().wait();
    const double early = scheduler.statistics().step_seconds;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    CHECK(scheduler.statistics().step_seconds >= early + 0.02);
    let_go.set_value();
    CHECK(asked.wait().status == QUANT_OK);
    while (scheduler.statistics().step_seconds != 0) std::this_thread::yield();
}

TEST_CASE("a stop string ends the text and is not part of it") {
    const std::string whole = run_alone(tokens_of(beginnings[2]), 40).text;
    const std::string stop = whole.substr(whole.size() / 2, 5);
    Scheduler scheduler(shipped_model(), {.context = 512});
    Asked asked(tokens_of(beginnings[2]), 40);
    asked.request.stops = {"never to be found", stop};
    scheduler.submit(asked.request);
    const Outcome outcome = asked.wait();
    REQUIRE(outcome.result.stop == QUANT_STOP_TEXT);
    REQUIRE(outcome.text == whole.substr(0, whole.find(stop)));
}

TEST_CASE("a full context ends the text") {
    Scheduler scheduler(shipped_model(), {.context = 40});
    const auto prompt = tokens_of(beginnings[4]);
    Asked asked(prompt, 0);
    scheduler.submit(asked.request);
    const Outcome outcome = asked.wait();
    REQUIRE(outcome.result.stop == QUANT_STOP_CONTEXT);
    REQUIRE(outcome.result.generated_tokens == 40 - prompt.size() + 1);
}

TEST_CASE("what cannot be run is refused with its numbers") {
    Scheduler scheduler(shipped_model(), {.context = 16});
    const auto ask = [&](std::vector<int32_t> prompt) { scheduler.submit(Asked(std::move(prompt)).request); };
    require_error(QUANT_ERR_LIMIT, {"17", "16"}, [&] { ask(std::vector<int32_t>(17, 5)); });
    require_error(QUANT_ERR_ARGUMENT, {"empty"}, [&] { ask({}); });
    require_error(QUANT_ERR_ARGUMENT, {"-3"}, [&] { ask({1, -3}); });
    Asked hot({1, 2, 3});
    hot.request.sampling.temperature = -1;
    require_error(QUANT_ERR_ARGUMENT, {"temperature"}, [&] { scheduler.submit(hot.request); });
    require_error(QUANT_ERR_ARGUMENT, {"sequences"}, [] { Scheduler none(shipped_model(), {.sequences = 0}); });
}

TEST_CASE("the queue is bounded, for all and for each client") {
    Scheduler scheduler(shipped_model(), {.context = 2048, .sequences = 1, .queue = 3, .queue_per_client = 2});
    Asked running(tokens_of(beginnings[0]), 0);
    std::promise<void> started;
    std::atomic<bool> told = false;
    running.request.on_event = [&, next = running.request.on_event](const GenerationEvent &e) {
        if (!told.exchange(true)) started.set_value();
        next(e);
    };
    const uint64_t first = scheduler.submit(running.request);
    started.get_future().wait();
    std::vector<uint64_t> waiting;
    std::vector<Asked> asked;
    const auto ask = [&](uint64_t client) {
        asked.emplace_back(tokens_of(beginnings[1]), 2);
        asked.back().request.client = client;
        waiting.push_back(scheduler.submit(asked.back().request));
    };
    ask(7), ask(7);
    require_error(QUANT_ERR_BUSY, {"client", "2"}, [&] { ask(7); });
    ask(8);
    require_error(QUANT_ERR_BUSY, {"3"}, [&] { ask(9); });
    REQUIRE(scheduler.statistics().refused == 2);
    REQUIRE(scheduler.statistics().waiting == 3);
    scheduler.cancel(waiting[0]);
    REQUIRE(asked[0].wait().status == QUANT_ERR_CANCELLED);
    scheduler.cancel(first);
    const Outcome cut = running.wait();
    REQUIRE(cut.status == QUANT_ERR_CANCELLED);
    REQUIRE(!cut.text.empty());
    REQUIRE(asked[1].wait().status == QUANT_OK);
}

TEST_CASE("clients take turns") {
    FairQueue<int> queue;
    for (const int i : {10, 11, 12}) queue.push(1, i);
    queue.push(2, 20), queue.push(2, 21), queue.push(3, 30);
    REQUIRE(queue.size() == 6);
    REQUIRE(queue.size_of(2) == 2);
    REQUIRE(*queue.take([](int i) { return i == 11; }) == 11);
    REQUIRE(!queue.take([](int i) { return i == 11; }));
    std::vector<int> order;
    while (const auto item = queue.pop()) order.push_back(*item);
    REQUIRE(order == std::vector<int>{10, 20, 30, 12, 21});
    REQUIRE(queue.size() == 0);
}

TEST_CASE("a paused sequence waits while others go on") {
    Scheduler scheduler(shipped_model(), {.context = 2048, .sequences = 2});
    Asked slow(tokens_of(beginnings[0]), 400), other(tokens_of(beginnings[1]), 30);
    std::atomic<uint64_t> id = 0;
    std::promise<void> paused;
    slow.request.on_event = [&, count = 0, next = slow.request.on_event](const GenerationEvent &e) mutable {
        if (++count == 5) {
            scheduler.pause(id, true);
            paused.set_value();
        }
        next(e);
    };
    // Its number is not known before it is submitted: the first event waits for it.
    std::promise<void> known;
    auto known_future = known.get_future().share();
    slow.request.on_event = [known_future, next = slow.request.on_event](const GenerationEvent &e) {
        known_future.wait();
        next(e);
    };
    id = scheduler.submit(slow.request);
    known.set_value();
    paused.get_future().wait();
    scheduler.submit(other.request);
    REQUIRE(other.wait().result.generated_tokens == 30);
    REQUIRE(scheduler.statistics().running >= 1);
    scheduler.pause(id, false);
    REQUIRE(slow.wait().result.generated_tokens == 400);
}

TEST_CASE("a scheduler that goes tells all that it had") {
    std::vector<Asked> asked;
    {
        Scheduler scheduler(shipped_model(), {.context = 2048, .sequences = 2});
        for (int i = 0; i < 5; i++) {
            asked.emplace_back(tokens_of(beginnings[i]), 0);
            scheduler.submit(asked.back().request);
        }
    }
    for (Asked &a : asked) {
        const Outcome outcome = a.wait();
        REQUIRE((outcome.status == QUANT_ERR_CANCELLED || outcome.result.stop == QUANT_STOP_CONTEXT));
    }
}
