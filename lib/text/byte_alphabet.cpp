// GPT-2's alphabet: the bytes that are printable in Latin-1 stand for themselves, the
// others take the characters from U+0100 on, in order.
#include "text/byte_alphabet.h"

#include "base/utf8.h"
#include "text/char_class.h"

#include <array>

namespace quant {

namespace {

constexpr uint32_t code_points = 0x144;

struct Alphabet {
    std::array<std::string, 256> visible;
    std::array<int16_t, code_points> byte_of;

    Alphabet() {
        byte_of.fill(-1);
        uint32_t next = 0x100;
        for (uint32_t byte = 0; byte < 256; ++byte) {
            const bool is_printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
            const uint32_t c = is_printable ? byte : next++;
            utf8_append(visible[byte], c);
            byte_of[c] = static_cast<int16_t>(byte);
        }
    }
};

const Alphabet &alphabet() {
    static const Alphabet table;
    return table;
}

std::optional<uint8_t> hex_digit(char c) {
    if (c >= '0' && c <= '9') return static_cast<uint8_t>(c - '0');
    if (c >= 'A' && c <= 'F') return static_cast<uint8_t>(c - 'A' + 10);
    if (c >= 'a' && c <= 'f') return static_cast<uint8_t>(c - 'a' + 10);
    return std::nullopt;
}

} // namespace

std::string_view visible_byte(uint8_t byte) { return alphabet().visible[byte]; }

std::optional<std::string> visible_to_bytes(std::string_view visible) {
    const auto &table = chars::Table::get();
    std::string out;
    out.reserve(visible.size());
    for (size_t at = 0; at < visible.size();) {
        const chars::Glyph g = table.read(visible, at);
        if (g.code_point >= code_points || alphabet().byte_of[g.code_point] < 0) return std::nullopt;
        out += static_cast<char>(alphabet().byte_of[g.code_point]);
        at += g.bytes;
    }
    return out;
}

std::optional<uint8_t> parse_byte_token(std::string_view token) {
    if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return std::nullopt;
    const auto high = hex_digit(token[3]), low = hex_digit(token[4]);
    if (!high || !low) return std::nullopt;
    return static_cast<uint8_t>(*high << 4 | *low);
}

} // namespace quant
