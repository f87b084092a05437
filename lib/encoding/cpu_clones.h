// Decoders and searching encoders are plain C++ that GCC can compile once for each level of the
// CPU and choose from when the library is loaded. Their sums run in fixed lanes and
// nothing is contracted, so every clone writes the same bytes. Under a sanitizer the
// clones would take minutes to compile, so there is one.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) &&       \
    !defined(QUANT_NO_CPU_CLONES)
#define QUANT_CPU_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), flatten))
#else
#define QUANT_CPU_CLONES
#endif
