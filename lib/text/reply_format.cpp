// A template is asked what its model writes: a short conversation that ends in a call is
// rendered, in the forms that templates want it in, and the first family whose signs are in
// what was printed after the question is the template's. Templates that print no calls tell
// the model how to write them, so the whole prompt and the template's text are searched next.
#include "text/reply_format.h"

#include "base/error.h"
#include "text/chat_template.h"

#include <algorithm>
#include <memory>
#include <string>

namespace quant {

namespace {

constexpr std::string_view question = "probe question";
constexpr std::string_view tool_name = "probe_tool";

json::value tool_list() {
    return json::array{json::object{
        {"type", "function"},
        {"function", json::object{{"name", tool_name},
                                  {"description", "probe"},
                                  {"parameters",
                                   json::object{{"type", "object"},
                                                {"properties", json::object{{"key", json::object{{"type", "string"}}}}},
                                                {"required", json::array{"key"}}}}}}}};
}

json::object answer(bool text_arguments, bool with_content) {
    json::value arguments = json::object{{"key", "value"}};
    if (text_arguments) arguments = "{\"key\": \"value\"}";
    json::array calls{json::object{{"id", "probe0001"}, // nine characters, as Mistral's templates check
                                   {"type", "function"},
                                   {"function", json::object{{"name", tool_name}, {"arguments", arguments}}}}};
    json::object message{
        {"role", "assistant"}, {"content", with_content ? "probe content" : ""}, {"tool_calls", calls}};
    for (const char *key : {"reasoning_content", "reasoning", "thinking"}) message[key] = "probe reasoning";
    return message;
}

/// The rendering, or nothing where the template refuses the conversation. Some print calls but
/// fail over a list of tools.
std::string try_render(const ChatTemplate &chat, const json::array &messages, bool generation_prompt) {
    TemplateInput input;
    input.messages = messages;
    input.add_generation_prompt = generation_prompt;
    input.now = "2026-01-01T00:00:00";
    for (const bool with_tools : {true, false}) {
        input.tools = with_tools ? tool_list() : json::value();
        try {
            return chat.render(input);
        } catch (const Error &) {}
    }
    return {};
}

struct Printed {
    std::string reply;      ///< What stands for the assistant's turn.
    std::string everything; ///< The prompts, the turns, and the template's text.
    std::string prompt;     ///< What a reply would follow.
};

json::object user() { return {{"role", "user"}, {"content", question}}; }

Printed print_probes(std::string_view source) {
    Printed out;
    std::unique_ptr<ChatTemplate> chat;
    try {
        chat = std::make_unique<ChatTemplate>(source, "chat template");
    } catch (const Error &) {
        out.everything = source;
        return out;
    }
    for (const bool with_content : {false, true}) {
        for (const bool text_arguments : {false, true}) {
            const std::string text = try_render(*chat, {user(), answer(text_arguments, with_content)}, false);
            const size_t at = text.rfind(question);
            if (at != std::string::npos && text.find(tool_name, at) != std::string::npos) out.reply += text.substr(at);
            out.everything += text;
        }
    }
    out.prompt = try_render(*chat, {user()}, true);
    out.everything += out.prompt;
    out.everything += source;
    return out;
}

bool holds_signs(const ReplyFamily &family, std::string_view text) {
    return std::all_of(family.signs.begin(), family.signs.end(),
                       [&](std::string_view sign) { return text.find(sign) != text.npos; });
}

const ReplyFamily &choose_family(const Printed &printed) {
    const auto all = reply_families();
    const auto named = all.first(all.size() - 1);
    for (const std::string *text : {&printed.reply, &printed.everything})
        for (const ReplyFamily &family : named)
            if (holds_signs(family, *text)) return family;
    return all.back();
}

const ReasoningSyntax &choose_reasoning(std::string_view text) {
    const auto all = reasoning_syntaxes();
    return *std::find_if(all.begin(), all.end() - 1,
                         [&](const ReasoningSyntax &r) { return text.find(r.sign) != text.npos; });
}

std::string_view without_trailing_blanks(std::string_view text) {
    return text.substr(0, text.find_last_not_of(" \t\r\n") + 1); // npos + 1 is 0
}

} // namespace

bool prompt_opens_reasoning(const ReplyFormat &format, std::string_view prompt) {
    const std::string_view open = format.reasoning->open;
    return !open.empty() && without_trailing_blanks(prompt).ends_with(open);
}

ReplyFormat detect_reply_format(std::string_view template_source) {
    const Printed printed = print_probes(template_source);
    ReplyFormat format{.family = &choose_family(printed), .reasoning = &choose_reasoning(printed.everything)};
    const HeaderSyntax *header = format.family->header;
    if (header && (printed.prompt.empty() || printed.prompt.ends_with(header->open))) format.lead = header->open;
    format.opens_reasoning = prompt_opens_reasoning(format, printed.prompt);
    return format;
}

} // namespace quant
