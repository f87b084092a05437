// Numbers and names in a row, for messages.
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

/// "a or b" for {"a", "b"} and " or ".
inline std::string joined(std::span<const std::string_view> names, std::string_view separator) {
    std::string text;
    for (const std::string_view name : names) {
        if (!text.empty()) text += separator;
        text += name;
    }
    return text;
}

} // namespace quant
