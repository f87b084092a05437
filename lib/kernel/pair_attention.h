// Attention of a prompt's tokens in whole numbers of 16 bits (pair_kernels.h).
#pragma once

#include "kernel/attention_work.h"

namespace quant::kernel {

/// A task that runs_in_pairs(), whose positions begin with a page; writes its rows' results. `after`: for_pages().
void run_pair_task(const KernelTable &table, const AttentionArgs &a, const AttentionTask &task,
                   const AttentionTask *after);

} // namespace quant::kernel
