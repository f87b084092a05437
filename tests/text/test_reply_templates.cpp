// Replies of third-party templates: what a template prints for an assistant's turn is what its
// model writes, so the turn is cut out of a rendered conversation, parsed, and must give back
// the names and arguments that were rendered.
#include "reply_events.h"
#include "text/chat_template.h"

#include <algorithm>
#include <map>
#include <set>

using namespace quant;

namespace {

const std::string content_text = "Let me see: 5 < 6 & \"{}\" 🙂\nand a second line.";
const std::string reasoning_text = "The user wants {weather}.\n\nSo I call <b>it</b>.";

json::value tools() {
    return json::parse(R"([{"type": "function", "function": {"name": "get_weather", "description": "Weather.",
        "parameters": {"type": "object", "properties": {
            "city": {"type": "string", "description": "c"}, "days": {"type": "integer", "description": "d"},
            "code": {"type": "string", "description": "c"}, "detailed": {"type": "boolean", "description": "b"},
            "options": {"type": "object", "description": "o", "properties": {
                "units": {"type": "array", "description": "u", "items": {"type": "string"}},
                "deep": {"type": "object", "description": "e", "properties": {
                    "list": {"type": "array", "description": "l", "items": {"type": "number"}},
                    "text": {"type": "string", "description": "t"}}}}}},
            "required": ["city"]}}},
        {"type": "function", "function": {"name": "find_text", "description": "Find.",
        "parameters": {"type": "object", "properties": {
            "query": {"type": "string", "description": "q"}, "limit": {"type": "number", "description": "l"}},
            "required": ["query"]}}}])",
                       "tools");
}

json::value weather_arguments() {
    return json::parse(R"({"city": "Zürich \"old\" <town>\nline 2 🙂 it's \\ here", "days": 2, "code": "0012",
        "detailed": true, "options": {"units": ["metric", "s,i"], "deep": {"list": [1, -2.5], "text": "}]) {x"}}})",
                       "arguments");
}

json::value find_arguments() {
    return json::parse(R"({"query": "a </parameter> or </arg_value> in <tool_call> {\"name\": 1}\n", "limit": 0.25})",
                       "arguments");
}

/// The family and the reasoning of each template, and whether its prompt opens the latter.
const std::map<std::string, std::string> formats = {
    {"Apertus-8B-Instruct", "apertus, apertus"},
    {"Apriel-1.6-15b-Thinker-fixed", "tool_calls, apriel, open"},
    {"ByteDance-Seed-OSS", "seed-oss, seed-oss"},
    {"Cohere2MoE", "command-r7b, command-r7b, open"},
    {"CohereForAI-c4ai-command-r7b-12-2024-tool_use", "command-r7b, command-r7b"},
    {"GLM-4.6", "glm, think"},
    {"GigaChat3-10B-A1.8B", "gigachat-3, plain"},
    {"GigaChat3.1-10B-A1.8B", "gigachat-3.1, plain"},
    {"Kimi-K2-Instruct", "kimi-k2, plain"},
    {"Kimi-K2-Thinking", "kimi-k2, think"},
    {"LFM2-8B-A1B", "lfm2, plain"},
    {"MiMo-VL", "hermes, plain"},
    {"MiniMax-M1", "tool_calls, plain"},
    {"MiniMax-M3", "minimax-m3, minimax-m3"},
    {"Mistral-Small-3.2-24B-Instruct-2506", "mistral-args, plain"},
    {"NVIDIA-Nemotron-Nano-v2", "nemotron, think, open"},
    {"NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use", "hermes, plain"},
    {"Qwen-QwQ-32B", "hermes, think"},
    {"Qwen-Qwen2.5-7B-Instruct", "hermes, plain"},
    {"Qwen3-Coder", "qwen3-coder, plain"},
    {"Qwen3.5-4B", "qwen3-coder, think, open"},
    {"Spark2.5", "glm, think, open"},
    {"StepFun3.5-Flash", "qwen3-coder, think, open"},
    {"deepseek-ai-DeepSeek-R1-Distill-Qwen-32B", "deepseek-r1, think"},
    {"deepseek-ai-DeepSeek-V3.1", "deepseek-v3.1, think"},
    {"deepseek-ai-DeepSeek-V4", "deepseek-dsml, think"},
    {"deepseek-ai-DeepSeek-V4-Flash-0731", "deepseek-dsml, think"},
    {"google-gemma-2-2b-it", "plain, plain"},
    {"google-gemma-4-31B-it-interleaved", "gemma-4, gemma-4"},
    {"ibm-granite-granite-3.3-2B-Instruct", "granite-3, think"},
    {"ibm-granite-granite-4.0", "hermes, plain"},
    {"inclusionai-ling-3.0-flash", "glm, think, open"},
    {"llama-cpp-deepseek-r1", "deepseek-r1, think, open"},
    {"meetkai-functionary-medium-v3.1", "functionary-v3.1, plain"},
    {"meetkai-functionary-medium-v3.2", "functionary-v3.2, plain"},
    {"meta-llama-Llama-3.2-3B-Instruct", "llama-3, plain"},
    {"meta-llama-Llama-3.3-70B-Instruct", "llama-3, plain"},
    {"mistralai-Ministral-3-14B-Reasoning-2512", "mistral-args, mistral"},
    {"mistralai-Mistral-Nemo-Instruct-2407", "mistral, plain"},
    {"muse-glimmer", "atem, atem"},
    {"openai-gpt-oss-120b", "harmony, harmony"},
    {"tencent-Hy3", "hunyuan, hunyuan"},
    {"unsloth-Apriel-1.5", "tool_calls, apriel"},
    {"upstage-Solar-Open-100B", "solar, solar"},
};

