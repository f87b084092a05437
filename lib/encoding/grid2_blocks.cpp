// IQ2_XXS, IQ2_XS, IQ2_S: magnitudes of 8 weights from a codebook of levels 8, 25, 43.
//
// IQ2_XXS: d, then for each 32 weights 4 bytes of points and 4 bytes that hold four
//          times 7 signs and a scale; 256 points
// IQ2_XS:  d, 32 words of a point (9 bits) and 7 signs, 8 bytes of scales; 512 points
// IQ2_S:   d, 32 bytes of points, 32 bytes of signs, 8 bytes of the points' two high
//          bits, 8 bytes of scales; 1024 points
// x = d * (scale + 1/2) / 4 * sign * level; a scale has 4 bits, for 32 weights in the
// first and for 16 in the others.
#include "encoding/block_codecs.h"
#include "encoding/grid_signs.h"

namespace quant {

namespace {

// What the three share. With EvenSigns the number of minus signs in a cell is even.
template <class Book, size_t Groups, bool EvenSigns> struct Grid2 {
    static constexpr size_t groups = Groups, width = super_block / Groups;
    static constexpr int top = 15;
    static constexpr float narrow = 0.5f, wide = 6.0f;
    using Codes = GridCodes<groups>;

    struct Cell {
        GainCurve<curve_corners> curve;
        bool flip;
    };
    using Curve = GainCurve<width / cell * curve_corners>;

    static const Book &book() { return grid_book<Book>(); }
    static float reach() { return book().largest; }
    static float multiple(int code) { return (0.5f + static_cast<float>(code)) * 0.25f; }
    static int code_near(float s) { return static_cast<int>(round_whole(4 * s - 0.5f)); }

    static void draw(const float *x, const float *w, const ScaleRange &range, Cell &out) {
        const CellWeights weights(x, w);
        out.flip = EvenSigns && weights.odd();
        out.curve = curve_of<curve_corners>(point_gains(book(), weights.wx, w, out.flip), range.low, range.high);
    }

    static Curve curve(const Cell *c) {
        if constexpr (width == 32)
            return sum(sum(c[0].curve, c[1].curve), sum(c[2].curve, c[3].curve));
        else
            return sum(c[0].curve, c[1].curve);
    }

    static void read(const SuperFrame &f, const Cell *all, size_t g, float s, Codes &out) {
        for (size_t c = g * width / cell; c < (g + 1) * width / cell; c++) {
            const CellWeights weights(f.x.data() + c * cell, f.w.data() + c * cell);
            out.point[c][0] = all[c].curve.best(s).code;
            out.flags[c] = weights.signs;
            if (all[c].flip)
                out.flags[c] ^= 1u << cheapest_flip(weights.wx, book().point[out.point[c][0]].data(), cell);
        }
    }

    static void decode_cell(float s, const CellPoints &points, uint32_t signs, float *out) {
        const auto &level = book().point[points[0]];
        for (size_t i = 0; i < cell; i++) out[i] = s * level[i] * sign_of(signs, i);
    }
};

struct IQ2_XXS : Grid2<Book256x8, 8, true> {
    static constexpr size_t bytes = 66;

    static void unpack(const std::byte *in, Codes &codes) {
        codes.d = load_f16(in);
        for (size_t c = 0; c < cells; c++) {
            const std::byte *group = in + 2 + c / 4 * 8;
            const uint32_t rest = load_u32(group + 4);
            codes.scale[c / 4] = static_cast<int>(rest >> 28);
            codes.point[c][0] = std::to_integer<uint32_t>(group[c % 4]);
            codes.flags[c] = even_signs(rest >> (7 * (c % 4)) & 127);
        }
    }
    static void pack(const SuperFrame &f, const Codes &codes, std::byte *out) {
        f.store_half(out, codes.d);
        for (size_t g = 0; g < groups; g++) {
            uint32_t rest = static_cast<uint32_t>(codes.scale[g]) << 28;
            for (size_t c = 0; c < 4; c++) {
                out[2 + g * 8 + c] = static_cast<std::byte>(codes.point[g * 4 + c][0]);
                rest |= (codes.flags[g * 4 + c] & 127) << (7 * c);
            }
            store_u32(out + 2 + g * 8 + 4, rest);
        }
    }
};

struct IQ2_XS : Grid2<Book512x8, 16, true> {
    static constexpr size_t bytes = 74;

