#include "client/lease_keeper.h"

#include "base/error.h"
#include "base/log.h"
#include "base/signals_blocked.h"
#include "client/daemon_socket.h"

#include <poll.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

namespace quant {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// A daemon that comes back is found within a quarter of the time that it was gone.
constexpr int pause_share = 4;
constexpr milliseconds least_pause{50}, longest_pause{2000};
constexpr std::chrono::seconds connect_patience{1}; ///< Others wait meanwhile.
constexpr std::chrono::seconds frame_patience{2};   ///< For the rest of an answer that has begun.
constexpr std::chrono::seconds load_patience{300};  ///< For an answer to begin: the daemon may be loading.

/// A lease, and how it stands: held, asked for again, or waiting to be.
struct Entry {
    enum class State { held, asked, waiting, lost } state = State::held;
    LeaseTerms terms;
    Descriptor connection;
    Clock::time_point lost{}; ///< When it was last held.
    Clock::time_point due{};  ///< Of the next try, or of giving this one up.
};

class Keeper {
public:
    // Never destroyed: leases may end after static objects do.
    static Keeper &instance() {
        static Keeper *const keeper = new Keeper;
        return *keeper;
    }

    uint64_t add(LeaseTerms terms, Descriptor connection) {
        const std::lock_guard lock(mutex_);
        if (process_ != ::getpid()) begin_in_process();
        if (!thread_.joinable()) {
            const SignalsBlocked in_thread;
            thread_ = std::thread([this] { run(); });
        }
        entries_[++last_] = {Entry::State::held, std::move(terms), std::move(connection)};
        wake();
        return last_;
    }

