// INTb_Gg and AFFINEb_Gg: codes of b bits, and two half-precision numbers for each g weights: what
// checkpoints of GPTQ, AWQ, compressed-tensors, HQQ and MLX hold, with a group's numbers beside its codes.
//
// INT:    d, z, codes; x = d * (code - z). A zero point need not be whole (HQQ).
// AFFINE: d, m, codes; x = d * code + m
// Codes are a dense stream, least significant bits first: 8 codes take b bytes.
#include "encoding/group_blocks.h"

#include "encoding/block_codecs.h"
#include "encoding/block_frame.h"

#include <algorithm>

namespace quant {

namespace {

constexpr size_t octet = 8;

template <int Bits> std::array<float, octet> load_codes(const std::byte *in) {
    uint64_t word = 0;
    std::memcpy(&word, in, Bits);
    std::array<float, octet> codes;
    for (size_t i = 0; i < octet; i++)
        codes[i] = static_cast<float>(static_cast<int>(word >> (i * Bits) & ((1u << Bits) - 1)));
    return codes;
}

template <int Bits> void store_codes(const uint8_t *codes, std::byte *out) {
    uint64_t word = 0;
    for (size_t i = 0; i < octet; i++) word |= uint64_t{codes[i]} << (i * Bits);
    std::memcpy(out, &word, Bits);
}

/// Kinds differ in what the second number does.
struct WithZero {
    static constexpr bool bias = false, symmetric = false;
    static float weight(float code, float d, float z) { return d * (code - z); }
};
struct InMiddle : WithZero {
    static constexpr bool symmetric = true;
};
struct WithBias {
    static constexpr bool bias = true, symmetric = false;
    static float weight(float code, float d, float m) { return d * code + m; }
};

/// The numbers of a group, in the frame of its weights; a zero point is whole and has none.
struct Line {
    float d = 0, second = 0;
};

template <int Bits, size_t Group, class Kind>
struct GroupBlock {
    static constexpr size_t bytes = 4 + Group * Bits / 8;
    static constexpr int top = (1 << Bits) - 1;
    static constexpr int middle = 1 << (Bits - 1);
    static constexpr int trials = Bits == 8 ? 6 : 16, fits = 3;
    /// The most of the range of weights that a search clips.
    static constexpr double widest_clip = std::min(1.0 / 3, 4.0 / top);
    using Codes = std::array<uint8_t, Group>;
    using Frame = BlockFrame<Group>;

    static void decode(const std::byte *in, float *out, size_t blocks) {
        for (; blocks-- != 0; in += bytes, out += Group) {
            const float d = load_f16(in), second = load_f16(in + 2);
            for (size_t i = 0; i < Group; i += octet) {
                const auto codes = load_codes<Bits>(in + 4 + i / octet * Bits);
                for (size_t k = 0; k < octet; k++) out[i + k] = Kind::weight(codes[k], d, second);
            }
        }
    }

    static void store(const Frame &f, const Codes &codes, const Line &line, std::byte *out) {
        f.store_half(out, line.d);
        if (Kind::bias) f.store_half(out + 2, line.second);
        else store_f16(out + 2, line.second);
        for (size_t i = 0; i < Group; i += octet) store_codes<Bits>(codes.data() + i, out + 4 + i / octet * Bits);
    }

    // Codes that come nearest, and the weighted error they leave.
    static double round_codes(const Frame &f, const Line &line, Codes &codes) {
        const float inverse = line.d != 0 ? 1 / line.d : 0;
        const float zero = Kind::bias ? -line.second * inverse : line.second;
        double error = 0;
        for (size_t i = 0; i < Group; i++) {
            const float code = std::min(std::max(std::nearbyint(f.x[i] * inverse + zero), 0.0f), static_cast<float>(top));
            codes[i] = static_cast<uint8_t>(code);
            const float off = Kind::weight(code, line.d, line.second) - f.x[i];
            error += f.w[i] * double{off} * off;
        }
        return error;
    }

