// JSON from files, which is hostile input: depth and size are limited, duplicate
// keys are refused, and the typed readers name the file and the key.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace quant::json {

using boost::json::array;
using boost::json::object;
using boost::json::string;
using boost::json::value;

inline constexpr size_t max_depth = 64;

/// Parse one document. `name` is what messages call it (a path). Throws Error
/// (QUANT_ERR_FORMAT) with the offset; objects keep their order.
value parse(std::string_view text, std::string_view name);

/// Compact text: no spaces, keys in insertion order.
std::string serialize(const value &v);

/// A JSON object under a name, with typed access. `find` gives nullptr for a
/// missing or null member; `get` uses the fallback for one, and throws Error
/// (QUANT_ERR_FORMAT) where the member is there but of another type or out of range.
class Reader {
public:
    Reader(const value &v, std::string_view name);
    Reader(const object &o, std::string_view name) : object_(&o), name_(name) {}

    const value *find(std::string_view key) const;
    bool has(std::string_view key) const { return find(key) != nullptr; }
    uint64_t get_uint(std::string_view key, uint64_t fallback) const;
    double get_number(std::string_view key, double fallback) const;
    bool get_bool(std::string_view key, bool fallback) const;
    std::string get_string(std::string_view key, std::string_view fallback) const;
    uint64_t require_uint(std::string_view key) const;
    std::string require_string(std::string_view key) const;
    const array &require_array(std::string_view key) const;
    Reader require_object(std::string_view key) const;

    const object &raw() const { return *object_; }
    const std::string &name() const { return name_; }

private:
    [[noreturn]] void wrong(std::string_view key, std::string_view expected) const;
    const value &require(std::string_view key) const;

    const object *object_;
    std::string name_;
};

} // namespace quant::json
