// What a tier is: one table of functions. Everything above (matmul, attention, the
// public vector operations) works on a KernelTable and never asks which CPU it is on.
//
// To add a tier: a folder with its kernels and its table.def, a function that returns
// its table, and a row in tiers.cpp. To add a kernel: the function, and its row in the
// tier's table.def and in tests/kernel/coverage.txt.
//
// Kernels are pure and take any alignment and any length. A missing decode or dot is
// the reference: the encoding's scalar decoder, and the tier's dot over its output.
#pragma once

#include "kernel/ops.h"
#include "kernel/pair_kernels.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace quant::kernel {

/// Decode `blocks` blocks; for finite scales bit for bit what the scalar reference gives.
using DecodeRow = void (*)(const std::byte *in, float *out, size_t blocks);

/// Dot product of `blocks` encoded blocks with as many weights' worth of x.
using DotRow = float (*)(const std::byte *in, const float *x, size_t blocks);

/// y[t * y_stride + r] = sum over k of x[t * x_stride + i] * w[r * w_stride + i], or
/// += when `accumulate`. Strides count floats.
struct GemmBlock {
    const float *w;
    size_t w_stride, rows;
    const float *x;
    size_t x_stride, tokens;
    size_t k;
    float *y;
    size_t y_stride;
    bool accumulate;
};

/// Encoded rows of weights as bytes, for products with bytes: for each weight its code as this
/// tier's Int8Kernels want it, which is code + 128 on x86 with VNNI, the signed code on ARM, and what
/// the encoding says without either (avx2/code_range.h); and for each group of columns a scale and
/// an offset: weight = scale * code + offset.
using ExpandRow = void (*)(const std::byte *in, size_t blocks, uint8_t *codes, float *scales, float *offsets);

/// Rows of a panel of int8_gemm: a register's lanes.
constexpr size_t int8_lanes = 16;

/// Columns [at, at + n) of a panel of panel_layout.h, whole units, as 16 rows that `expand` and then
/// Int8Kernels::interleave made: codes, and scales of groups x 16 rows, to the bit. Offsets likewise, of encodings
/// that have them; whether one is not zero. Rows that are not there have zeros as scales and offsets.
using ExpandPanel = bool (*)(const std::byte *panel, size_t at, size_t n, uint8_t *codes, float *scales,
                             float *offsets);

/// y[t * y_stride + r] = sum over groups of (scale * (codes . x) + offset * sum(x)), or += when
/// `accumulate`; for up to panels * 16 rows.
struct Int8Block {
    const uint8_t *codes;  ///< As `interleave` wrote them, one panel after the other.
    const float *scales;   ///< panels x groups x 16 rows.
    const float *offsets;  ///< As scales; nullptr where all are zero.
    size_t panels, rows;   ///< Panels are 1 or 2; rows beyond `rows` are not written.
    size_t k, group;       ///< group: columns that share a scale, 16, 32 or 256; it divides k.
    size_t x_block;        ///< Columns whose activations share a scale, 32 or 256; it divides k.
    const int8_t *x;       ///< As Int8Tokens has them, from the first column and group on that are multiplied.
    const float *x_scales;
    const int32_t *x_corrections;
    const float *x_sums;
    size_t x_cols, x_groups, tokens; ///< Columns and groups of a token, multiplied or not.
    float *y;
    size_t y_stride;
    bool accumulate;
    quant_encoding encoding; ///< Of the codes.
};

/// What a CPU that multiplies bytes brings.
struct Int8Kernels {
    TokenTile tile = register_tile; ///< How `gemm` takes activations.
    /// 16 rows of `in`, `stride` apart, in the order of `gemm`: out[i / 4][row][i % 4], where no
    /// other is stated, each as `gemm` wants it. n is a multiple of 64.
    void (*interleave)(const uint8_t *in, size_t stride, size_t n, uint8_t *out) = nullptr;
    void (*gemm)(const Int8Block &) = nullptr;
    /// Multiplies as fast as registers alone allow, `steps` times; returns how many products that were.
    /// nullptr where a tier's speed is no limit of the machine.
    size_t (*peak)(size_t steps) = nullptr;
};

