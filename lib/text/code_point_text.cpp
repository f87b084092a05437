#include "text/code_point_text.h"

#include "base/utf8.h"

namespace quant::grammar {

uint32_t take_code_point(std::string_view text, size_t &at) {
    const size_t length = utf8_sequence_length(text.substr(at));
    const auto lead = static_cast<uint8_t>(text[at]);
    uint32_t out = length <= 1 ? lead : lead & (0x7Fu >> length);
    for (size_t i = 1; i < length; ++i) out = out << 6 | (static_cast<uint8_t>(text[at + i]) & 0x3Fu);
    at += length ? length : 1;
    return out;
}

std::optional<uint32_t> take_hexadecimal(std::string_view text, size_t &at, unsigned digits) {
    uint32_t out = 0;
    for (unsigned i = 0; i < digits; ++i, ++at) {
        const char c = at < text.size() ? text[at] : '\0';
        if (c >= '0' && c <= '9')
            out = out * 16 + static_cast<uint32_t>(c - '0');
        else if (c >= 'a' && c <= 'f')
            out = out * 16 + static_cast<uint32_t>(c - 'a' + 10);
        else if (c >= 'A' && c <= 'F')
            out = out * 16 + static_cast<uint32_t>(c - 'A' + 10);
        else
            return std::nullopt;
    }
    return out;
}

} // namespace quant::grammar
