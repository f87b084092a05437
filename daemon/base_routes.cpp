#include "base_routes.h"

#include <quant/version.h>

#include <fmt/format.h>

namespace quantd {

void add_base_routes(Router &router, BaseRoutes source) {
    // Word for word what Ollama's clients look for.
    router.add({"GET", "/", [](RequestPtr, ReplyPtr reply) { reply->send(200, "text/plain", "Ollama is running"); }});
    router.add({"GET", "/api/version", [](RequestPtr, ReplyPtr reply) {
                    reply->send(200, "application/json",
                                fmt::format("{{\"version\":\"{}.{}.{}\"}}", QUANT_VERSION_MAJOR, QUANT_VERSION_MINOR,
                                            QUANT_VERSION_PATCH));
                }});
    router.add({"GET", "/healthz", [draining = std::move(source.draining)](RequestPtr, ReplyPtr reply) {
                    if (draining()) return reply->send(503, "application/json", R"({"status":"draining"})");
                    reply->send(200, "application/json", R"({"status":"ok"})");
                }});
    router.add({"GET", "/metrics", [metrics = std::move(source.metrics)](RequestPtr, ReplyPtr reply) {
                    reply->send(200, "text/plain; version=0.0.4", metrics());
                }});
}

} // namespace quantd