    // As a block stores it, of a line that begins at `low` and rises d a code.
    static Line stored(const Frame &f, double d, double low) {
        const float half = f.half(static_cast<float>(d));
        if (Kind::bias) return {half, f.half(static_cast<float>(low))};
        if (Kind::symmetric) return {half, middle};
        const float zero = half != 0 ? std::nearbyint(static_cast<float>(-low) / half) : 0;
        return {half, std::min(std::max(zero, 0.0f), static_cast<float>(top))};
    }

    // What fits these codes best in the least squares; a zero point stays.
    static Line fitted(const Frame &f, const Codes &codes, const Line &before) {
        double w = 0, wc = 0, wcc = 0, wx = 0, wcx = 0;
        for (size_t i = 0; i < Group; i++) {
            const double weight = f.w[i], code = codes[i] - (Kind::bias ? 0.0 : before.second);
            w += weight, wc += weight * code, wcc += weight * code * code;
            wx += weight * f.x[i], wcx += weight * code * f.x[i];
        }
        if (!Kind::bias) return wcc > 0 ? Line{f.half(static_cast<float>(wcx / wcc)), before.second} : before;
        const double det = w * wcc - wc * wc;
        if (!(det > 1e-9 * w * wcc)) return before;
        return stored(f, (w * wcx - wc * wx) / det, (wcc * wx - wc * wcx) / det);
    }

    struct Range {
        double low, high;
    };
    static Range range_of(const Frame &f) {
        const auto [low, high] = std::minmax_element(f.x.begin(), f.x.end());
        if (Kind::symmetric) { // As many steps of d below zero as the zero point has.
            const double d = std::max(-*low / double{middle}, *high / double{top - middle});
            return {-d * middle, d * (top - middle)};
        }
        return Kind::bias ? Range{*low, *high} : Range{std::min(*low, 0.0f), std::max(*high, 0.0f)};
    }

    static void round(const Frame &f, std::byte *out) {
        const Range r = range_of(f);
        const Line line = stored(f, (r.high - r.low) / top, r.low);
        Codes codes{};
        if (line.d != 0) round_codes(f, line, codes);
        store(f, codes, line, out);
    }

    // The ends are clipped a little more each time, on both sides alike, and the line is fitted to its codes.
    static void search(const Frame &f, std::byte *out) {
        const Range r = range_of(f);
        Codes codes{}, best_codes{};
        Line best = stored(f, 0, r.low);
        double least = round_codes(f, best, best_codes);
        for (int t = 0; t < trials; t++) {
            const double clip = t * widest_clip / trials, span = r.high - r.low;
            Line line = stored(f, span * (1 - clip) / top, r.low + span * clip / 2);
            for (int i = 0; i < fits; i++) {
                const double error = round_codes(f, line, codes);
                if (error < least) least = error, best = line, best_codes = codes;
                line = fitted(f, codes, line);
            }
        }
        store(f, best_codes, best, out);
    }

    static void encode(const float *in, const float *importance, std::byte *out, size_t blocks, quant_method method) {
        encode_blocks<Group, bytes>(in, importance, out, blocks, method, search, round, decode);
    }
};

} // namespace

#define GROUP_BLOCK(kind, Kind, bits, group)                                                                           \
    QUANT_CPU_CLONES void decode_##kind##bits##_g##group(const std::byte *in, float *out, size_t blocks) {             \
        GroupBlock<bits, group, Kind>::decode(in, out, blocks);                                                        \
    }                                                                                                                  \
    QUANT_CPU_CLONES void encode_##kind##bits##_g##group(const float *in, const float *importance, std::byte *out, size_t blocks,       \
                                        quant_method method) {                                                         \
        GroupBlock<bits, group, Kind>::encode(in, importance, out, blocks, method);                                    \
    }
#define GROUP_BLOCKS(kind, Kind, bits)                                                                                 \
    GROUP_BLOCK(kind, Kind, bits, 32)                                                                                  \
    GROUP_BLOCK(kind, Kind, bits, 64)                                                                                  \
    GROUP_BLOCK(kind, Kind, bits, 128)

