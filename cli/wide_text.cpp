#include "wide_text.h"

#include <cstdint>

namespace quantctl {

std::string utf8_of(std::wstring_view text) {
    std::string out;
    for (const wchar_t character : text) {
        const auto code = static_cast<uint32_t>(character);
        if (code < 0x80) {
            out += static_cast<char>(code);
        } else if (code < 0x800) {
            out += static_cast<char>(0xc0 | code >> 6);
            out += static_cast<char>(0x80 | (code & 0x3f));
        } else {
            if (code < 0x10000) {
                out += static_cast<char>(0xe0 | code >> 12);
            } else {
                out += static_cast<char>(0xf0 | code >> 18);
                out += static_cast<char>(0x80 | (code >> 12 & 0x3f));
            }
            out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
            out += static_cast<char>(0x80 | (code & 0x3f));
        }
    }
    return out;
}

int bytes_after(unsigned char first) {
    return first < 0x80 ? 0 : first >> 5 == 6 ? 1 : first >> 4 == 14 ? 2 : first >> 3 == 30 ? 3 : -1;
}

std::wstring wide_of(std::string_view text) {
    std::wstring out;
    while (!text.empty()) {
        const auto first = static_cast<unsigned char>(text[0]);
        const int more = bytes_after(first);
        size_t taken = 1;
        if (more >= 0) {
            uint32_t code = more == 0 ? first : first & (0x3fu >> more);
            while (taken <= static_cast<size_t>(more) && taken < text.size() && (text[taken] & 0xc0) == 0x80)
                code = code << 6 | (static_cast<unsigned char>(text[taken++]) & 0x3f);
            if (taken == static_cast<size_t>(more) + 1) out += static_cast<wchar_t>(code);
        }
        text.remove_prefix(taken);
    }
    return out;
}

} // namespace quantctl
