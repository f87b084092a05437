// Tables of fields made of what requests have in common and what each has besides.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace quantd {

template <size_t First, size_t Second>
constexpr auto joined(const std::array<std::string_view, First> &first,
                      const std::array<std::string_view, Second> &second) {
    std::array<std::string_view, First + Second> out{};
    std::copy(first.begin(), first.end(), out.begin());
    std::copy(second.begin(), second.end(), out.begin() + First);
    return out;
}

} // namespace quantd
