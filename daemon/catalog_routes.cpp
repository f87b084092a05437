// /quant/v1: the catalog with its measurements, the machine, this program's version and its description.
#include "api_routes.h"

#include "api_work.h"

#include "base/file.h"
#include "base/paths.h"

#include <fmt/format.h>

#include <cmath>

namespace quantd {

namespace {

constexpr const char *json_type = "application/json";
constexpr uint64_t most_document_bytes = 16 << 20;

json::value number(double v) { return std::isfinite(v) ? json::value(v) : json::value(nullptr); }

// Where files are is no business of those who only use them.
void remove_paths(json::value &value) {
    if (value.is_array())
        for (json::value &v : value.as_array()) remove_paths(v);
    if (!value.is_object()) return;
    value.as_object().erase("path");
    for (auto &member : value.as_object()) remove_paths(member.value());
}

json::object variant(const quant_variant_info &v, bool with_path) {
    json::object out{{"name", v.name},
                     {"model", v.model},
                     {"variant", v.variant},
                     {"architecture", v.architecture},
                     {"base", v.base},
                     {"file_missing", v.file_missing != 0},
                     {"parameters", v.parameters},
                     {"bytes", v.bytes},
                     {"bits_per_weight", number(v.bits_per_weight)},
                     {"ppl", number(v.ppl)},
                     {"ppl_se", number(v.ppl_se)},
                     {"kld_mean", number(v.kld_mean)},
                     {"kld_se", number(v.kld_se)},
                     {"top1", number(v.top1)},
                     {"decode_per_second", number(v.decode_per_second)},
                     {"prefill_per_second", number(v.prefill_per_second)}};
    if (with_path) out["path"] = v.path;
    return out;
}

ApiError failed(quant_status status) { return error_of(status, without_paths(quant_error_message())); }

void list(ModelPool &pool, const RequestPtr &http, const ReplyPtr &reply) {
    const std::string filter = http->query_value("filter");
    if (!filter.empty() && !is_model_name(filter))
        throw ApiError{.status = 400, .message = "filter: expected model or model:variant", .code = "invalid_value"};
    answer_later(pool, reply, ApiStyle::own, [&pool, http, reply, filter] {
        json::array variants;
        pool.with_catalog([&](quant_catalog *catalog) {
            VariantListHandle all;
            const quant_status status =
                quant_catalog_list(catalog, filter.empty() ? nullptr : filter.c_str(), Out(all));
            if (status == QUANT_ERR_NOT_FOUND) return;
            if (status != QUANT_OK) throw failed(status);
            for (size_t i = 0; i < quant_variant_list_count(all.get()); i++) {
                auto info = sized<quant_variant_info>();
                check(quant_variant_list_get(all.get(), i, &info));
                variants.push_back(variant(info, http->admin));
            }
        });
        reply->send(200, json_type,
                    json::serialize(json::object{{"schema_version", 1}, {"variants", std::move(variants)}}));
    });
}

// A variant with its recipe, or a model with all its variants.
void show(ModelPool &pool, const RequestPtr &http, const ReplyPtr &reply) {
    const std::string name(http->param("name"));
    answer_later(pool, reply, ApiStyle::own, [&pool, http, reply, name] {
        if (!is_model_name(name))
            throw ApiError{.status = 404, .message = "there is no such model", .code = "model_not_found"};
        StringHandle text;
        pool.with_catalog([&](quant_catalog *catalog) {
            const auto get = name.find(':') == std::string::npos ? quant_catalog_show_model : quant_catalog_show;
            const quant_status status = get(catalog, name.c_str(), Out(text));
            if (status == QUANT_ERR_NOT_FOUND)
                throw ApiError{.status = 404, .message = "model '" + name + "' not found", .code = "model_not_found"};
            if (status != QUANT_OK) throw failed(status);
        });
        json::value value = json::parse(text.get(), "the catalog");
        if (!http->admin) remove_paths(value);
        reply->send(200, json_type, json::serialize(value));
    });
}

void topology(ModelPool &pool, const ReplyPtr &reply) {
    answer_later(pool, reply, ApiStyle::own, [reply] {
        StringHandle text;
        check(quant_machine_topology(Out(text)));
        reply->send(200, json_type, text.get());
    });
}

// What this API is, for programs that make clients of it.
void describe_api(ModelPool &pool, const ReplyPtr &reply) {
    answer_later(pool, reply, ApiStyle::own, [reply] {
        for (const std::filesystem::path &folder : quant::share_folders()) {
            std::error_code ignored;
            const std::filesystem::path file = folder / "openapi" / "quantd.json";
            if (std::filesystem::exists(file, ignored))
                return reply->send(200, json_type, quant::read_text(file, most_document_bytes));
        }
        throw ApiError{.status = 404, .message = "openapi/quantd.json is not installed", .code = "not_installed"};
    });
}

} // namespace

void add_catalog_routes(Router &router, ModelPool &pool) {
    router.add({.method = "GET", .pattern = "/quant/v1/catalog", .handler = [&pool](RequestPtr http, ReplyPtr reply) {
                    list(pool, http, reply);
                }});
    router.add({.method = "GET",
                .pattern = "/quant/v1/catalog/{name}",
                .handler = [&pool](RequestPtr http, ReplyPtr reply) { show(pool, http, reply); }});
    router.add({.method = "GET", .pattern = "/quant/v1/topology", .handler = [&pool](RequestPtr, ReplyPtr reply) {
                    topology(pool, reply);
                }});
    router.add(
        {.method = "GET", .pattern = "/quant/v1/version", .handler = [](RequestPtr, ReplyPtr reply) {
             reply->send(200, json_type, json::serialize(json::object{{"version", quant_version()}, {"api", "v1"}}));
         }});
    router.add({.method = "GET", .pattern = "/quant/v1/openapi.json", .handler = [&pool](RequestPtr, ReplyPtr reply) {
                    describe_api(pool, reply);
                }});
}

} // namespace quantd
