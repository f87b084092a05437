/**
 * @file
 * What the machine is, what the library makes of it, and how fast it is at most.
 */
#ifndef QUANT_MACHINE_H
#define QUANT_MACHINE_H

#include <quant/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Describe the machine as a JSON document, and measure its limits, which takes half a
 * second and 512 MiB.
 *
 * Keys: schema_version, cpu, features (names of instruction sets that the CPU has and the
 * system saves), tiers (names, slowest first), tier (the one in use), forced (whether
 * QUANT_ISA chose it), amx (what was found of it: whether it is granted, or why it is not used; null
 * where the CPU has none), cores (that this process may use), cpu_quota (or null), nodes (how many
 * memory nodes are near to these), numa (the policy in use: "off", "shard", "mirror" or "node=N"),
 * memory_nodes (for each: node, bytes or null, cores, workers), workers, huge_pages
 * (setting, as the system words it; share had, 0 to 1), read_bytes_per_second and
 * small_page_read_bytes_per_second (streaming, all workers), byte_products_per_second and
 * bf16_products_per_second (0: the tier has none), and kernels (for each encoding: name, and whether decode, dot,
 * byte_products, bf16_products and panels have a kernel of the tier).
 *
 * @param[out] out_json  quant_string_free().
 * @retval QUANT_ERR_UNSUPPORTED  QUANT_ISA names a tier that this machine lacks.
 * @retval QUANT_ERR_NO_MEMORY    Too little to measure with.
 * Threads: any, but alone is meant. Blocks: half a second. Since 0.1.
 */
QUANT_API quant_status quant_machine_describe(char **out_json);

/**
 * The part of quant_machine_describe() that need not be measured: all keys up to huge_pages,
 * which has its setting alone.
 *
 * @param[out] out_json  quant_string_free().
 * @retval QUANT_ERR_UNSUPPORTED  QUANT_ISA names a tier that this machine lacks.
 * Threads: any. Blocks: never long. Since 0.1.
 */
QUANT_API quant_status quant_machine_topology(char **out_json);

#ifdef __cplusplus
}
#endif
#endif
