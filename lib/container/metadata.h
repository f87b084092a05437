// Metadata of a model file: ordered keys and typed values, with GGUF's types.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace quant {

struct MetadataArray;

/// The alternatives stand in the order of GGUF's type numbers, so index() is one.
using MetadataValue = std::variant<uint8_t, int8_t, uint16_t, int16_t, uint32_t, int32_t, float, bool, std::string,
                                   MetadataArray, uint64_t, int64_t, double>;

/// Elements of one type; the index() is GGUF's type number of the elements.
struct MetadataArray {
    using Elements =
        std::variant<std::vector<uint8_t>, std::vector<int8_t>, std::vector<uint16_t>, std::vector<int16_t>,
                     std::vector<uint32_t>, std::vector<int32_t>, std::vector<float>, std::vector<bool>,
                     std::vector<std::string>, std::vector<MetadataArray>, std::vector<uint64_t>, std::vector<int64_t>,
                     std::vector<double>>;
    Elements elements;

    size_t size() const;
};

/// `value` where it is of any integer type and not negative.
std::optional<uint64_t> as_uint(const MetadataValue &value) noexcept;

/// Keys in file order. `name` (the file's path) leads every message.
/// Readers throw Error (QUANT_ERR_MODEL, naming file and key) where a key is there
/// with another type or out of range; a missing key gives nothing or the fallback.
class Metadata {
public:
    explicit Metadata(std::string name = "") : name_(std::move(name)) {}

    const std::string &name() const { return name_; }
    const std::vector<std::pair<std::string, MetadataValue>> &entries() const { return entries_; }

    /// In constant time, however many keys a file brings.
    const MetadataValue *find(std::string_view key) const;
    /// Replace or append.
    void set(std::string_view key, MetadataValue value);
    void erase(std::string_view key);

    /// Any integer type that fits, not negative.
    std::optional<uint64_t> find_uint(std::string_view key) const;
    std::optional<double> find_number(std::string_view key) const;
    std::optional<bool> find_bool(std::string_view key) const;
    std::optional<std::string> find_string(std::string_view key) const;
    /// Borrowed; nullptr when missing.
    const std::vector<std::string> *find_strings(std::string_view key) const;
    const std::vector<float> *find_floats(std::string_view key) const;
    /// An array of any integer type, widened. Empty optional when missing.
    std::optional<std::vector<int64_t>> find_ints(std::string_view key) const;

    uint64_t require_uint(std::string_view key) const;
    double require_number(std::string_view key) const;
    std::string require_string(std::string_view key) const;

private:
    [[noreturn]] void wrong(std::string_view key, std::string_view expected) const;
    [[noreturn]] void missing(std::string_view key) const;
    std::string name_;
    std::vector<std::pair<std::string, MetadataValue>> entries_;
    std::unordered_map<std::string, size_t> index_; ///< Key to its place in entries_.
};

} // namespace quant