struct Turn {
    std::string name, content, reasoning;
    std::vector<std::pair<std::string, json::value>> calls;
};

std::vector<Turn> turns() {
    const std::pair<std::string, json::value> weather{"get_weather", weather_arguments()},
        find{"find_text", find_arguments()};
    return {{"content", content_text, "", {}},
            {"reasoning", content_text, reasoning_text, {}},
            {"call", "", "", {weather}},
            {"content and call", content_text, "", {find}},
            {"calls", "", "", {find, weather}},
            {"reasoning and call", "", reasoning_text, {find}},
            {"reasoning and calls", "", reasoning_text, {weather, find}}};
}

json::object message_of(const Turn &turn, bool text_arguments, bool blocks) {
    json::object message{{"role", "assistant"}, {"content", turn.content}};
    if (!turn.reasoning.empty() && !blocks)
        for (const char *key : {"reasoning_content", "reasoning", "thinking"}) message[key] = turn.reasoning;
    if (!turn.reasoning.empty() && blocks)
        message["content"] = json::array{json::object{{"type", "thinking"}, {"thinking", turn.reasoning}},
                                         json::object{{"type", "text"}, {"text", turn.content}}};
    json::array calls;
    for (const auto &[name, arguments] : turn.calls) {
        const json::value given = text_arguments ? json::value(json::serialize(arguments)) : arguments;
        calls.push_back(json::object{{"id", "call0000" + std::to_string(calls.size())},
                                     {"type", "function"},
                                     {"function", json::object{{"name", name}, {"arguments", given}}}});
    }
    if (!calls.empty()) message["tool_calls"] = calls;
    return message;
}

std::string trimmed(std::string_view text) { return std::string(trim_blanks(text)); }

/// The prompt without what begins the reply itself: an opened, or opened and closed, reasoning.
std::string turn_prefix(const ReplyFormat &format, std::string prompt) {
    for (const std::string_view mark : {format.reasoning->close, format.reasoning->open}) {
        const std::string cut = trimmed(prompt);
        if (!mark.empty() && cut.ends_with(mark)) prompt = prompt.substr(0, prompt.rfind(mark));
    }
    return prompt;
}

/// Generation would have stopped at the first of these.
std::string until_end_of_turn(std::string text) {
    for (const char *end :
         {"<|im_end|>", "</s>", "<|eot_id|>", "<|eom_id|>", "<｜end▁of▁sentence｜>", "<seed:eos>", "<turn|>",
          "<|END_OF_TURN_TOKEN|>", "<end_of_sentence>", "[e~[", "<SPECIAL_12>", "<|role_end|>", "<|end_of_text|>",
          "<end_of_turn>", "<|return|>", "<｜hy_eos:opensource｜>", "\n<|end|>"})
        text = text.substr(0, text.find(end));
    if (const std::string last = "<|message_sep|>\n\n"; text.ends_with(last)) text.resize(text.size() - last.size());
    return text;
}

/// A template's text, but for the line of Kimi's for which its calls cannot be printed here:
/// the sandbox refuses append(), as Jinja2's does.
std::string without_append(std::string source) {
    const size_t append = source.find(".append(formatted_id)");
    if (append == source.npos) return source;
    const size_t begin = source.rfind("{%-", append), end = source.find("-%}", append) + 3;
    return source.erase(begin, end - begin);
}

/// One way to give a turn to a template; not all print it from the same.
struct Way {
    bool blocks = false, text_arguments = false, thinking = false, tools = true;
};

struct Fixture {
    std::string name, source;
    ReplyFormat format;
    ChatTemplate chat;
    json::value tool_list = tools();

    explicit Fixture(const std::filesystem::path &path)
        : name(path.stem().string()),
          source(test::read_file(path)),
          format(detect_reply_format(source)),
          chat(without_append(source), name) {}

    std::string render(json::array messages, bool generation_prompt, const Way &way) const {
        TemplateInput input;
        input.messages = std::move(messages);
        if (way.tools) input.tools = tool_list;
        input.add_generation_prompt = generation_prompt;
        input.bos_token = "<s>";
        input.eos_token = "</s>";
        input.now = "2026-03-14T15:09:26";
        if (way.thinking) input.extra = {{"thinking", true}, {"enable_thinking", true}};
        try {
            return chat.render(input);
        } catch (const Error &) {
            return {};
        }
    }

