// Products of pairs of 16-bit numbers in AVX-512 VNNI.
#pragma once

#include "kernel/avx512/avx512_pairs.h"

namespace quant::kernel::avx512vnni {
namespace {

struct Pairs : avx512::Pairs {
    static QUANT_INLINE Sum add_products(Sum sum, __m512i one, Many many) {
        return _mm512_dpwssd_epi32(sum, one, many);
    }
};

} // namespace
} // namespace quant::kernel::avx512vnni