GROUP_BLOCKS(int, WithZero, 2)
GROUP_BLOCKS(int, WithZero, 3)
GROUP_BLOCKS(int, WithZero, 4)
GROUP_BLOCKS(int, WithZero, 8)
GROUP_BLOCKS(affine, WithBias, 2)
GROUP_BLOCKS(affine, WithBias, 3)
GROUP_BLOCKS(affine, WithBias, 4)
GROUP_BLOCKS(affine, WithBias, 5)
GROUP_BLOCKS(affine, WithBias, 6)
GROUP_BLOCKS(affine, WithBias, 8)

namespace {

struct GroupRow {
    GroupForm form;
    quant_encoding encoding;
};

#define OF_GROUPS(kind, bits, bias)                                                                                    \
    {{bits, 32, bias}, QUANT_##kind##bits##_G32}, {{bits, 64, bias}, QUANT_##kind##bits##_G64},                        \
        {{bits, 128, bias}, QUANT_##kind##bits##_G128}
constexpr GroupRow rows[] = {OF_GROUPS(INT, 2, false),   OF_GROUPS(INT, 3, false),   OF_GROUPS(INT, 4, false),
                             OF_GROUPS(INT, 8, false),   OF_GROUPS(AFFINE, 2, true), OF_GROUPS(AFFINE, 3, true),
                             OF_GROUPS(AFFINE, 4, true), OF_GROUPS(AFFINE, 5, true), OF_GROUPS(AFFINE, 6, true),
                             OF_GROUPS(AFFINE, 8, true)};
#undef OF_GROUPS

template <int Bits> void store_octets(const uint8_t *codes, uint32_t group, std::byte *out) {
    if constexpr (Bits == 8) {
        std::memcpy(out, codes, group);
        return;
    }
    if constexpr (Bits == 4) {
        for (uint32_t i = 0; i < group / 2; i++) out[i] = static_cast<std::byte>(codes[2 * i] | codes[2 * i + 1] << 4);
        return;
    }
    for (uint32_t i = 0; i < group; i += octet) store_codes<Bits>(codes + i, out + i / octet * Bits);
}

template <int Bits> void load_octets(const std::byte *in, uint32_t group, uint8_t *codes) {
    if constexpr (Bits == 8) {
        std::memcpy(codes, in, group);
        return;
    }
    if constexpr (Bits == 4) {
        for (uint32_t i = 0; i < group / 2; i++) {
            const auto two = static_cast<uint8_t>(in[i]);
            codes[2 * i] = two & 15, codes[2 * i + 1] = static_cast<uint8_t>(two >> 4);
        }
        return;
    }
    for (uint32_t i = 0; i < group; i += octet) {
        const auto some = load_codes<Bits>(in + i / octet * Bits);
        for (size_t k = 0; k < octet; k++) codes[i + k] = static_cast<uint8_t>(some[k]);
    }
}

} // namespace

namespace {

template <int Bits, size_t Group> struct Symmetric {
    using Block = GroupBlock<Bits, Group, InMiddle>;
    QUANT_CPU_CLONES static void encode(const float *in, const float *importance, std::byte *out, size_t blocks,
                                        quant_method method) {
        Block::encode(in, importance, out, blocks, method);
    }
};

// Blocks taken apart; see block_grid.h.
template <int Bits, size_t Group, bool Bias> struct Apart {
    static void unpack(const std::byte *in, BlockGrid &g) {
        const float d = load_f16(in), second = load_f16(in + 2);
        g.d = d, g.scale[0] = 1;
        g.dmin = Bias ? -second : d;
        g.minimum[0] = Bias ? 1 : static_cast<int>(second);
        load_octets<Bits>(in + 4, Group, g.code.data());
    }
    static void pack(const BlockGrid &g, std::byte *out) {
        store_f16(out, g.d);
        store_f16(out + 2, Bias ? -g.dmin : static_cast<float>(g.minimum[0]));
        store_octets<Bits>(g.code.data(), Group, out + 4);
    }
};

template <int Bits, size_t Group, bool Bias> GridLayout group_layout(quant_encoding encoding, int lowest, int highest) {
    using A = Apart<Bits, Group, Bias>;
    return {encoding, Group, 1, (1 << Bits) - 1, 0, nullptr, 1, 1, lowest, highest, Bias, A::unpack, A::pack, !Bias};
}

#define OF_INT(bits, group)                                                                                            \
    {group_layout<bits, group, false>(QUANT_INT##bits##_G##group, 0, (1 << bits) - 1),                                 \
     group_layout<bits, group, false>(QUANT_INT##bits##_G##group, 1 << (bits - 1), 1 << (bits - 1)),                   \
     Symmetric<bits, group>::encode}
#define OF_AFFINE(bits, group)                                                                                         \
    {group_layout<bits, group, true>(QUANT_AFFINE##bits##_G##group, 1, 1), {}, nullptr}
#define OF_SIZES(kind, bits) OF_##kind(bits, 32), OF_##kind(bits, 64), OF_##kind(bits, 128)
struct LayoutRow {
    GridLayout free, fixed;
    EncodeBlocks encode_fixed; ///< nullptr: there is no zero point.
};
const LayoutRow layout_rows[] = {OF_SIZES(INT, 2),    OF_SIZES(INT, 3),    OF_SIZES(INT, 4),    OF_SIZES(INT, 8),
                                 OF_SIZES(AFFINE, 2), OF_SIZES(AFFINE, 3), OF_SIZES(AFFINE, 4), OF_SIZES(AFFINE, 5),
                                 OF_SIZES(AFFINE, 6), OF_SIZES(AFFINE, 8)};
#undef OF_INT
#undef OF_AFFINE
#undef OF_SIZES

const LayoutRow *layout_row(quant_encoding encoding) {
    for (const LayoutRow &r : layout_rows)
        if (r.free.encoding == encoding) return &r;
    return nullptr;
}

} // namespace

const EncodingTraits *symmetric_encoding(quant_encoding encoding) noexcept {
    static const auto table = [] {
        std::array<EncodingTraits, std::size(layout_rows)> out{};
        for (size_t i = 0; i < out.size(); i++) {
            out[i] = *find_encoding(static_cast<uint32_t>(layout_rows[i].free.encoding));
            out[i].encode = layout_rows[i].encode_fixed;
        }
        return out;
    }();
    const LayoutRow *row = layout_row(encoding);
    return row && row->encode_fixed ? &table[static_cast<size_t>(row - layout_rows)] : nullptr;
}

const GridLayout *find_group_layout(const EncodingTraits &encoding) noexcept {
    const LayoutRow *row = layout_row(encoding.id);
    if (!row) return nullptr;
    return &encoding == symmetric_encoding(encoding.id) ? &row->fixed : &row->free;
}

const EncodingTraits *find_group_encoding(const GroupForm &form) noexcept {
    for (const GroupRow &r : rows)
        if (r.form.bits == form.bits && r.form.group == form.group && r.form.bias == form.bias)
            return find_encoding(static_cast<uint32_t>(r.encoding));
    return nullptr;
}

GroupForm group_form(quant_encoding encoding) noexcept {
    for (const GroupRow &r : rows)
        if (r.encoding == encoding) return r.form;
    return {};
}

void store_group(const GroupForm &form, float d, float second, const uint8_t *codes, std::byte *out) noexcept {
    store_f16(out, d);
    store_f16(out + 2, second);
    constexpr void (*store[])(const uint8_t *, uint32_t, std::byte *) = {
        nullptr, nullptr, store_octets<2>, store_octets<3>, store_octets<4>, store_octets<5>, store_octets<6>, nullptr,
        store_octets<8>};
    store[form.bits](codes, form.group, out + 4);
}

void store_dense_group(const GroupForm &form, float d, float second, const std::byte *codes, std::byte *out) noexcept {
    store_f16(out, d);
    store_f16(out + 2, second);
    std::memcpy(out + group_codes_at, codes, group_code_bytes(form));
}

void load_group(const GroupForm &form, const std::byte *in, float &d, float &second, uint8_t *codes) noexcept {
    d = load_f16(in);
    second = load_f16(in + 2);
    constexpr void (*load[])(const std::byte *, uint32_t, uint8_t *) = {
        nullptr, nullptr, load_octets<2>, load_octets<3>, load_octets<4>, load_octets<5>, load_octets<6>, nullptr,
        load_octets<8>};
    load[form.bits](in + 4, form.group, codes);
}

} // namespace quant
