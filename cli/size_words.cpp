#include "size_words.h"

#include "failure.h"

#include <charconv>
#include <cmath>
#include <strings.h>

namespace quantctl {

namespace {

constexpr struct {
    const char *suffix;
    double factor;
} units[] = {{"", 1},      {"B", 1},      {"K", 1e3},      {"KB", 1e3},      {"KiB", 0x1p10},
             {"M", 1e6},   {"MB", 1e6},   {"MiB", 0x1p20}, {"G", 1e9},       {"GB", 1e9},
             {"GiB", 0x1p30}, {"T", 1e12}, {"TB", 1e12},   {"TiB", 0x1p40}};

} // namespace

uint64_t parse_size(const std::string &option, const std::string &text) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc{})
        for (const auto &unit : units) {
            if (::strcasecmp(end, unit.suffix) != 0) continue;
            const double bytes = number * unit.factor;
            if (bytes >= 1 && bytes < 0x1p62) return static_cast<uint64_t>(std::llround(bytes));
        }
    usage_error("{}: expected a size such as 4.2G, 800M or 6GiB, found \"{}\"", option, text);
}

} // namespace quantctl
