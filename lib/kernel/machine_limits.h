// What this machine can do at most, measured: what speeds are fractions of.
#pragma once

#include "machine/worker_pool.h"

namespace quant {

struct MachineLimits {
    double read_bytes_per_second;            ///< Streaming reads by all workers, prefetched, in huge pages if they are had.
    double small_page_read_bytes_per_second; ///< The same in pages of 4 KiB.
    double huge_page_share;                  ///< Of a buffer that asks for huge pages: 0 to 1.
    double byte_products_per_second;         ///< Of all workers; 0 where the active tier multiplies no bytes.
    double bf16_products_per_second;         ///< The same of bfloat16.
};

/// Takes half a second and 256 MiB. Throws Error (QUANT_ERR_NO_MEMORY).
MachineLimits measure_machine_limits(WorkerPool &pool);

} // namespace quant
