#include "ollama_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>

namespace quantd {

namespace {

constexpr size_t most_stops = 16, most_messages = 10'000;
constexpr int64_t most_seconds = int64_t{100} * 365 * 24 * 3600;

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

OllamaRequest parse_common(const Fields &f) {
    OllamaRequest out;
    out.model = ollama_model(f);
    out.stream = f.flag("stream").value_or(true);
    out.keep = ollama_keep_alive(f);
    out.spec.sampling = api_sampling();
    if (const json::object *options = f.object("options")) read_options(Fields(*options, "options."), out.spec);
    if (const json::value *format = f.find("format"); format && *format != json::value("")) {
        if (*format == json::value("json"))
            out.spec.json_object = true;
        else if (format->is_object())
            out.spec.json_schema = json::serialize(*format);
        else
            f.wrong("format", "\"json\" or a JSON schema");
    }
    if (const json::array *images = f.array("images"); images && !images->empty()) throw unserved("images");
    if (f.find("think")) throw unserved("think");
    if (f.flag("logprobs").value_or(false)) throw unserved("logprobs");
    return out;
}

} // namespace

std::string ollama_model(const Fields &fields) {
    if (const auto name = fields.text("model"); name && !name->empty()) return *name;
    if (const auto name = fields.text("name"); name && !name->empty()) return *name;
    fields.wrong("model", "a model's name");
}

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
    const Fields f(body);
    OllamaRequest out = parse_common(f);
    const std::string prompt = f.text("prompt").value_or(""), system = f.text("system").value_or("");
    out.raw = f.flag("raw").value_or(false);
    if (!f.text("suffix").value_or("").empty()) throw unserved("suffix");
    if (!f.text("template").value_or("").empty()) throw unserved("template");
    if (const json::array *context = f.array("context"); context && !context->empty()) throw unserved("context");
    out.load_only = prompt.empty();
    out.spec.prompt = out.raw ? prompt : "";
    if (!system.empty()) out.messages.push_back(json::object{{"role", "system"}, {"content", system}});
    out.messages.push_back(json::object{{"role", "user"}, {"content", prompt}});
    return out;
}

OllamaRequest parse_ollama_chat(const json::object &body) {
    const Fields f(body);
    OllamaRequest out = parse_common(f);
    if (const json::array *tools = f.array("tools")) out.tools = *tools;
    for (const json::value &tool : out.tools)
        if (!tool.is_object() || !tool.as_object().contains("function"))
            f.wrong("tools", "an array of objects with a function");
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
