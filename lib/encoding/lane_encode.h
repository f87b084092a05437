// What every searching encoder does around its groups: 16 of them at a time, rounded,
// searched, and where rounding was closer left rounded.
//
// A codec has: width, groups, bytes; Parameters round(set); search<Weighted>(set,
// effort) with efforts `fast` and `deep`; error<Weighted>(set, parameters) by group; and
// store(), which writes a block from the weights in their natural order.
#pragma once

#include "encoding/lane_affine_search.h"
#include "encoding/lane_scale_search.h"

#include <quant/encoding.h>

namespace quant::lane {

/// Parameters as scalars in the caller's units, for the groups of one block.
struct BlockScales {
    const float *d, *dmin, *scale, *minimum;
};

template <class Floats>
Scaled<Floats> select(typename Floats::Ints mask, const Scaled<Floats> &a, const Scaled<Floats> &b) {
    return {select(mask, a.d, b.d), select(mask, a.scale, b.scale)};
}
template <class Floats>
Affine<Floats> select(typename Floats::Ints mask, const Affine<Floats> &a, const Affine<Floats> &b) {
    return {select(mask, a.d, b.d), select(mask, a.dmin, b.dmin), select(mask, a.scale, b.scale),
            select(mask, a.minimum, b.minimum)};
}

/// Parameters of 16 groups, by lane.
struct LaneScales {
    alignas(64) float d[lanes], dmin[lanes], scale[lanes], minimum[lanes];

    template <class Floats>
    LaneScales(const Scaled<Floats> &p, Floats up) {
        (p.d * up).store(d);
        p.scale.store(scale);
    }
    template <class Floats>
    LaneScales(const Affine<Floats> &p, Floats up) {
        (p.d * up).store(d);
        (p.dmin * up).store(dmin);
        p.scale.store(scale);
        p.minimum.store(minimum);
    }
    BlockScales of(size_t lane) const { return {d + lane, dmin + lane, scale + lane, minimum + lane}; }
};

/// The codes of `n` weights, a multiple of 16, for x = s * level.
template <class Floats, class L>
void level_codes(const float *x, size_t n, float s, uint8_t *out) {
    const typename L::template Nearest<Floats> nearest;
    for (size_t i = 0; i < n; i += lanes)
        nearest.code(s != 0 ? Floats::load(x + i) / s : Floats(0)).store_bytes(out + i);
}

/// The codes 0 .. top of `n` weights for x = s * code - m.
template <class Floats>
void affine_codes(const float *x, size_t n, float s, float m, float top, uint8_t *out) {
    for (size_t i = 0; i < n; i += lanes)
        round_whole(clamp(s != 0 ? (Floats::load(x + i) + m) / s : Floats(0), 0, top)).store_bytes(out + i);
}

/// What codecs with a half-precision scale for each group of 32 share.
template <class L>
struct ScaledBlock {
    static constexpr size_t groups = 1, width = 32;
    using Levels = L;

    // The extreme weight on the lowest level, which reaches farthest.
    template <class Set>
    static auto round(const Set &set) {
        return Scaled<typename Set::Floats>{set.half(extremes(set) / L::low)};
    }
    template <bool Weighted, class Set>
    static auto search(const Set &set, const ScaleEffort &effort) {
        return Scaled<typename Set::Floats>{set.half(fit_scales<L, Weighted>(set, effort).best.scale())};
    }
    template <bool Weighted, class Set, class Floats>
    static Floats error(const Set &set, const Scaled<Floats> &p) {
        return error_of<L, Weighted>(set, p);
    }
};

/// What codecs with scale codes ScaleLow .. ScaleHigh for each group share.
template <size_t Groups, class L, int ScaleLow, int ScaleHigh>
struct ScaledSuperBlock {
    static constexpr size_t groups = Groups, width = 256 / Groups;
    using Levels = L;

