// Blocks of a 32-bit scale d and codes of 2, 4 or 8 bits: what checkpoints of bitsandbytes, FP8 and BitNet
// hold, with a scale beside the codes that it is for. x = level[code] * d; see scaled_levels.h.
//
// NF4_Gg, FP4_Gg        d, then for each 32 weights 16 bytes of two codes (weights i and i + 16)
// ABSMAX8_Gg            d, g bytes; x = code * d / 127
// E4M3_Gg, E5M2_Gg      d, g bytes
// TQ2_Gg                d, g / 4 bytes of four codes (weights i, i + g / 4, ...)
#include "encoding/scaled_blocks.h"

#include "encoding/block_codecs.h"
#include "encoding/block_frame.h"
#include "encoding/scaled_levels.h"

#include <limits>

namespace quant {

namespace {

float load_f32(const std::byte *in) {
    float v;
    std::memcpy(&v, in, sizeof v);
    return v;
}

/// Where the code of a weight lies: its byte, and how far up there.
struct Place {
    size_t byte;
    int shift;
};
template <int Bits, size_t Group> Place place_of(size_t i) {
    if constexpr (Bits == 8) return {i, 0};
    if constexpr (Bits == 4) return {i / 32 * 16 + i % 16, i % 32 < 16 ? 0 : 4};
    if constexpr (Bits == 2) return {i % (Group / 4), static_cast<int>(i / (Group / 4)) * 2};
}

template <class Levels, size_t Group> struct ScaledBlock {
    static constexpr size_t bytes = 4 + Group * Levels::bits / 8;
    using Frame = BlockFrame<Group>;

    static void decode(const std::byte *in, float *out, size_t blocks) {
        for (; blocks-- != 0; in += bytes, out += Group) {
            const float d = load_f32(in);
            for (size_t i = 0; i < Group; i++) {
                const Place p = place_of<Levels::bits, Group>(i);
                const unsigned code = static_cast<unsigned>(in[4 + p.byte]) >> p.shift & ((1u << Levels::bits) - 1);
                out[i] = Levels::weight(Levels::level(code), d);
            }
        }
    }

    static void store(float d, const uint8_t *codes, std::byte *out) {
        std::memcpy(out, &d, sizeof d);
        std::fill_n(out + 4, bytes - 4, std::byte{0});
        for (size_t i = 0; i < Group; i++) {
            const Place p = place_of<Levels::bits, Group>(i);
            out[4 + p.byte] |= static_cast<std::byte>(codes[i] << p.shift);
        }
    }

    static void load(const std::byte *in, float &d, uint8_t *codes) {
        d = load_f32(in);
        for (size_t i = 0; i < Group; i++) {
            const Place p = place_of<Levels::bits, Group>(i);
            codes[i] = static_cast<uint8_t>(static_cast<unsigned>(in[4 + p.byte]) >> p.shift & ((1u << Levels::bits) - 1));
        }
    }

    // With a scale in the frame, where 1 is `unit` of what is stored.
    static void store_nearest(const Frame &f, float s, std::byte *out) {
        constexpr float unit = Levels::high / Levels::weight(Levels::high, 1);
        // No product with a level overflows, not even before it is divided.
        constexpr float most = std::numeric_limits<float>::max() / Levels::high * (1 - 0x1p-23f);
        const float d = std::ldexp(s * unit, f.exponent);
        std::array<uint8_t, Group> codes;
        const float inverse = s != 0 ? 1 / s : 0;
        for (size_t i = 0; i < Group; i++)
            codes[i] = static_cast<uint8_t>(Levels::code(Levels::nearest(f.x[i] * inverse)));
        store(std::min(std::max(d, -most), most), codes.data(), out);
    }
    static void round(const Frame &f, std::byte *out) {
        store_nearest(f, std::abs(extreme<Group>(f.x.data())) / Levels::high, out);
    }
    static void search(const Frame &f, std::byte *out) {
        const SignedFits fits =
            fit_scale<Group, Levels>(f.x.data(), f.w.data(), Levels::narrow, Levels::wide, Levels::trials);
        store_nearest(f, fits[0].scale, out);
    }
    static void encode(const float *in, const float *importance, std::byte *out, size_t blocks, quant_method method) {
        encode_blocks<Group, bytes>(in, importance, out, blocks, method, search, round, decode);
    }
};

} // namespace

#define SCALED_BLOCK(name, Levels, group)                                                                  \
    void decode_##name##_g##group(const std::byte *in, float *out, size_t blocks) {                        \
        ScaledBlock<Levels, group>::decode(in, out, blocks);                                               \
    }                                                                                                      \
    void encode_##name##_g##group(const float *in, const float *importance, std::byte *out, size_t blocks, \
                                  quant_method method) {                                                   \
        ScaledBlock<Levels, group>::encode(in, importance, out, blocks, method);                           \
    }
