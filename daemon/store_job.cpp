#include "store_job.h"

#include "model_pool.h"
#include "request_fields.h"

#include <fmt/format.h>

#include <strings.h>

#include <charconv>
#include <cmath>

namespace quantd {

namespace {

constexpr std::string_view fields_of_job[] = {"kind",     "model",       "name",          "type",
                                              "method",   "target_size", "target_bpw",    "max_kld",
                                              "evaluate", "chunks",      "context_length"};
constexpr const char *methods[] = {"default", "round", "search", "importance", "feedback", "best"};

// A number of bytes, or a text such as "4.2G" or "800MiB", as quantctl takes it.
std::optional<uint64_t> bytes_of(const json::value &value) {
    constexpr struct {
        const char *suffix;
        double factor;
    } units[] = {{"", 1},         {"B", 1},    {"K", 1e3},      {"KB", 1e3},    {"KiB", 0x1p10},
                 {"M", 1e6},      {"MB", 1e6}, {"MiB", 0x1p20}, {"G", 1e9},     {"GB", 1e9},
                 {"GiB", 0x1p30}, {"T", 1e12}, {"TB", 1e12},    {"TiB", 0x1p40}};
    double number = 0;
    std::string suffix;
    if (value.is_number()) {
        number = value.to_number<double>();
    } else if (value.is_string()) {
        const std::string text(value.as_string());
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error != std::errc{}) return std::nullopt;
        suffix.assign(end, text.data() + text.size());
    } else {
        return std::nullopt;
    }
    for (const auto &unit : units)
        if (::strcasecmp(suffix.c_str(), unit.suffix) == 0 && number * unit.factor >= 1 &&
            number * unit.factor < 0x1p62)
            return static_cast<uint64_t>(std::llround(number * unit.factor));
    return std::nullopt;
}

void read_quantize(const Fields &f, JobRequest &job) {
    if (const auto type = f.text("type")) job.type = require_type(*type, "type");
    if (const json::value *size = f.find("target_size")) {
        const auto bytes = bytes_of(*size);
        if (!bytes) f.wrong("target_size", "bytes, or a size such as \"4.2G\"");
        job.target_size = *bytes;
    }
    job.target_bpw = f.number("target_bpw", 0.1, 64).value_or(0);
    job.max_kld = f.number("max_kld", 1e-9, 100).value_or(0);
    const int ways = !job.type.empty() + (job.target_size > 0) + (job.target_bpw > 0) + (job.max_kld > 0);
    if (ways != 1) f.wrong("type", "a type, target_size, target_bpw or max_kld, and one of them only");
    job.method = f.text("method").value_or("default");
    std::string all;
    for (const char *m : methods) all += (all.empty() ? "one of " : ", ") + std::string(m);
    if (std::none_of(std::begin(methods), std::end(methods), [&](const char *m) { return job.method == m; }))
        f.wrong("method", all);
    if (const auto name = f.text("name")) {
        job.name = plain_name(*name);
        if (!is_model_name(job.name)) f.wrong("name", "model or model:variant, of letters, digits, '.', '_' and '-'");
    }
    // A plan promises a divergence, so it is measured unless that is not wanted.
    job.evaluate = f.flag("evaluate").value_or(job.type.empty());
}

} // namespace

const char *kind_name(JobRequest::Kind kind) {
    return kind == JobRequest::Kind::quantize ? "quantize" : kind == JobRequest::Kind::evaluate ? "eval" : "create";
}

json::object request_json(const JobRequest &job) {
    json::object out{{"kind", kind_name(job.kind)}};
    const auto text = [&](const char *key, const std::string &value) {
        if (!value.empty()) out[key] = value;
    };
    text("model", job.model), text("digest", job.digest), text("name", job.name);
    if (job.kind != JobRequest::Kind::adopt) {
        text("type", job.type);
        if (job.kind == JobRequest::Kind::quantize) text("method", job.method);
        if (job.target_size) out["target_size"] = job.target_size;
        if (job.target_bpw > 0) out["target_bpw"] = job.target_bpw;
        if (job.max_kld > 0) out["max_kld"] = job.max_kld;
        if (job.kind == JobRequest::Kind::quantize) out["evaluate"] = job.evaluate;
        if (job.chunks) out["chunks"] = job.chunks;
        if (job.context_length) out["context_length"] = job.context_length;
    }
    return out;
}

std::string require_type(const std::string &text, const char *field) {
    auto info = sized<quant_type_info>();
    std::string all;
    for (size_t i = 0; i < quant_type_count() && quant_type_get(i, &info) == QUANT_OK; i++) {
        if (::strcasecmp(info.name, text.c_str()) == 0) return info.name;
        all += (all.empty() ? "" : ", ") + std::string(info.name);
    }
    throw ApiError{.status = 400,
                   .message = fmt::format("{} is \"{}\": expected one of {}", field, text.substr(0, 60), all),
                   .code = "invalid_value",
                   .param = field};
}

FieldTable job_fields() { return fields_of_job; }

JobRequest parse_job(const json::object &body) {
    const Fields f(body, fields_of_job);
    JobRequest job;
    const std::string kind = f.required_text("kind");
    if (kind != "quantize" && kind != "eval") f.wrong("kind", "\"quantize\" or \"eval\"");
    job.kind = kind == "quantize" ? JobRequest::Kind::quantize : JobRequest::Kind::evaluate;
    job.model = f.required_text("model");
    const bool quantizes = job.kind == JobRequest::Kind::quantize;
    if (quantizes) read_quantize(f, job);
    // What would be passed over looks as if it had been done.
    for (const char *name : {"name", "type", "method", "target_size", "target_bpw", "max_kld", "evaluate"})
        if (!quantizes && f.find(name)) f.wrong(name, "it with kind \"quantize\" only");
    if (quantizes && !job.evaluate && (f.find("chunks") || f.find("context_length")))
        f.wrong(f.find("chunks") ? "chunks" : "context_length", "it where something is measured only");
    job.chunks = static_cast<uint32_t>(f.integer("chunks", 1, 1'000'000).value_or(0));
    job.context_length = static_cast<uint32_t>(f.integer("context_length", 2, 1 << 20).value_or(0));
    return job;
}

} // namespace quantd