    template <class Set>
    static auto round(const Set &set) {
        return round_scaled<L, ScaleLow, ScaleHigh>(set);
    }
    template <bool Weighted, class Set>
    static auto search(const Set &set, const ScaleEffort &effort) {
        return search_scaled<L, ScaleLow, ScaleHigh, Weighted>(set, effort);
    }
    template <bool Weighted, class Set, class Floats>
    static Floats error(const Set &set, const Scaled<Floats> &p) {
        return error_of<L, Weighted>(set, p);
    }
};

// What the search finds where that is closer by more than sums in floats can err.
template <class Codec, bool Weighted, class Set, class Parameters, class Effort>
Parameters closer(const Set &set, const Parameters &rounded, const Effort &effort) {
    constexpr size_t n = Set::groups;
    const Parameters searched = Codec::template search<Weighted>(set, effort);
    const auto before = run_sum<n>(Codec::template error<Weighted>(set, rounded));
    const auto after = run_sum<n>(Codec::template error<Weighted>(set, searched));
    return select(after < before * 0.99999f, searched, rounded);
}

template <class Codec, size_t Bytes>
void encode_groups(const float *in, const float *importance, std::byte *out, size_t blocks, quant_method method) {
    using Set = LaneGroups<Codec::width, Codec::groups, Bytes>;
    const bool deep = method == QUANT_METHOD_IMPORTANCE || method == QUANT_METHOD_FEEDBACK;
    const auto &effort = deep ? Codec::deep : Codec::fast;
    while (blocks != 0) {
        const size_t count = std::min(blocks, Set::blocks);
        Set set(in, count);
        auto parameters = Codec::round(set);
        if (method != QUANT_METHOD_ROUND && importance) {
            set.weigh(importance, count, floor_of(method));
            parameters = closer<Codec, true>(set, parameters, effort);
            importance += count * Set::block;
        } else if (method != QUANT_METHOD_ROUND) {
            parameters = closer<Codec, false>(set, parameters, effort);
        }
        const LaneScales scales(parameters, set.up);
        for (size_t b = 0; b < count; b++)
            Codec::template store<typename Set::Floats>(in + b * Set::block, scales.of(b * Set::groups),
                                                        out + b * Codec::bytes);
        in += count * Set::block;
        out += count * Codec::bytes;
        blocks -= count;
    }
}

// One copy for each width of vectors, chosen by the CPU. What a copy calls must be inside
// it to be compiled for the same CPU; the narrow one is for any. Under a sanitizer copies would
// take minutes to compile, so there is one.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) &&       \
    !defined(QUANT_NO_CPU_CLONES)
template <class Codec>
struct CpuCopies {
    __attribute__((target("arch=x86-64-v4"), flatten)) static void
    wide(const float *in, const float *importance, std::byte *out, size_t blocks, quant_method method) {
        encode_groups<Codec, 64>(in, importance, out, blocks, method);
    }
    __attribute__((target("arch=x86-64-v3"), flatten)) static void
    middle(const float *in, const float *importance, std::byte *out, size_t blocks, quant_method method) {
        encode_groups<Codec, 32>(in, importance, out, blocks, method);
    }
    static void narrow(const float *in, const float *importance, std::byte *out, size_t blocks,
                       quant_method method) {
        encode_groups<Codec, 16>(in, importance, out, blocks, method);
    }
};

template <class Codec>
void encode_lanes(const float *in, const float *importance, std::byte *out, size_t blocks, quant_method method) {
    if (__builtin_cpu_supports("x86-64-v4")) CpuCopies<Codec>::wide(in, importance, out, blocks, method);
    else if (__builtin_cpu_supports("x86-64-v3")) CpuCopies<Codec>::middle(in, importance, out, blocks, method);
    else CpuCopies<Codec>::narrow(in, importance, out, blocks, method);
}
#else
template <class Codec>
void encode_lanes(const float *in, const float *importance, std::byte *out, size_t blocks, quant_method method) {
    encode_groups<Codec, 16>(in, importance, out, blocks, method);
}
#endif

} // namespace quant::lane
