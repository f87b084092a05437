// TQ1_0 and TQ2_0: levels -1, 0, 1 with one scale for 256 weights.
//
// TQ1_0: 48 bytes of five codes each, 4 bytes of four, d
// TQ2_0: 64 bytes of four codes each, d
// x = d * (code - 1). In TQ1_0 a byte is a fraction of 256 whose first ternary digits are
// the codes: digit n is what remains after multiplying by 3^n modulo 256, times 3 over 256.
#include "encoding/block_codecs.h"
#include "encoding/super_block.h"

#include <numeric>

namespace quant {

namespace {

// The scale of least error. Whatever it is, the weights that are not zeroed are the
// largest ones, so every number of those is tried, each with its weighted mean.
float ternary_scale(const SuperFrame &f) {
    std::array<uint16_t, super_block> order;
    std::iota(order.begin(), order.end(), uint16_t{0});
    std::sort(order.begin(), order.end(), [&](uint16_t a, uint16_t b) {
        const float p = std::abs(f.x[a]), q = std::abs(f.x[b]);
        return p > q || (p == q && a < b);
    });
    double wx = 0, w = 0, most = 0, scale = 0;
    for (const uint16_t i : order) {
        wx += double{f.w[i]} * std::abs(f.x[i]);
        w += f.w[i];
        if (wx * wx > most * w) most = wx * wx / w, scale = wx / w;
    }
    return static_cast<float>(scale);
}

std::array<uint8_t, super_block> ternary_codes(const SuperFrame &f, float d) {
    std::array<uint8_t, super_block> codes;
    for (size_t i = 0; i < super_block; i++)
        codes[i] = static_cast<uint8_t>(WholeLevels<-1, 1>::code(WholeLevels<-1, 1>::nearest(d > 0 ? f.x[i] / d : 0)));
    return codes;
}

struct TQ1_0 {
    static constexpr size_t bytes = 54;

    // Runs of bytes: where they begin, how many side by side, how many codes in each.
    struct Run {
        size_t byte, weight, count, digits;
    };
    static constexpr Run runs[] = {{0, 0, 32, 5}, {32, 160, 16, 5}, {48, 240, 4, 4}};

    static void decode(const std::byte *in, float *out, size_t blocks) {
        for (; blocks-- != 0; in += bytes, out += super_block) {
            const float d = load_f16(in + 52);
            for (const Run &run : runs)
                for (size_t k = 0; k < run.count; k++) {
                    unsigned rest = static_cast<unsigned>(load_byte(in + run.byte + k));
                    for (size_t n = 0; n < run.digits; n++, rest = rest * 3 & 255)
                        out[run.weight + n * run.count + k] = d * (static_cast<float>(rest * 3 >> 8) - 1);
                }
        }
    }
    static void pack(const SuperFrame &f, float d, std::byte *out) {
        const auto codes = ternary_codes(f, d);
        for (const Run &run : runs)
            for (size_t k = 0; k < run.count; k++) {
                unsigned number = 0;
                for (size_t n = 0; n < 5; n++)
                    number = number * 3 + (n < run.digits ? codes[run.weight + n * run.count + k] : 0);
                // Rounded up, so that truncation gives the digits back.
                out[run.byte + k] = static_cast<std::byte>((number * 256 + 242) / 243);
            }
        f.store_half(out + 52, d);
    }
};

struct TQ2_0 {
    static constexpr size_t bytes = 66;

    static void decode(const std::byte *in, float *out, size_t blocks) {
        for (; blocks-- != 0; in += bytes, out += super_block) {
            const float d = load_f16(in + 64);
            for (size_t i = 0; i < super_block; i++)
                out[i] = d * (static_cast<float>(load_byte(in + i / 128 * 32 + i % 32) >> (i % 128 / 32 * 2) & 3) - 1);
        }
    }
    static void pack(const SuperFrame &f, float d, std::byte *out) {
        const auto codes = ternary_codes(f, d);
        std::fill_n(out, bytes, std::byte{0});
        for (size_t i = 0; i < super_block; i++)
            out[i / 128 * 32 + i % 32] |= static_cast<std::byte>(codes[i] << (i % 128 / 32 * 2));
        f.store_half(out + 64, d);
    }
};

template <class Codec>
void encode(const float *in, const float *importance, std::byte *out, size_t blocks, quant_method method) {
    const auto search = [](const SuperFrame &f, std::byte *to) { Codec::pack(f, f.half(ternary_scale(f)), to); };
    const auto round = [](const SuperFrame &f, std::byte *to) {
        Codec::pack(f, f.half(std::abs(extreme<super_block>(f.x.data()))), to);
    };
    encode_blocks<super_block, Codec::bytes>(in, importance, out, blocks, method, search, round, Codec::decode);
}

} // namespace

void decode_tq1_0(const std::byte *in, float *out, size_t blocks) { TQ1_0::decode(in, out, blocks); }
void decode_tq2_0(const std::byte *in, float *out, size_t blocks) { TQ2_0::decode(in, out, blocks); }

QUANT_CPU_CLONES void encode_tq1_0(const float *in, const float *importance, std::byte *out, size_t blocks,
                                   quant_method method) {
    encode<TQ1_0>(in, importance, out, blocks, method);
}
QUANT_CPU_CLONES void encode_tq2_0(const float *in, const float *importance, std::byte *out, size_t blocks,
                                   quant_method method) {
    encode<TQ2_0>(in, importance, out, blocks, method);
}

} // namespace quant
