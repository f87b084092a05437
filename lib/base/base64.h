// Base64 (RFC 4648), with padding.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace quant {

std::string base64_of(std::span<const std::byte> bytes);

} // namespace quant
