// /api: version, tags, ps, show, generate and chat.
#include "api_routes.h"

#include "api_work.h"
#include "http_limits.h"
#include "json_body.h"
#include "ollama_reply.h"
#include "ollama_request.h"
#include "ollama_show.h"

#include <fmt/format.h>

#include <map>

namespace quantd {

namespace {

void send_json(Reply &reply, const json::object &object) {
    reply.send(200, "application/json", json::serialize(object));
}

void list_tags(ModelPool &pool, const ReplyPtr &reply) {
    json::array models;
    for (const ListedModel &m : pool.list())
        models.push_back(json::object{{"name", m.name},
                                      {"model", m.name},
                                      {"modified_at", ollama_time(std::chrono::system_clock::from_time_t(m.modified))},
                                      {"size", m.bytes},
                                      {"digest", m.digest},
                                      {"details", ollama_details(m.architecture, m.variant, m.parameters)},
                                      {"capabilities", json::array{json::string(capability_of(m.architecture))}}});
    send_json(*reply, {{"models", std::move(models)}});
}

void list_residents(ModelPool &pool, const ReplyPtr &reply) {
    std::map<std::string, std::string> digests;
    for (const ListedModel &m : pool.list()) digests[m.name] = m.digest;
    json::array models;
    for (const auto &r : pool.residents()) {
        const bool for_ever = r->keep.count() < 0;
        const auto expires = for_ever ? r->last_used + std::chrono::hours(24 * 365 * 100) : r->last_used + r->keep;
        models.push_back(
            json::object{{"name", r->name},
                         {"model", r->name},
                         {"size", r->info.file_bytes},
                         {"digest", digests[r->name]},
                         {"details", ollama_details(r->info.architecture, r->info.type_name, r->info.parameters)},
                         {"expires_at", ollama_time(expires)},
                         {"size_vram", 0},
                         {"context_length", r->context}});
    }
    send_json(*reply, {{"models", std::move(models)}});
}

/// Prompt and answer together have at most `context` tokens.
void bound_by_context(const Resident &resident, uint32_t context, GenerationSpec &spec) {
    if (context == 0 || context >= resident.context) return;
    const size_t prompt =
        spec.tokens.empty() ? tokens_of(resident, spec.prompt, spec.text_flags).size() : spec.tokens.size();
    if (prompt > context)
        throw ApiError{.status = 400,
                       .message = fmt::format("the prompt of {} tokens does not fit: num_ctx is {}", prompt, context),
                       .code = "context_length_exceeded"};
    const auto left = static_cast<uint32_t>(context - prompt + 1);
    if (spec.max_tokens == 0 || spec.max_tokens > left) spec.max_tokens = left;
}

void start(ModelPool &pool, OllamaKind kind, OllamaRequest &request, const std::shared_ptr<Resident> &resident,
           OllamaStart begun, const ReplyPtr &reply) {
    if (request.load_only) {
        const bool unload = request.keep && request.keep->count() == 0;
        return send_loaded(kind, resident->name, request.stream, unload ? "unload" : "load", *reply);
    }
    const json::array *tools = request.tools.empty() ? nullptr : &request.tools;
    std::unique_ptr<ReplyReader> reader;
    if (!request.raw) {
        if (request.thinking) apply_thinking(*resident, *request.thinking, request.spec);
        render_messages(*resident, request.messages, tools, request.spec);
        if (resident->info.has_chat_template || tools)
            reader =
                std::make_unique<ReplyReader>(*resident, tools ? json::serialize(*tools) : "", request.spec.prompt);
        request.spec.control_text = reader != nullptr;
    }
    if (kind == OllamaKind::generate && !request.raw) {
        // What was said before goes on in tokens, which its text need not become again.
        begun.tells_context = true, begun.context = std::move(request.before);
        const bool is_first = begun.context.empty();
        const uint32_t flags = request.spec.text_flags & (is_first ? ~0u : ~uint32_t{QUANT_TEXT_ADD_SPECIAL});
        const std::vector<int32_t> prompt = tokens_of(*resident, std::exchange(request.spec.prompt, {}), flags);
        begun.context.insert(begun.context.end(), prompt.begin(), prompt.end());
        request.spec.tokens = begun.context;
    }
    bound_by_context(*resident, request.context, request.spec);
    start_generation(pool, resident, request.spec, reply,
                     ollama_listener(kind, resident->name, request.stream, begun, std::move(reader), reply));
}

void generate(ModelPool &pool, OllamaKind kind, const RequestPtr &http, const ReplyPtr &reply) {
    const json::object body = json_body(*http);
    auto request = std::make_shared<OllamaRequest>(kind == OllamaKind::chat ? parse_ollama_chat(body)
                                                                            : parse_ollama_generate(body));
    request->spec.client = client_number(http->peer);
    const OllamaStart begun;
    answer_with(
        pool, request->model, request->keep, reply, ApiStyle::ollama,
        [&pool, kind, request, reply, begun](const std::shared_ptr<Resident> &resident) {
            OllamaStart loaded = begun;
            loaded.load_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun.asked).count();
            start(pool, kind, *request, resident, loaded, reply);
        },
        request->context);
}

} // namespace

void add_ollama_routes(Router &router, ModelPool &pool) {
    router.add({.method = "GET", .pattern = "/api/tags", .handler = [&pool](RequestPtr, ReplyPtr reply) {
                    answer_later(pool, reply, ApiStyle::ollama, [&pool, reply] { list_tags(pool, reply); });
                }});
    router.add({.method = "GET", .pattern = "/api/ps", .handler = [&pool](RequestPtr, ReplyPtr reply) {
                    answer_later(pool, reply, ApiStyle::ollama, [&pool, reply] { list_residents(pool, reply); });
                }});
    router.add({.method = "POST",
                .pattern = "/api/show",
                .handler =
                    [&pool](RequestPtr http, ReplyPtr reply) {
                        const json::object body = json_body(*http);
                        const Fields fields(body, ollama_show_fields());
                        const std::string name = ollama_model(fields);
                        const bool verbose = fields.flag("verbose").value_or(false);
                        answer_later(pool, reply, ApiStyle::ollama, [&pool, name, verbose, reply] {
                            send_json(*reply, ollama_description(pool, name, verbose));
                        });
                    },
                .body_limit = limits::chat_body_bytes,
                .fields = ollama_show_fields()});
    router.add(
        {.method = "POST",
         .pattern = "/api/generate",
         .handler = [&pool](RequestPtr http, ReplyPtr reply) { generate(pool, OllamaKind::generate, http, reply); },
         .body_limit = limits::chat_body_bytes,
         .fields = ollama_generate_fields()});
    router.add({.method = "POST",
                .pattern = "/api/chat",
                .handler = [&pool](RequestPtr http, ReplyPtr reply) { generate(pool, OllamaKind::chat, http, reply); },
                .body_limit = limits::chat_body_bytes,
                .fields = ollama_chat_fields()});
}

} // namespace quantd
