// /api: version, tags, ps, show, generate and chat.
#include "api_routes.h"

#include "api_work.h"
#include "http_limits.h"
#include "json_body.h"
#include "ollama_reply.h"
#include "ollama_request.h"

#include <fmt/format.h>

#include <map>

namespace quantd {

namespace {

std::string parameter_size(uint64_t parameters) {
    const auto n = static_cast<double>(parameters);
    return n >= 1e9 ? fmt::format("{:.1f}B", n / 1e9) : fmt::format("{:.1f}M", n / 1e6);
}

json::object details(const std::string &architecture, const std::string &type, uint64_t parameters) {
    return {{"parent_model", ""},
            {"format", "gguf"},
            {"family", architecture},
            {"families", json::array{json::string(architecture)}},
            {"parameter_size", parameter_size(parameters)},
            {"quantization_level", type}};
}

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
                                      {"details", details(m.architecture, m.variant, m.parameters)},
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
        models.push_back(json::object{{"name", r->name},
                                      {"model", r->name},
                                      {"size", r->info.file_bytes},
                                      {"digest", digests[r->name]},
                                      {"details", details(r->info.architecture, r->info.type_name, r->info.parameters)},
                                      {"expires_at", ollama_time(expires)},
                                      {"size_vram", 0},
                                      {"context_length", r->context}});
    }
    send_json(*reply, {{"models", std::move(models)}});
}

void show(ModelPool &pool, const std::string &name, const ReplyPtr &reply) {
    const std::string text = pool.describe(name);
    const json::value value = json::parse(text, "the catalog");
    const json::Reader known(value, "the catalog");
    const uint64_t parameters = known.get_uint("parameters", 0);
    const std::string architecture = known.get_string("architecture", "");
    send_json(*reply, {{"modelfile", "# " + known.get_string("name", "") + "\n"},
                       {"parameters", ""},
                       {"template", ""},
                       {"details", details(architecture, known.get_string("variant", ""), parameters)},
                       {"model_info",
                        {{"general.architecture", architecture},
                         {"general.parameter_count", parameters},
                         {"quant.bits_per_weight", known.get_number("bits_per_weight", 0)},
                         {"quant.digest", known.get_string("digest", "")}}},
                       {"capabilities", json::array{json::string(capability_of(architecture))}}});
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
        render_messages(*resident, request.messages, tools, request.spec);
        if (resident->info.has_chat_template || tools)
            reader =
                std::make_unique<ReplyReader>(*resident, tools ? json::serialize(*tools) : "", request.spec.prompt);
        request.spec.control_text = reader != nullptr;
    }
    start_generation(pool, resident, request.spec, reply,
                     ollama_listener(kind, resident->name, request.stream, begun, std::move(reader), reply));
}

void generate(ModelPool &pool, OllamaKind kind, const RequestPtr &http, const ReplyPtr &reply) {
    const json::object body = json_body(*http);
    auto request = std::make_shared<OllamaRequest>(kind == OllamaKind::chat ? parse_ollama_chat(body)
                                                                            : parse_ollama_generate(body));
    request->spec.client = client_number(http->peer);
    const OllamaStart begun;
    answer_with(pool, request->model, request->keep, reply, ApiStyle::ollama,
                [&pool, kind, request, reply, begun](const std::shared_ptr<Resident> &resident) {
                    OllamaStart loaded = begun;
                    loaded.load_seconds =
                        std::chrono::duration<double>(std::chrono::steady_clock::now() - begun.asked).count();
                    start(pool, kind, *request, resident, loaded, reply);
                });
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
                        const std::string name = ollama_model(Fields(json_body(*http)));
                        answer_later(pool, reply, ApiStyle::ollama, [&pool, name, reply] { show(pool, name, reply); });
                    },
                .body_limit = limits::chat_body_bytes});
    router.add(
        {.method = "POST",
         .pattern = "/api/generate",
         .handler = [&pool](RequestPtr http, ReplyPtr reply) { generate(pool, OllamaKind::generate, http, reply); },
         .body_limit = limits::chat_body_bytes});
    router.add({.method = "POST",
                .pattern = "/api/chat",
                .handler = [&pool](RequestPtr http, ReplyPtr reply) { generate(pool, OllamaKind::chat, http, reply); },
                .body_limit = limits::chat_body_bytes});
}

} // namespace quantd
