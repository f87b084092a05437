// Products of pairs of 16-bit numbers in AVX-VNNI.
#pragma once

#include "kernel/avx2/avx2_pairs.h"

namespace quant::kernel::avxvnni {
namespace {

struct Pairs : avx2::Pairs {
    static QUANT_INLINE Sum add_products(Sum sum, __m256i one, Many many) {
        return _mm256_dpwssd_avx_epi32(sum, one, many);
    }
};

} // namespace
} // namespace quant::kernel::avxvnni
