// A cursor over the bytes of a file that somebody else wrote. Every read is checked
// against what is left before anything is allocated, and a failure says in which file,
// in what item and at which byte. The item is a name set once for each key or tensor,
// so that reading the 150,000 elements of one key formats nothing.
#pragma once

#include "base/checked.h"
#include "base/error.h"

#include <bit>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace quant {

static_assert(std::endian::native == std::endian::little, "the formats are little-endian and read in place");

class ByteReader {
public:
    /// `file` is what messages call it; it is borrowed.
    ByteReader(std::span<const std::byte> bytes, std::string_view file) : bytes_(bytes), file_(file) {}

    uint64_t position() const noexcept { return position_; }
    uint64_t remaining() const noexcept { return bytes_.size() - position_; }
    std::string_view file() const noexcept { return file_; }

    /// What is being read from here on: `the header`, `key "general.name"`.
    void begin_item(std::string item) { item_ = std::move(item); }
    const std::string &item() const noexcept { return item_; }

    template <class T>
    T number() {
        static_assert(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>);
        T value;
        std::memcpy(&value, take(sizeof value), sizeof value);
        return value;
    }

    /// Borrowed from the file.
    std::string_view text(uint64_t length) { return {reinterpret_cast<const char *>(take(length)), length}; }

    /// The next `length` bytes, borrowed.
    const std::byte *take(uint64_t length) {
        if (length > remaining()) truncated(length);
        const std::byte *at = bytes_.data() + position_;
        position_ += length;
        return at;
    }

    /// Throw unless `count` elements of at least `element_bytes` each could still follow.
    void require_room(uint64_t count, uint64_t element_bytes) const {
        if (count > remaining() / element_bytes) truncated(count, element_bytes);
    }

    /// Throw an Error that names the file and the item.
    template <class... Args>
    [[noreturn]] void reject(quant_status status, fmt::format_string<Args...> format, Args &&...args) const {
        quant::fail(status, "{}: {}: {}", file_, item_, fmt::format(format, std::forward<Args>(args)...));
    }

private:
    [[noreturn]] void truncated(uint64_t length) const {
        reject(QUANT_ERR_TRUNCATED, "expected {} more bytes at byte {}, but the file ends after {}", length, position_,
               remaining());
    }
    [[noreturn]] void truncated(uint64_t count, uint64_t element_bytes) const {
        reject(QUANT_ERR_TRUNCATED, "{} elements of at least {} bytes announced at byte {}, but the file ends after {}",
               count, element_bytes, position_, remaining());
    }

    std::span<const std::byte> bytes_;
    std::string_view file_;
    std::string item_ = "the header";
    uint64_t position_ = 0;
};

} // namespace quant
