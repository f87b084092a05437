// /v1: models, chat completions and completions.
#include "api_routes.h"

#include "http_limits.h"
#include "json_body.h"
#include "openai_reply.h"
#include "openai_request.h"

namespace quantd {

namespace {

json::object model_object(const ListedModel &m) {
    return {{"id", m.name}, {"object", "model"}, {"created", m.modified}, {"owned_by", "libquant"}};
}

// Runs what may block behind the handler; what it throws becomes the reply.
void answer_later(ModelPool &pool, ReplyPtr reply, std::function<void()> body) {
    pool.post([reply = std::move(reply), body = std::move(body)] {
        try {
            body();
        } catch (const ApiError &e) {
            send_error(*reply, ApiStyle::openai, e);
        } catch (const std::exception &e) {
            send_error(*reply, ApiStyle::openai, {.status = 500, .message = e.what()});
        }
    });
}

void list_models(ModelPool &pool, ReplyPtr reply) {
    answer_later(pool, reply, [&pool, reply] {
        json::array data;
        for (const ListedModel &m : pool.list()) data.push_back(model_object(m));
        reply->send(200, "application/json",
                    json::serialize(json::object{{"object", "list"}, {"data", std::move(data)}}));
    });
}

void show_model(ModelPool &pool, std::string name, ReplyPtr reply) {
    answer_later(pool, reply, [&pool, name, reply] {
        for (const ListedModel &m : pool.list())
            if (m.name == plain_name(name))
                return reply->send(200, "application/json", json::serialize(model_object(m)));
        throw ApiError{
            .status = 404, .message = "model '" + name + "' not found", .code = "model_not_found", .param = "model"};
    });
}

/// Begins every choice; where one is refused, the answer is why.
void start(ModelPool &pool, OpenAiKind kind, OpenAiRequest &request, const std::shared_ptr<Resident> &resident,
           const ReplyPtr &reply) {
    std::vector<GenerationSpec> specs;
    if (kind == OpenAiKind::chat) {
        render_messages(*resident, request.messages, nullptr, request.spec);
        specs.push_back(request.spec);
    }
    for (std::string &prompt : request.prompts) specs.emplace_back(request.spec).prompt = std::move(prompt);
    for (auto &ids : request.ids) specs.emplace_back(request.spec).tokens = std::move(ids);
    const uint32_t choices = static_cast<uint32_t>(specs.size()) * request.choices;
    auto answer = std::make_shared<OpenAiAnswer>(kind, resident->name, static_cast<uint32_t>(specs.size()),
                                                 request.choices, request.stream, request.include_usage, reply);
    for (uint32_t i = 0; i < choices; i++) {
        GenerationSpec &spec = specs[i / request.choices];
        if (request.echo) answer->begin_with(i, spec.prompt);
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
    pool.take(request->model, std::nullopt,
              [&pool, kind, request, reply](const std::shared_ptr<Resident> &resident, const ApiError *error) {
                  if (error) return send_error(*reply, ApiStyle::openai, *error);
                  try {
                      start(pool, kind, *request, resident, reply);
                  } catch (const ApiError &e) {
                      send_error(*reply, ApiStyle::openai, e);
                  } catch (const std::exception &e) {
                      send_error(*reply, ApiStyle::openai, {.status = 500, .message = e.what()});
                  }
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
                .body_limit = limits::chat_body_bytes});
    router.add(
        {.method = "POST",
         .pattern = "/v1/completions",
         .handler = [&pool](RequestPtr http, ReplyPtr reply) { generate(pool, OpenAiKind::completion, http, reply); },
         .body_limit = limits::chat_body_bytes});
}

} // namespace quantd
