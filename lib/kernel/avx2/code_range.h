// Which bytes the weights of an encoding are as products with bytes take them, before a tier adds
// anything to them: how many products a CPU may add up in 16 bits depends on that.
#pragma once

#include <quant/encoding.h>

#include <cstdint>

namespace quant::kernel::avx2 {
namespace {

struct CodeRange {
    int least = -128, most = 127;

    /// What makes them unsigned: a power of two, or zero where they are.
    constexpr int bias() const {
        int power = 0;
        while (power < -least) power = power == 0 ? 1 : 2 * power;
        return power;
    }
};

/// Of an encoding that has rows as bytes; of codebooks the points' coordinates, of IQ1 as eighths and shifted.
constexpr CodeRange code_range(quant_encoding encoding) {
    switch (encoding) {
    case QUANT_Q4_0: return {-8, 7};
    case QUANT_Q5_0: return {-16, 15};
    case QUANT_Q4_1: case QUANT_Q4_K: return {0, 15};
    case QUANT_Q5_1: case QUANT_Q5_K: return {0, 31};
    case QUANT_Q2_K: return {0, 3};
    case QUANT_Q3_K: return {-4, 3};
    case QUANT_Q6_K: return {-32, 31};
    case QUANT_IQ2_XXS: case QUANT_IQ2_XS: case QUANT_IQ2_S: return {-43, 43};
    case QUANT_IQ3_XXS: return {-62, 62};
    case QUANT_IQ3_S: return {-15, 15};
    case QUANT_IQ1_S: case QUANT_IQ1_M: return {-9, 9};
    case QUANT_MXFP4: case QUANT_NVFP4: return {-12, 12};
#define GROUP(encoding, bits, group, bias)                                                                             \
    case QUANT_##encoding: return bits == 8 ? CodeRange{} : CodeRange{0, (1 << bits) - 1};
#include "kernel/group_panels.def"
#undef GROUP
    case QUANT_TQ1_0: case QUANT_Q1_0: return {-1, 1};
    case QUANT_TQ2_0: case QUANT_Q2_0: return {-1, 2};
    default: return {};
    }
}

/// Whether codes of an encoding need all bits of a byte, so that nothing can be added to them.
constexpr bool are_wide(CodeRange range) { return range.most - range.least > 127; }

/// What is added to codes of an encoding.
constexpr int added_to(quant_encoding encoding) {
    const CodeRange range = code_range(encoding);
    return are_wide(range) ? 0 : range.bias();
}

} // namespace
} // namespace quant::kernel::avx2
