// IQ3_XXS and IQ3_S: magnitudes of 4 weights from a codebook of 8 levels.
//
// IQ3_XXS: d, 64 bytes of points, then for each 32 weights 4 bytes that hold four times
//          7 signs and a scale; 256 points; x = d * (scale + 1/2) / 2 * sign * level
// IQ3_S:   d, 64 bytes of points, 8 bytes of their high bits, 32 bytes of signs, 4 bytes
//          of scales; 512 points; x = d * (1 + 2 * scale) * sign * level
// A scale has 4 bits, for 32 weights.
#include "encoding/block_codecs.h"
#include "encoding/grid_signs.h"

namespace quant {

namespace {

// What the two share. A cell of 8 is two points; with EvenSigns the number of minus
// signs in it is even, and where it is not, the first or the second point bears the flip.
template <class Book, bool EvenSigns> struct Grid3 {
    static constexpr size_t groups = 8, width = 32, half = 4;
    static constexpr int top = 15;
    static constexpr float narrow = 0.5f, wide = 16.0f;
    using Codes = GridCodes<groups>;

    using HalfCurve = GainCurve<curve_corners>;
    struct Cell {
        HalfCurve own[2], flipped[2];
        bool flip;
    };
    static constexpr size_t cell_corners = (EvenSigns ? 4 : 2) * curve_corners;
    using Curve = GainCurve<width / cell * cell_corners>;

    static const Book &book() { return grid_book<Book>(); }
    static float reach() { return book().largest; }

    static void draw(const float *x, const float *w, const ScaleRange &range, Cell &out) {
        const CellWeights weights(x, w);
        out.flip = EvenSigns && weights.odd();
        for (size_t k = 0; k < 2; k++) {
            const auto at = [&](bool flip) {
                return curve_of<curve_corners>(point_gains(book(), weights.wx + k * half, w + k * half, flip),
                                               range.low, range.high);
            };
            out.own[k] = at(false);
            if (out.flip) out.flipped[k] = at(true);
        }
    }

    static GainCurve<cell_corners> cell_curve(const Cell &c) {
        if constexpr (EvenSigns) {
            if (c.flip) return join(sum(c.flipped[0], c.own[1]), sum(c.own[0], c.flipped[1]));
            GainCurve<cell_corners> out;
            const auto both = sum(c.own[0], c.own[1]);
            for (size_t i = 0; i < both.size; i++) out.push(both.corner[i]);
            return out;
        } else {
            return sum(c.own[0], c.own[1]);
        }
    }

    static Curve curve(const Cell *c) {
        return sum(sum(cell_curve(c[0]), cell_curve(c[1])), sum(cell_curve(c[2]), cell_curve(c[3])));
    }

    static void read(const SuperFrame &f, const Cell *all, size_t g, float s, Codes &out) {
        for (size_t c = g * width / cell; c < (g + 1) * width / cell; c++) {
            const Cell &from = all[c];
            const CellWeights weights(f.x.data() + c * cell, f.w.data() + c * cell);
            out.flags[c] = weights.signs;
            size_t bears = 2; // Neither.
            if (from.flip)
                bears = from.flipped[0].gain(s) + from.own[1].gain(s) >= from.own[0].gain(s) + from.flipped[1].gain(s)
                            ? 0
                            : 1;
            for (size_t k = 0; k < 2; k++) out.point[c][k] = (k == bears ? from.flipped : from.own)[k].best(s).code;
            if (bears == 2) continue;
            const float *level = book().point[out.point[c][bears]].data();
            out.flags[c] ^= 1u << (bears * half + cheapest_flip(weights.wx + bears * half, level, half));
        }
    }

    static void decode_cell(float s, const CellPoints &points, uint32_t signs, float *out) {
        for (size_t i = 0; i < cell; i++) out[i] = s * book().point[points[i / half]][i % half] * sign_of(signs, i);
    }
};

struct IQ3_XXS : Grid3<Book256x4, true> {
    static constexpr size_t bytes = 98;
    static float multiple(int code) { return (0.5f + static_cast<float>(code)) * 0.5f; }
    static int code_near(float s) { return static_cast<int>(round_whole(2 * s - 0.5f)); }

