// Strings, numbers and arrays of a schema.
#include "base/error.h"
#include "text/grammar.h"
#include "text/json_pattern.h"
#include "text/json_schema_compiler.h"

#include <algorithm>
#include <cmath>

namespace quant::grammar {

namespace {

struct Format {
    std::string_view name;
    uint32_t shortest, longest; ///< What json_pieces.cpp writes, in characters.
};
constexpr Format formats[] = {
    {"date", 10, 10}, {"date-time", 20, 35}, {"email", 5, 379}, {"hostname", 1, 214}, {"ipv4", 7, 15},
    {"ipv6", 15, 39}, {"time", 9, 24},       {"uri", 5, 2056},  {"uuid", 36, 36},
};

/// A bound of a number, as the nearest whole number inside where only whole ones count.
struct Bound {
    int64_t value;
    bool exclusive;
};

std::optional<Bound> bound(const json::object &keywords, std::string_view name, bool lower, bool integer,
                           const SchemaPlace &place) {
    const json::value *value = keywords.if_contains(name);
    if (!value) return std::nullopt;
    const SchemaPlace at = place.member(name);
    const bool exclusive = name.starts_with("exclusive");
    if (value->is_int64()) return Bound{value->get_int64(), exclusive};
    constexpr double range = 9.2e18; // a little less than what int64_t can hold
    if (!value->is_number()) schema_fails(QUANT_ERR_ARGUMENT, at, "expected a number");
    const auto number = value->to_number<double>();
    if (lower ? number < -range : number > range) return std::nullopt; // allows all that is written
    if (std::fabs(number) > range) schema_fails(QUANT_ERR_UNSUPPORTED, at, "more than 64 bits");
    if (std::floor(number) == number) return Bound{static_cast<int64_t>(number), exclusive};
    if (!integer) schema_fails(QUANT_ERR_UNSUPPORTED, at, "a bound of a number must be whole");
    return Bound{static_cast<int64_t>(lower ? std::ceil(number) : std::floor(number)), false};
}

NumberBounds bounds_of(const json::object &keywords, bool integer, const SchemaPlace &place) {
    NumberBounds out;
    for (const std::string_view name : {"minimum", "exclusiveMinimum"}) {
        const auto found = bound(keywords, name, true, integer, place);
        if (!found || (out.least && *out.least > found->value)) continue;
        out.above = found->exclusive;
        out.least = found->value;
    }
    for (const std::string_view name : {"maximum", "exclusiveMaximum"}) {
        const auto found = bound(keywords, name, false, integer, place);
        if (!found || (out.most && *out.most < found->value)) continue;
        out.below = found->exclusive;
        out.most = found->value;
    }
    return out;
}

} // namespace

ExpressionId SchemaCompiler::number(const json::object &keywords, bool integer, const SchemaPlace &place) {
    const NumberBounds bounds = bounds_of(keywords, integer, place);
    return integer ? pieces_.integer(bounds) : pieces_.number(bounds);
}

ExpressionId SchemaCompiler::string(const json::object &keywords, const SchemaPlace &place) {
    const uint32_t shortest = count_keyword(keywords, "minLength", 0, place);
    const uint32_t longest = count_keyword(keywords, "maxLength", GrammarTree::unbounded, place);
    const json::value *pattern = keywords.if_contains("pattern"), *format = keywords.if_contains("format");
    const bool limited = shortest > 0 || longest != GrammarTree::unbounded;
    if (format) {
        const SchemaPlace at = place.member("format");
        const std::string_view name = string_of(*format, at);
        const auto found =
            std::find_if(std::begin(formats), std::end(formats), [&](auto &f) { return f.name == name; });
        if (found == std::end(formats))
            schema_fails(QUANT_ERR_UNSUPPORTED, at, fmt::format("'{}' is no format known here", printable(name)));
        if (pattern || found->shortest < shortest || found->longest > longest)
            schema_fails(QUANT_ERR_UNSUPPORTED, at, "beside pattern, minLength or maxLength");
        return pieces_.quoted(pieces_.named(name));
    }
    if (shortest > longest) return tree_.never();
    if (!pattern)
        return limited ? pieces_.quoted(tree_.repeat(pieces_.named("json-char"), shortest, longest))
                       : pieces_.named("json-string");
    const SchemaPlace at = place.member("pattern");
    const JsonPattern parsed = json_pattern(string_of(*pattern, at), at.pointer, pieces_, tree_);
    if (parsed.shortest >= shortest && (longest == GrammarTree::unbounded || parsed.longest <= longest))
        return pieces_.quoted(parsed.expression);
    if (!parsed.repeated) schema_fails(QUANT_ERR_UNSUPPORTED, at, "beside minLength or maxLength");
    const uint32_t least = std::max(shortest, static_cast<uint32_t>(parsed.shortest));
    const uint32_t most = std::min(longest, static_cast<uint32_t>(parsed.longest));
    return least > most ? tree_.never() : pieces_.quoted(tree_.repeat(*parsed.repeated, least, most));
}

ExpressionId SchemaCompiler::array(const json::object &keywords, const SchemaPlace &place) {
    const uint32_t fewest = count_keyword(keywords, "minItems", 0, place);
    const json::value *prefix = keywords.if_contains("prefixItems"), *items = keywords.if_contains("items");
    static const json::array none;
    const json::array &first = prefix ? array_of(*prefix, place.member("prefixItems")) : none;
    // After prefixItems the items must be asked for.
    const bool open = items || !prefix || fewest > first.size();
    uint32_t most = count_keyword(keywords, "maxItems", GrammarTree::unbounded, place);
    if (!open) most = std::min(most, static_cast<uint32_t>(first.size()));
    if (fewest > most) return tree_.never();
    const auto listed = static_cast<uint32_t>(std::min<size_t>(first.size(), most));

    const ExpressionId comma = tree_.sequence({tree_.text(","), pieces_.space()});
    ExpressionId rest = tree_.empty(), all = tree_.empty();
    if (most > listed) {
        const ExpressionId one =
            tree_.shared(place.pointer + "/items", items ? schema(*items, place.member("items")) : pieces_.any());
        const uint32_t min = fewest > listed ? fewest - listed : 0;
        const uint32_t max = most == GrammarTree::unbounded ? most : most - listed;
        const ExpressionId next = tree_.sequence({comma, one});
        rest = tree_.repeat(next, min, max);
        all = tree_.sequence({one,
                              tree_.repeat(next, min > 0 ? min - 1 : 0, max == GrammarTree::unbounded ? max : max - 1),
                              pieces_.space()});
        if (min == 0) all = tree_.optional(all);
    }
    rest = tree_.sequence({rest, pieces_.space()});
    for (uint32_t i = listed; i-- > 0;) {
        const ExpressionId element = schema(first[i], place.member("prefixItems").element(i));
        all = tree_.shared(place.pointer, tree_.sequence({element, rest}));
        rest = tree_.shared(place.pointer, tree_.sequence({comma, all}));
        if (i >= fewest) rest = tree_.choice({rest, pieces_.space()});
        if (i == 0 && fewest == 0) all = tree_.optional(all);
    }
    return tree_.sequence({tree_.text("["), pieces_.space(), all, tree_.text("]")});
}

} // namespace quant::grammar
