#include "told_probabilities.h"

#include "base/utf8.h"

#include <algorithm>

namespace quantd {

namespace {

constexpr double least_log_probability = -9999; // JSON has no infinity.

/// A token may be part of a character: its bytes then tell what it is.
std::string valid_text(std::string_view piece) { return quant::is_utf8(piece) ? std::string(piece) : "\uFFFD"; }

json::object told_token(const quant_token_probability &p) {
    json::array bytes;
    for (size_t i = 0; i < p.piece_bytes; i++) bytes.push_back(static_cast<unsigned char>(p.piece[i]));
    return {{"token", valid_text({p.piece, p.piece_bytes})},
            {"logprob", std::max(p.log_probability, least_log_probability)},
            {"bytes", std::move(bytes)}};
}

bool begins_character(uint64_t byte) { return (byte & 0xC0) != 0x80; }

/// Those that begin in the token, so that tokens with parts of one character count it once.
size_t characters_in(const json::array &bytes) {
    return static_cast<size_t>(std::count_if(
        bytes.begin(), bytes.end(), [](const json::value &b) { return begins_character(b.to_number<uint64_t>()); }));
}

} // namespace

size_t characters(std::string_view text) {
    return static_cast<size_t>(std::count_if(text.begin(), text.end(),
                                             [](char c) { return begins_character(static_cast<unsigned char>(c)); }));
}

json::object told_entry(const quant_request_event &event) {
    json::object entry = told_token(event.probabilities[0]);
    json::array top;
    for (size_t i = 1; i < event.probability_count; i++) top.push_back(told_token(event.probabilities[i]));
    entry["top_logprobs"] = std::move(top);
    return entry;
}

json::value chat_logprobs(json::array entries) {
    if (entries.empty()) return nullptr;
    return json::object{{"content", std::move(entries)}, {"refusal", nullptr}};
}

json::value completion_logprobs(const json::array &entries, size_t &offset) {
    if (entries.empty()) return nullptr;
    json::array tokens, probabilities, top, offsets;
    for (const json::value &entry : entries) {
        const json::object &token = entry.as_object();
        json::object likeliest;
        for (const json::value &one : token.at("top_logprobs").as_array())
            likeliest.emplace(one.at("token").as_string(), one.at("logprob"));
        likeliest.emplace(token.at("token").as_string(), token.at("logprob")); // It is always among them.
        tokens.push_back(token.at("token")), probabilities.push_back(token.at("logprob"));
        top.push_back(std::move(likeliest)), offsets.push_back(offset);
        offset += characters_in(token.at("bytes").as_array());
    }
    return json::object{{"tokens", std::move(tokens)},
                        {"token_logprobs", std::move(probabilities)},
                        {"top_logprobs", std::move(top)},
                        {"text_offset", std::move(offsets)}};
}

} // namespace quantd