    void remove(uint64_t number) {
        std::thread ended;
        {
            const std::lock_guard lock(mutex_);
            entries_.erase(number); // Closes its connection, which ends the lease.
            if (process_ != ::getpid() || !entries_.empty()) return;
            ended = std::move(thread_);
            wake();
        }
        if (ended.joinable()) ended.join();
    }

private:
    // A child of fork() has neither the thread nor, after its own first lease, its parent's leases to watch.
    void begin_in_process() {
        if (thread_.joinable()) thread_.detach();
        thread_ = {};
        wake_ = Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        if (!wake_) fail_errno(errno, "make an event for", "leases");
        process_ = ::getpid();
    }
    void wake() const {
        const uint64_t one = 1;
        [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
    }
    void run();
    void look_at(uint64_t number, bool readable);
    void ask_again(uint64_t number);
    void take_answer(uint64_t number);
    static void put_off(Entry &entry);
    Entry *find(uint64_t number) {
        const auto at = entries_.find(number);
        return at == entries_.end() ? nullptr : &at->second;
    }

    std::mutex mutex_;
    std::map<uint64_t, Entry> entries_;
    uint64_t last_ = 0;
    pid_t process_ = 0;
    Descriptor wake_;
    std::thread thread_;
};

// Until there are no leases.
void Keeper::run() {
    std::vector<pollfd> polled;
    std::vector<uint64_t> numbers;
    for (;;) {
        auto next = Clock::now() + std::chrono::hours(1);
        {
            const std::lock_guard lock(mutex_);
            if (entries_.empty()) return;
            polled.assign(1, {wake_.get(), POLLIN, 0}), numbers.assign(1, 0);
            for (const auto &[number, e] : entries_) {
                numbers.push_back(number);
                polled.push_back({e.connection ? e.connection.get() : -1, POLLIN | POLLRDHUP, 0});
                if (e.state == Entry::State::asked || e.state == Entry::State::waiting) next = std::min(next, e.due);
            }
        }
        const auto left = std::chrono::ceil<milliseconds>(next - Clock::now()).count();
        if (::poll(polled.data(), polled.size(), static_cast<int>(std::clamp<long>(left, 0, 3'600'000))) < 0) continue;
        uint64_t count;
        if (polled[0].revents != 0) [[maybe_unused]] const auto got = ::read(wake_.get(), &count, sizeof count);
        for (size_t i = 1; i < polled.size(); i++) look_at(numbers[i], polled[i].revents != 0);
    }
}

void Keeper::put_off(Entry &e) {
    e.state = Entry::State::waiting;
    e.connection.reset();
    const Clock::time_point now = Clock::now();
    e.due = now + std::clamp<Clock::duration>((now - e.lost) / pause_share, least_pause, longest_pause);
}

void Keeper::look_at(uint64_t number, bool readable) {
    std::unique_lock lock(mutex_);
    Entry *e = find(number);
    if (!e) return;
    switch (e->state) {
    case Entry::State::held: {
        // Whatever comes ends it: there is nothing to be said over a lease.
        char byte;
        if (!readable || (::recv(e->connection.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN)) return;
        log(QUANT_LOG_INFO, "{}: the daemon at {} is gone; what it lent stays, and is leased again from the next one",
            e->terms.model, e->terms.socket);
        e->lost = Clock::now();
        return put_off(*e);
    }
    case Entry::State::asked:
        if (readable) {
            lock.unlock();
            return take_answer(number);
        }
        if (Clock::now() >= e->due) put_off(*e);
        return;
    case Entry::State::waiting:
        if (Clock::now() < e->due) return;
        lock.unlock();
        return ask_again(number);
    case Entry::State::lost:
        return;
    }
}

void Keeper::ask_again(uint64_t number) {
    LeaseTerms terms;
    {
        const std::lock_guard lock(mutex_);
        const Entry *e = find(number);
        if (!e) return;
        terms = e->terms;
    }
    Descriptor connection;
    try {
        const LeaseWish wish{.model = terms.model, .digest = terms.digest, .files_only = true};
        connection = ask_for_lease(terms.socket, wish, Clock::now() + connect_patience);
    } catch (const Error &) {} // Not there yet.
    const std::lock_guard lock(mutex_);
    Entry *e = find(number);
    if (!e) return;
    if (!connection) return put_off(*e);
    e->state = Entry::State::asked;
    e->connection = std::move(connection);
    e->due = Clock::now() + load_patience;
}

void Keeper::take_answer(uint64_t number) {
    LeaseTerms terms;
    Descriptor connection; // A copy: the lease may end meanwhile.
    {
        const std::lock_guard lock(mutex_);
        const Entry *e = find(number);
        if (!e) return;
        terms = e->terms;
        connection = Descriptor(::fcntl(e->connection.get(), F_DUPFD_CLOEXEC, 0));
    }
    std::optional<quant_status> failed;
    std::string why;
    bool same = true;
    try {
        const ReceivedLease lease = receive_lease(connection.get(), terms.socket, Clock::now() + frame_patience);
        if (lease.record.digest != terms.digest)
            fail(QUANT_ERR_VERIFY, "{}: the daemon now has another model of that name", terms.model);
        const auto &files = lease.record.files;
        for (size_t i = 0; i < lease.descriptors.size() && same; i++) {
            const bool pack = i >= files.size();
            const FileIdentity now = check_lent(lease.descriptors[i].get(), pack ? "the pack" : files[i].name,
                                                pack ? lease.record.pack->bytes : files[i].bytes,
                                                pack ? lease.record.pack->sealed : files[i].sealed, lease.record.uid);
            same = i < terms.files.size() && terms.files[i] == now;
        }
    } catch (const Error &e) {
        failed = e.status(), why = e.what();
    }
    const std::lock_guard lock(mutex_);
    Entry *e = find(number);
    if (!e) return;
    if (!failed) {
        e->state = Entry::State::held;
        log(same ? QUANT_LOG_INFO : QUANT_LOG_WARNING, "{}: leased again from {}{}", terms.model, terms.socket,
            same ? "" : "; the daemon has made another copy, and this process keeps the one it has");
        return;
    }
    const bool later = *failed == QUANT_ERR_UNAVAILABLE || *failed == QUANT_ERR_BUSY || *failed == QUANT_ERR_IO;
    if (later) return put_off(*e);
    log(QUANT_LOG_WARNING, "{}: is not leased again, though it stays usable here: {}", terms.model, why);
    e->state = Entry::State::lost;
    e->connection.reset();
}

} // namespace

Lease::Lease(LeaseTerms terms, Descriptor connection)
    : number_(Keeper::instance().add(std::move(terms), std::move(connection))) {}

Lease::~Lease() { Keeper::instance().remove(number_); }

} // namespace quant
