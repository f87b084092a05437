// A daemon whose handlers misbehave on request, so that tests can see what the HTTP layer makes of it.
// Everything else is quantd's own. Settings come from the environment alone.
#include "daemon.h"

#include <fmt/format.h>

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <list>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace quantd;

namespace {

constexpr const char *json = "application/json";

// Replies that are kept until their peer leaves or somebody asks for their release. I/O thread only.
struct Kept {
    std::list<ReplyPtr> replies;
    unsigned gone = 0;
};

void hang(const std::shared_ptr<Kept> &kept, const ReplyPtr &reply) {
    kept->replies.push_back(reply);
    reply->on_gone([kept, raw = reply.get()] {
        ++kept->gone;
        kept->replies.remove_if([raw](const ReplyPtr &one) { return one.get() == raw; });
    });
}

// Writes from a thread of its own, and parks as a handler should.
struct Stream : std::enable_shared_from_this<Stream> {
    ReplyPtr reply;
    size_t left = 0, bytes = 0, most = 0;
    bool parks = true;

    void go() {
        std::thread([self = shared_from_this()] { self->write_some(); }).detach();
    }
    void write_some() {
        while (left) {
            if (parks && reply->backlog() > limits::stream_buffer_bytes)
                return reply->on_drained(limits::stream_buffer_bytes / 2, [self = shared_from_this()] { self->go(); });
            --left;
            if (!reply->write(std::string(bytes, 'x'))) return;
        }
        reply->end();
    }
};

void stream(const RequestPtr &request, const ReplyPtr &reply) {
    const auto job = std::make_shared<Stream>();
    job->reply = reply;
    job->left = std::strtoul(request->query_value("chunks").c_str(), nullptr, 10);
    job->bytes = std::strtoul(request->query_value("bytes").c_str(), nullptr, 10);
    job->parks = request->query_value("park") != "no";
    reply->begin_stream(200, "text/plain");
    job->go();
}

void add_answers(Router &router) {
    router.add(
        {"POST", "/test/echo", [](RequestPtr request, ReplyPtr reply) { reply->send(200, json, request->body); }});
    router.add(
        {"DELETE", "/test/echo", [](RequestPtr request, ReplyPtr reply) { reply->send(200, json, request->body); }});
    Route blob{"POST", "/test/blob", [](RequestPtr request, ReplyPtr reply) {
                   reply->send(200, json, std::to_string(request->body.size()));
               }};
    blob.body_limit = 1 << 20;
    blob.any_type = true;
    router.add(std::move(blob));
    Route admin{"POST", "/test/admin", [](RequestPtr, ReplyPtr reply) { reply->send(200, json, "{}"); }};
    admin.admin = true;
    router.add(std::move(admin));
    router.add({"GET", "/v1/models/{id...}", [](RequestPtr request, ReplyPtr reply) {
                    reply->send(200, "text/plain", std::string(request->param("id")));
                }});
    router.add({"GET", "/test/peer", [](RequestPtr request, ReplyPtr reply) {
                    reply->send(200, "text/plain", request->peer.name(), {{"X-Test", "one\r\nX-Smuggled: two"}});
                }});
}

void add_failures(Router &router) {
    for (const char *path : {"/v1/test/throw", "/api/test/throw", "/test/throw"})
        router.add({"GET", path, [](RequestPtr, ReplyPtr) { throw std::runtime_error("/secret/path is broken"); }});
    for (const char *path : {"/v1/test/full", "/api/test/full", "/test/full"})
        router.add({"GET", path, [](RequestPtr, ReplyPtr) {
                        throw ApiError{503, "the queue is full", "", "queue_full", "", 7, {}};
                    }});
    router.add({"GET", "/test/memory", [](RequestPtr, ReplyPtr) { throw std::bad_alloc(); }});
    router.add({"GET", "/v1/test/drop", [](RequestPtr, ReplyPtr) {}});
    router.add({"GET", "/test/drop-stream", [](RequestPtr, ReplyPtr reply) {
                    reply->begin_stream(200, "text/plain");
                    reply->write("half");
                }});
    router.add({"GET", "/test/abort", [](RequestPtr, ReplyPtr reply) { reply->abort(); }});
}

void add_streams(Router &router, const std::shared_ptr<Kept> &kept) {
    router.add({"GET", "/test/stream", stream});
    for (const char *method : {"GET", "POST"})
        router.add({method, "/test/hang", [kept](RequestPtr, ReplyPtr reply) { hang(kept, reply); }});
    router.add({"GET", "/test/hang-stream", [kept](RequestPtr, ReplyPtr reply) {
                    reply->begin_stream(200, "text/plain");
                    reply->write("first\n");
                    hang(kept, reply);
                }});
    router.add({"GET", "/test/release", [kept](RequestPtr, ReplyPtr reply) {
                    auto replies = std::move(kept->replies);
                    kept->replies.clear();
                    for (const ReplyPtr &one : replies) one->send(200, "text/plain", "released");
                    reply->send(200, json, "{}");
                }});
    router.add({"GET", "/test/kept", [kept](RequestPtr, ReplyPtr reply) {
                    reply->send(200, json, fmt::format(R"({{"kept":{},"gone":{}}})", kept->replies.size(), kept->gone));
                }});
}

} // namespace

int main() {
    std::signal(SIGPIPE, SIG_IGN);
    try {
        SettingSources sources;
        for (char **entry = environ; *entry; ++entry) sources.environment.emplace_back(*entry);
        sources.file = "/nonexistent";
        Daemon daemon(load_settings(sources), sources);
        const auto kept = std::make_shared<Kept>();
        add_answers(daemon.router());
        add_failures(daemon.router());
        add_streams(daemon.router(), kept);
        const auto busy = std::make_shared<Seconds>(0); // For how long a model's step is said to take.
        daemon.longest_step = [busy] { return *busy; };
        for (const double seconds : {0.0, 1e6})
            daemon.router().add(
                {"GET", seconds > 0 ? "/test/stuck" : "/test/unstuck", [busy, seconds](RequestPtr, ReplyPtr reply) {
                     *busy = Seconds(seconds);
                     reply->send(200, json, "{}");
                 }});
        daemon.run();
        daemon.still_stopping();
        return 0;
    } catch (const std::exception &error) {
        fmt::print(stderr, "probe_daemon: {}\n", error.what());
        return 1;
    }
}
