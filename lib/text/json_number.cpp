// Numbers between bounds, digit by digit: a bound's first digits are followed one by one,
// and where a number has left them the rest of its digits are free.
#include "text/json_pieces.h"

#include <algorithm>
#include <string>

namespace quant::grammar {

namespace {

uint64_t magnitude_of(int64_t value) {
    return value < 0 ? uint64_t{0} - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
}

/// Bounds with the open ones filled in, so that the most that fits is allowed.
struct Closed {
    int64_t least, most;
    explicit Closed(const NumberBounds &bounds) {
        constexpr int64_t open = JsonPieces::largest_open_integer;
        least = bounds.least.value_or(bounds.most && *bounds.most < -open ? INT64_MIN : -open);
        most = bounds.most.value_or(bounds.least && *bounds.least > open ? INT64_MAX : open);
    }
};

} // namespace

// Both have the same number of digits, and least <= most.
ExpressionId JsonPieces::same_length(std::string_view least, std::string_view most) {
    const auto count = static_cast<uint32_t>(least.size());
    if (least.find_first_not_of('0') == least.npos && most.find_first_not_of('9') == most.npos)
        return tree_.repeat(digits('0', '9'), count, count);
    const char low = least[0], high = most[0];
    if (low == high) return tree_.sequence({digits(low, low), same_length(least.substr(1), most.substr(1))});
    const std::string nines(count - 1, '9'), zeros(count - 1, '0');
    std::vector<ExpressionId> out{
        tree_.sequence({digits(low, low), same_length(least.substr(1), nines)}),
        tree_.sequence({digits(high, high), same_length(zeros, most.substr(1))}),
    };
    if (high - low > 1)
        out.push_back(tree_.sequence({digits(static_cast<char>(low + 1), static_cast<char>(high - 1)),
                                      tree_.repeat(digits('0', '9'), count - 1, count - 1)}));
    return tree_.choice(std::move(out));
}

ExpressionId JsonPieces::magnitude(uint64_t least, uint64_t most) {
    std::vector<ExpressionId> out;
    if (least > most) return tree_.never();
    const std::string first = std::to_string(least), last = std::to_string(most);
    for (size_t length = first.size(); length <= last.size(); ++length) {
        const std::string low = length == first.size() ? first : "1" + std::string(length - 1, '0');
        const std::string high = length == last.size() ? last : std::string(length, '9');
        out.push_back(same_length(low, high));
    }
    return tree_.choice(std::move(out));
}

ExpressionId JsonPieces::integer(const NumberBounds &bounds) {
    if (!bounds.least && !bounds.most) return named("json-integer");
    Closed range(bounds);
    if (bounds.above && range.least == INT64_MAX) return tree_.never();
    if (bounds.below && range.most == INT64_MIN) return tree_.never();
    range.least += bounds.above, range.most -= bounds.below;
    if (range.least > range.most) return tree_.never();
    std::vector<ExpressionId> out;
    if (range.most >= 0)
        out.push_back(magnitude(magnitude_of(std::max<int64_t>(range.least, 0)), magnitude_of(range.most)));
    if (range.least < 0) {
        const uint64_t nearest = range.most < 0 ? magnitude_of(range.most) : 1;
        out.push_back(tree_.sequence({tree_.text("-"), magnitude(nearest, magnitude_of(range.least))}));
    }
    return tree_.choice(std::move(out));
}

// Numbers of no sign and no exponent from `least` to `most`, which are whole.
ExpressionId JsonPieces::decimal(uint64_t least, bool above, uint64_t most, bool below) {
    const auto whole = [&](uint64_t value) { return tree_.text(std::to_string(value)); };
    const ExpressionId any_fraction = tree_.optional(named("fraction"));
    const ExpressionId zeros = tree_.optional(named("zero-fraction"));
    if (least > most || (least == most && (above || below))) return tree_.never();
    if (least == most) return tree_.sequence({whole(least), zeros});
    std::vector<ExpressionId> out{tree_.sequence({whole(least), above ? named("positive-fraction") : any_fraction})};
    if (most - least > 1) out.push_back(tree_.sequence({magnitude(least + 1, most - 1), any_fraction}));
    if (!below) out.push_back(tree_.sequence({whole(most), zeros}));
    return tree_.choice(std::move(out));
}

ExpressionId JsonPieces::number(const NumberBounds &bounds) {
    if (!bounds.least && !bounds.most) return named("json-number");
    const Closed range(bounds);
    if (range.least > range.most) return tree_.never();
    std::vector<ExpressionId> out;
    if (range.most >= 0) {
        const bool from_zero = range.least < 0;
        out.push_back(decimal(from_zero ? 0 : magnitude_of(range.least), !from_zero && bounds.above,
                              magnitude_of(range.most), bounds.below));
    }
    if (range.least < 0) {
        // Zero has no sign here.
        const bool to_zero = range.most >= 0;
        out.push_back(
            tree_.sequence({tree_.text("-"), decimal(to_zero ? 0 : magnitude_of(range.most), to_zero || bounds.below,
                                                     magnitude_of(range.least), bounds.above)}));
    }
    return tree_.choice(std::move(out));
}

} // namespace quant::grammar
