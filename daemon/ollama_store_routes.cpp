// /api: what of Ollama's API changes the catalog. For administrators, but for asking whether a model is there.
#include "api_routes.h"

#include "api_work.h"
#include "http_limits.h"
#include "json_body.h"
#include "ollama_create.h"
#include "ollama_request.h"

#include <fmt/format.h>

namespace quantd {

namespace {

constexpr std::string_view fields_of_copy[] = {"source", "destination"};
constexpr std::string_view fields_of_transfer[] = {"model", "name", "stream", "insecure", "username", "password"};

void copy_model(ModelPool &pool, const RequestPtr &http, const ReplyPtr &reply) {
    const json::object body = json_body(*http);
    const Fields f(body, fields_of_copy);
    const std::string source = f.required_text("source"), name = plain_name(f.required_text("destination"));
    if (!is_model_name(name)) f.wrong("destination", "model or model:variant, of letters, digits, '.', '_' and '-'");
    answer_later(pool, reply, ApiStyle::ollama, [&pool, source, name, reply] {
        const std::string full = pool.full_name(source);
        pool.with_catalog(
            [&](quant_catalog *catalog) { check(quant_catalog_copy(catalog, full.c_str(), name.c_str(), nullptr)); });
        pool.release(name); // What had the name before.
        reply->send(200, "", "");
    });
}

// The one variant that the name means here, not all of a model.
void delete_model(ModelPool &pool, const RequestPtr &http, const ReplyPtr &reply) {
    const json::object body = json_body(*http);
    const std::string name = ollama_model(Fields(body, ollama_name_fields()));
    answer_later(pool, reply, ApiStyle::ollama, [&pool, name, reply] {
        const std::string full = pool.full_name(name);
        pool.with_catalog(
            [&](quant_catalog *catalog) { check(quant_catalog_remove(catalog, full.c_str(), 0, nullptr)); });
        pool.release(full);
        pool.expire();
        reply->send(200, "", "");
    });
}

// Nothing is downloaded here: what is in the catalog is up to date, anything else must be brought.
void pull(ModelPool &pool, const RequestPtr &http, const ReplyPtr &reply) {
    const json::object body = json_body(*http);
    const Fields f(body, fields_of_transfer);
    const std::string name = ollama_model(f);
    const bool stream = f.flag("stream").value_or(true);
    answer_later(pool, reply, ApiStyle::ollama, [&pool, name, stream, reply] {
        try {
            pool.full_name(name);
        } catch (const ApiError &error) {
            if (error.status != 404) throw;
            throw ApiError{.status = 501,
                           .message =
                               fmt::format("model '{}' is not in the catalog, and this daemon downloads nothing: "
                                           "get its file and run quantctl import",
                                           name),
                           .code = "unsupported"};
        }
        send_success(*reply, stream);
    });
}

void push(const RequestPtr &http, const ReplyPtr &) {
    const json::object body = json_body(*http);
    ollama_model(Fields(body, fields_of_transfer));
    throw ApiError{.status = 501, .message = "this daemon sends models nowhere", .code = "unsupported"};
}

void find_blob(ModelPool &pool, const BlobStore &blobs, const RequestPtr &http, const ReplyPtr &reply) {
    const std::string digest(http->param("digest"));
    answer_later(pool, reply, ApiStyle::ollama, [&blobs, digest, reply] {
        if (!blobs.find(digest))
            throw ApiError{.status = 404, .message = "there is no such blob", .code = "blob_not_found"};
        reply->send(200, "", "");
    });
}

} // namespace

void add_ollama_store_routes(Router &router, ModelPool &pool, JobBook &jobs, BlobStore &blobs) {
    router.add({.method = "POST",
                .pattern = "/api/create",
                .handler = [&pool, &jobs, &blobs](RequestPtr http,
                                                  ReplyPtr reply) { create_model(pool, jobs, blobs, http, reply); },
                .body_limit = limits::chat_body_bytes,
                .admin = true,
                .fields = ollama_create_fields()});
    router.add({.method = "POST",
                .pattern = "/api/copy",
                .handler = [&pool](RequestPtr http, ReplyPtr reply) { copy_model(pool, http, reply); },
                .admin = true,
                .fields = fields_of_copy});
    router.add({.method = "DELETE",
                .pattern = "/api/delete",
                .handler = [&pool](RequestPtr http, ReplyPtr reply) { delete_model(pool, http, reply); },
                .admin = true,
                .fields = ollama_name_fields()});
    router.add({.method = "POST",
                .pattern = "/api/pull",
                .handler = [&pool](RequestPtr http, ReplyPtr reply) { pull(pool, http, reply); },
                .fields = fields_of_transfer});
    router.add({.method = "POST",
                .pattern = "/api/push",
                .handler = [](RequestPtr http, ReplyPtr reply) { push(http, reply); },
                .admin = true,
                .fields = fields_of_transfer});
    router.add({.method = "HEAD",
                .pattern = "/api/blobs/{digest}",
                .handler = [&pool, &blobs](RequestPtr http, ReplyPtr reply) { find_blob(pool, blobs, http, reply); },
                .admin = true});
    router.add({.method = "POST",
                .pattern = "/api/blobs/{digest}",
                .handler = [&blobs](RequestPtr http, ReplyPtr reply) { blobs.finish(http, reply); },
                .body_limit = limits::blob_bytes,
                .admin = true,
                .any_type = true,
                .sink = [&blobs](const HttpRequest &http,
                                 std::optional<uint64_t> bytes) { return blobs.begin(http.param("digest"), bytes); }});
}

} // namespace quantd