/// y[t * y_stride + r] = sum over i < k of x[t * x_stride + i] * w[r * w_stride + i], or += when `accumulate`; all
/// of bfloat16, products summed as floats in no stated order. Strides count numbers.
struct Bf16Block {
    const uint16_t *w;
    size_t w_stride, rows;
    const uint16_t *x;
    size_t x_stride, tokens;
    size_t k;
    float *y;
    size_t y_stride;
    bool accumulate;
};

/// What a CPU that multiplies bfloat16 brings.
struct Bf16Kernels {
    void (*round)(const float *x, size_t n, uint16_t *out) = nullptr; ///< To the nearest, ties to even.
    void (*gemm)(const Bf16Block &) = nullptr;
    size_t (*peak)(size_t steps) = nullptr; ///< As Int8Kernels::peak.
};

/// A panel (panel_layout.h) times some tokens: y[t * y_stride + r] = weights of row r . x of token t, for
/// the first `rows` rows.
struct PanelProduct {
    const std::byte *panel;
    size_t columns, rows;
    const int8_t *planes;   ///< As PlaneTokens has them, from the first token on.
    size_t plane_stride;
    const float *scales;
    const int32_t *sums;
    size_t stretches, groups, tokens;
    float *y;
    size_t y_stride;
    // As TokenLanes has them, or nullptr:
    const int8_t *lanes = nullptr;
    const float *lane_scales = nullptr;
    const int32_t *lane_sums = nullptr;
    // For kernels of two panels, which then have up to 32 rows:
    const std::byte *second = nullptr;
    const std::byte *ahead = nullptr; ///< What is read next.
    size_t ahead_bytes = 0;
};

/// Keys of 16 positions side by side, the lanes of a register: dims x 16.
constexpr size_t key_lanes = KvLayout::key_lanes;

/// Products of queries with keys in F16: as AttentionKernels::scores of what they decode to.
struct HalfScores {
    const float *q; ///< rows x dims.
    size_t rows, dims;
    const std::byte *keys; ///< panels x dims x key_lanes.
    size_t panels;
    float *out;
    size_t out_stride;
    const std::byte *ahead; ///< As many keys that are read next, or `keys`.
};

/// As AttentionKernels::weighted_sum of what values in F16 decode to. `dims` is a multiple of 16.
struct HalfWeightedSum {
    const float *p; ///< rows x positions.
    size_t p_stride;
    const std::byte *values; ///< positions x dims.
    size_t positions;
    const float *keep;
    float *out; ///< rows x dims.
    size_t rows, dims;
    const std::byte *ahead; ///< As many values that are read next, or `values`.
};

/// The pieces of attention that are worth a tier of their own.
struct AttentionKernels {
    /// out[d][lane] = in[lane][d] for `rows` <= key_lanes rows of `dims`; other lanes become 0.
    void (*lay_keys)(const float *in, size_t rows, size_t dims, float *out);
    /// out[r * out_stride + j] = q[r] . key j, for `panels` * key_lanes keys laid by lay_keys; q is rows x dims.
    void (*scores)(const float *q, size_t rows, size_t dims, const float *keys, size_t panels, float *out,
                   size_t out_stride);
    /// x[i] = exp(x[i] - maximum) in place; returns their sum.
    float (*exp_sum)(float *x, float maximum, size_t n);
    /// out[t][d] = keep[t] * out[t][d] + sum over j of p[t][j] * v[j][d]; out rows lie `dims` apart.
    void (*weighted_sum)(const float *p, size_t p_stride, const float *v, size_t v_stride, size_t positions,
                         const float *keep, float *out, size_t tokens, size_t dims);
    /// The largest of x; -infinity for none.
    float (*maximum)(const float *x, size_t n);
    /// Of few rows; nullptr: what is in F16 is decoded first.
    void (*half_scores)(const HalfScores &) = nullptr;
    void (*half_weighted_sum)(const HalfWeightedSum &) = nullptr;
};

