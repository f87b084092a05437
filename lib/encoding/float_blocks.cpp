// F32, F16, BF16: each weight by itself.
#include "encoding/block_bytes.h"
#include "encoding/block_codecs.h"
#include "encoding/cpu_clones.h"

#include <cstring>

namespace quant {

void decode_f32(const std::byte *in, float *out, size_t blocks) { std::memcpy(out, in, blocks * sizeof(float)); }

void encode_f32(const float *in, const float *, std::byte *out, size_t blocks, quant_method) {
    std::memcpy(out, in, blocks * sizeof(float));
}

QUANT_CPU_CLONES void decode_f16(const std::byte *in, float *out, size_t blocks) {
    for (size_t i = 0; i < blocks; i++) out[i] = load_f16(in + 2 * i);
}

// Finite weights stay finite: what is beyond the range becomes its end.
QUANT_CPU_CLONES void encode_f16(const float *in, const float *, std::byte *out, size_t blocks, quant_method) {
    for (size_t i = 0; i < blocks; i++) store_f16(out + 2 * i, within_f16(in[i]));
}

QUANT_CPU_CLONES void decode_bf16(const std::byte *in, float *out, size_t blocks) {
    for (size_t i = 0; i < blocks; i++) out[i] = f32_from_bf16(load_u16(in + 2 * i));
}

void encode_bf16(const float *in, const float *, std::byte *out, size_t blocks, quant_method) {
    for (size_t i = 0; i < blocks; i++) {
        uint16_t bits = bf16_from_f32(in[i]);
        if ((bits & 0x7fff) == 0x7f80) bits--; // Rounded up to infinity: the largest finite number instead.
        store_u16(out + 2 * i, bits);
    }
}

} // namespace quant
