// MXFP4 and NVFP4: 4-bit floats (a sign, two bits of exponent, one of fraction) under a
// scale that is a small float itself. There are so few scales that all near are tried.
//
// MXFP4: a byte of scale, 16 bytes of two codes (weights i and i + 16); the scale is
//        2^(byte - 127)
// NVFP4: 4 bytes of scales, then for each 16 weights 8 bytes of two codes (weights i and
//        i + 8); a scale has 4 bits of exponent (bias 7) and 3 of fraction, no sign
// x = scale * level. Here levels are doubled to be whole, and scales are halved.
#include "encoding/block_codecs.h"
#include "encoding/block_frame.h"

namespace quant {

namespace {

/// Codes 0 to 7; 8 to 15 are the same below zero.
struct Float4Levels {
    static constexpr std::array<float, 8> levels = {0, 1, 2, 3, 4, 6, 8, 12};
    static constexpr float high = 12;
    static float level(int code) {
        const float magnitude = levels[static_cast<size_t>(code & 7)];
        // No minus zero: a code is looked up in a table of whole numbers.
        return code & 8 ? 0 - magnitude : magnitude;
    }
    static float nearest(float v) {
        const float size = std::abs(v);
        float level = 0;
        for (size_t i = 1; i < levels.size(); i++)
            level += size >= (levels[i - 1] + levels[i]) / 2 ? levels[i] - levels[i - 1] : 0.0f;
        return v < 0 ? 0 - level : level;
    }
    static int code(float level) {
        const auto at = std::find(levels.begin(), levels.end(), std::abs(level)) - levels.begin();
        return static_cast<int>(at) | (level < 0 ? 8 : 0);
    }
};

// Codes of `Width` weights for scale s: the first half in the low nibbles.
template <size_t Width> void store_codes(const float *x, float s, std::byte *out) {
    const auto code = [&](float v) { return Float4Levels::code(Float4Levels::nearest(s > 0 ? v / s : 0)); };
    for (size_t i = 0; i < Width / 2; i++) out[i] = static_cast<std::byte>(code(x[i]) | code(x[i + Width / 2]) << 4);
}

template <size_t Width> void decode_codes(const std::byte *in, float s, float *out) {
    for (size_t i = 0; i < Width / 2; i++) {
        out[i] = s * Float4Levels::level(load_byte(in + i) & 15);
        out[i + Width / 2] = s * Float4Levels::level(load_byte(in + i) >> 4);
    }
}

// The code from `first` to `last` whose scale loses least.
template <size_t Width, class ScaleOf>
int best_code(const float *x, const float *w, int first, int last, const ScaleOf &scale) {
    int best = first;
    float least = INFINITY;
    for (int code = first; code <= last; code++) {
        const float error = scale_error<Width, Float4Levels>(x, w, scale(code));
        if (error < least) least = error, best = code;
    }
    return best;
}

struct MXFP4 {
    static constexpr size_t width = 32, bytes = 17;
    // Above it the largest level is infinite.
    static constexpr int largest = 252;
    using Frame = BlockFrame<width>;

    static float scale(int code) { return std::ldexp(1.0f, code - 128); }

    static void decode(const std::byte *in, float *out, size_t blocks) {
        for (; blocks-- != 0; in += bytes, out += width) decode_codes<width>(in + 1, scale(load_byte(in)), out);
    }
    // The scale that the format's makers propose: the largest weight, in [1, 2) here,
    // becomes 8 to 16, of which 12 is the last level.
    static int usual(const Frame &f) { return std::clamp(f.exponent + 128 - 3, 0, largest); }
    static void store(const Frame &f, int code, std::byte *out) {
        out[0] = static_cast<std::byte>(code);
        store_codes<width>(f.x.data(), std::ldexp(1.0f, code - 128 - f.exponent), out + 1);
    }
    static void round(const Frame &f, std::byte *out) { store(f, usual(f), out); }
    static void search(const Frame &f, std::byte *out) {
        store(f,
              best_code<width>(f.x.data(), f.w.data(), std::max(0, usual(f) - 2), std::min(largest, usual(f) + 2),
                               [&](int code) { return std::ldexp(1.0f, code - 128 - f.exponent); }),
              out);
    }
};

struct NVFP4 {
    static constexpr size_t width = 64, bytes = 36, groups = 4, group = 16;
    static constexpr int largest = 126; // 127 is not a number.
    using Frame = BlockFrame<width>;

    static float scale(int code) {
        if (code == 127) return 0;
        const int exponent = code >> 3 & 15;
        const auto fraction = static_cast<float>(code & 7);
        return exponent == 0 ? std::ldexp(fraction, -10) : std::ldexp(8 + fraction, exponent - 11);
    }
    // The first code whose scale is not below s.
    static int code_above(float s) {
        int low = 0, high = largest;
        while (low < high) {
            const int middle = (low + high) / 2;
            scale(middle) < s ? low = middle + 1 : high = middle;
        }
        return low;
    }

    static void decode(const std::byte *in, float *out, size_t blocks) {
        for (; blocks-- != 0; in += bytes, out += width)
            for (size_t g = 0; g < groups; g++)
                decode_codes<group>(in + groups + g * group / 2, scale(load_byte(in + g)), out + g * group);
    }

    template <class Choose> static void store(const Frame &f, std::byte *out, const Choose &choose) {
        for (size_t g = 0; g < groups; g++) {
            const float *x = f.x.data() + g * group;
            // In the caller's units, where 448 is the largest scale.
            const float reach = std::ldexp(std::abs(extreme<group>(x)), f.exponent) / Float4Levels::high;
            const int code = choose(x, f.w.data() + g * group, reach);
            out[g] = static_cast<std::byte>(code);
            store_codes<group>(x, std::ldexp(scale(code), -f.exponent), out + groups + g * group / 2);
        }
    }
    static void round(const Frame &f, std::byte *out) {
        store(f, out, [](const float *, const float *, float reach) { return code_above(reach); });
    }
    static void search(const Frame &f, std::byte *out) {
        store(f, out, [&](const float *x, const float *w, float reach) {
            return best_code<group>(x, w, code_above(0.5f * reach), code_above(4.4f * reach),
                                    [&](int code) { return std::ldexp(scale(code), -f.exponent); });
        });
    }
};

} // namespace

void decode_mxfp4(const std::byte *in, float *out, size_t blocks) { MXFP4::decode(in, out, blocks); }
void decode_nvfp4(const std::byte *in, float *out, size_t blocks) { NVFP4::decode(in, out, blocks); }

QUANT_CPU_CLONES void encode_mxfp4(const float *in, const float *importance, std::byte *out, size_t blocks,
                                   quant_method method) {
    encode_blocks<MXFP4::width, MXFP4::bytes>(in, importance, out, blocks, method, MXFP4::search, MXFP4::round,
                                              decode_mxfp4);
}
QUANT_CPU_CLONES void encode_nvfp4(const float *in, const float *importance, std::byte *out, size_t blocks,
                                   quant_method method) {
    encode_blocks<NVFP4::width, NVFP4::bytes>(in, importance, out, blocks, method, NVFP4::search, NVFP4::round,
                                              decode_nvfp4);
}

} // namespace quant
