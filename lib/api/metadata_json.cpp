#include "api/metadata_json.h"

#include "base/error.h"
#include "base/utf8.h"

#include <cmath>
#include <type_traits>

namespace quant::api {

namespace {

constexpr const char *type_names[] = {"u8",   "i8",   "u16",   "i16", "u32", "i32", "f32",
                                      "bool", "string", "array", "u64", "i64", "f64"};

json::value value_json(const MetadataArray &array, size_t max_items);

template <class T>
json::value value_json(const T &v, size_t max_items) {
    (void)max_items;
    if constexpr (std::is_same_v<T, std::string>) {
        return is_utf8(v) ? json::value(v) : json::value(printable(v, SIZE_MAX));
    } else if constexpr (std::is_same_v<T, bool>) {
        return v;
    } else if constexpr (std::is_floating_point_v<T>) {
        if (!std::isfinite(v)) return json::value(fmt::format("{}", v));
        return double{v};
    } else if constexpr (std::is_signed_v<T>) {
        return int64_t{v};
    } else {
        return uint64_t{v};
    }
}

json::value value_json(const MetadataArray &array, size_t max_items) {
    const size_t count = array.size();
    if (max_items != 0 && count > max_items)
        return json::object{{"type", type_names[array.elements.index()]}, {"count", count}};
    json::array out;
    std::visit(
        [&](const auto &elements) {
            using Element = typename std::decay_t<decltype(elements)>::value_type;
            for (const auto &e : elements) out.push_back(value_json(static_cast<const Element &>(e), max_items));
        },
        array.elements);
    return out;
}

} // namespace

json::value metadata_json(const Metadata &metadata, size_t max_items) {
    json::object out;
    for (const auto &[key, value] : metadata.entries())
        out[is_utf8(key) ? key : printable(key)] =
            std::visit([&](const auto &v) { return value_json(v, max_items); }, value);
    return out;
}

} // namespace quant::api
