// The operations that the forward pass is made of, and their contract: pure
// functions on caller's memory, no allocation, lock, log or file in a kernel.
// Pointers need no alignment beyond their type's; any length is accepted.
// Every tier gives the scalar tier's floats bit for bit (scalar/, simd/simd_lanes.h): activations are
// rounded to bytes behind them, where a difference in the last bit becomes a step. How far they are
// from exact: float sums within 4 * n * 2^-24 * sum(|a_i * b_i|), elementwise functions 4 ulp or 1e-6
// relative.
#pragma once

#include "kernel/int8_tokens.h"
#include "kernel/pack.h"
#include "kernel/plane_tokens.h"
#include "kernel/token_lanes.h"
#include "machine/worker_pool.h"

#include <array>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace quant {

/// y = x * transpose(w): x is tokens x cols (row stride x_stride floats), y is
/// tokens x rows (row stride y_stride). One token runs as a matrix-vector product
/// that decodes weights on the fly; more tokens decode a panel of rows once into
/// cache and multiply it with all tokens, or convert weights of 16 bits on the fly,
/// which gives the same floats. Activations stay float32. Here and in all products, columns of x are in w's order:
/// gather_columns() where w has one.
void matmul(const PackedMatrix &w, const float *x, size_t tokens, size_t x_stride, float *y, size_t y_stride,
            WorkerPool &pool);

/// y's columns are those of x that `columns` says, of tokens x columns each.
void gather_columns(const std::vector<uint32_t> &columns, const float *x, size_t tokens, float *y);

/// One of several products of the same x: y = x * transpose(w), rows of y `y_stride` floats apart.
struct MatrixProduct {
    const PackedMatrix *w;
    float *y;
    size_t y_stride;
};
inline constexpr size_t most_products = 4;

/// What matmul_int8() needs beside its arguments; kept by the caller so that it is not
/// allocated for each product. One thread at a time.
struct Int8Scratch {
    Int8Tokens tokens[most_products]; ///< A product's, and those after it that take them alike.
    std::vector<float> rounded;
};

/// matmul() with up to `most_products` matrices of as many columns, and activations rounded as round_activations()
/// says. More than one token runs on the CPU's products of bytes where it has them for this encoding; exact but for
/// the order and rounding of sums in float.
void matmul_int8(std::span<const MatrixProduct> products, const float *x, size_t tokens, size_t x_stride,
                 Int8Scratch &scratch, WorkerPool &pool);

/// Kept by the caller, as Int8Scratch. One thread at a time.
struct Bf16Scratch {
    std::vector<uint16_t> rounded;
};

/// Whether matmul_bf16() has a kernel on this CPU: w is of BF16, and the CPU multiplies that (AVX-512 BF16).
bool multiplies_bf16(const PackedMatrix &w);

/// matmul() with activations rounded to bfloat16, up to 2^-9 of each, for weights that multiplies_bf16() takes:
/// twice as many products an instruction as floats. Sums of products are float32, in no stated order.
void matmul_bf16(const PackedMatrix &w, const float *x, size_t tokens, size_t x_stride, float *y, size_t y_stride,
                 Bf16Scratch &scratch, WorkerPool &pool);

inline constexpr size_t most_panel_tokens = 8;

/// Kept by the caller, as Int8Scratch. One thread at a time.
struct PlaneScratch {
    static constexpr size_t kinds = 4;
    static constexpr std::array<size_t, kinds> groups = {16, 32, 64, 128};
    PlaneTokens by_group[kinds]; ///< With sums of so many columns.
    TokenLanes lanes[kinds];     ///< Likewise, where a kernel wants them.
    /// Panels that are neighbours in the loop over all of them: a task's, of the share of a group of workers.
    struct Segment {
        size_t first; ///< In the loop.
        size_t task, panel;
    };
    std::vector<Segment> segments;
    std::vector<size_t> starts;
};

/// matmul() of few tokens (of each sequence `most_panel_tokens` at most) with up to `most_products` matrices of as many
/// columns at a time: activations count as PlaneTokens has them, in 15 bits; exact but for the
/// order and rounding of sums in float.
void matmul_panels(std::span<const MatrixProduct> tasks, const float *x, size_t tokens, size_t x_stride,
                   PlaneScratch &scratch, WorkerPool &pool);

/// How pages hold keys and values. A page has, for each layer, of each key/value head the keys of
/// its positions and then the same of values, row after row as they are encoded; but keys that are
/// floats lie as products want them: 16 positions side by side, dimension after dimension.
struct KvLayout {
    static constexpr size_t positions = 64; ///< Of a page.
    static constexpr size_t key_lanes = 16; ///< Positions side by side.
    const EncodingTraits *keys, *values;
    size_t key_bytes, value_bytes; ///< Of a head's row: its dimensions in whole blocks.

    bool keys_lie_side_by_side() const { return keys->is_float(); }
    /// Of such keys: where a dimension's is of a position of the page, after its head's begin, in bytes.
    size_t key_at(size_t position, size_t dimension) const {
        return position / key_lanes * key_lanes * key_bytes +
               (dimension * key_lanes + position % key_lanes) * keys->block_bytes;
    }
};

/// New tokens of one sequence, and its pages.
struct AttentionSequence {
    const std::byte *const *pages; ///< Of positions 0 .. first_position + tokens, KvLayout::positions each.
    size_t first_token;            ///< Where its rows of q and out begin.
    size_t tokens;
    size_t first_position;         ///< Of the first token; token t sees positions 0 .. first_position + t.
};

