#include "sampling_fields.h"

#include "failure.h"

#include <charconv>
#include <cmath>
#include <limits>

namespace quantctl {

namespace {

using S = quant_sampling;

constexpr double any_count = std::numeric_limits<uint32_t>::max(), any_seed = 0x1p64;

constexpr SamplingField fields[] = {
    {"temperature", "--temp", &S::temperature, 0, 100, false, "Temperature; 0 takes the likeliest token (0.8)"},
    {"top_k", "--top-k", &S::top_k, 0, any_count, false, "Keep the k likeliest; 0: all (40)"},
    {"typical_p", "--typical-p", &S::typical_p, 0, 1, true, "Keep those nearest to the expected surprise; 1: all (1)"},
    {"top_p", "--top-p", &S::top_p, 0, 1, true, "Keep the likeliest whose sum reaches p; 1: all (0.95)"},
    {"min_p", "--min-p", &S::min_p, 0, 1, false, "Drop what is less likely than p times the likeliest (0.05)"},
    {"mirostat", "--mirostat", &S::mirostat, 0, 2, false,
     "Keep surprise at a level instead, by version 1 or 2; 0: off (0)"},
    {"mirostat_tau", "--mirostat-tau", &S::mirostat_tau, 0, 100, true, "The level, in bits a token (5)"},
    {"mirostat_eta", "--mirostat-eta", &S::mirostat_eta, 0, 1, false, "How fast it is corrected (0.1)"},
    {"repeat_penalty", "--repeat-penalty", &S::repeat_penalty, 0, 100, true, "Against repetition; 1: off (1)"},
    {"presence_penalty", "--presence-penalty", &S::presence_penalty, -2, 2, false,
     "Taken from the logits of tokens that are there already (0)"},
    {"frequency_penalty", "--frequency-penalty", &S::frequency_penalty, -2, 2, false,
     "The same for each time they are (0)"},
    {"repeat_last_n", "--repeat-last-n", &S::repeat_last_n, 0, any_count, false,
     "Recent tokens that count as repeated; 0: none (64)"},
    {"seed", "--seed", &S::seed, 0, any_seed, false, "The same seed gives the same text; 0: a random one (0)"},
};

template <class T> bool parse_whole(const std::string &text, T &value) {
    const char *end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    return error == std::errc{} && stop == end;
}

bool in_range(const SamplingField &field, double value) {
    return std::isfinite(value) && value <= field.high && (field.over_low ? value > field.low : value >= field.low);
}

} // namespace

std::span<const SamplingField> sampling_fields() { return fields; }

bool is_real(const SamplingField &field) { return std::holds_alternative<float S::*>(field.member); }

std::string range_words(const SamplingField &field) {
    if (field.high >= any_count) return fmt::format("of {} or more", field.low);
    if (field.over_low) return fmt::format("over {}, to {}", field.low, field.high);
    return fmt::format("from {} to {}", field.low, field.high);
}

std::string value_words(const SamplingField &field, const quant_sampling &sampling) {
    return std::visit([&](auto member) { return fmt::format("{}", sampling.*member); }, field.member);
}

void set_value(quant_sampling &sampling, const SamplingField &field, const std::string &what, const std::string &text) {
    const auto set = [&](auto member) {
        using T = std::remove_reference_t<decltype(sampling.*member)>;
        T value{};
        if (!parse_whole(text, value) || !in_range(field, static_cast<double>(value)))
            usage_error("{}: expected a {} {}, found \"{}\"", what, is_real(field) ? "number" : "whole number",
                        range_words(field), text);
        sampling.*member = value;
    };
    std::visit(set, field.member);
}

} // namespace quantctl
