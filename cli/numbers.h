// Numbers and lists on the command line, read strictly: the whole word is a number
// in range, or the user is told what was expected.
#pragma once

#include <CLI/CLI.hpp>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace quantctl {

/// A decimal whole number in [low, high]; throws a usage Failure that names `what`.
uint64_t parse_count(std::string_view what, std::string_view text, uint64_t low, uint64_t high);

/// A finite decimal number in [low, high].
double parse_real(std::string_view what, std::string_view text, double low, double high);

/// Whole numbers in [low, high], separated by commas.
std::vector<uint32_t> parse_counts(std::string_view what, std::string_view text, uint32_t low, uint32_t high);

/// Token ids: "1,2,3", also with blanks and as a JSON array; "" is no ids.
std::vector<int32_t> parse_ids(std::string_view what, std::string_view text);

/// rows * cols * item_bytes; throws a usage Failure if that overflows.
uint64_t checked_bytes(uint64_t rows, uint64_t cols, uint64_t item_bytes);

/// An option that takes a count.
template <class T>
CLI::Option *add_count(CLI::App &app, const std::string &name, T &value, uint64_t low, const std::string &description,
                       uint64_t high = std::numeric_limits<T>::max()) {
    return app
        .add_option_function<std::string>(
            name,
            [&value, name, low, high](const std::string &text) {
                value = static_cast<T>(parse_count(name, text, low, high));
            },
            description)
        ->type_name("N");
}

/// An option that takes a number with a fraction.
CLI::Option *add_real(CLI::App &app, const std::string &name, float &value, double low, double high,
                      const std::string &description);

} // namespace quantctl
