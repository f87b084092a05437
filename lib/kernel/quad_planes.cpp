#include "kernel/quad_planes.h"

#include "encoding/cpu_clones.h"
#include "kernel/panel_layout.h"

#include <cstring>

namespace quant::kernel {

void make_quads(const uint8_t *codes, size_t stride, size_t columns, uint8_t *quads) {
    for (size_t q = 0; q < columns / 4; q++)
        for (size_t r = 0; r < panel_rows; r++)
            std::memcpy(quads + q * quad_bytes + r * 4, codes + r * stride + q * 4, 4);
}

namespace {

// `Bits` bits of each code, from bit `from` on.
template <int Bits> QUANT_CPU_CLONES void put_bits(const uint8_t *quads, size_t count, int from, std::byte *out) {
    constexpr size_t together = 8 / Bits;
    auto *to = reinterpret_cast<uint8_t *>(out);
    for (size_t q = 0; q < count; q += together, to += quad_bytes)
        for (size_t b = 0; b < quad_bytes; b++) {
            unsigned byte = 0;
            for (size_t k = 0; k < together; k++)
                byte |= (static_cast<unsigned>(quads[(q + k) * quad_bytes + b]) >> from & ((1u << Bits) - 1))
                        << (k * Bits);
            to[b] = static_cast<uint8_t>(byte);
        }
}

} // namespace

void put_bits(int bits, const uint8_t *quads, size_t count, int from, std::byte *out) {
    switch (bits) {
    case 1:
        return put_bits<1>(quads, count, from, out);
    case 2:
        return put_bits<2>(quads, count, from, out);
    case 4:
        return put_bits<4>(quads, count, from, out);
    case 8:
        return put_bits<8>(quads, count, from, out);
    default:
        return;
    }
}

} // namespace quant::kernel
