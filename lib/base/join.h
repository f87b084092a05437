// Numbers in a row, for messages.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace quant {

/// "512x256" for {512, 256} and "x".
inline std::string joined(std::span<const uint64_t> numbers, std::string_view separator) {
    std::string text;
    for (const uint64_t n : numbers) {
        if (!text.empty()) text += separator;
        text += std::to_string(n);
    }
    return text;
}

} // namespace quant
