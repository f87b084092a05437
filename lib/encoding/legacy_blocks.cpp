// Q4_0, Q4_1, Q5_0, Q5_1, Q8_0: blocks of 32 with a half-precision scale, and for the
// _1 types a half-precision minimum that is added.
//
// Q4_0: d, 16 bytes of two codes (weights i and i + 16); x = d * (code - 8)
// Q4_1: d, m, 16 bytes; x = d * code + m
// Q5_0: d, 32 bits of fifth code bits, 16 bytes; x = d * (code - 16)
// Q5_1: d, m, 32 bits, 16 bytes; x = d * code + m
// Q8_0: d, 32 signed bytes; x = d * code
#include "encoding/block_codecs.h"
#include "encoding/block_frame.h"
#include "encoding/scale_search.h"

namespace quant {

namespace {

constexpr size_t block = 32, half_block = 16;

// Code i of a block of two-code bytes.
int nibble(const std::byte *bytes, size_t i) {
    const int pair = load_byte(bytes + i % half_block);
    return i < half_block ? pair & 15 : pair >> 4;
}

// Codes of 4 bits in two-code bytes, and their fifth bits where `high` is given.
void store_codes(const std::array<int, block> &codes, std::byte *nibbles, std::byte *high) {
    uint32_t bits = 0;
    for (size_t i = 0; i < half_block; i++)
        nibbles[i] = static_cast<std::byte>((codes[i] & 15) | ((codes[i + half_block] & 15) << 4));
    for (size_t i = 0; i < block; i++) bits |= static_cast<uint32_t>((codes[i] >> 4) & 1) << i;
    if (high) store_u32(high, bits);
}

// A block with a scale alone, codes counted from the lowest level.
template <int Low, int High, size_t HighBitsAt, size_t CodesAt, size_t Bytes>
struct ScaleOnly {
    static constexpr size_t bytes = Bytes;
    using Levels = WholeLevels<Low, High>;

    static void decode(const std::byte *in, float *out, size_t blocks) {
        for (; blocks-- != 0; in += Bytes, out += block) {
            const float d = load_f16(in);
            const uint32_t high = HighBitsAt ? load_u32(in + HighBitsAt) : 0;
            for (size_t i = 0; i < block; i++) {
                const int code = nibble(in + CodesAt, i) | static_cast<int>(((high >> i) & 1) << 4);
                out[i] = static_cast<float>(code + Low) * d;
            }
        }
    }

    static void store(const BlockFrame<block> &f, float d, std::byte *out) {
        std::array<int, block> codes;
        for (size_t i = 0; i < block; i++) codes[i] = Levels::code(Levels::nearest(d != 0 ? f.x[i] / d : 0));
        f.store_half(out, d);
        store_codes(codes, out + CodesAt, HighBitsAt ? out + HighBitsAt : nullptr);
    }

    // The extreme weight on the lowest level, which reaches farthest.
    static void round(const BlockFrame<block> &f, std::byte *out) {
        store(f, f.half(extreme<block>(f.x.data()) / Low), out);
    }

    static void search(const BlockFrame<block> &f, std::byte *out) {
        const auto fits = fit_scale<block, Levels>(f.x.data(), f.w.data(), 0.55f, 1.1f, 28);
        store(f, best_half<block, Levels>(f, fits), out);
    }
};

using Q4_0 = ScaleOnly<-8, 7, 0, 2, 18>;
using Q5_0 = ScaleOnly<-16, 15, 2, 6, 22>;

// A block with a scale and an added minimum.
template <int Top, size_t HighBitsAt, size_t CodesAt, size_t Bytes>
struct ScaleAndMinimum {
    static constexpr size_t bytes = Bytes;

    static void decode(const std::byte *in, float *out, size_t blocks) {
        for (; blocks-- != 0; in += Bytes, out += block) {
            const float d = load_f16(in), m = load_f16(in + 2);
            const uint32_t high = HighBitsAt ? load_u32(in + HighBitsAt) : 0;
            for (size_t i = 0; i < block; i++) {
                const int code = nibble(in + CodesAt, i) | static_cast<int>(((high >> i) & 1) << 4);
                out[i] = static_cast<float>(code) * d + m;
            }
        }
    }

    static void store(const BlockFrame<block> &f, float d, float minimum, std::byte *out) {
        std::array<int, block> codes;
        for (size_t i = 0; i < block; i++) {
            const float q = d != 0 ? (f.x[i] + minimum) / d : 0;
            codes[i] = static_cast<int>(round_whole(std::clamp(q, 0.0f, static_cast<float>(Top))));
        }
        f.store_half(out, d);
        f.store_half(out + 2, -minimum);
        store_codes(codes, out + CodesAt, HighBitsAt ? out + HighBitsAt : nullptr);
    }

