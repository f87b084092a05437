// NVFP4_Gg: what checkpoints in NVFP4 hold, whose scales have one divisor more for a whole tensor. A block has it
// beside its scales:
//   a 32-bit divisor, a scale for each 16 weights (E4M3, sign and all), then for each 16 weights 8 bytes of two
//   codes (weights i and i + 8), as in NVFP4
// x = level * (scale / divisor), levels 0, 0.5, 1, 1.5, 2, 3, 4, 6 and the same below zero.
#include "encoding/float4_groups.h"

#include "encoding/block_codecs.h"
#include "encoding/block_frame.h"
#include "encoding/float8.h"
#include "encoding/level_tables.h"

namespace quant {

namespace {

constexpr size_t run = 16, run_bytes = run / 2;
constexpr float highest_level = 6, highest_scale = 448;

float level_of(unsigned code) { return e2m1_levels[code]; }

struct HalfLevels {
    static float nearest(float v) {
        constexpr std::array<float, 8> levels = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6};
        float level = 0;
        for (size_t i = 1; i < levels.size(); i++)
            level += std::abs(v) >= (levels[i - 1] + levels[i]) / 2 ? levels[i] - levels[i - 1] : 0.0f;
        return std::copysign(level, v);
    }
    static unsigned code(float level) {
        unsigned at = 0;
        while (at < 7 && level_of(at) < std::abs(level)) at++;
        return level < 0 ? at | 8 : at;
    }
};

template <size_t Group> struct Float4Group {
    static constexpr size_t runs = Group / run, bytes = 4 + runs + Group / 2;
    using Frame = BlockFrame<Group>;

    static void decode(const std::byte *in, float *out, size_t blocks) {
        for (; blocks-- != 0; in += bytes, out += Group) {
            float divisor;
            std::memcpy(&divisor, in, sizeof divisor);
            for (size_t g = 0; g < runs; g++) {
                const float s = e4m3_values[static_cast<uint8_t>(in[4 + g])] / divisor;
                const std::byte *codes = in + 4 + runs + g * run_bytes;
                for (size_t i = 0; i < run_bytes; i++) {
                    out[g * run + i] = level_of(static_cast<unsigned>(codes[i]) & 15) * s;
                    out[g * run + run_bytes + i] = level_of(static_cast<unsigned>(codes[i]) >> 4) * s;
                }
            }
        }
    }

    static void store(float divisor, const std::byte *scales, const std::byte *codes, std::byte *out) {
        std::memcpy(out, &divisor, sizeof divisor);
        std::copy_n(scales, runs, out + 4);
        for (size_t g = 0; g < runs; g++)
            for (size_t i = 0; i < run_bytes; i++) {
                const auto code = [&](size_t k) {
                    return static_cast<unsigned>(codes[g * run_bytes + k / 2]) >> (k % 2 * 4) & 15;
                };
                out[4 + runs + g * run_bytes + i] = static_cast<std::byte>(code(i) | code(i + run_bytes) << 4);
            }
    }

    static void load(const std::byte *in, float &divisor, std::byte *scales, std::byte *codes) {
        std::memcpy(&divisor, in, sizeof divisor);
        std::copy_n(in + 4, runs, scales);
        for (size_t g = 0; g < runs; g++)
            for (size_t k = 0; k < run; k += 2) {
                const std::byte *bytes = in + 4 + runs + g * run_bytes;
                const auto code = [&](size_t i) {
                    return i < run_bytes ? bytes[i] & std::byte{15} : bytes[i - run_bytes] >> 4;
                };
                codes[(g * run + k) / 2] = code(k) | code(k + 1) << 4;
            }
    }

    static void encode_under(float divisor, const float *in, std::byte *out) {
        const Frame f(in, nullptr);
        std::memcpy(out, &divisor, sizeof divisor);
        encode_runs(f, std::ldexp(divisor, f.exponent), out, 0.7f, 1.6f, 24);
    }

    // The divisor lets the largest scale be that of the largest weight.
    static void round(const Frame &f, std::byte *out) { encode_with(f, out, 1, 1, 1); }
    static void search(const Frame &f, std::byte *out) { encode_with(f, out, 0.7f, 1.6f, 24); }

    static void encode_with(const Frame &f, std::byte *out, float narrow, float wide, int trials) {
        const float most = std::abs(extreme<Group>(f.x.data()));
        const float divisor = most > 0 ? highest_scale * highest_level / most : 1;
        // Finite after the power of two is back, and so is a scale divided by it.
        const float stored = std::clamp(std::ldexp(divisor, -f.exponent), 0x1p-116f, 0x1p116f);
        std::memcpy(out, &stored, sizeof stored);
        encode_runs(f, divisor, out, narrow, wide, trials);
    }
    static void encode_runs(const Frame &f, float divisor, std::byte *out, float narrow, float wide, int trials) {
        for (size_t g = 0; g < runs; g++) {
            const float *x = f.x.data() + g * run, *w = f.w.data() + g * run;
            const float reach = std::abs(extreme<run>(x)) / highest_level * divisor;
            float best = 0, least = INFINITY;
            for (int t = 0; t < trials; t++) {
                const float part =
                    trials == 1 ? 1 : narrow + (wide - narrow) * static_cast<float>(t) / static_cast<float>(trials - 1);
                const float scale = nearest_float8<3, -6>(reach * part, highest_scale);
                const float error = scale_error<run, HalfLevels>(x, w, scale / divisor);
                if (error < least) least = error, best = scale;
            }
            store_run(x, best, divisor, out + 4 + g, out + 4 + runs + g * run_bytes);
        }
    }
    static void store_run(const float *x, float scale, float divisor, std::byte *scale_out, std::byte *out) {
        *scale_out = static_cast<std::byte>(float8_code<3, -6>(scale));
        const float s = scale / divisor, inverse = s != 0 ? 1 / s : 0;
        const auto code = [&](size_t i) { return HalfLevels::code(HalfLevels::nearest(x[i] * inverse)); };
        for (size_t i = 0; i < run_bytes; i++) out[i] = static_cast<std::byte>(code(i) | code(i + run_bytes) << 4);
    }

    static void encode(const float *in, const float *importance, std::byte *out, size_t blocks, quant_method method) {
        encode_blocks<Group, bytes>(in, importance, out, blocks, method, search, round, decode);
    }
};

} // namespace

