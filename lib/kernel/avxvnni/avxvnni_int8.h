// Products of many tokens on bytes (Int8Kernels). They stand in a unit of their own, to compile in seconds.
#pragma once

#include "kernel/kernel_table.h"

namespace quant::kernel::avxvnni {

void interleave(const uint8_t *in, size_t stride, size_t n, uint8_t *out);
void int8_gemm(const Int8Block &b);
size_t int8_peak(size_t steps);

} // namespace quant::kernel::avxvnni