    static void round(const BlockFrame<block> &f, std::byte *out) {
        const auto [low, high] = std::minmax_element(f.x.begin(), f.x.end());
        store(f, f.half((*high - *low) / Top), f.half(-*low), out);
    }

    static void search(const BlockFrame<block> &f, std::byte *out) {
        const AffineFit fit = fit_affine<block>(f.x.data(), f.w.data(), Top, Top * 0.15f, 15, false);
        float best_d = 0, best_m = 0, least = INFINITY;
        for (const int d_step : {0, -1, 1})
            for (const int m_step : {0, -1, 1}) {
                const float d = f.half_beside(f.half(fit.scale), d_step);
                const float m = f.half_beside(f.half(fit.minimum), m_step);
                const float error = affine_error<block>(f.x.data(), f.w.data(), Top, d, m);
                if (error < least) best_d = d, best_m = m, least = error;
            }
        store(f, best_d, best_m, out);
    }
};

using Q4_1 = ScaleAndMinimum<15, 0, 4, 20>;
using Q5_1 = ScaleAndMinimum<31, 4, 8, 24>;

struct Q8_0 {
    using Levels = WholeLevels<-128, 127>;
    static constexpr size_t bytes = 34;

    static void decode(const std::byte *in, float *out, size_t blocks) {
        for (; blocks-- != 0; in += bytes, out += block) {
            const float d = load_f16(in);
            for (size_t i = 0; i < block; i++) out[i] = static_cast<float>(static_cast<int8_t>(in[2 + i])) * d;
        }
    }

    static void store(const BlockFrame<block> &f, float d, std::byte *out) {
        f.store_half(out, d);
        for (size_t i = 0; i < block; i++)
            out[2 + i] = static_cast<std::byte>(static_cast<int8_t>(Levels::nearest(d != 0 ? f.x[i] / d : 0)));
    }

    static void round(const BlockFrame<block> &f, std::byte *out) {
        store(f, f.half(std::abs(extreme<block>(f.x.data())) / 127), out);
    }

    static void search(const BlockFrame<block> &f, std::byte *out) {
        const auto fits = fit_scale<block, Levels>(f.x.data(), f.w.data(), 0.985f, 1.01f, 8);
        store(f, best_half<block, Levels>(f, fits), out);
    }
};

template <class Codec>
void encode(const float *in, const float *importance, std::byte *out, size_t blocks, quant_method method) {
    encode_blocks<block, Codec::bytes>(in, importance, out, blocks, method, Codec::search, Codec::round,
                                       Codec::decode);
}

} // namespace

void decode_q4_0(const std::byte *in, float *out, size_t blocks) { Q4_0::decode(in, out, blocks); }
void decode_q4_1(const std::byte *in, float *out, size_t blocks) { Q4_1::decode(in, out, blocks); }
void decode_q5_0(const std::byte *in, float *out, size_t blocks) { Q5_0::decode(in, out, blocks); }
void decode_q5_1(const std::byte *in, float *out, size_t blocks) { Q5_1::decode(in, out, blocks); }
void decode_q8_0(const std::byte *in, float *out, size_t blocks) { Q8_0::decode(in, out, blocks); }

QUANT_CPU_CLONES void encode_q4_0(const float *in, const float *importance, std::byte *out, size_t blocks,
                                  quant_method method) {
    encode<Q4_0>(in, importance, out, blocks, method);
}

QUANT_CPU_CLONES void encode_q4_1(const float *in, const float *importance, std::byte *out, size_t blocks,
                                  quant_method method) {
    encode<Q4_1>(in, importance, out, blocks, method);
}

QUANT_CPU_CLONES void encode_q5_0(const float *in, const float *importance, std::byte *out, size_t blocks,
                                  quant_method method) {
    encode<Q5_0>(in, importance, out, blocks, method);
}

QUANT_CPU_CLONES void encode_q5_1(const float *in, const float *importance, std::byte *out, size_t blocks,
                                  quant_method method) {
    encode<Q5_1>(in, importance, out, blocks, method);
}

QUANT_CPU_CLONES void encode_q8_0(const float *in, const float *importance, std::byte *out, size_t blocks,
                                  quant_method method) {
    encode<Q8_0>(in, importance, out, blocks, method);
}

} // namespace quant
