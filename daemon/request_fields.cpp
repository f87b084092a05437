#include "request_fields.h"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace quantd {

const json::value *Fields::find(std::string_view name) const {
    if (const std::string full = fmt::format("{}{}", prefix_, name);
        !known_.empty() && std::find(known_.begin(), known_.end(), full) == known_.end())
        throw std::logic_error(full + " is not in the route's table of fields");
    const json::value *value = object_.if_contains(name);
    return value && !value->is_null() ? value : nullptr;
}

void Fields::wrong(std::string_view name, std::string_view expected) const {
    constexpr size_t shown = 60;
    std::string found = "missing";
    if (const json::value *value = find(name)) found = json::serialize(*value).substr(0, shown);
    throw ApiError{.status = 400,
                   .message = fmt::format("{}{} is {}: expected {}", prefix_, name, found, expected),
                   .code = "invalid_value",
                   .param = fmt::format("{}{}", prefix_, name)};
}

std::optional<double> Fields::number(std::string_view name, double least, double most) const {
    const json::value *value = find(name);
    if (!value) return std::nullopt;
    boost::json::error_code error;
    const double number = value->is_number() ? value->to_number<double>(error) : std::nan("");
    if (error || !(number >= least && number <= most)) wrong(name, fmt::format("a number from {} to {}", least, most));
    return number;
}

std::optional<int64_t> Fields::integer(std::string_view name, int64_t least, int64_t most) const {
    const json::value *value = find(name);
    if (!value) return std::nullopt;
    boost::json::error_code error;
    const int64_t number = value->is_number() ? value->to_number<int64_t>(error) : 0;
    if (!value->is_number() || error || number < least || number > most)
        wrong(name, fmt::format("a whole number from {} to {}", least, most));
    return number;
}

std::optional<bool> Fields::flag(std::string_view name) const {
    const json::value *value = find(name);
    if (!value) return std::nullopt;
    if (!value->is_bool()) wrong(name, "true or false");
    return value->as_bool();
}

std::optional<std::string> Fields::text(std::string_view name) const {
    const json::value *value = find(name);
    if (!value) return std::nullopt;
    if (!value->is_string()) wrong(name, "a string");
    return std::string(value->as_string());
}

const json::object *Fields::object(std::string_view name) const {
    const json::value *value = find(name);
    if (value && !value->is_object()) wrong(name, "an object");
    return value ? &value->as_object() : nullptr;
}

const json::array *Fields::array(std::string_view name) const {
    const json::value *value = find(name);
    if (value && !value->is_array()) wrong(name, "an array");
    return value ? &value->as_array() : nullptr;
}

std::string Fields::required_text(std::string_view name) const {
    auto found = text(name);
    if (!found || found->empty()) wrong(name, "a string");
    return *std::move(found);
}

std::vector<std::string> Fields::texts(std::string_view name, size_t most) const {
    const json::value *value = find(name);
    std::vector<std::string> out;
    if (!value) return out;
    const auto add = [&](const json::value &v) {
        if (!v.is_string() || v.as_string().find('\0') != json::string::npos)
            wrong(name, "a string, or an array of strings");
        out.emplace_back(v.as_string());
    };
    if (value->is_array()) {
        if (value->as_array().size() > most) wrong(name, fmt::format("at most {} strings", most));
        for (const json::value &v : value->as_array()) add(v);
    } else {
        add(*value);
    }
    return out;
}

} // namespace quantd
