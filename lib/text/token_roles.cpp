// The names are those that published chat models use.
#include "text/token_roles.h"

#include <algorithm>
#include <array>

namespace quant {

namespace {

constexpr std::array<std::string_view, 20> end_names = {
    "<|eot_id|>",  "<|im_end|>",      "<|end|>",       "<end_of_turn>", "<|endoftext|>", "<|eom_id|>", "<EOT>",
    "_<EOT>",      "<|end_of_text|>", "<|end_of_turn|>", "<|eot|>",     "<|return|>",    "<|call|>",   "<turn|>",
    "<|END_OF_TURN_TOKEN|>", "<end_of_utterance>", "<\uFF5Cend\u2581of\u2581sentence\uFF5C>", "</s>", "<|user_end|>", "[EOT]"};

} // namespace

std::optional<int32_t> find_token(const TokenizerSpec &spec, std::string_view text) {
    const auto found = std::find(spec.tokens.begin(), spec.tokens.end(), text);
    if (text.empty() || found == spec.tokens.end()) return std::nullopt;
    return static_cast<int32_t>(found - spec.tokens.begin());
}

void collect_end_of_turn(TokenizerSpec &spec) {
    // Harmony (gpt-oss) uses <|end|> between the parts of one answer.
    const bool is_harmony = find_token(spec, "<|return|>") && find_token(spec, "<|call|>");
    for (size_t id = 0; id < spec.kinds.size(); ++id) {
        if (spec.kinds[id] != TokenKind::control) continue;
        const bool is_end = std::find(end_names.begin(), end_names.end(), spec.tokens[id]) != end_names.end();
        if (is_end && !(is_harmony && spec.tokens[id] == "<|end|>")) spec.end_of_turn.push_back(static_cast<int32_t>(id));
    }
    std::sort(spec.end_of_turn.begin(), spec.end_of_turn.end());
    const auto last = std::unique(spec.end_of_turn.begin(), spec.end_of_turn.end());
    spec.end_of_turn.erase(last, spec.end_of_turn.end());
    if (spec.eos) std::erase(spec.end_of_turn, *spec.eos);
}

} // namespace quant
