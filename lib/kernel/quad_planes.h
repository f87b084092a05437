// What packing panels has in common: codes of rows become quads, and quads share lines.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quant::kernel {

/// Quads of codes, each 16 rows of 4 columns, from rows `stride` apart.
void make_quads(const uint8_t *codes, size_t stride, size_t columns, uint8_t *quads);

/// `bits` (1, 2, 4 or 8) bits of each code, from bit `from` on, of `count` quads, side by side.
void put_bits(int bits, const uint8_t *quads, size_t count, int from, std::byte *out);

} // namespace quant::kernel
