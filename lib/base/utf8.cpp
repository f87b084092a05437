#include "base/utf8.h"

#include <algorithm>

namespace quant {

namespace {

// The length that a lead byte announces, and the range its second byte must be
// in (Unicode, table 3-7). Length 0: not a lead byte.
struct Lead {
    uint8_t length, second_low, second_high;
};

constexpr Lead lead_of(uint8_t byte) {
    if (byte < 0x80) return {1, 0, 0};
    if (byte < 0xC2) return {0, 0, 0};
    if (byte < 0xE0) return {2, 0x80, 0xBF};
    if (byte == 0xE0) return {3, 0xA0, 0xBF};
    if (byte == 0xED) return {3, 0x80, 0x9F};
    if (byte < 0xF0) return {3, 0x80, 0xBF};
    if (byte == 0xF0) return {4, 0x90, 0xBF};
    if (byte < 0xF4) return {4, 0x80, 0xBF};
    if (byte == 0xF4) return {4, 0x80, 0x8F};
    return {0, 0, 0};
}

uint8_t byte_at(std::string_view text, size_t i) { return static_cast<uint8_t>(text[i]); }

// How many bytes of a sequence are there and well formed so far.
size_t matched_bytes(std::string_view text, Lead lead) {
    if (lead.length == 0) return 0;
    size_t i = 1;
    for (; i < lead.length && i < text.size(); i++) {
        const uint8_t low = i == 1 ? lead.second_low : 0x80;
        const uint8_t high = i == 1 ? lead.second_high : 0xBF;
        if (byte_at(text, i) < low || byte_at(text, i) > high) break;
    }
    return i;
}

} // namespace

size_t utf8_sequence_length(std::string_view text) noexcept {
    if (text.empty()) return 0;
    const Lead lead = lead_of(byte_at(text, 0));
    return matched_bytes(text, lead) == lead.length ? lead.length : 0;
}

size_t utf8_valid_prefix(std::string_view text) noexcept {
    size_t at = 0;
    while (at < text.size()) {
        if (byte_at(text, at) < 0x80) {
            at += 1;
            continue;
        }
        const size_t length = utf8_sequence_length(text.substr(at));
        if (length == 0) break;
        at += length;
    }
    return at;
}

size_t utf8_incomplete_tail(std::string_view text) noexcept {
    for (size_t back = 1; back <= std::min<size_t>(3, text.size()); back++) {
        const std::string_view tail = text.substr(text.size() - back);
        const Lead lead = lead_of(byte_at(tail, 0));
        if (lead.length > back && matched_bytes(tail, lead) == back) return back;
    }
    return 0;
}

void utf8_append(std::string &out, uint32_t c) {
    if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) c = 0xFFFD;
    const auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((c >> shift) & 0x3F)); };
    if (c < 0x80) {
        out += static_cast<char>(c);
    } else if (c < 0x800) {
        out += static_cast<char>(0xC0 | (c >> 6));
        tail(0);
    } else if (c < 0x10000) {
        out += static_cast<char>(0xE0 | (c >> 12));
        tail(6), tail(0);
    } else {
        out += static_cast<char>(0xF0 | (c >> 18));
        tail(12), tail(6), tail(0);
    }
}

} // namespace quant
