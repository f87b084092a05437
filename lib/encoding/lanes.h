// Sixteen floats side by side, one for each of 16 groups of weights.
//
// The searching encoders hold element i of 16 groups in one of these, so that a lane is
// a group: sums need no horizontal adds, every group takes the same path, and what a
// lane computes does not depend on its neighbours. They are made of vectors of the
// compiler, as wide as the CPU has them (it would take comparisons of wider ones apart
// into scalars); whatever the width, each lane sees the same operations.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace quant::lane {

inline constexpr size_t lanes = 16;

template <size_t Bytes>
struct Vectors;
#define QUANT_VECTORS(bytes)                                                                                       \
    template <>                                                                                                    \
    struct Vectors<bytes> {                                                                                        \
        using Float = float __attribute__((vector_size(bytes)));                                                   \
        using Int = int32_t __attribute__((vector_size(bytes)));                                                   \
        using Word = uint16_t __attribute__((vector_size(bytes / 2)));                                             \
        using Byte = uint8_t __attribute__((vector_size(bytes / 4)));                                              \
    };
QUANT_VECTORS(16)
QUANT_VECTORS(32)
QUANT_VECTORS(64)
#undef QUANT_VECTORS

/// 1.5 * 2^23: a float of this size has no bits below one.
inline constexpr float whole_magic = 12582912.0f;

/// Sixteen integers, or masks: all bits or none.
template <size_t Bytes>
struct IntsOf {
    using Vector = typename Vectors<Bytes>::Int;
    static constexpr size_t parts = 4 * lanes / Bytes;

    Vector part[parts];

    IntsOf() = default;
    IntsOf(int32_t v) {
        for (Vector &p : part) p = Vector{} + v;
    }
    template <class F>
    static IntsOf of(const F &f) {
        IntsOf out;
        for (size_t i = 0; i < parts; i++) out.part[i] = f(i);
        return out;
    }
    friend IntsOf operator&(IntsOf a, IntsOf b) {
        return of([&](size_t i) { return a.part[i] & b.part[i]; });
    }
    friend IntsOf operator|(IntsOf a, IntsOf b) {
        return of([&](size_t i) { return a.part[i] | b.part[i]; });
    }
    friend IntsOf operator+(IntsOf a, IntsOf b) {
        return of([&](size_t i) { return a.part[i] + b.part[i]; });
    }
    friend IntsOf operator-(IntsOf a, IntsOf b) {
        return of([&](size_t i) { return a.part[i] - b.part[i]; });
    }
    friend IntsOf operator>>(IntsOf a, int by) {
        return of([&](size_t i) { return a.part[i] >> by; });
    }
};

template <size_t Bytes>
struct FloatsOf {
    using Vector = typename Vectors<Bytes>::Float;
    using Ints = IntsOf<Bytes>;
    static constexpr size_t parts = Ints::parts, part_lanes = lanes / parts;

    Vector part[parts];

    FloatsOf() : FloatsOf(0.0f) {}
    FloatsOf(float v) {
        for (Vector &p : part) p = Vector{} + v;
    }
    template <class F>
    static FloatsOf of(const F &f) {
        FloatsOf out;
        for (size_t i = 0; i < parts; i++) out.part[i] = f(i);
        return out;
    }
    static FloatsOf load(const float *p) {
        FloatsOf out;
        std::memcpy(out.part, p, sizeof out.part);
        return out;
    }
    void store(float *p) const { std::memcpy(p, part, sizeof part); }
    /// Whole numbers from 0 to 255 as bytes.
    void store_bytes(uint8_t *p) const {
        for (size_t i = 0; i < parts; i++) {
            // The compiler narrows to half with one instruction, to a quarter with dozens.
            const auto words = __builtin_convertvector(
                __builtin_convertvector(part[i], typename Vectors<Bytes>::Int), typename Vectors<Bytes>::Word);
            const auto bytes = __builtin_convertvector(words, typename Vectors<Bytes>::Byte);
            std::memcpy(p + i * part_lanes, &bytes, sizeof bytes);
        }
    }
    float operator[](size_t k) const { return part[k / part_lanes][k % part_lanes]; }

    FloatsOf &operator+=(FloatsOf b) { return *this = *this + b; }
    FloatsOf operator-() const {
        return of([&](size_t i) { return -part[i]; });
    }
    friend FloatsOf operator+(FloatsOf a, FloatsOf b) {
        return of([&](size_t i) { return a.part[i] + b.part[i]; });
    }
    friend FloatsOf operator-(FloatsOf a, FloatsOf b) {
        return of([&](size_t i) { return a.part[i] - b.part[i]; });
    }
    friend FloatsOf operator*(FloatsOf a, FloatsOf b) {
        return of([&](size_t i) { return a.part[i] * b.part[i]; });
    }
    friend FloatsOf operator/(FloatsOf a, FloatsOf b) {
        return of([&](size_t i) { return a.part[i] / b.part[i]; });
    }
    friend Ints operator<(FloatsOf a, FloatsOf b) {
        return Ints::of([&](size_t i) { return a.part[i] < b.part[i]; });
    }
    friend FloatsOf min(FloatsOf a, FloatsOf b) {
        return of([&](size_t i) {
            const Vector x = a.part[i], y = b.part[i];
            return x < y ? x : y;
        });
    }
    friend FloatsOf max(FloatsOf a, FloatsOf b) {
        return of([&](size_t i) {
            const Vector x = a.part[i], y = b.part[i];
            return x > y ? x : y;
        });
    }
    friend FloatsOf select(Ints mask, FloatsOf a, FloatsOf b) {
        return of([&](size_t i) { return mask.part[i] ? a.part[i] : b.part[i]; });
    }
    friend Ints bits_of(FloatsOf v) {
        return Ints::of([&](size_t i) { return reinterpret_cast<typename Ints::Vector>(v.part[i]); });
    }
    static FloatsOf with_bits(Ints bits) {
        return of([&](size_t i) { return reinterpret_cast<Vector>(bits.part[i]); });
    }
    friend FloatsOf abs(FloatsOf v) { return with_bits(bits_of(v) & Ints(0x7fffffff)); }
    friend FloatsOf clamp(FloatsOf v, float low, float high) { return min(max(v, low), high); }
    /// Nearest whole number, ties to even, for |v| below 2^22; needs no SSE4.
    friend FloatsOf round_whole(FloatsOf v) { return (v + whole_magic) - whole_magic; }
    /// a / b, and 0 where b is 0 or so small that the quotient would mean nothing.
    friend FloatsOf ratio(FloatsOf a, FloatsOf b) {
        const Ints small = abs(b) < FloatsOf(0x1p-100f);
        return select(small, 0.0f, a / select(small, 1.0f, b));
    }

