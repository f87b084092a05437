// Typed access to metadata. A key that is there but wrong is an error of the model,
// never a silent fallback: half the crashes of other loaders begin with a default
// taken in place of a value of an unexpected type.
#include "container/metadata.h"

#include "base/checked.h"
#include "base/error.h"

#include <type_traits>

namespace quant {

namespace {

template <class T>
inline constexpr bool is_integer = std::is_integral_v<T> && !std::is_same_v<T, bool>;

template <class T>
inline constexpr bool is_number = is_integer<T> || std::is_floating_point_v<T>;

// The vector of T that `value` holds, or nullptr.
template <class T>
const std::vector<T> *elements_of(const MetadataValue &value) {
    const auto *array = std::get_if<MetadataArray>(&value);
    return array ? std::get_if<std::vector<T>>(&array->elements) : nullptr;
}

template <class T>
std::optional<std::vector<int64_t>> widened(const std::vector<T> &elements) {
    if constexpr (is_integer<T>) {
        std::vector<int64_t> out;
        out.reserve(elements.size());
        for (const T element : elements) {
            const auto wide = checked_cast<int64_t>(element);
            if (!wide) return std::nullopt;
            out.push_back(*wide);
        }
        return out;
    } else {
        return std::nullopt;
    }
}

} // namespace

size_t MetadataArray::size() const {
    return std::visit([](const auto &v) { return v.size(); }, elements);
}

std::optional<uint64_t> as_uint(const MetadataValue &value) noexcept {
    return std::visit(
        [](const auto &v) -> std::optional<uint64_t> {
            if constexpr (is_integer<std::decay_t<decltype(v)>>)
                return checked_cast<uint64_t>(v);
            else
                return std::nullopt;
        },
        value);
}

void Metadata::wrong(std::string_view key, std::string_view expected) const {
    fail(QUANT_ERR_MODEL, "{}: key \"{}\": expected {}", printable(name_, 4096), printable(key), expected);
}

void Metadata::missing(std::string_view key) const {
    fail(QUANT_ERR_MODEL, "{}: key \"{}\" is missing", printable(name_, 4096), printable(key));
}

const MetadataValue *Metadata::find(std::string_view key) const {
    const auto at = index_.find(std::string(key));
    return at == index_.end() ? nullptr : &entries_[at->second].second;
}

void Metadata::set(std::string_view key, MetadataValue value) {
    const auto [at, is_new] = index_.try_emplace(std::string(key), entries_.size());
    if (is_new)
        entries_.emplace_back(key, std::move(value));
    else
        entries_[at->second].second = std::move(value);
}

void Metadata::erase(std::string_view key) {
    const auto at = index_.find(std::string(key));
    if (at == index_.end()) return;
    const size_t place = at->second;
    index_.erase(at);
    entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(place));
    for (auto &[name, index] : index_)
        if (index > place) --index;
}

std::optional<uint64_t> Metadata::find_uint(std::string_view key) const {
    const MetadataValue *value = find(key);
    if (!value) return std::nullopt;
    const auto number = as_uint(*value);
    if (!number) wrong(key, "a whole number that is not negative");
    return number;
}

std::optional<double> Metadata::find_number(std::string_view key) const {
    const MetadataValue *value = find(key);
    if (!value) return std::nullopt;
    return std::visit(
        [&](const auto &v) -> double {
            if constexpr (is_number<std::decay_t<decltype(v)>>)
                return static_cast<double>(v);
            else
                wrong(key, "a number");
        },
        *value);
}

std::optional<bool> Metadata::find_bool(std::string_view key) const {
    const MetadataValue *value = find(key);
    if (!value) return std::nullopt;
    const bool *flag = std::get_if<bool>(value);
    if (!flag) wrong(key, "true or false");
    return *flag;
}

std::optional<std::string> Metadata::find_string(std::string_view key) const {
    const MetadataValue *value = find(key);
    if (!value) return std::nullopt;
    const auto *text = std::get_if<std::string>(value);
    if (!text) wrong(key, "a string");
    return *text;
}

const std::vector<std::string> *Metadata::find_strings(std::string_view key) const {
    const MetadataValue *value = find(key);
    if (!value) return nullptr;
    const auto *strings = elements_of<std::string>(*value);
    if (!strings) wrong(key, "an array of strings");
    return strings;
}

const std::vector<float> *Metadata::find_floats(std::string_view key) const {
    const MetadataValue *value = find(key);
    if (!value) return nullptr;
    const auto *floats = elements_of<float>(*value);
    if (!floats) wrong(key, "an array of float32");
    return floats;
}

std::optional<std::vector<int64_t>> Metadata::find_ints(std::string_view key) const {
    const MetadataValue *value = find(key);
    if (!value) return std::nullopt;
    const auto *array = std::get_if<MetadataArray>(value);
    auto ints = array ? std::visit([](const auto &v) { return widened(v); }, array->elements) : std::nullopt;
    if (!ints) wrong(key, "an array of whole numbers of at most 63 bits");
    return ints;
}

uint64_t Metadata::require_uint(std::string_view key) const {
    const auto value = find_uint(key);
    if (!value) missing(key);
    return *value;
}

double Metadata::require_number(std::string_view key) const {
    const auto value = find_number(key);
    if (!value) missing(key);
    return *value;
}

std::string Metadata::require_string(std::string_view key) const {
    auto value = find_string(key);
    if (!value) missing(key);
    return *std::move(value);
}

} // namespace quant
