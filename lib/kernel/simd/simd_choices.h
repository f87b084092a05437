// Which instance of a template does a product: choices that tiers make alike.
#pragma once

#include "kernel/kernel_table.h"
#include "kernel/simd/simd_inline.h"

namespace quant::kernel::simd {
namespace {

/// Calls run.operator()<Group, Block>() for the columns that share a scale of the weights, and of
/// the activations.
template <class Run> QUANT_INLINE void for_groups(const Int8Block &b, const Run &run) {
    switch (b.group) {
    case 16:
        return b.x_block == 256 ? run.template operator()<16, 256>() : run.template operator()<16, 32>();
    case 256:
        return run.template operator()<256, 256>(); // Activations share a scale over no more than a block.
    default:
        return b.x_block == 256 ? run.template operator()<32, 256>() : run.template operator()<32, 32>();
    }
}

/// Calls run.operator()<Tokens>(first) for all tokens: `Most` at a time, and what is left by halves of it.
template <int Most, class Run> QUANT_INLINE void for_tokens(size_t tokens, const Run &run, size_t first = 0) {
    for (; first + Most <= tokens; first += Most) run.template operator()<Most>(first);
    if constexpr (Most > 1) for_tokens<Most / 2>(tokens, run, first);
}

/// As for_tokens(), and what is left at once: an instance for each count below `Most`.
template <int Most, class Run> QUANT_INLINE void for_rows(size_t rows, const Run &run, size_t first = 0) {
    for (; first + Most <= rows; first += Most) run.template operator()<Most>(first);
    if constexpr (Most > 1) for_rows<Most - 1>(rows, run, first);
}

} // namespace
} // namespace quant::kernel::simd
