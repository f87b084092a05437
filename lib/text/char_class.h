// What a character is, for splitting text: one lookup of Unicode's general category
// and a few sets on top of it. Bytes that are no UTF-8 are characters of their own,
// one a byte, so that every text can be split and put together again.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace quant::chars {

/// Bits of Glyph::flags.
enum Flag : uint16_t {
    upper = 1,        ///< Lu, Lt
    lower = 2,        ///< Ll
    other_letter = 4, ///< Lm, Lo
    mark = 8,         ///< Mn, Mc, Me
    decimal = 16,     ///< Nd
    other_number = 32, ///< Nl, No
    connector = 64,   ///< Pc
    other_punctuation = 128,
    symbol = 256,     ///< Sm, Sc, Sk, So; also a byte that is no UTF-8
    space = 512,      ///< White_Space
    line_end = 1024,  ///< \r and \n
    han = 2048,       ///< The script
    joiner = 4096,    ///< U+200C, U+200D
};
inline constexpr uint16_t letter = upper | lower | other_letter;
inline constexpr uint16_t number = decimal | other_number;
inline constexpr uint16_t punctuation = connector | other_punctuation;
inline constexpr uint16_t word = letter | mark | number | connector | joiner;

/// Code point of an invalid byte: outside Unicode, so that no set of characters has it.
inline constexpr uint32_t invalid_byte = 0x110000;

struct Glyph {
    uint32_t code_point = 0;
    uint16_t flags = 0;
    uint8_t bytes = 0; ///< 0 past the end of the text.

    bool is(unsigned mask) const { return (flags & mask) != 0; }
};

/// The flags of every code point, in blocks of 256 of which equal ones are shared.
class Table {
public:
    /// Built at first use (some milliseconds), then immutable.
    static const Table &get();

    uint16_t flags(uint32_t code_point) const {
        return code_point >= 0x110000 ? uint16_t{symbol} : blocks_[block_of_[code_point >> 8]][code_point & 0xff];
    }
    /// The character that begins at `at`.
    Glyph read(std::string_view text, size_t at) const {
        if (at >= text.size()) return {};
        const auto byte = static_cast<uint8_t>(text[at]);
        if (byte < 0x80) return {byte, blocks_[block_of_[0]][byte], 1};
        return read_long(text, at);
    }
    /// The character that ends before `end`.
    Glyph read_before(std::string_view text, size_t end) const;

private:
    Table();
    Glyph read_long(std::string_view text, size_t at) const;

    std::array<uint16_t, 0x1100> block_of_{};
    std::vector<std::array<uint16_t, 256>> blocks_;
};

} // namespace quant::chars