/// Kernels of one encoding.
struct EncodingKernels {
    DecodeRow decode = nullptr;
    DotRow dot = nullptr;
    /// KernelTable::gemm of what rows of `w` decode to, `w_stride` bytes apart (b.w is not read), the same floats:
    /// converted for each few tokens, so of many it takes longer. nullptr: rows are decoded first.
    void (*gemm)(const GemmBlock &b, const std::byte *w, size_t w_stride) = nullptr;
    ExpandRow expand = nullptr; ///< nullptr: products with bytes are made of floats.
    size_t expand_group = 0;    ///< Columns that share a scale, 16, 32 or 256.
    ExpandPanel expand_panel = nullptr; ///< nullptr: products with bytes read the file's rows, panels or not.
    void (*panel)(const PanelProduct &) = nullptr; ///< nullptr: the tier has no use for panels.
    size_t lane_tokens = SIZE_MAX; ///< From so many tokens on, `panel` is given them side by side, too.
    /// The same numbers of two panels, given tokens side by side; sooner from so many tokens on, up to lane_tokens.
    struct {
        size_t tokens = SIZE_MAX;
        void (*product)(const PanelProduct &) = nullptr;
    } two_panels;
};

constexpr size_t encoding_slots = 384; ///< More than any number of an encoding.

/// Made of plain types only: tiers fill it in code compiled with their own flags, where
/// an inline function of the standard library could become the whole program's copy.
struct KernelTable {
    const char *tier = "";
    VectorOps vector{};
    void (*gemm)(const GemmBlock &) = nullptr;
    /// What matmul() of many tokens takes instead of gemm, where the tier has it: faster, with a little more
    /// rounding than float32's. Whoever needs the same numbers on each CPU takes gemm.
    void (*split_gemm)(const GemmBlock &) = nullptr;
    size_t gemm_rows = 48; ///< Of weights, decoded at a time for either: as suits it and a second-level cache.
    AttentionKernels attention{};
    Int8Kernels int8{}; ///< All, or all but the peak, or none.
    Bf16Kernels bf16{}; ///< All, or none, or only the peak: then gemm or split_gemm is as fast.
    bool panels_pay = true; ///< Else they are made only where QUANT_ISA asks for this tier.
    EncodingKernels encodings[encoding_slots]{}; ///< By quant_encoding.
    PairKernels pairs{}; ///< Attention of many tokens in whole numbers.

    const EncodingKernels &of(const EncodingTraits &e) const { return encodings[static_cast<size_t>(e.id)]; }
    DecodeRow decode(const EncodingTraits &e) const { return of(e).decode ? of(e).decode : e.decode; }
};

const KernelTable &scalar_table();
const KernelTable &avx2_table();
const KernelTable &avxvnni_table();
const KernelTable &avx512_table();
const KernelTable &avx512vnni_table();
const KernelTable &amx_table();
const KernelTable &neon_table();
const KernelTable &neondotprod_table();
const KernelTable &neoni8mm_table();

/// Tiers that this machine runs, slowest first.
std::span<const KernelTable *const> available_tiers();

/// The tier of that name. Throws Error (QUANT_ERR_UNSUPPORTED), naming those there are.
const KernelTable &find_tier(std::string_view name);

/// The best one, or what QUANT_ISA says; decided at the first call.
const KernelTable &active_table();

/// What was found of AMX, which a CPU may have and the system not grant; "" where it has none.
std::string_view amx_words();

/// Whether QUANT_ISA decides it.
bool tier_is_forced();

/// The operations of ops.h on a given tier.
void matmul(const KernelTable &table, const PackedMatrix &w, const float *x, size_t tokens, size_t x_stride,
            float *y, size_t y_stride, WorkerPool &pool);
void attention(const KernelTable &table, const AttentionArgs &args, WorkerPool &pool);

void matmul_int8(const KernelTable &table, std::span<const MatrixProduct> products, const float *x, size_t tokens,
                 size_t x_stride, Int8Scratch &scratch, WorkerPool &pool);

bool multiplies_bf16(const KernelTable &table, const PackedMatrix &w);
void matmul_bf16(const KernelTable &table, const PackedMatrix &w, const float *x, size_t tokens, size_t x_stride,
                 float *y, size_t y_stride, Bf16Scratch &scratch, WorkerPool &pool);

void matmul_panels(const KernelTable &table, std::span<const MatrixProduct> tasks, const float *x, size_t tokens,
                   size_t x_stride, PlaneScratch &scratch, WorkerPool &pool);

/// `count` floats of the calling thread's scratch memory, 64-byte aligned, valid until
/// its next call. Throws Error (QUANT_ERR_NO_MEMORY).
float *thread_scratch(size_t count);

} // namespace quant::kernel
