#include "ollama_create.h"

#include "api_work.h"
#include "json_body.h"
#include "ollama_reply.h"
#include "ollama_request.h"

#include <fmt/format.h>

namespace quantd {

namespace {

constexpr std::string_view fields_of_create[] = {"model",        "name",     "from",       "files",     "quantize",
                                                 "quantization", "stream",   "template",   "system",    "license",
                                                 "adapters",     "messages", "parameters", "modelfile", "path"};
// What a catalog cannot keep with a model.
constexpr const char *unkept[] = {"template", "system",     "license",   "adapters",
                                  "messages", "parameters", "modelfile", "path"};

struct CreateRequest {
    JobRequest job;
    std::string from; ///< Empty: the blob of job.digest.
    bool stream = true;
};

bool is_empty(const json::value &v) {
    return (v.is_string() && v.as_string().empty()) || (v.is_array() && v.as_array().empty()) ||
           (v.is_object() && v.as_object().empty());
}

void read_files(const Fields &f, CreateRequest &out) {
    const json::object *files = f.object("files");
    if (!files || files->empty()) return;
    if (!out.from.empty()) f.wrong("files", "it without from");
    const auto &[name, digest] = *files->begin();
    if (files->size() != 1 || !std::string_view(name).ends_with(".gguf") || !digest.is_string())
        f.wrong("files", "one GGUF file, such as {\"model.gguf\": \"sha256:...\"}");
    out.job.digest = digest.as_string();
    BlobStore::require_digest(out.job.digest);
}

CreateRequest parse_create(const json::object &body) {
    const Fields f(body, fields_of_create);
    CreateRequest out;
    out.job.name = plain_name(ollama_model(f));
    if (!is_model_name(out.job.name)) f.wrong("model", "model or model:variant, of letters, digits, '.', '_' and '-'");
    for (const char *name : unkept)
        if (const json::value *value = f.find(name); value && !is_empty(*value))
            throw ApiError{.status = 400,
                           .message = fmt::format("{} is not kept with a model by this daemon", name),
                           .code = "unsupported",
                           .param = name};
    out.from = f.text("from").value_or("");
    read_files(f, out);
    if (out.from.empty() && out.job.digest.empty()) f.wrong("from", "a model, or files");
    const std::string type = f.text("quantize").value_or(f.text("quantization").value_or(""));
    if (!type.empty()) out.job.type = require_type(type, "quantize");
    out.job.kind = type.empty() ? JobRequest::Kind::adopt : JobRequest::Kind::quantize;
    out.stream = f.flag("stream").value_or(true);
    return out;
}

// A job's events as this API words them.
class CreateReport {
public:
    CreateReport(bool stream, std::string doing, ReplyPtr reply)
        : stream_(stream),
          doing_(std::move(doing)),
          reply_(std::move(reply)) {}

    void tell(std::string_view event, const json::object &data) const {
        if (event == "state" && data.at("state") == json::value("queued")) say({{"status", "waiting for other jobs"}});
        if (event == "progress" && data.at("total").to_number<uint64_t>() != 0 && reply_->backlog() == 0)
            say({{"status", doing_}, {"total", data.at("total")}, {"completed", data.at("done")}});
        if (event == "end") end(data);
    }

private:
    void say(const json::object &line) const {
        if (!stream_) return;
        reply_->begin_stream(200, ollama_stream_type);
        reply_->write(json::serialize(line) + "\n");
    }
    void end(const json::object &job) const {
        if (job.at("state") == json::value("done")) {
            if (!stream_) return send_success(*reply_, false);
            say({{"status", "success"}});
            return reply_->end();
        }
        const json::value &error = job.at("error");
        const json::value message = error.is_object() ? error.at("message") : json::value("the job was cancelled");
        if (!stream_)
            return reply_->send(error.is_object() ? 500 : 503, "application/json",
                                json::serialize(json::object{{"error", message}}));
        say({{"error", message}});
        reply_->end();
    }

    bool stream_;
    std::string doing_;
    ReplyPtr reply_;
};

void run_job(JobBook &jobs, const CreateRequest &request, const ReplyPtr &reply) {
    const bool quantizes = request.job.kind == JobRequest::Kind::quantize;
    const CreateReport report(request.stream, quantizes ? "quantizing to " + request.job.type : "reading the file",
                              reply);
    const std::string id = jobs.add(request.job);
    jobs.watch(id, [report](const char *event, const json::object &data) { report.tell(event, data); });
    // Who asked for it and leaves wants it no more.
    reply->on_gone([&jobs, id] {
        try {
            jobs.cancel(id);
        } catch (const ApiError &) { // Ended long ago.
        }
    });
}

} // namespace

FieldTable ollama_create_fields() { return fields_of_create; }

void send_success(Reply &reply, bool stream) {
    reply.send(200, stream ? ollama_stream_type : "application/json",
               stream ? "{\"status\":\"success\"}\n" : "{\"status\":\"success\"}");
}

void create_model(ModelPool &pool, JobBook &jobs, const BlobStore &blobs, const RequestPtr &http,
                  const ReplyPtr &reply) {
    auto request = std::make_shared<CreateRequest>(parse_create(json_body(*http)));
    answer_later(pool, reply, ApiStyle::ollama, [&pool, &jobs, &blobs, request, reply] {
        if (request->from.empty()) {
            const auto blob = blobs.find(request->job.digest);
            if (!blob)
                throw ApiError{
                    .status = 404, .message = "there is no blob " + request->job.digest, .code = "blob_not_found"};
            request->job.blob = blob->string();
            return run_job(jobs, *request, reply);
        }
        request->job.model = pool.full_name(request->from);
        if (request->job.kind == JobRequest::Kind::quantize) return run_job(jobs, *request, reply);
        pool.with_catalog([&](quant_catalog *catalog) {
            check(quant_catalog_copy(catalog, request->job.model.c_str(), request->job.name.c_str(), nullptr));
        });
        send_success(*reply, request->stream);
    });
}

} // namespace quantd