    static void unpack(const std::byte *in, Codes &codes) {
        codes.d = load_f16(in);
        for (size_t c = 0; c < cells; c++) {
            const uint32_t word = load_u16(in + 2 + 2 * c);
            codes.scale[c / 2] = nibble(in + 66, c / 2);
            codes.point[c][0] = word & 511;
            codes.flags[c] = even_signs(word >> 9);
        }
    }
    static void pack(const SuperFrame &f, const Codes &codes, std::byte *out) {
        std::fill_n(out, bytes, std::byte{0});
        f.store_half(out, codes.d);
        for (size_t c = 0; c < cells; c++)
            store_u16(out + 2 + 2 * c, static_cast<uint16_t>(codes.point[c][0] | (codes.flags[c] & 127) << 9));
        for (size_t g = 0; g < groups; g++) add_nibble(out + 66, g, codes.scale[g]);
    }
};

struct IQ2_S : Grid2<Book1024x8, 16, false> {
    static constexpr size_t bytes = 82;

    static void unpack(const std::byte *in, Codes &codes) {
        codes.d = load_f16(in);
        for (size_t c = 0; c < cells; c++) {
            const uint32_t high = std::to_integer<uint32_t>(in[66 + c / 4]) >> (2 * (c % 4)) & 3;
            codes.scale[c / 2] = nibble(in + 74, c / 2);
            codes.point[c][0] = std::to_integer<uint32_t>(in[2 + c]) | high << 8;
            codes.flags[c] = std::to_integer<uint32_t>(in[34 + c]);
        }
    }
    static void pack(const SuperFrame &f, const Codes &codes, std::byte *out) {
        std::fill_n(out, bytes, std::byte{0});
        f.store_half(out, codes.d);
        for (size_t c = 0; c < cells; c++) {
            out[2 + c] = static_cast<std::byte>(codes.point[c][0]);
            out[34 + c] = static_cast<std::byte>(codes.flags[c]);
            out[66 + c / 4] |= static_cast<std::byte>((codes.point[c][0] >> 8) << (2 * (c % 4)));
        }
        for (size_t g = 0; g < groups; g++) add_nibble(out + 74, g, codes.scale[g]);
    }
};

} // namespace

std::array<GridCellLayout, 3> grid2_layouts() {
    return {cell_layout<IQ2_XXS>(QUANT_IQ2_XXS, {.even_signs = true}), cell_layout<IQ2_XS>(QUANT_IQ2_XS, {.even_signs = true}),
            cell_layout<IQ2_S>(QUANT_IQ2_S, {.even_signs = false})};
}

void decode_iq2_xxs(const std::byte *in, float *out, size_t blocks) { decode_grid<IQ2_XXS>(in, out, blocks); }
void decode_iq2_xs(const std::byte *in, float *out, size_t blocks) { decode_grid<IQ2_XS>(in, out, blocks); }
void decode_iq2_s(const std::byte *in, float *out, size_t blocks) { decode_grid<IQ2_S>(in, out, blocks); }

QUANT_CPU_CLONES void encode_iq2_xxs(const float *in, const float *importance, std::byte *out, size_t blocks,
                                     quant_method method) {
    encode_grid<IQ2_XXS>(in, importance, out, blocks, method);
}
QUANT_CPU_CLONES void encode_iq2_xs(const float *in, const float *importance, std::byte *out, size_t blocks,
                                    quant_method method) {
    encode_grid<IQ2_XS>(in, importance, out, blocks, method);
}
QUANT_CPU_CLONES void encode_iq2_s(const float *in, const float *importance, std::byte *out, size_t blocks,
                                   quant_method method) {
    encode_grid<IQ2_S>(in, importance, out, blocks, method);
}

} // namespace quant