/// Attention of new tokens over their sequences' caches, causal unless told otherwise.
struct AttentionArgs {
    const float *q;                ///< Tokens x heads x head_dim, row stride q_stride.
    size_t q_stride;
    float *out;                    ///< Tokens x heads x value_width(), row stride out_stride.
    size_t out_stride;
    std::span<const AttentionSequence> sequences;
    KvLayout layout;
    size_t keys_at, values_at;     ///< Where this layer's are in a page.
    size_t heads, kv_heads, head_dim;
    size_t sliding_window;         ///< 0: none; else only the last so many positions, its own included.
    float scale;                   ///< Of q . k before the softmax.
    /// Sequences of more than most_panel_tokens tokens may be multiplied in whole numbers of 16 bits: queries and
    /// keys of about 12 bits and a sign, values of 12 and weights of 13 (kernel/pair_kernels.h).
    bool whole_numbers = false;
    bool bidirectional = false;    ///< Every new token sees all positions of its sequence, those behind it, too.
    size_t value_dim = 0;          ///< Of a head's values, and its result; 0: head_dim.
    /// 0: none; else scores s become cap * tanh(s / cap) before the softmax. These are not multiplied in whole numbers.
    float logit_softcap = 0;
    /// nullptr: none; else one logit a head that takes part in its softmax and has no value.
    const float *sinks = nullptr;

    size_t value_width() const { return value_dim ? value_dim : head_dim; }
};

/// Blocked, with online softmax: no tokens x positions buffer. Heads of a group share
/// the reading of their keys and values.
void attention(const AttentionArgs &args, WorkerPool &pool);

/// Rotate heads in place: x is tokens x heads x head_dim (row stride x_stride); cosines
/// and sines are tokens x dims/2. interleaved turns (x0, x1), (x2, x3) ...; otherwise
/// (x_i, x_{i + dims/2}). Elements from dims on stay.
struct RopeArgs {
    float *x;
    size_t x_stride;
    size_t tokens, heads, head_dim, dims;
    bool interleaved;
    const float *cosines, *sines;
};
void rope(const RopeArgs &args);

/// In place, for each `size` (a power of two, which divides n) floats of x: the orthonormal Walsh-Hadamard
/// transform. It spreads outliers, so that rounding loses less (QuaRot: Ashkboos et al. 2024), and leaves
/// products of two vectors that are both turned what they were.
void hadamard(float *x, size_t n, size_t size);

/// What comparing two softmaxes takes, with the shifts s and t given for x and base:
/// what is left is arithmetic on three numbers.
struct DivergenceSums {
    double sum;      ///< Of exp(x_i - s).
    double base_sum; ///< Of exp(base_i - t).
    double weighted; ///< Of exp(base_i - t) * ((base_i - t) - (x_i - s)).
};

/// Vector operations of one tier. n counts floats.
struct VectorOps {
    float (*dot)(const float *a, const float *b, size_t n);
    void (*axpy)(float a, const float *x, float *y, size_t n);                              ///< y += a * x
    void (*add)(const float *x, float *y, size_t n);                                        ///< y += x
    void (*rms_norm)(const float *x, const float *weight, float epsilon, float *y, size_t n); ///< y may be x
    void (*silu_multiply)(const float *gate, const float *up, float *y, size_t n);          ///< y = silu(gate) * up
    /// y = g * sigmoid(1.702 * g) * (u + 1), g being gate but at most limit, u being up within -limit to limit.
    void (*clamped_swiglu)(const float *gate, const float *up, float limit, float *y, size_t n);
    void (*relu_squared_multiply)(const float *gate, const float *up, float *y, size_t n); ///< y = max(gate, 0)^2 * up
    /// y = gelu(gate) * up, of gelu its approximation by tanh.
    void (*gelu_tanh_multiply)(const float *gate, const float *up, float *y, size_t n);
    /// y = (x - mean) / sqrt(variance + epsilon) * weight + bias; y may be x.
    void (*layer_norm)(const float *x, const float *weight, const float *bias, float epsilon, float *y, size_t n);
    /// x = x * Phi(x) in place, Phi being the normal distribution (not its approximation by tanh).
    void (*gelu)(float *x, size_t n);
    /// x = cap * tanh(x / cap) in place.
    void (*soft_cap)(float *x, float cap, size_t n);
    /// x = softmax(scale * x) in place; the maximum is subtracted first.
    void (*softmax)(float *x, float scale, size_t n);
    /// log(sum(exp(x))), for log-probabilities.
    float (*log_sum_exp)(const float *x, size_t n);
    /// The largest of x; -infinity for none.
    float (*maximum)(const float *x, size_t n);
    /// All of DivergenceSums in one pass; shifts near the maxima keep it in range. Finite values only.
    void (*divergence_sums)(const float *x, float x_shift, const float *base, float base_shift, size_t n,
                            DivergenceSums *out);
};

/// Operations of the active tier.
const VectorOps &vector_ops();

/// Name of the active tier: "scalar", "avx2", "neon". Chosen once, from the CPU and
/// what the OS enables; QUANT_ISA= in the environment forces one that the machine
/// has, and a name it lacks is an Error (QUANT_ERR_UNSUPPORTED) at first use.
std::string_view active_tier();

} // namespace quant
