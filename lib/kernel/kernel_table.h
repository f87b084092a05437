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

#include <cstddef>
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

/// The pieces of attention that are worth a tier of their own.
struct AttentionKernels {
    /// x[i] = exp(x[i] - maximum) in place; returns their sum.
    float (*exp_sum)(float *x, float maximum, size_t n);
    /// out[t][d] = keep[t] * out[t][d] + sum over j of p[t][j] * v[j][d]; out rows lie `dims` apart.
    void (*weighted_sum)(const float *p, size_t p_stride, const float *v, size_t v_stride, size_t positions,
                         const float *keep, float *out, size_t tokens, size_t dims);
    /// The largest of x; -infinity for none.
    float (*maximum)(const float *x, size_t n);
};

/// Kernels of one encoding.
struct EncodingKernels {
    DecodeRow decode = nullptr;
    DotRow dot = nullptr;
};

constexpr size_t encoding_slots = 64;

/// Made of plain types only: tiers fill it in code compiled with their own flags, where
/// an inline function of the standard library could become the whole program's copy.
struct KernelTable {
    const char *tier = "";
    VectorOps vector{};
    void (*gemm)(const GemmBlock &) = nullptr;
    AttentionKernels attention{};
    EncodingKernels encodings[encoding_slots]{}; ///< By quant_encoding.

    const EncodingKernels &of(const EncodingTraits &e) const { return encodings[static_cast<size_t>(e.id)]; }
    DecodeRow decode(const EncodingTraits &e) const { return of(e).decode ? of(e).decode : e.decode; }
};

const KernelTable &scalar_table();
const KernelTable &avx2_table();
const KernelTable &avx512_table();

/// Tiers that this machine runs, slowest first.
std::span<const KernelTable *const> available_tiers();

/// The tier of that name. Throws Error (QUANT_ERR_UNSUPPORTED), naming those there are.
const KernelTable &find_tier(std::string_view name);

/// The best one, or what QUANT_ISA says; decided at the first call.
const KernelTable &active_table();

/// The operations of ops.h on a given tier.
void matmul(const KernelTable &table, const PackedMatrix &w, const float *x, size_t tokens, size_t x_stride,
            float *y, size_t y_stride, WorkerPool &pool);
void attention(const KernelTable &table, const AttentionArgs &args, WorkerPool &pool);

/// `count` floats of the calling thread's scratch memory, 64-byte aligned, valid until
/// its next call. Throws Error (QUANT_ERR_NO_MEMORY).
float *thread_scratch(size_t count);

} // namespace quant::kernel
