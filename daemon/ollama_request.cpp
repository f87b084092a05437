#include "ollama_request.h"

#include "field_table.h"
#include "openai_tools.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>

namespace quantd {

namespace {

constexpr size_t most_stops = 16, most_messages = 10'000;
constexpr int64_t most_top = 20;
constexpr int64_t most_seconds = int64_t{100} * 365 * 24 * 3600;

/// Of both kinds of requests, and of each besides.
constexpr auto fields_of_all = std::to_array<std::string_view>(
    {"model", "name", "stream", "keep_alive", "format", "images", "think", "logprobs", "top_logprobs",
     "options", "options.temperature", "options.top_p", "options.min_p", "options.top_k",
     "options.repeat_penalty", "options.repeat_last_n", "options.seed", "options.num_predict",
     "options.num_ctx", "options.typical_p", "options.presence_penalty", "options.frequency_penalty",
     "options.mirostat", "options.mirostat_tau", "options.mirostat_eta", "options.stop"});
constexpr auto fields_of_generate = joined(fields_of_all, std::to_array<std::string_view>(
    {"prompt", "system", "raw", "suffix", "template", "context"}));
constexpr auto fields_of_chat = joined(fields_of_all, std::to_array<std::string_view>(
    {"tools", "messages"}));
constexpr std::string_view fields_of_name[] = {"model", "name"};
constexpr std::string_view fields_of_show[] = {"model", "name", "verbose"};

// This API's own defaults.
quant_sampling api_sampling() {
    auto sampling = initialized(quant_sampling_init);
    sampling.temperature = 0.8f, sampling.top_k = 40, sampling.top_p = 0.9f, sampling.min_p = 0;
    return sampling;
}

ApiError unserved(std::string_view what) {
    return {.status = 400, .message = fmt::format("{} is not served by this daemon", what), .code = "unsupported"};
}

void read_options(const Fields &f, GenerationSpec &spec) {
    quant_sampling &s = spec.sampling;
    if (const auto x = f.number("temperature", 0, 100)) s.temperature = static_cast<float>(*x);
    if (const auto x = f.number("top_p", 0, 1)) s.top_p = *x > 0 ? static_cast<float>(*x) : 1e-6f;
    if (const auto x = f.number("min_p", 0, 1)) s.min_p = static_cast<float>(*x);
    if (const auto x = f.integer("top_k", -1, INT32_MAX)) s.top_k = static_cast<uint32_t>(std::max<int64_t>(*x, 0));
    if (const auto x = f.number("repeat_penalty", 0.01, 100)) s.repeat_penalty = static_cast<float>(*x);
    if (const auto x = f.integer("repeat_last_n", -1, INT32_MAX))
        s.repeat_last_n = *x < 0 ? UINT32_MAX : static_cast<uint32_t>(*x);
    // -1 is any seed; 0 is a seed like others here.
    if (const auto x = f.integer("seed", INT64_MIN, INT64_MAX); x && *x != -1)
        s.seed = static_cast<uint64_t>(*x) + (*x == 0);
    if (const auto x = f.integer("num_predict", -2, INT32_MAX))
        spec.max_tokens = static_cast<uint32_t>(std::max<int64_t>(*x, 0));
    if (const auto x = f.number("typical_p", 0, 1)) s.typical_p = *x > 0 ? static_cast<float>(*x) : 1;
    if (const auto x = f.number("presence_penalty", -2, 2)) s.presence_penalty = static_cast<float>(*x);
    if (const auto x = f.number("frequency_penalty", -2, 2)) s.frequency_penalty = static_cast<float>(*x);
    if (const auto x = f.integer("mirostat", 0, 2)) s.mirostat = static_cast<uint32_t>(*x);
    if (const auto x = f.number("mirostat_tau", 0, 100)) s.mirostat_tau = static_cast<float>(*x);
    if (const auto x = f.number("mirostat_eta", 0, 1)) s.mirostat_eta = static_cast<float>(*x);
    spec.stops = f.texts("stop", most_stops);
}

// "5m", "1h30m", "300ms" and the like.
std::optional<double> go_duration(const std::string &text) {
    constexpr struct {
        std::string_view name;
        double seconds;
    } units[] = {{"ns", 1e-9}, {"us", 1e-6}, {"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}};
    const char *at = text.c_str();
    const bool negative = *at == '-';
    at += negative;
    double total = 0;
    if (!*at) return std::nullopt;
    while (*at) {
        char *end = nullptr;
        const double count = std::strtod(at, &end);
        if (end == at || !std::isfinite(count) || count < 0) return std::nullopt;
        const std::string_view rest(end);
        const size_t letters = std::min(rest.find_first_of("0123456789."), rest.size());
        const auto *unit = std::find_if(std::begin(units), std::end(units),
                                        [&](const auto &u) { return u.name == rest.substr(0, letters); });
        if (unit == std::end(units) && !(text == "0")) return std::nullopt;
        if (unit != std::end(units)) total += count * unit->seconds;
        at = end + letters;
    }
    return negative ? -total : total;
}

// true, false or how much.
std::optional<ThinkingWish> read_think(const Fields &f) {
    const json::value *value = f.find("think");
    if (!value) return std::nullopt;
    if (value->is_bool()) return ThinkingWish{value->as_bool(), {}};
    for (const char *level : {"low", "medium", "high"})
        if (*value == json::value(level)) return ThinkingWish{true, level};
    f.wrong("think", "\"low\", \"medium\", \"high\", true or false");
}

std::vector<int32_t> read_context(const Fields &f) {
    std::vector<int32_t> out;
    const json::array *context = f.array("context");
    if (!context) return out;
    for (const json::value &v : *context) {
        const int64_t *id = v.if_int64();
        if (!id || *id < 0 || *id > INT32_MAX) f.wrong("context", "an array of token ids");
        out.push_back(static_cast<int32_t>(*id));
    }
    return out;
}

OllamaRequest parse_common(const Fields &f) {
    OllamaRequest out;
    out.model = ollama_model(f);
    out.stream = f.flag("stream").value_or(true);
    out.keep = ollama_keep_alive(f);
    out.spec.sampling = api_sampling();
    if (const json::object *options = f.object("options")) {
        const Fields fields = f.within(*options, "options.");
        read_options(fields, out.spec);
        out.context = static_cast<uint32_t>(fields.integer("num_ctx", 0, INT32_MAX).value_or(0));
    }
    if (const json::value *format = f.find("format"); format && *format != json::value("")) {
        if (*format == json::value("json"))
            out.spec.json_object = true;
        else if (format->is_object())
            out.spec.json_schema = json::serialize(*format);
        else
            f.wrong("format", "\"json\" or a JSON schema");
    }
    if (const json::array *images = f.array("images"); images && !images->empty()) throw unserved("images");
    out.thinking = read_think(f);
    const auto top = f.integer("top_logprobs", 0, most_top);
    if (f.flag("logprobs").value_or(false))
        out.spec.probabilities = static_cast<uint32_t>(top.value_or(0));
    else if (top.value_or(0) != 0)
        f.wrong("top_logprobs", "it only with logprobs: true");
    return out;
}

} // namespace

std::string ollama_model(const Fields &fields) {
    if (const auto name = fields.text("model"); name && !name->empty()) return *name;
    if (const auto name = fields.text("name"); name && !name->empty()) return *name;
    fields.wrong("model", "a model's name");
}

FieldTable ollama_generate_fields() { return fields_of_generate; }
FieldTable ollama_chat_fields() { return fields_of_chat; }
FieldTable ollama_name_fields() { return fields_of_name; }
FieldTable ollama_show_fields() { return fields_of_show; }

std::optional<std::chrono::seconds> ollama_keep_alive(const Fields &f) {
    const json::value *value = f.find("keep_alive");
    if (!value) return std::nullopt;
    std::optional<double> seconds;
    if (value->is_string())
        seconds = go_duration(std::string(value->as_string()));
    else if (value->is_number())
        seconds = value->to_number<double>();
    if (!seconds || !std::isfinite(*seconds)) f.wrong("keep_alive", "seconds, or a duration such as \"5m\"");
    if (*seconds < 0) return std::chrono::seconds(-1); // For ever.
    return std::chrono::seconds(static_cast<int64_t>(std::min<double>(std::ceil(*seconds), most_seconds)));
}

OllamaRequest parse_ollama_generate(const json::object &body) {
    const Fields f(body, fields_of_generate);
    OllamaRequest out = parse_common(f);
    const std::string prompt = f.text("prompt").value_or(""), system = f.text("system").value_or("");
    out.raw = f.flag("raw").value_or(false);
    if (!f.text("suffix").value_or("").empty()) throw unserved("suffix");
    if (!f.text("template").value_or("").empty()) throw unserved("template");
    out.before = read_context(f);
    if (out.raw && !out.before.empty()) f.wrong("context", "it without raw, whose prompt is the whole text");
    out.load_only = prompt.empty();
    out.spec.prompt = out.raw ? prompt : "";
    if (!system.empty()) out.messages.push_back(json::object{{"role", "system"}, {"content", system}});
    out.messages.push_back(json::object{{"role", "user"}, {"content", prompt}});
    return out;
}

OllamaRequest parse_ollama_chat(const json::object &body) {
    const Fields f(body, fields_of_chat);
    OllamaRequest out = parse_common(f);
    if (const json::array *tools = f.array("tools")) out.tools = *tools;
    for (const json::value &tool : out.tools)
        if (!tool.is_object() || !tool.as_object().contains("function"))
            f.wrong("tools", "an array of objects with a function");
    keep_strict(out.tools, out.spec);
    const json::array *messages = f.array("messages");
    if (messages && messages->size() > most_messages)
        f.wrong("messages", fmt::format("at most {} messages", most_messages));
    out.load_only = !messages || messages->empty();
    for (size_t i = 0; messages && i < messages->size(); i++) {
        if (!(*messages)[i].is_object()) f.wrong("messages", "an array of objects");
        json::object message = (*messages)[i].as_object();
        const Fields fields(message, fmt::format("messages[{}].", i));
        fields.required_text("role");
        if (const json::array *images = fields.array("images"); images && !images->empty()) throw unserved("images");
        message["content"] = fields.text("content").value_or("");
        out.messages.push_back(std::move(message));
    }
    return out;
}

} // namespace quantd