    /// What the model would have written; nothing where the template cannot print this turn so.
    std::string reply(const Turn &turn, const Way &way) const {
        const json::object user{{"role", "user"}, {"content", "QUESTION"}};
        const std::string prompt = turn_prefix(format, render({user}, true, way));
        const std::string all = render({user, message_of(turn, way.text_arguments, way.blocks)}, false, way);
        if (prompt.empty() || !all.starts_with(prompt)) return {};
        const std::string text = until_end_of_turn(all.substr(prompt.size()));
        const auto is_printed = [&](const auto &call) { return text.find(call.first) != text.npos; };
        if (!std::all_of(turn.calls.begin(), turn.calls.end(), is_printed)) return {};
        if (text.find(turn.reasoning) == text.npos) return {};
        if (turn.calls.empty() && text.find(turn.content) == text.npos) return {};
        // Nemotron's prints content behind an opened <think> that it does not close.
        const std::string_view open = format.reasoning->open, close = format.reasoning->close;
        if (!open.empty() && text.find(open) != text.npos && text.find(close) == text.npos) return {};
        return text;
    }

    std::string reply(const Turn &turn) const {
        for (const Way way : {Way{}, Way{.text_arguments = true}, Way{.thinking = true}, Way{.blocks = true},
                              Way{.tools = false}, Way{.text_arguments = true, .tools = false}})
            if (std::string text = reply(turn, way); !text.empty()) return text;
        return with_dropped_reasoning(turn);
    }

    /// Where a template drops the reasoning of earlier turns, its marks still say how it is written.
    std::string with_dropped_reasoning(Turn turn) const {
        const ReasoningSyntax &marks = *format.reasoning;
        if (turn.reasoning.empty() || marks.open.empty() || marks.name == "plain") return {};
        const std::string written = fmt::format("{}\n{}\n{}\n\n", marks.open, turn.reasoning, marks.close);
        turn.reasoning.clear();
        std::string text = reply(turn);
        if (const size_t at = text.find(marks.close); at != text.npos) text.erase(0, at + marks.close.size());
        return text.empty() ? "" : written + text;
    }
};

void check_turn(const Fixture &fixture, const Turn &turn, const std::string &text) {
    INFO(fixture.name << " as " << fixture.format.family->name << " and " << fixture.format.reasoning->name << ", "
                      << turn.name << ":\n"
                      << text);
    const ReasoningSyntax &marks = *fixture.format.reasoning;
    const bool in_reasoning = !turn.reasoning.empty() && !marks.open.empty() && text.find(marks.open) == text.npos;
    const ParsedReply reply = test::parse_every_way(fixture.format, text, fixture.tool_list, in_reasoning, 7);
    REQUIRE(reply.calls.size() == turn.calls.size());
    for (size_t i = 0; i < turn.calls.size(); ++i) {
        CHECK(reply.calls[i].name == turn.calls[i].first);
        INFO("arguments: " << reply.calls[i].arguments);
        CHECK(json::parse(reply.calls[i].arguments, "arguments") == turn.calls[i].second);
    }
    // gpt-oss has what is said before a call in its analysis.
    const bool is_told = text.find(turn.content) != text.npos;
    if (reply.reasoning == turn.content && !turn.calls.empty()) return;
    CHECK(trimmed(reply.reasoning) == turn.reasoning);
    CHECK(trimmed(reply.content) == (is_told ? turn.content : ""));
}

} // namespace

TEST_CASE("what third-party templates print for a turn is parsed back") {
    const auto folder = test::shared("data/templates");
    if (folder.empty()) {
        WARN("skipped: no third-party templates here");
        return;
    }
    // What cannot be printed: no calls at all by these templates, several by these families'.
    const std::set<std::string> without_calls = {"LFM2-8B-A1B", "google-gemma-2-2b-it",
                                                 "ibm-granite-granite-3.3-2B-Instruct"};
    const std::set<std::string_view> one_call = {"harmony", "llama-3", "gigachat-3", "gigachat-3.1"};
    size_t templates = 0;
    for (const auto &entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() != ".jinja") continue;
        const Fixture fixture(entry.path());
        ++templates;
        size_t calls = 0;
        for (const Turn &turn : turns()) {
            const std::string text = fixture.reply(turn);
            if (text.empty()) continue;
            check_turn(fixture, turn, text);
            calls = std::max(calls, turn.calls.size());
        }
        const ReplyFormat &format = fixture.format;
        INFO(fixture.name);
        const auto expected = formats.find(fixture.name);
        if (expected != formats.end())
            CHECK(fmt::format("{}, {}{}", format.family->name, format.reasoning->name,
                              format.opens_reasoning ? ", open" : "") == expected->second);
        CHECK(calls == (without_calls.contains(fixture.name) ? 0 : one_call.contains(format.family->name) ? 1 : 2));
    }
    CHECK(templates > 0);
}
