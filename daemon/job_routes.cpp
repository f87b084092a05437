// /quant/v1/jobs: long work, begun, looked at, watched and cancelled.
#include "api_routes.h"

#include "api_work.h"
#include "http_limits.h"
#include "json_body.h"
#include "request_fields.h"

#include <fmt/format.h>

namespace quantd {

namespace {

constexpr const char *json_type = "application/json";

void begin(ModelPool &pool, JobBook &jobs, const RequestPtr &http, const ReplyPtr &reply) {
    auto job = std::make_shared<JobRequest>(parse_job(json_body(*http)));
    answer_later(pool, reply, ApiStyle::own, [&pool, &jobs, job, reply] {
        job->model = pool.full_name(job->model);
        const std::string id = jobs.add(*job);
        reply->send(202, json_type, json::serialize(jobs.show(id)), {{"Location", "/quant/v1/jobs/" + id}});
    });
}

// Server-sent events until the job has ended. Who does not keep up misses steps of progress, nothing else.
void watch(JobBook &jobs, const RequestPtr &http, const ReplyPtr &reply) {
    const std::string id(http->param("id"));
    if (http->method == "HEAD") {
        jobs.show(id);
        return reply->send(200, "text/event-stream", "");
    }
    const auto tell = [reply](const char *event, const json::object &data) {
        const std::string_view name = event;
        if (name == "progress" && reply->backlog() > limits::stream_buffer_bytes / 4) return;
        // The first is the state; begin_stream() does nothing where the stream has begun.
        reply->begin_stream(200, "text/event-stream", {{"Cache-Control", "no-store"}});
        reply->write(fmt::format("event: {}\ndata: {}\n\n", name, json::serialize(data)));
        if (name == "end") reply->end();
    };
    if (const uint64_t watcher = jobs.watch(id, tell)) reply->on_gone([&jobs, watcher] { jobs.unwatch(watcher); });
}

} // namespace

void add_job_routes(Router &router, ModelPool &pool, JobBook &jobs) {
    const auto send = [](const ReplyPtr &reply, const json::value &value) {
        reply->send(200, json_type, json::serialize(value));
    };
    router.add({.method = "POST",
                .pattern = "/quant/v1/jobs",
                .handler = [&pool, &jobs](RequestPtr http, ReplyPtr reply) { begin(pool, jobs, http, reply); },
                .admin = true,
                .fields = job_fields()});
    router.add({.method = "GET", .pattern = "/quant/v1/jobs", .handler = [&jobs, send](RequestPtr, ReplyPtr reply) {
                    send(reply, json::object{{"jobs", jobs.list()}});
                }});
    router.add(
        {.method = "GET", .pattern = "/quant/v1/jobs/{id}", .handler = [&jobs, send](RequestPtr http, ReplyPtr reply) {
             send(reply, jobs.show(std::string(http->param("id"))));
         }});
    router.add({.method = "GET",
                .pattern = "/quant/v1/jobs/{id}/events",
                .handler = [&jobs](RequestPtr http, ReplyPtr reply) { watch(jobs, http, reply); }});
    router.add({.method = "DELETE",
                .pattern = "/quant/v1/jobs/{id}",
                .handler = [&jobs, send](RequestPtr http,
                                         ReplyPtr reply) { send(reply, jobs.cancel(std::string(http->param("id")))); },
                .admin = true});
}

} // namespace quantd
