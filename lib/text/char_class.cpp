// The table of character classes, computed from utf8proc's categories. utf8proc has no
// scripts, so the Han ranges stand here.
#include "text/char_class.h"

#include "base/utf8.h"

#include <utf8proc.h>

#include <algorithm>
#include <map>
#include <utility>

namespace quant::chars {

namespace {

constexpr std::pair<uint32_t, uint32_t> han_ranges[] = {
    {0x2E80, 0x2E99},   {0x2E9B, 0x2EF3},   {0x2F00, 0x2FD5},   {0x3005, 0x3005},   {0x3007, 0x3007},
    {0x3021, 0x3029},   {0x3038, 0x303B},   {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFA6D},
    {0xFA70, 0xFAD9},   {0x16FE2, 0x16FE3}, {0x16FF0, 0x16FF1}, {0x20000, 0x2A6DF}, {0x2A700, 0x2B739},
    {0x2B740, 0x2B81D}, {0x2B820, 0x2CEA1}, {0x2CEB0, 0x2EBE0}, {0x2F800, 0x2FA1D}, {0x30000, 0x3134A},
    {0x31350, 0x323AF},
};

bool is_space(uint32_t c, utf8proc_category_t category) {
    return (c >= 9 && c <= 13) || c == 0x85 || category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL ||
           category == UTF8PROC_CATEGORY_ZP;
}

uint16_t category_flags(utf8proc_category_t category) {
    switch (category) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LT: return upper;
    case UTF8PROC_CATEGORY_LL: return lower;
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO: return other_letter;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME: return mark;
    case UTF8PROC_CATEGORY_ND: return decimal;
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO: return other_number;
    case UTF8PROC_CATEGORY_PC: return connector;
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO: return other_punctuation;
    case UTF8PROC_CATEGORY_SM:
    case UTF8PROC_CATEGORY_SC:
    case UTF8PROC_CATEGORY_SK:
    case UTF8PROC_CATEGORY_SO: return symbol;
    default: return 0;
    }
}

uint16_t flags_of(uint32_t c) {
    const utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
    unsigned out = category_flags(category);
    if (is_space(c, category)) out |= space;
    if (c == '\r' || c == '\n') out |= line_end;
    if (c == 0x200C || c == 0x200D) out |= joiner;
    for (const auto &[first, last] : han_ranges)
        if (c >= first && c <= last) out |= han;
    return static_cast<uint16_t>(out);
}

} // namespace

Table::Table() {
    std::map<std::array<uint16_t, 256>, uint16_t> known;
    for (uint32_t block = 0; block < block_of_.size(); ++block) {
        std::array<uint16_t, 256> flags;
        for (uint32_t i = 0; i < 256; ++i) flags[i] = flags_of(block << 8 | i);
        const auto [place, is_new] = known.emplace(flags, static_cast<uint16_t>(blocks_.size()));
        if (is_new) blocks_.push_back(flags);
        block_of_[block] = place->second;
    }
}

const Table &Table::get() {
    static const Table table;
    return table;
}

Glyph Table::read_long(std::string_view text, size_t at) const {
    const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[at + i]); };
    const size_t length = utf8_sequence_length(text.substr(at, 4));
    uint32_t c = 0;
    switch (length) {
    case 2: c = (byte(0) & 0x1fU) << 6 | (byte(1) & 0x3fU); break;
    case 3: c = (byte(0) & 0x0fU) << 12 | (byte(1) & 0x3fU) << 6 | (byte(2) & 0x3fU); break;
    case 4:
        c = (byte(0) & 0x07U) << 18 | (byte(1) & 0x3fU) << 12 | (byte(2) & 0x3fU) << 6 | (byte(3) & 0x3fU);
        break;
    default: return {invalid_byte, symbol, 1};
    }
    return {c, blocks_[block_of_[c >> 8]][c & 0xff], static_cast<uint8_t>(length)};
}

Glyph Table::read_before(std::string_view text, size_t end) const {
    if (end == 0) return {};
    for (size_t length = 2; length <= std::min<size_t>(4, end); ++length) {
        const Glyph glyph = read(text, end - length);
        if (glyph.bytes == length) return glyph;
    }
    return read(text, end - 1);
}

} // namespace quant::chars
