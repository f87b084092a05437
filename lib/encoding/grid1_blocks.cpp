// IQ1_S and IQ1_M: 8 weights from a codebook of levels -1, 0, 1, shifted by 1/8 up or down.
//
// IQ1_S: d, 32 bytes of points, then for each 32 weights a word: four times 3 high bits
//        of points, a scale (3 bits), the shift's sign
// IQ1_M: 32 bytes of points, 16 bytes with a nibble for each 8 weights (3 high bits of the
//        point, the shift's sign), 4 words of four scales (3 bits, for 16 weights) and a
//        quarter of d
// x = d * (1 + 2 * scale) * (level +- 1/8)
#include "encoding/block_codecs.h"
#include "encoding/grid_search.h"

namespace quant {

namespace {

using Book = Book2048x8;
constexpr float shift = 0.125f;
constexpr float signed_shift(uint32_t down) { return down ? -shift : shift; }

struct ShiftedCell {
    GainCurve<curve_corners> curve[2]; ///< Shifted up, shifted down.
};

// Sums with all points of the book, shifted up and down.
void shifted_gains(const Book &book, const float *x, const float *w, PointGains<Book::points> (&out)[2]) {
    float wx[cell], all_wx = 0, all_w = 0;
    for (size_t i = 0; i < cell; i++) wx[i] = w[i] * x[i], all_wx += wx[i], all_w += w[i];
    for (size_t j = 0; j < out->steps; j++) {
        LaneFloats a = {}, b = {}, c = {};
        for (size_t i = 0; i < cell; i++) {
            LaneFloats level;
            std::memcpy(&level, book.column[i].data() + j * lanes, sizeof level);
            a += wx[i] * level;
            b += w[i] * level * level;
            c += w[i] * level;
        }
        for (uint32_t down = 0; down < 2; down++) {
            const float by = signed_shift(down);
            out[down].a[j] = a + by * all_wx;
            out[down].b[j] = b + 2 * by * c + shift * shift * all_w;
        }
    }
}

// What the two share.
template <size_t Groups> struct Grid1 {
    static constexpr size_t groups = Groups, width = super_block / Groups;
    static constexpr int top = 7;
    static constexpr float narrow = 0.2f, wide = 1.2f;
    using Codes = GridCodes<groups>;
    using Cell = ShiftedCell;

    static const Book &book() { return grid_book<Book>(); }
    static float reach() { return 1 + shift; }
    static float multiple(int code) { return 1 + 2 * static_cast<float>(code); }
    static int code_near(float s) { return static_cast<int>(round_whole((s - 1) / 2)); }

    static void draw(const float *x, const float *w, const ScaleRange &range, Cell &out) {
        PointGains<Book::points> gains[2];
        shifted_gains(book(), x, w, gains);
        for (size_t down = 0; down < 2; down++)
            out.curve[down] = curve_of<curve_corners>(gains[down], range.low, range.high);
    }

    static void decode_cell(float s, const CellPoints &points, uint32_t down, float *out) {
        const auto &level = book().point[points[0]];
        for (size_t i = 0; i < cell; i++) out[i] = s * (level[i] + signed_shift(down));
    }
};

struct IQ1_S : Grid1<8> {
    static constexpr size_t bytes = 50;
    using Curve = GainCurve<8 * curve_corners>;

    static auto shifted(const Cell *c, size_t down) {
        return sum(sum(c[0].curve[down], c[1].curve[down]), sum(c[2].curve[down], c[3].curve[down]));
    }
    static Curve curve(const Cell *c) { return join(shifted(c, 0), shifted(c, 1)); }

    // All 32 weights are shifted the same way.
    static void read(const SuperFrame &, const Cell *all, size_t g, float s, Codes &out) {
        const Cell *c = all + g * 4;
        const uint32_t down = shifted(c, 1).gain(s) > shifted(c, 0).gain(s);
        for (size_t i = 0; i < 4; i++) {
            out.point[g * 4 + i][0] = c[i].curve[down].best(s).code;
            out.flags[g * 4 + i] = down;
        }
    }

