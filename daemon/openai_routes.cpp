// /v1: models, chat completions and completions.
#include "api_routes.h"

#include "api_work.h"
#include "http_limits.h"
#include "json_body.h"
#include "openai_reply.h"
#include "openai_request.h"

namespace quantd {

namespace {

json::object model_object(const ListedModel &m) {
    return {{"id", m.name}, {"object", "model"}, {"created", m.modified}, {"owned_by", "libquant"},
            {"capabilities", json::array{json::string(capability_of(m.architecture))}}};
}

void list_models(ModelPool &pool, ReplyPtr reply) {
    answer_later(pool, reply, ApiStyle::openai, [&pool, reply] {
        json::array data;
        for (const ListedModel &m : pool.list()) data.push_back(model_object(m));
        reply->send(200, "application/json",
                    json::serialize(json::object{{"object", "list"}, {"data", std::move(data)}}));
    });
}

void show_model(ModelPool &pool, std::string name, ReplyPtr reply) {
    answer_later(pool, reply, ApiStyle::openai, [&pool, name, reply] {
        for (const ListedModel &m : pool.list())
            if (m.name == plain_name(name))
                return reply->send(200, "application/json", json::serialize(model_object(m)));
        throw ApiError{
            .status = 404, .message = "model '" + name + "' not found", .code = "model_not_found", .param = "model"};
    });
}

/// A reader for each choice of a chat, which is rendered.
std::vector<std::unique_ptr<ReplyReader>> begin_chat(OpenAiRequest &request, const Resident &resident) {
    const json::array *tools = request.tools.empty() ? nullptr : &request.tools;
    if (request.thinking) apply_thinking(resident, *request.thinking, request.spec);
    render_messages(resident, request.messages, tools, request.spec);
    std::vector<std::unique_ptr<ReplyReader>> readers;
    if (!resident.info.has_chat_template && !tools) return readers;
    request.spec.control_text = true;
    const std::string tools_text = tools ? json::serialize(*tools) : "";
    for (uint32_t i = 0; i < request.choices; i++)
        readers.push_back(std::make_unique<ReplyReader>(resident, tools_text, request.spec.prompt));
    return readers;
}

/// Begins every choice; where one is refused, the answer is why.
void start(ModelPool &pool, OpenAiKind kind, OpenAiRequest &request, const std::shared_ptr<Resident> &resident,
           const ReplyPtr &reply) {
    std::vector<GenerationSpec> specs;
    std::vector<std::unique_ptr<ReplyReader>> readers;
    if (kind == OpenAiKind::chat) {
        readers = begin_chat(request, *resident);
        specs.push_back(request.spec);
    }
    for (std::string &prompt : request.prompts) specs.emplace_back(request.spec).prompt = std::move(prompt);
    for (auto &ids : request.ids) specs.emplace_back(request.spec).tokens = std::move(ids);
    const auto prompts = static_cast<uint32_t>(specs.size());
    const OpenAiShape shape{kind, resident->name, prompts, request.choices, request.stream, request.include_usage};
    auto answer = std::make_shared<OpenAiAnswer>(shape, std::move(readers), reply);
    for (uint32_t i = 0; i < prompts * request.choices; i++) {
        GenerationSpec &spec = specs[i / request.choices];
        if (request.echo) answer->begin_with(i, spec.tokens.empty() ? spec.prompt : text_of(*resident, spec.tokens));
        if (i % request.choices != 0 && spec.sampling.seed != 0) spec.sampling.seed++; // Choices differ.
        try {
            start_generation(pool, resident, spec, reply, choice_listener(answer, i));
        } catch (const ApiError &e) {
            return answer->fail(e);
        }
    }
}

void generate(ModelPool &pool, OpenAiKind kind, const RequestPtr &http, const ReplyPtr &reply) {
    const json::object body = json_body(*http);
    auto request =
        std::make_shared<OpenAiRequest>(kind == OpenAiKind::chat ? parse_chat(body) : parse_completion(body));
    request->spec.client = client_number(http->peer);
    answer_with(pool, request->model, std::nullopt, reply, ApiStyle::openai,
                [&pool, kind, request, reply](const std::shared_ptr<Resident> &resident) {
                    start(pool, kind, *request, resident, reply);
                });
}

} // namespace

void add_openai_routes(Router &router, ModelPool &pool) {
    router.add({.method = "GET", .pattern = "/v1/models", .handler = [&pool](RequestPtr, ReplyPtr reply) {
                    list_models(pool, std::move(reply));
                }});
    router.add({.method = "GET", .pattern = "/v1/models/{id...}", .handler = [&pool](RequestPtr http, ReplyPtr reply) {
                    show_model(pool, std::string(http->param("id")), std::move(reply));
                }});
    router.add({.method = "POST",
                .pattern = "/v1/chat/completions",
                .handler = [&pool](RequestPtr http, ReplyPtr reply) { generate(pool, OpenAiKind::chat, http, reply); },
                .body_limit = limits::chat_body_bytes,
                .fields = chat_fields()});
    router.add(
        {.method = "POST",
         .pattern = "/v1/completions",
         .handler = [&pool](RequestPtr http, ReplyPtr reply) { generate(pool, OpenAiKind::completion, http, reply); },
         .body_limit = limits::chat_body_bytes,
         .fields = completion_fields()});
}

} // namespace quantd
