// SHA-256 (FIPS 180-4), the identity of files and texts; computed by OpenSSL.
#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace quant {

class Sha256 {
public:
    Sha256();
    ~Sha256();
    void update(std::span<const std::byte> bytes);
    void update(std::string_view text) { update(std::as_bytes(std::span(text.data(), text.size()))); }
    /// 64 lower-case hex digits. Call once.
    std::string hex();

private:
    struct State;
    std::unique_ptr<State> state_;
};

std::string sha256_hex(std::string_view text);
/// Throws Error as MappedFile::open().
std::string sha256_of_file(const std::filesystem::path &path);

} // namespace quant
