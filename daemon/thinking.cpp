#include "thinking.h"

#include <fmt/format.h>

namespace quantd {

namespace {

ApiError refusal(std::string message) { return {.status = 400, .message = std::move(message), .code = "unsupported"}; }

} // namespace

ThinkingAbilities thinking_abilities(const quant_model *model) {
    auto info = sized<quant_reasoning_info>();
    if (quant_model_get_reasoning(model, &info) != QUANT_OK) return {};
    return {info.can_switch != 0, info.has_levels != 0, info.always != 0};
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