SCALED_BLOCK(nf4, NF4Levels, 32)
SCALED_BLOCK(nf4, NF4Levels, 64)
SCALED_BLOCK(fp4, FP4Levels, 32)
SCALED_BLOCK(fp4, FP4Levels, 64)
SCALED_BLOCK(absmax8, Absmax8Levels, 32)
SCALED_BLOCK(absmax8, Absmax8Levels, 128)
SCALED_BLOCK(e4m3, E4M3Levels, 32)
SCALED_BLOCK(e4m3, E4M3Levels, 128)
SCALED_BLOCK(e5m2, E5M2Levels, 32)
SCALED_BLOCK(e5m2, E5M2Levels, 128)
SCALED_BLOCK(tq2, TernaryLevels, 32)
SCALED_BLOCK(tq2, TernaryLevels, 128)
#undef SCALED_BLOCK

namespace {

struct ScaledRow {
    ScaledKind kind;
    uint32_t group;
    quant_encoding encoding;
    void (*store)(float d, const uint8_t *codes, std::byte *out);
    void (*load)(const std::byte *in, float &d, uint8_t *codes);
};
constexpr ScaledRow rows[] = {
    {ScaledKind::nf4, 32, QUANT_NF4_G32, ScaledBlock<NF4Levels, 32>::store, ScaledBlock<NF4Levels, 32>::load},
    {ScaledKind::nf4, 64, QUANT_NF4_G64, ScaledBlock<NF4Levels, 64>::store, ScaledBlock<NF4Levels, 64>::load},
    {ScaledKind::fp4, 32, QUANT_FP4_G32, ScaledBlock<FP4Levels, 32>::store, ScaledBlock<FP4Levels, 32>::load},
    {ScaledKind::fp4, 64, QUANT_FP4_G64, ScaledBlock<FP4Levels, 64>::store, ScaledBlock<FP4Levels, 64>::load},
    {ScaledKind::absmax8, 32, QUANT_ABSMAX8_G32, ScaledBlock<Absmax8Levels, 32>::store, ScaledBlock<Absmax8Levels, 32>::load},
    {ScaledKind::absmax8, 128, QUANT_ABSMAX8_G128, ScaledBlock<Absmax8Levels, 128>::store, ScaledBlock<Absmax8Levels, 128>::load},
    {ScaledKind::e4m3, 32, QUANT_E4M3_G32, ScaledBlock<E4M3Levels, 32>::store, ScaledBlock<E4M3Levels, 32>::load},
    {ScaledKind::e4m3, 128, QUANT_E4M3_G128, ScaledBlock<E4M3Levels, 128>::store, ScaledBlock<E4M3Levels, 128>::load},
    {ScaledKind::e5m2, 32, QUANT_E5M2_G32, ScaledBlock<E5M2Levels, 32>::store, ScaledBlock<E5M2Levels, 32>::load},
    {ScaledKind::e5m2, 128, QUANT_E5M2_G128, ScaledBlock<E5M2Levels, 128>::store, ScaledBlock<E5M2Levels, 128>::load},
    {ScaledKind::ternary, 32, QUANT_TQ2_G32, ScaledBlock<TernaryLevels, 32>::store, ScaledBlock<TernaryLevels, 32>::load},
    {ScaledKind::ternary, 128, QUANT_TQ2_G128, ScaledBlock<TernaryLevels, 128>::store, ScaledBlock<TernaryLevels, 128>::load},
};

template <class Levels> float weight_of(uint8_t code, float d) { return Levels::weight(Levels::level(code), d); }

} // namespace

const EncodingTraits *find_scaled_encoding(ScaledKind kind, uint32_t group) noexcept {
    for (const ScaledRow &r : rows)
        if (r.kind == kind && r.group == group) return find_encoding(static_cast<uint32_t>(r.encoding));
    return nullptr;
}

void store_scaled(const EncodingTraits &encoding, float d, const uint8_t *codes, std::byte *out) noexcept {
    for (const ScaledRow &r : rows)
        if (r.encoding == encoding.id) return r.store(d, codes, out);
}

void load_scaled(const EncodingTraits &encoding, const std::byte *in, float &d, uint8_t *codes) noexcept {
    for (const ScaledRow &r : rows)
        if (r.encoding == encoding.id) return r.load(in, d, codes);
}

float scaled_weight(ScaledKind kind, uint8_t code, float d) noexcept {
    switch (kind) {
    case ScaledKind::nf4:
        return weight_of<NF4Levels>(code, d);
    case ScaledKind::fp4:
        return weight_of<FP4Levels>(code, d);
    case ScaledKind::absmax8:
        return weight_of<Absmax8Levels>(code, d);
    case ScaledKind::e4m3:
        return weight_of<E4M3Levels>(code, d);
    case ScaledKind::e5m2:
        return weight_of<E5M2Levels>(code, d);
    case ScaledKind::ternary:
        return weight_of<TernaryLevels>(code, d);
    }
    return 0;
}

} // namespace quant