    static void unpack(const std::byte *in, Codes &codes) {
        codes.d = load_f16(in);
        for (size_t p = 0; p < 2 * cells; p++) codes.point[p / 2][p % 2] = std::to_integer<uint32_t>(in[2 + p]);
        for (size_t c = 0; c < cells; c++) {
            const uint32_t rest = load_u32(in + 66 + c / 4 * 4);
            codes.scale[c / 4] = static_cast<int>(rest >> 28);
            codes.flags[c] = even_signs(rest >> (7 * (c % 4)) & 127);
        }
    }
    static void pack(const SuperFrame &f, const Codes &codes, std::byte *out) {
        f.store_half(out, codes.d);
        for (size_t p = 0; p < 2 * cells; p++) out[2 + p] = static_cast<std::byte>(codes.point[p / 2][p % 2]);
        for (size_t g = 0; g < groups; g++) {
            uint32_t rest = static_cast<uint32_t>(codes.scale[g]) << 28;
            for (size_t c = 0; c < 4; c++) rest |= (codes.flags[g * 4 + c] & 127) << (7 * c);
            store_u32(out + 66 + g * 4, rest);
        }
    }
};

struct IQ3_S : Grid3<Book512x4, false> {
    static constexpr size_t bytes = 110;
    static float multiple(int code) { return 1 + 2 * static_cast<float>(code); }
    static int code_near(float s) { return static_cast<int>(round_whole((s - 1) / 2)); }

    static void unpack(const std::byte *in, Codes &codes) {
        codes.d = load_f16(in);
        for (size_t p = 0; p < 2 * cells; p++) {
            const uint32_t high = std::to_integer<uint32_t>(in[66 + p / 8]) >> (p % 8) & 1;
            codes.point[p / 2][p % 2] = std::to_integer<uint32_t>(in[2 + p]) | high << 8;
        }
        for (size_t c = 0; c < cells; c++) codes.flags[c] = std::to_integer<uint32_t>(in[74 + c]);
        for (size_t g = 0; g < groups; g++) codes.scale[g] = nibble(in + 106, g);
    }
    static void pack(const SuperFrame &f, const Codes &codes, std::byte *out) {
        std::fill_n(out, bytes, std::byte{0});
        f.store_half(out, codes.d);
        for (size_t p = 0; p < 2 * cells; p++) {
            const uint32_t point = codes.point[p / 2][p % 2];
            out[2 + p] = static_cast<std::byte>(point);
            out[66 + p / 8] |= static_cast<std::byte>((point >> 8) << (p % 8));
        }
        for (size_t c = 0; c < cells; c++) out[74 + c] = static_cast<std::byte>(codes.flags[c]);
        for (size_t g = 0; g < groups; g++) add_nibble(out + 106, g, codes.scale[g]);
    }
};

} // namespace

std::array<GridCellLayout, 2> grid3_layouts() {
    return {cell_layout<IQ3_XXS>(QUANT_IQ3_XXS, {.even_signs = true}), cell_layout<IQ3_S>(QUANT_IQ3_S, {.even_signs = false})};
}

void decode_iq3_xxs(const std::byte *in, float *out, size_t blocks) { decode_grid<IQ3_XXS>(in, out, blocks); }
void decode_iq3_s(const std::byte *in, float *out, size_t blocks) { decode_grid<IQ3_S>(in, out, blocks); }

QUANT_CPU_CLONES void encode_iq3_xxs(const float *in, const float *importance, std::byte *out, size_t blocks,
                                     quant_method method) {
    encode_grid<IQ3_XXS>(in, importance, out, blocks, method);
}
QUANT_CPU_CLONES void encode_iq3_s(const float *in, const float *importance, std::byte *out, size_t blocks,
                                   quant_method method) {
    encode_grid<IQ3_S>(in, importance, out, blocks, method);
}

} // namespace quant
