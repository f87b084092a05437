// Rows of blocks: what becomes of the weights that the decoders of simd_blocks.h make.
// One sink stores them, the other multiplies them with activations in registers.
//
// A Wide is 16 floats: one register of 512 bits, two of 256 or four of 128.
#pragma once

#include "kernel/simd/simd_blocks.h"

namespace quant::kernel::simd {
namespace {

/// What every sink does with codes: convert, scale, shift, and pass on 16 at a time.
template <class S, class Self>
struct CodeSink {
    using Simd = S;
    using Bytes = typename S::Bytes;

    QUANT_INLINE void put(Bytes a, Bytes b, float scale) {
        const auto s = S::broadcast(scale);
        self().take(S::wide_mul(S::wide_from_i8(a), s), S::wide_mul(S::wide_from_i8(b), s));
    }
    QUANT_INLINE void put(Bytes a, Bytes b, float scale, float offset) {
        const auto s = S::broadcast(scale), o = S::broadcast(offset);
        self().take(S::wide_fma(S::wide_from_i8(a), s, o), S::wide_fma(S::wide_from_i8(b), s, o));
    }
    QUANT_INLINE void put_pair(Bytes a, Bytes b, float scale_a, float scale_b) {
        self().take(S::wide_mul(S::wide_from_i8(a), S::broadcast(scale_a)),
                    S::wide_mul(S::wide_from_i8(b), S::broadcast(scale_b)));
    }
    QUANT_INLINE void put_pair(Bytes a, Bytes b, float scale_a, float scale_b, float offset_a, float offset_b) {
        self().take(S::wide_fma(S::wide_from_i8(a), S::broadcast(scale_a), S::broadcast(offset_a)),
                    S::wide_fma(S::wide_from_i8(b), S::broadcast(scale_b), S::broadcast(offset_b)));
    }
    /// 32 of more that share a scale; `first` of these.
    QUANT_INLINE void put_part(Bytes a, Bytes b, float scale, bool) { put(a, b, scale); }
    QUANT_INLINE Self &self() { return static_cast<Self &>(*this); }
};

template <class S>
struct StoreSink : CodeSink<S, StoreSink<S>> {
    using Wide = typename S::Wide;
    float *out;

    QUANT_INLINE explicit StoreSink(float *to) : out(to) {}
    QUANT_INLINE void take(Wide a, Wide b) {
        S::wide_store(out, a);
        S::wide_store(out + 16, b);
        out += 32;
    }
};

template <class S>
struct DotSink : CodeSink<S, DotSink<S>> {
    using Wide = typename S::Wide;
    const float *x;
    Wide sum_a = S::wide_zero(), sum_b = S::wide_zero();

    QUANT_INLINE explicit DotSink(const float *with) : x(with) {}
    QUANT_INLINE void take(Wide a, Wide b) {
        sum_a = S::wide_add_product(a, S::wide_load(x), sum_a);
        sum_b = S::wide_add_product(b, S::wide_load(x + 16), sum_b);
        x += 32;
    }
    QUANT_INLINE float total() const { return S::wide_sum(S::wide_add(sum_a, sum_b)); }
};

template <class S, class Block>
void decode_blocks(const std::byte *in, float *out, size_t blocks) {
    StoreSink<S> sink(out);
    for (size_t i = 0; i < blocks; ++i) Block::decode(in + i * Block::bytes, sink);
}

template <class S, class Block>
float dot_blocks(const std::byte *in, const float *x, size_t blocks) {
    DotSink<S> sink(x);
    for (size_t i = 0; i < blocks; ++i) Block::decode(in + i * Block::bytes, sink);
    return sink.total();
}

// ---- floats: a weight is a block, so a row may end anywhere -------------------------

struct F32 {
    static constexpr size_t bytes = 4;
    template <class S>
    static QUANT_INLINE typename S::Wide load(const std::byte *in) {
        return S::wide_load(reinterpret_cast<const float *>(in));
    }
};
struct F16 {
    static constexpr size_t bytes = 2;
    template <class S>
    static QUANT_INLINE typename S::Wide load(const std::byte *in) {
        return S::wide_load_f16(in);
    }
};
struct BF16 {
    static constexpr size_t bytes = 2;
    template <class S>
    static QUANT_INLINE typename S::Wide load(const std::byte *in) {
        return S::wide_load_bf16(in);
    }
};

/// The last n < 32 weights, filled up with zeros.
template <class S, class Kind>
struct FloatTail {
    alignas(64) std::byte bytes[32 * 4];

    QUANT_INLINE FloatTail(const std::byte *in, size_t n) {
        __builtin_memset(bytes, 0, sizeof bytes);
        __builtin_memcpy(bytes, in, n * Kind::bytes);
    }
    QUANT_INLINE typename S::Wide half(size_t i) const { return Kind::template load<S>(bytes + i * 16 * Kind::bytes); }
};

template <class S, class Kind>
void decode_floats(const std::byte *in, float *out, size_t n) {
    StoreSink<S> sink(out);
    size_t i = 0;
    for (; i + 32 <= n; i += 32) {
        const std::byte *at = in + i * Kind::bytes;
        sink.take(Kind::template load<S>(at), Kind::template load<S>(at + 16 * Kind::bytes));
    }
    if (i == n) return;
    const FloatTail<S, Kind> tail(in + i * Kind::bytes, n - i);
    alignas(64) float decoded[32];
    StoreSink<S> last(decoded);
    last.take(tail.half(0), tail.half(1));
    __builtin_memcpy(out + i, decoded, (n - i) * sizeof(float));
}

template <class S, class Kind>
float dot_floats(const std::byte *in, const float *x, size_t n) {
    DotSink<S> sink(x);
    size_t i = 0;
    for (; i + 32 <= n; i += 32) {
        const std::byte *at = in + i * Kind::bytes;
        sink.take(Kind::template load<S>(at), Kind::template load<S>(at + 16 * Kind::bytes));
    }
    if (i == n) return sink.total();
    const FloatTail<S, Kind> tail(in + i * Kind::bytes, n - i);
    alignas(64) float rest[32] = {};
    __builtin_memcpy(rest, x + i, (n - i) * sizeof(float));
    sink.x = rest;
    sink.take(tail.half(0), tail.half(1));
    return sink.total();
}

} // namespace
} // namespace quant::kernel::simd
