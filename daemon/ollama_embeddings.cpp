// POST /api/embed, and /api/embeddings, which older clients use.
#include "api_routes.h"
#include "embedding_job.h"
#include "http_limits.h"
#include "json_body.h"
#include "ollama_reply.h"
#include "ollama_request.h"

#include <fmt/format.h>

namespace quantd {

namespace {

constexpr size_t most_inputs = 2048;
constexpr int64_t most_dimensions = 1 << 20;
constexpr std::string_view fields_of_embed[] = {"model",    "name",  "keep_alive", "truncate",
                                                "options", "input", "dimensions"};
constexpr std::string_view fields_of_older[] = {"model", "name", "keep_alive", "truncate", "options", "prompt"};

FieldTable fields_of(bool older) { return older ? FieldTable(fields_of_older) : FieldTable(fields_of_embed); }

struct Request {
    EmbeddingSpec spec;
    std::optional<std::chrono::seconds> keep;
    bool older = false; ///< Of /api/embeddings: one text, and its embedding is not normalized.
    OllamaStart begun;
};

// Cutting texts that are too long is this API's default, which the reply tells of then: tokens_cut.
Request parse(const json::object &body, bool older) {
    const Fields f(body, fields_of(older));
    Request out;
    out.older = older;
    out.spec.model = ollama_model(f);
    out.keep = ollama_keep_alive(f);
    out.spec.truncate = f.flag("truncate").value_or(true);
    f.object("options"); // Of the right type; none of them changes embeddings.
    if (older) {
        out.spec.normalize = false;
        if (auto prompt = f.text("prompt"); prompt && !prompt->empty()) out.spec.texts.push_back(*std::move(prompt));
        return out;
    }
    out.spec.dimensions = static_cast<uint32_t>(f.integer("dimensions", 1, most_dimensions).value_or(0));
    const json::value *input = f.find("input");
    const auto add = [&](const json::value &v) {
        if (!v.is_string()) f.wrong("input", "a string, or an array of strings");
        out.spec.texts.emplace_back(v.as_string());
    };
    if (!input) return out;
    if (!input->is_array()) {
        if (*input != json::value("")) add(*input);
        return out;
    }
    if (input->as_array().size() > most_inputs) f.wrong("input", fmt::format("at most {} strings", most_inputs));
    for (const json::value &v : input->as_array()) add(v);
    return out;
}

std::string render(const EmbeddingResult &result, const std::string &model, const OllamaStart &begun) {
    std::string out = fmt::format(R"({{"model":{},"embeddings":[)", json::serialize(json::string(model)));
    for (size_t i = 0; i < result.count(); i++) {
        const quant_embedding e = result.at(i);
        if (i) out += ',';
        append_numbers(out, e.values, e.dimensions);
    }
    const double total = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun.asked).count();
    out += fmt::format(R"(],"total_duration":{},"load_duration":{},"prompt_eval_count":{})", ollama_nanoseconds(total),
                       ollama_nanoseconds(begun.load_seconds), result.tokens());
    if (const uint64_t cut = result.tokens_cut()) out += fmt::format(R"(,"tokens_cut":{})", cut);
    return out + '}';
}

std::string render_older(const EmbeddingResult &result) {
    const quant_embedding e = result.at(0);
    std::string out = R"({"embedding":)";
    append_numbers(out, e.values, e.dimensions);
    if (e.tokens_cut) out += fmt::format(R"(,"tokens_cut":{})", e.tokens_cut);
    return out + '}';
}

void start(EmbeddingJobs &jobs, Request &request, const std::shared_ptr<Resident> &resident, const ReplyPtr &reply) {
    OllamaStart begun = request.begun;
    begun.load_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun.asked).count();
    const std::string name = resident->name;
    if (request.spec.count() == 0) { // The model is only loaded.
        const json::object loaded{{"model", name}, {"embeddings", json::array()}};
        const json::object older{{"embedding", json::array()}};
        return reply->send(200, "application/json", json::serialize(request.older ? older : loaded));
    }
    jobs.start(resident, std::move(request.spec), reply, ApiStyle::ollama,
               [reply, name, begun, older = request.older](const EmbeddingResult &result) {
                   reply->send(200, "application/json", older ? render_older(result) : render(result, name, begun));
               });
}

void embed(ModelPool &pool, EmbeddingJobs &jobs, bool older, const RequestPtr &http, const ReplyPtr &reply) {
    auto request = std::make_shared<Request>(parse(json_body(*http), older));
    request->spec.client = client_number(http->peer);
    answer_with(
        pool, request->spec.model, request->keep, reply, ApiStyle::ollama,
        [&jobs, request, reply](const std::shared_ptr<Resident> &resident) { start(jobs, *request, resident, reply); });
}

} // namespace

void add_ollama_embeddings(Router &router, ModelPool &pool, EmbeddingJobs &jobs) {
    for (const bool older : {false, true})
        router.add({.method = "POST",
                    .pattern = older ? "/api/embeddings" : "/api/embed",
                    .handler = [&pool, &jobs, older](RequestPtr http,
                                                     ReplyPtr reply) { embed(pool, jobs, older, http, reply); },
                    .body_limit = limits::chat_body_bytes,
                    .fields = fields_of(older)});
}

} // namespace quantd
