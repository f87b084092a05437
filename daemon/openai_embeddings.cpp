// POST /v1/embeddings.
#include "api_routes.h"
#include "embedding_job.h"
#include "generation_job.h"
#include "http_limits.h"
#include "json_body.h"

#include "base/base64.h"

#include <fmt/format.h>

#include <span>

namespace quantd {

namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
constexpr size_t most_inputs = 2048; ///< The API's own limit.
constexpr int64_t most_dimensions = 1 << 20;
constexpr std::string_view fields_of_embeddings[] = {"model", "input", "dimensions", "encoding_format", "user"};
constexpr const char *input_kinds = "a string, token ids, or an array of either, none of them empty";

struct Request {
    EmbeddingSpec spec;
    bool as_base64 = false;
};

std::vector<int32_t> ids_of(const Fields &f, const json::array &a) {
    std::vector<int32_t> ids;
    for (const json::value &v : a) {
        const int64_t *id = v.if_int64();
        if (!id || *id < 0 || *id > INT32_MAX) f.wrong("input", input_kinds);
        ids.push_back(static_cast<int32_t>(*id));
    }
    if (ids.empty()) f.wrong("input", input_kinds);
    return ids;
}

void read_input(const Fields &f, EmbeddingSpec &spec) {
    const json::value *input = f.find("input");
    const auto add_text = [&](const json::value &v) {
        if (v.as_string().empty()) f.wrong("input", input_kinds);
        spec.texts.emplace_back(v.as_string());
    };
    if (input && input->is_string()) return add_text(*input);
    if (!input || !input->is_array() || input->as_array().empty()) f.wrong("input", input_kinds);
    const json::array &all = input->as_array();
    if (all[0].is_number()) {
        spec.ids.push_back(ids_of(f, all));
        return;
    }
    if (all.size() > most_inputs) f.wrong("input", fmt::format("at most {} inputs", most_inputs));
    for (const json::value &v : all) {
        if (v.is_string() && spec.ids.empty())
            add_text(v);
        else if (v.is_array() && spec.texts.empty())
            spec.ids.push_back(ids_of(f, v.as_array()));
        else
            f.wrong("input", input_kinds);
    }
}

Request parse(const json::object &body) {
    const Fields f(body, fields_of_embeddings);
    Request out;
    out.spec.model = f.required_text("model");
    read_input(f, out.spec);
    out.spec.dimensions = static_cast<uint32_t>(f.integer("dimensions", 1, most_dimensions).value_or(0));
    const std::string format = f.text("encoding_format").value_or("float");
    if (format != "float" && format != "base64") f.wrong("encoding_format", "\"float\" or \"base64\"");
    out.as_base64 = format == "base64";
    f.text("user"); // Of the right type; it changes nothing.
    return out;
}

std::string render(const EmbeddingResult &result, const std::string &model, bool as_base64) {
    std::string out = R"({"object":"list","data":[)";
    for (size_t i = 0; i < result.count(); i++) {
        const quant_embedding e = result.at(i);
        out += fmt::format(R"({}{{"object":"embedding","index":{},"embedding":)", i ? "," : "", i);
        // Little-endian floats, as this machine has them.
        if (as_base64)
            out += '"' + quant::base64_of(std::as_bytes(std::span(e.values, e.dimensions))) + '"';
        else
            append_numbers(out, e.values, e.dimensions);
        out += '}';
    }
    const uint64_t tokens = result.tokens();
    const json::object usage{{"prompt_tokens", tokens}, {"total_tokens", tokens}};
    return out +
           fmt::format(R"(],"model":{},"usage":{}}})", json::serialize(json::string(model)), json::serialize(usage));
}

void embed(ModelPool &pool, EmbeddingJobs &jobs, const RequestPtr &http, const ReplyPtr &reply) {
    auto request = std::make_shared<Request>(parse(json_body(*http)));
    request->spec.client = client_number(http->peer);
    answer_with(pool, request->spec.model, std::nullopt, reply, ApiStyle::openai,
                [&jobs, request, reply](const std::shared_ptr<Resident> &resident) {
                    jobs.start(
                        resident, std::move(request->spec), reply, ApiStyle::openai,
                        [reply, name = resident->name, as_base64 = request->as_base64](const EmbeddingResult &r) {
                            reply->send(200, "application/json", render(r, name, as_base64));
                        });
                });
}

} // namespace

void add_openai_embeddings(Router &router, ModelPool &pool, EmbeddingJobs &jobs) {
    router.add({.method = "POST",
                .pattern = "/v1/embeddings",
                .handler = [&pool, &jobs](RequestPtr http, ReplyPtr reply) { embed(pool, jobs, http, reply); },
                .body_limit = limits::chat_body_bytes,
                .fields = fields_of_embeddings});
}

} // namespace quantd
