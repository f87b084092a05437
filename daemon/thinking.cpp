#include "thinking.h"

#include <fmt/format.h>

namespace quantd {

namespace {

constexpr const char *probe = R"([{"role":"user","content":"probe"}])";

/// A prompt with these variables; "" where the template refuses.
std::string rendered(const quant_model *model, const char *variables) {
    auto options = initialized(quant_render_options_init);
    options.messages_json = probe, options.add_generation_prompt = 1, options.variables_json = variables;
    options.now = "2026-01-01T00:00:00"; // So that what differs is no clock.
    StringHandle text;
    const quant_status status = quant_model_render_chat(model, &options, Out(text));
    return status == QUANT_OK ? text.get() : "";
}

bool begins_reasoning(const quant_model *model, const std::string &prompt) {
    ReplyParserHandle parser;
    if (quant_reply_parser_new(Out(parser), model, nullptr, prompt.data(), prompt.size()) != QUANT_OK) return false;
    bool found = false;
    const auto look = [](void *user, const quant_reply_event *event) {
        *static_cast<bool *>(user) |= event->kind == QUANT_REPLY_REASONING;
    };
    return quant_reply_parser_feed(parser.get(), "word", 4, look, &found) == QUANT_OK &&
           quant_reply_parser_finish(parser.get(), look, &found) == QUANT_OK && found;
}

ApiError refusal(std::string message) { return {.status = 400, .message = std::move(message), .code = "unsupported"}; }

} // namespace

ThinkingAbilities thinking_abilities(const quant_model *model) {
    const std::string on = rendered(model, R"({"enable_thinking":true,"thinking":true})"),
                      off = rendered(model, R"({"enable_thinking":false,"thinking":false})"),
                      low = rendered(model, R"({"reasoning_effort":"low"})"),
                      high = rendered(model, R"({"reasoning_effort":"high"})");
    return {on != off, low != high, on == off && begins_reasoning(model, on)};
}

void apply_thinking(const Resident &resident, const ThinkingWish &wish, GenerationSpec &spec) {
    const ThinkingAbilities can =
        resident.info.has_chat_template ? thinking_abilities(resident.model.get()) : ThinkingAbilities{};
    if (wish.on && !can.any()) throw refusal(fmt::format("\"{}\" does not support thinking", resident.name));
    if (!wish.level.empty() && !can.has_levels)
        throw refusal(
            fmt::format("think value \"{}\" is not supported for this model: expected true or false", wish.level));
    if (!wish.on && !can.can_switch && can.any())
        throw refusal(fmt::format("\"{}\" cannot be kept from thinking", resident.name));
    if (can.can_switch) spec.variables["enable_thinking"] = wish.on, spec.variables["thinking"] = wish.on;
    if (!wish.level.empty()) spec.variables["reasoning_effort"] = wish.level;
}

} // namespace quantd