    static void unpack(const std::byte *in, Codes &codes) {
        codes.d = load_f16(in);
        for (size_t c = 0; c < cells; c++) {
            const uint32_t word = load_u16(in + 34 + c / 4 * 2);
            codes.scale[c / 4] = static_cast<int>(word >> 12 & 7);
            codes.point[c][0] = std::to_integer<uint32_t>(in[2 + c]) | (word >> (3 * (c % 4)) & 7) << 8;
            codes.flags[c] = word >> 15;
        }
    }
    static void pack(const SuperFrame &f, const Codes &codes, std::byte *out) {
        f.store_half(out, codes.d);
        for (size_t g = 0; g < groups; g++) {
            uint32_t word = static_cast<uint32_t>(codes.scale[g]) << 12 | codes.flags[g * 4] << 15;
            for (size_t i = 0; i < 4; i++) {
                const uint32_t point = codes.point[g * 4 + i][0];
                out[2 + g * 4 + i] = static_cast<std::byte>(point);
                word |= point >> 8 << (3 * i);
            }
            store_u16(out + 34 + 2 * g, static_cast<uint16_t>(word));
        }
    }
};

struct IQ1_M : Grid1<16> {
    static constexpr size_t bytes = 56;
    using Curve = GainCurve<4 * curve_corners>;

    static Curve curve(const Cell *c) {
        return sum(join(c[0].curve[0], c[0].curve[1]), join(c[1].curve[0], c[1].curve[1]));
    }

    static void read(const SuperFrame &, const Cell *all, size_t g, float s, Codes &out) {
        for (size_t c = 2 * g; c < 2 * g + 2; c++) {
            const uint32_t down = all[c].curve[1].gain(s) > all[c].curve[0].gain(s);
            out.point[c][0] = all[c].curve[down].best(s).code;
            out.flags[c] = down;
        }
    }

    static void unpack(const std::byte *in, Codes &codes) {
        unsigned half = 0;
        for (size_t i = 0; i < 4; i++) half |= static_cast<unsigned>(load_u16(in + 48 + 2 * i)) >> 12 << (4 * i);
        codes.d = f32_from_f16(static_cast<uint16_t>(half));
        for (size_t c = 0; c < cells; c++) {
            codes.scale[c / 2] = static_cast<int>(load_u16(in + 48 + c / 8 * 2) >> (3 * (c % 8 / 2)) & 7);
            const auto high = static_cast<uint32_t>(nibble(in + 32, c));
            codes.point[c][0] = std::to_integer<uint32_t>(in[c]) | (high & 7) << 8;
            codes.flags[c] = high >> 3;
        }
    }
    static void pack(const SuperFrame &f, const Codes &codes, std::byte *out) {
        std::fill_n(out, bytes, std::byte{0});
        for (size_t c = 0; c < cells; c++) {
            out[c] = static_cast<std::byte>(codes.point[c][0]);
            add_nibble(out + 32, c, static_cast<int>(codes.point[c][0] >> 8 | codes.flags[c] << 3));
        }
        std::byte d[2];
        f.store_half(d, codes.d);
        for (size_t i = 0; i < 4; i++) {
            unsigned word = (static_cast<unsigned>(load_u16(d)) >> (4 * i) & 15) << 12;
            for (size_t k = 0; k < 4; k++) word |= static_cast<unsigned>(codes.scale[4 * i + k]) << (3 * k);
            store_u16(out + 48 + 2 * i, static_cast<uint16_t>(word));
        }
    }
};

} // namespace

std::array<GridCellLayout, 2> grid1_layouts() {
    return {cell_layout<IQ1_S>(QUANT_IQ1_S, {.shift = shift, .shared_shift = true}),
            cell_layout<IQ1_M>(QUANT_IQ1_M, {.shift = shift})};
}

void decode_iq1_s(const std::byte *in, float *out, size_t blocks) { decode_grid<IQ1_S>(in, out, blocks); }
void decode_iq1_m(const std::byte *in, float *out, size_t blocks) { decode_grid<IQ1_M>(in, out, blocks); }

QUANT_CPU_CLONES void encode_iq1_s(const float *in, const float *importance, std::byte *out, size_t blocks,
                                   quant_method method) {
    encode_grid<IQ1_S>(in, importance, out, blocks, method);
}
QUANT_CPU_CLONES void encode_iq1_m(const float *in, const float *importance, std::byte *out, size_t blocks,
                                   quant_method method) {
    encode_grid<IQ1_M>(in, importance, out, blocks, method);
}

} // namespace quant
