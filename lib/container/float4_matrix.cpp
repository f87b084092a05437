#include "container/float4_matrix.h"

#include "base/log.h"
#include "encoding/float4_groups.h"

#include <cstring>

namespace quant {

namespace {

struct Float4Rows final : MadeRows {
    std::span<const std::byte> packed, scales;
    uint64_t cols = 0;
    float divisor = 1;
    const EncodingTraits *encoding = nullptr; ///< nullptr: 32-bit floats.

    void write(uint64_t first, uint64_t count, std::byte *out) const override {
        for (uint64_t r = first; r < first + count; r++) {
            const std::byte *codes = packed.data() + r * cols / 2, *s = scales.data() + r * cols / 16;
            if (!encoding) {
                for (uint64_t c = 0; c < cols; c++, out += sizeof(float)) {
                    const float x =
                        float4_weight(static_cast<unsigned>(codes[c / 2]) >> (c % 2 * 4) & 15, s[c / 16], divisor);
                    std::memcpy(out, &x, sizeof x);
                }
                continue;
            }
            for (uint64_t c = 0; c < cols; c += encoding->block_weights, out += encoding->block_bytes)
                store_float4(*encoding, divisor, s + c / 16, codes + c / 2, out);
        }
    }
};

} // namespace

void add_float4(CheckpointBuilder &builder, std::string name, const TensorInfo &packed, const TensorInfo &scales,
                float divisor) {
    if (packed.shape.size() != 2 || packed.elements() == 0 || packed.shape[1] % 8 != 0)
        builder.reject(packed, "its shape is [{}], expected rows and a multiple of 8 bytes",
                       joined(packed.shape, ", "));
    builder.check(packed, {"U8"}, packed.shape);
    builder.check(scales, {"F8_E4M3"}, {packed.shape[0], packed.shape[1] / 8});
    const uint64_t rows = packed.shape[0];
    auto m = std::make_unique<Float4Rows>();
    builder.elements(packed, {rows, packed.shape[1], 2});
    const uint64_t cols = m->cols = packed.shape[1] * 2;
    m->packed = builder.data(packed), m->scales = builder.data(scales), m->divisor = divisor;
    m->encoding = find_float4_encoding(cols);
    if (!m->encoding)
        log(QUANT_LOG_WARNING,
            "{}: tensor {}: rows of {} 4-bit floats are no multiple of 32, so it is kept in 32-bit floats",
            shown(builder.stored().path()), name, cols);
    const EncodingTraits &encoding = m->encoding ? *m->encoding : encoding_traits(QUANT_F32);
    builder.add(std::move(name), rows, cols, encoding, std::move(m));
}

} // namespace quant
