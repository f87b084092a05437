#include "json_fields.h"

#include <cmath>

namespace quantctl {

const json::value &member(const json::object &object, const char *key) {
    static const json::value none;
    const json::value *value = object.if_contains(key);
    return value ? *value : none;
}

double number_of(const json::value &value) {
    if (value.is_double()) return value.get_double();
    if (value.is_int64()) return static_cast<double>(value.get_int64());
    if (value.is_uint64()) return static_cast<double>(value.get_uint64());
    return NAN;
}

uint64_t count_of(const json::value &value) {
    const double number = number_of(value);
    return number > 0 && number < 1e19 ? static_cast<uint64_t>(number) : 0;
}

std::string text_of(const json::value &value) {
    return value.is_string() ? std::string(value.get_string()) : std::string();
}

std::string words_of(const json::value &value) {
    if (value.is_null()) return "-";
    if (value.is_string()) return std::string(value.get_string());
    if (value.is_double()) return fmt::format("{:.6g}", value.get_double());
    if (value.is_array()) {
        std::string out;
        for (const json::value &item : value.get_array()) out += (out.empty() ? "" : "x") + words_of(item);
        return out;
    }
    return json::serialize(value);
}

std::vector<const json::object *> rows_of(const json::object &document, const char *key) {
    std::vector<const json::object *> rows;
    const json::value &list = member(document, key);
    if (!list.is_array()) return rows;
    for (const json::value &item : list.get_array())
        if (item.is_object()) rows.push_back(&item.get_object());
    return rows;
}

json::object parse_document(const char *text) {
    json::parse_options options;
    options.allow_invalid_utf8 = true;
    return json::parse(text, {}, options).as_object();
}

} // namespace quantctl