    /// The lane that differs from each in one bit of its number.
    template <size_t Bit>
    FloatsOf partner() const {
        if constexpr (Bit >= part_lanes)
            return of([&](size_t i) { return part[i ^ (Bit / part_lanes)]; });
        else
            return of([&](size_t i) { return __builtin_shuffle(part[i], lane_numbers() ^ static_cast<int>(Bit)); });
    }
    /// All bits in the lanes whose number has the bit.
    template <size_t Bit>
    static Ints has_bit() {
        if constexpr (Bit >= part_lanes)
            return Ints::of([&](size_t i) {
                return typename Ints::Vector{} - static_cast<int>((i / (Bit / part_lanes)) & 1);
            });
        else
            return Ints::of([&](size_t) { return (lane_numbers() & static_cast<int>(Bit)) != 0; });
    }
    /// Entries of a table of 32, by the low five bits of `index`.
    static FloatsOf in_table(const std::array<float, 32> &table, Ints index);

private:
    static constexpr typename Ints::Vector lane_numbers() {
        typename Ints::Vector v{};
        for (size_t k = 0; k < part_lanes; k++) v[k] = static_cast<int>(k);
        return v;
    }
};

/// v held to low .. high, for loops. GCC makes one instruction of a minimum only where
/// neither side is a constant, so these are hidden from it.
template <class Floats>
struct Bounds {
    Floats low, high;

    Bounds(float low_, float high_) : low(hidden(low_)), high(hidden(high_)) {}
    Floats operator()(Floats v) const { return min(max(v, low), high); }

private:
    static float hidden(float v) {
        asm("" : "+r"(v));
        return v;
    }
};

template <size_t Bytes>
FloatsOf<Bytes> FloatsOf<Bytes>::in_table(const std::array<float, 32> &table, Ints index) {
    Vector row[32 / part_lanes];
    std::memcpy(row, table.data(), sizeof row);
    return of([&](size_t i) {
        const typename Ints::Vector at = index.part[i];
        if constexpr (Bytes == 64) {
            return __builtin_shuffle(row[0], row[1], at);
        } else if constexpr (Bytes == 32) {
            const Vector low = (at & 8) != 0 ? __builtin_shuffle(row[1], at) : __builtin_shuffle(row[0], at);
            const Vector high = (at & 8) != 0 ? __builtin_shuffle(row[3], at) : __builtin_shuffle(row[2], at);
            return (at & 16) != 0 ? high : low;
        } else {
            Vector out;
            for (size_t k = 0; k < part_lanes; k++) out[k] = table[static_cast<size_t>(at[k] & 31)];
            return out;
        }
    });
}

/// The finite half-precision number nearest to each, as floats.
template <class Floats>
Floats nearest_halves(Floats v) {
    using Ints = typename Floats::Ints;
    constexpr float largest = 65504, least_normal = 0x1p-14f;
    const Floats size = min(abs(v), largest);
    const Ints bits = bits_of(size);
    const Ints normal = (bits + Ints(0xfff) + ((bits >> 13) & Ints(1))) & Ints(~0x1fff);
    // Floats from 0.5 to 1 have the step of the smallest halves.
    const Floats small = (size + 0.5f) - 0.5f;
    const Floats half = select(size < least_normal, small, Floats::with_bits(normal));
    return Floats::with_bits(bits_of(half) | (bits_of(v) & Ints(INT32_MIN)));
}

/// Sums over runs of Groups lanes (1, 2, 4, 8 or 16), in each lane of the run.
template <size_t Groups, class Floats>
Floats run_sum(Floats v) {
    if constexpr (Groups > 1) {
        v += v.template partner<Groups / 2>();
        return run_sum<Groups / 2>(v);
    }
    return v;
}
template <size_t Groups, class Floats>
Floats run_max(Floats v) {
    if constexpr (Groups > 1) return run_max<Groups / 2>(max(v, v.template partner<Groups / 2>()));
    return v;
}

/// The value of largest magnitude in each run, with the sign of the first that has it.
template <size_t Groups, class Floats>
Floats run_extreme(Floats v) {
    if constexpr (Groups > 1) {
        const Floats other = v.template partner<Groups / 2>();
        const auto is_upper = Floats::template has_bit<Groups / 2>();
        const Floats lower = select(is_upper, other, v), upper = select(is_upper, v, other);
        return run_extreme<Groups / 2>(select(abs(lower) < abs(upper), upper, lower));
    }
    return v;
}

} // namespace quant::lane
