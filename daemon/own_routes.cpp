// /quant/v1: what neither of the other APIs has.
#include "api_routes.h"

#include "api_work.h"
#include "json_body.h"
#include "request_fields.h"

namespace quantd {

namespace {

constexpr std::string_view fields_of_unload[] = {"model"};

// For administrators: it is everybody's model.
void unload(ModelPool &pool, const RequestPtr &http, const ReplyPtr &reply) {
    const json::object body = json_body(*http);
    const std::string name = Fields(body, fields_of_unload).required_text("model");
    answer_later(pool, reply, ApiStyle::own, [&pool, name, reply] {
        // First as it is: the catalog may know no more what is loaded.
        std::string full = plain_name(name);
        const auto release = [&pool, &full] {
            if (pool.is_pinned(full))
                throw ApiError{.status = 409,
                               .message = "model '" + full + "' is pinned: it goes when it is pinned no more",
                               .code = "model_pinned"};
            return pool.release(full);
        };
        if (!release() && (full = pool.full_name(name), !release()))
            throw ApiError{.status = 404, .message = "model '" + full + "' is not loaded", .code = "model_not_loaded"};
        pool.expire();
        reply->send(200, "application/json", json::serialize(json::object{{"model", full}, {"status", "unloading"}}));
    });
}

} // namespace

void add_own_routes(Router &router, ModelPool &pool) {
    router.add({.method = "POST",
                .pattern = "/quant/v1/unload",
                .handler = [&pool](RequestPtr http, ReplyPtr reply) { unload(pool, http, reply); },
                .admin = true,
                .fields = fields_of_unload});
}

} // namespace quantd
