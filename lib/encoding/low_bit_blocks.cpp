// Q1_0 and Q2_0: one and two bits, a scale for 128 and for 64 weights.
//
// Q1_0: d, 16 bytes of signs (a bit set is +); x = +-d
// Q2_0: d, 16 bytes of four codes each; x = d * (code - 1)
#include "encoding/block_codecs.h"
#include "encoding/block_frame.h"

namespace quant {

namespace {

struct Q1_0 {
    static constexpr size_t width = 128, bytes = 18;
    using Frame = BlockFrame<width>;

    static void decode(const std::byte *in, float *out, size_t blocks) {
        for (; blocks-- != 0; in += bytes, out += width) {
            const float d = load_f16(in);
            for (size_t i = 0; i < width; i++) out[i] = load_byte(in + 2 + i / 8) >> (i % 8) & 1 ? d : -d;
        }
    }
    static void store(const Frame &f, float d, std::byte *out) {
        std::fill_n(out, bytes, std::byte{0});
        f.store_half(out, d);
        for (size_t i = 0; i < width; i++) out[2 + i / 8] |= static_cast<std::byte>((f.x[i] >= 0 ? 1 : 0) << (i % 8));
    }
    // With two levels the extremes say nothing, and the mean is what is best for equal
    // weights. With importance another mean gains 1 to 2 % of weighted error and costs as
    // much of plain, so only importance that is exact moves it.
    static void round(const Frame &f, std::byte *out) {
        double sum = 0;
        for (const float x : f.x) sum += std::abs(x);
        store(f, f.half(static_cast<float>(sum / width)), out);
    }
    static void search(const Frame &f, std::byte *out) {
        double w = 0, wx = 0;
        for (size_t i = 0; i < width; i++) w += f.w[i], wx += double{f.w[i]} * std::abs(f.x[i]);
        store(f, f.half(w > 0 ? static_cast<float>(wx / w) : 0), out);
    }
};

struct Q2_0 {
    static constexpr size_t width = 64, bytes = 18;
    static constexpr float narrow = 0.3f, wide = 1.3f;
    static constexpr int trials = 32;
    using Frame = BlockFrame<width>;
    using Levels = WholeLevels<-1, 2>;

    static void decode(const std::byte *in, float *out, size_t blocks) {
        for (; blocks-- != 0; in += bytes, out += width) {
            const float d = load_f16(in);
            for (size_t i = 0; i < width; i++)
                out[i] = d * (static_cast<float>(load_byte(in + 2 + i / 4) >> (i % 4 * 2) & 3) - 1);
        }
    }
    static void store(const Frame &f, float d, std::byte *out) {
        std::fill_n(out, bytes, std::byte{0});
        f.store_half(out, d);
        for (size_t i = 0; i < width; i++) {
            const int code = Levels::code(Levels::nearest(d != 0 ? f.x[i] / d : 0));
            out[2 + i / 4] |= static_cast<std::byte>(code << (i % 4 * 2));
        }
    }
    static void round(const Frame &f, std::byte *out) {
        store(f, f.half(extreme<width>(f.x.data()) / Levels::high), out);
    }
    static void search(const Frame &f, std::byte *out) {
        store(f, best_half<width, Levels>(f, fit_scale<width, Levels>(f.x.data(), f.w.data(), narrow, wide, trials)),
              out);
    }
};

} // namespace

void decode_q1_0(const std::byte *in, float *out, size_t blocks) { Q1_0::decode(in, out, blocks); }
void decode_q2_0(const std::byte *in, float *out, size_t blocks) { Q2_0::decode(in, out, blocks); }

QUANT_CPU_CLONES void encode_q1_0(const float *in, const float *importance, std::byte *out, size_t blocks,
                                  quant_method method) {
    if (method != QUANT_METHOD_FEEDBACK) method = QUANT_METHOD_ROUND;
    encode_blocks<Q1_0::width, Q1_0::bytes>(in, importance, out, blocks, method, Q1_0::search, Q1_0::round,
                                            decode_q1_0);
}
QUANT_CPU_CLONES void encode_q2_0(const float *in, const float *importance, std::byte *out, size_t blocks,
                                  quant_method method) {
    encode_blocks<Q2_0::width, Q2_0::bytes>(in, importance, out, blocks, method, Q2_0::search, Q2_0::round,
                                            decode_q2_0);
}

} // namespace quant
