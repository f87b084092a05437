#include "openai_request.h"

#include "field_table.h"
#include "openai_tools.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>

namespace quantd {

namespace {

constexpr size_t most_stops = 16, most_messages = 10'000, most_prompts = 64;
constexpr int64_t most_choices = 16, most_top = 20;

/// Of both kinds of requests, and of each besides.
constexpr auto fields_of_all = std::to_array<std::string_view>(
    {"model", "stream", "stream_options", "stream_options.include_usage", "n", "stop", "ignore_eos",
     "max_tokens", "temperature", "top_p", "top_k", "min_p", "repeat_penalty", "seed", "presence_penalty",
     "frequency_penalty", "logit_bias", "grammar", "response_format", "audio", "functions", "function_call",
     "prediction", "web_search_options", "modalities", "logprobs"});
constexpr auto fields_of_chat = joined(fields_of_all, std::to_array<std::string_view>(
    {"reasoning_effort", "chat_template_kwargs", "max_completion_tokens", "tools", "tool_choice",
     "parallel_tool_calls", "top_logprobs", "messages"}));
constexpr auto fields_of_completion = joined(fields_of_all, std::to_array<std::string_view>(
    {"suffix", "best_of", "prompt", "echo"}));

// The API's own defaults: the model's distribution as it is.
quant_sampling api_sampling() {
    auto sampling = initialized(quant_sampling_init);
    sampling.temperature = 1, sampling.top_k = 0, sampling.top_p = 1, sampling.min_p = 0;
    sampling.penalize_prompt = 0, sampling.repeat_last_n = UINT32_MAX; // All that was generated.
    return sampling;
}

// What changes the answer and is not served must not look served.
void refuse_unserved(const Fields &fields) {
    constexpr const char *unserved[] = {"audio", "functions", "function_call", "prediction", "web_search_options"};
    for (const char *name : unserved)
        if (fields.find(name))
            throw ApiError{.status = 400,
                           .message = fmt::format("{} is not served by this daemon", name),
                           .code = "unsupported",
                           .param = name};
}

// What the text must be: compiled before the first byte goes out.
void read_format(const Fields &f, GenerationSpec &spec) {
    spec.grammar = f.text("grammar").value_or("");
    const json::object *format = f.object("response_format");
    if (!format) return;
    const Fields fields(*format, "response_format.");
    const std::string type = fields.required_text("type");
    if (type == "text") return;
    if (!spec.grammar.empty()) f.wrong("response_format", "it without grammar");
    if (type == "json_object") {
        spec.json_object = true;
    } else if (type == "json_schema") {
        const json::object *outer = fields.object("json_schema");
        const json::value *schema = outer ? Fields(*outer).find("schema") : nullptr;
        if (!schema) fields.wrong("json_schema", "an object with a schema");
        spec.json_schema = json::serialize(*schema);
    } else {
        fields.wrong("type", "text, json_object or json_schema");
    }
}

void read_sampling(const Fields &f, quant_sampling &s) {
    s = api_sampling();
    if (const auto x = f.number("temperature", 0, 2)) s.temperature = static_cast<float>(*x);
    if (const auto x = f.number("top_p", 0, 1)) s.top_p = *x > 0 ? static_cast<float>(*x) : 1e-6f;
    if (const auto x = f.integer("top_k", 0, INT32_MAX)) s.top_k = static_cast<uint32_t>(*x);
    if (const auto x = f.number("min_p", 0, 1)) s.min_p = static_cast<float>(*x);
    if (const auto x = f.number("repeat_penalty", 0.01, 100)) s.repeat_penalty = static_cast<float>(*x);
    if (const auto x = f.integer("seed", INT64_MIN, INT64_MAX)) s.seed = static_cast<uint64_t>(*x) + (*x == 0);
    if (const auto x = f.number("presence_penalty", -2, 2)) s.presence_penalty = static_cast<float>(*x);
    if (const auto x = f.number("frequency_penalty", -2, 2)) s.frequency_penalty = static_cast<float>(*x);
}

// {"token id": bias}
std::vector<quant_logit_bias> read_biases(const Fields &f) {
    std::vector<quant_logit_bias> out;
    const json::object *biases = f.object("logit_bias");
    if (!biases) return out;
    const Fields values(*biases, "logit_bias.");
    for (const auto &[key, value] : *biases) {
        int32_t id = 0;
        const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
        if (error != std::errc() || end != key.data() + key.size()) f.wrong("logit_bias", "token ids as keys");
        if (const auto bias = values.number(key, -100, 100)) out.push_back({id, static_cast<float>(*bias)});
    }
    return out;
}

OpenAiRequest parse_common(const Fields &f, const char *also_length) {
    OpenAiRequest out;
    out.model = f.required_text("model");
    out.stream = f.flag("stream").value_or(false);
    if (const json::object *options = f.object("stream_options"))
        out.include_usage = f.within(*options, "stream_options.").flag("include_usage").value_or(false);
    out.choices = static_cast<uint32_t>(f.integer("n", 1, most_choices).value_or(1));
    out.spec.stops = f.texts("stop", most_stops);
    out.spec.ignore_end = f.flag("ignore_eos").value_or(false);
    auto length = f.integer("max_tokens", 1, INT32_MAX);
    if (also_length)
        if (const auto newer = f.integer(also_length, 1, INT32_MAX)) length = newer;
    out.spec.max_tokens = static_cast<uint32_t>(length.value_or(0));
    read_sampling(f, out.spec.sampling);
    out.spec.biases = read_biases(f);
    read_format(f, out.spec);
    if (const json::array *kinds = f.array("modalities"); kinds && *kinds != json::array{"text"})
        f.wrong("modalities", "[\"text\"]");
    refuse_unserved(f);
    return out;
}

// Text, or parts of which each is text.
std::string plain_content(const Fields &message, const json::value &content) {
    if (content.is_string()) return std::string(content.as_string());
    if (!content.is_array()) message.wrong("content", "a string, or an array of parts");
    std::string out;
    for (const json::value &part : content.as_array()) {
        if (!part.is_object()) message.wrong("content", "parts that are objects");
        const Fields fields(part.as_object(), "content.");
        const std::string type = fields.required_text("type");
        if (type != "text")
            throw ApiError{.status = 400,
                           .message = fmt::format("content of type \"{}\" is not served: expected text", type),
                           .code = "unsupported",
                           .param = "messages"};
        out += fields.text("text").value_or("");
    }
    return out;
}

// "none" to "xhigh". Templates know three levels.
std::optional<ThinkingWish> read_effort(const Fields &f) {
    const auto effort = f.text("reasoning_effort");
    if (!effort) return std::nullopt;
    constexpr std::pair<std::string_view, std::string_view> levels[] = {
        {"none", ""}, {"minimal", "low"}, {"low", "low"}, {"medium", "medium"}, {"high", "high"}, {"xhigh", "high"}};
    for (const auto &[name, level] : levels)
        if (name == *effort) return ThinkingWish{name != "none", std::string(level)};
    f.wrong("reasoning_effort", "none, minimal, low, medium, high or xhigh");
}

} // namespace

FieldTable chat_fields() { return fields_of_chat; }
FieldTable completion_fields() { return fields_of_completion; }

OpenAiRequest parse_chat(const json::object &body) {
    const Fields f(body, fields_of_chat);
    OpenAiRequest out = parse_common(f, "max_completion_tokens");
    out.tools = read_tools(f, out.spec);
    out.thinking = read_effort(f);
    if (const json::object *variables = f.object("chat_template_kwargs")) out.spec.variables = *variables;
    const auto top = f.integer("top_logprobs", 0, most_top);
    if (f.flag("logprobs").value_or(false))
        out.spec.probabilities = static_cast<uint32_t>(top.value_or(0));
    else if (top)
        f.wrong("top_logprobs", "it only with logprobs: true");
    const json::array *messages = f.array("messages");
    if (!messages || messages->empty() || messages->size() > most_messages) f.wrong("messages", "an array of messages");
    for (size_t i = 0; i < messages->size(); i++) {
        if (!(*messages)[i].is_object()) f.wrong("messages", "an array of objects");
        json::object message = (*messages)[i].as_object();
        const Fields fields(message, fmt::format("messages[{}].", i));
        std::string role = fields.required_text("role");
        if (role == "developer") role = "system"; // What templates know.
        const json::value *content = fields.find("content");
        if (!content && role != "assistant") fields.wrong("content", "a string, or an array of parts");
        const std::string text = content ? plain_content(fields, *content) : "";
        message["role"] = role, message["content"] = text;
        take_out_arguments(message);
        out.messages.push_back(std::move(message));
    }
    return out;
}

OpenAiRequest parse_completion(const json::object &body) {
    const Fields f(body, fields_of_completion);
    OpenAiRequest out = parse_common(f, nullptr);
    if (out.spec.max_tokens == 0) out.spec.max_tokens = 16; // The API's own default.
    if (const auto top = f.integer("logprobs", 0, most_top)) out.spec.probabilities = static_cast<uint32_t>(*top);
    if (!f.text("suffix").value_or("").empty())
        throw ApiError{.status = 400,
                       .message = "suffix is not served by this daemon: text is continued, not filled in",
                       .code = "unsupported",
                       .param = "suffix"};
    if (f.integer("best_of", 1, most_choices).value_or(out.choices) != out.choices)
        f.wrong("best_of", "it to be as n: all that is generated is given");
    out.echo = f.flag("echo").value_or(false);
    if (out.echo && out.spec.probabilities)
        f.wrong("logprobs", "it without echo: of the prompt's tokens there are none");
    const auto ids_of = [&](const json::array &a) {
        std::vector<int32_t> ids;
        for (const json::value &v : a) {
            const int64_t *id = v.if_int64();
            if (!id || *id < 0 || *id > INT32_MAX) f.wrong("prompt", "strings or token ids");
            ids.push_back(static_cast<int32_t>(*id));
        }
        return ids;
    };
    const json::value *prompt = f.find("prompt");
    if (!prompt) f.wrong("prompt", "a string, token ids, or an array of either");
    if (prompt->is_string()) {
        out.prompts.emplace_back(prompt->as_string());
    } else if (!prompt->is_array() || prompt->as_array().empty()) {
        f.wrong("prompt", "a string, token ids, or an array of either");
    } else if (const json::array &a = prompt->as_array(); a[0].is_number()) {
        out.ids.push_back(ids_of(a));
    } else {
        if (a.size() > most_prompts) f.wrong("prompt", fmt::format("at most {} prompts", most_prompts));
        for (const json::value &v : a) {
            if (v.is_string())
                out.prompts.emplace_back(v.as_string());
            else if (v.is_array() && out.prompts.empty())
                out.ids.push_back(ids_of(v.as_array()));
            else
                f.wrong("prompt", "strings or token ids, not both");
        }
        if (!out.prompts.empty() && !out.ids.empty()) f.wrong("prompt", "strings or token ids, not both");
    }
    return out;
}

} // namespace quantd
