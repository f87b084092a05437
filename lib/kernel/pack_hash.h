// A checksum of packs at about the rate of memory. It tells damage, not who did it: no cryptography.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace quant::kernel {

/// The same on every CPU. Bytes that differ within one aligned word of 8 never have the same.
uint64_t pack_hash(std::span<const std::byte> bytes) noexcept;

} // namespace quant::kernel