#define FLOAT4_GROUP(group)                                                                             \
    void decode_nvfp4_g##group(const std::byte *in, float *out, size_t blocks) {                        \
        Float4Group<group>::decode(in, out, blocks);                                                    \
    }                                                                                                   \
    void encode_nvfp4_g##group(const float *in, const float *importance, std::byte *out, size_t blocks, \
                               quant_method method) {                                                   \
        Float4Group<group>::encode(in, importance, out, blocks, method);                                \
    }
FLOAT4_GROUP(32)
FLOAT4_GROUP(64)
FLOAT4_GROUP(256)
#undef FLOAT4_GROUP

const EncodingTraits *find_float4_encoding(uint64_t cols) noexcept {
    for (const quant_encoding id : {QUANT_NVFP4_G256, QUANT_NVFP4_G64, QUANT_NVFP4_G32})
        if (const EncodingTraits *e = find_encoding(static_cast<uint32_t>(id)); cols % e->block_weights == 0) return e;
    return nullptr;
}

void store_float4(const EncodingTraits &encoding, float divisor, const std::byte *scales, const std::byte *codes,
                  std::byte *out) noexcept {
    if (encoding.id == QUANT_NVFP4_G256) return Float4Group<256>::store(divisor, scales, codes, out);
    if (encoding.id == QUANT_NVFP4_G64) return Float4Group<64>::store(divisor, scales, codes, out);
    if (encoding.id == QUANT_NVFP4_G32) return Float4Group<32>::store(divisor, scales, codes, out);
}

void load_float4(const EncodingTraits &encoding, const std::byte *in, float &divisor, std::byte *scales,
                 std::byte *codes) noexcept {
    if (encoding.id == QUANT_NVFP4_G256) return Float4Group<256>::load(in, divisor, scales, codes);
    if (encoding.id == QUANT_NVFP4_G64) return Float4Group<64>::load(in, divisor, scales, codes);
    if (encoding.id == QUANT_NVFP4_G32) return Float4Group<32>::load(in, divisor, scales, codes);
}

void encode_float4(const EncodingTraits &encoding, float divisor, const float *in, std::byte *out) noexcept {
    if (encoding.id == QUANT_NVFP4_G256) return Float4Group<256>::encode_under(divisor, in, out);
    if (encoding.id == QUANT_NVFP4_G64) return Float4Group<64>::encode_under(divisor, in, out);
    if (encoding.id == QUANT_NVFP4_G32) return Float4Group<32>::encode_under(divisor, in, out);
}

float float4_weight(unsigned code, std::byte scale, float divisor) noexcept {
    return level_of(code) * (e4m3_values[static_cast<uint8_t>(scale)] / divisor);
}

} // namespace quant
