/** @file
 * Adapters (LoRA): small trained changes of a model, attached to sequences without touching its weights.
 */
#ifndef QUANT_ADAPTER_H
#define QUANT_ADAPTER_H

#include <quant/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * For some matrices W of one model two small ones, A and B: with it y = W x + scale * alpha / rank * B (A x). Immutable;
 * any number of sessions and requests use it at the same time, and each keeps it alive.
 */
typedef struct quant_adapter quant_adapter;

/**
 * Read an adapter for a model. The model may be quantized, and a folder's adapter goes with a GGUF model and the other
 * way round; factors are kept as float32.
 *
 * @param[out] out  Owned by the caller; NULL on failure. Keeps the model's files open.
 * @param model     What it will run with; attaching it to another model, even of the same weights, is refused.
 * @param path      UTF-8; a PEFT folder (adapter_config.json, adapter_model.safetensors), or a GGUF file whose
 *                  general.type is "adapter".
 * @retval QUANT_ERR_NOT_FOUND    No such file, or a folder without them.
 * @retval QUANT_ERR_FORMAT       No adapter, or one that makes no sense: a factor without the other, a rank of 0, an
 *                                alpha or a number that is not finite; the message names key or tensor.
 * @retval QUANT_ERR_MODEL        A factor's shape does not fit the model's matrix; the message has both.
 * @retval QUANT_ERR_UNSUPPORTED  What this version does not do: another kind of adapter, a key of the configuration
 *                                that asks for more than plain or rank-stabilized LoRA (use_dora, bias,
 *                                modules_to_save), a tensor of no matrix of the model, of its embedding or of a
 *                                mixture's experts, or a model that makes embeddings. The message names it.
 * @retval QUANT_ERR_ARGUMENT     A GGUF adapter for another architecture.
 * @retval QUANT_ERR_TRUNCATED, QUANT_ERR_LIMIT  As quant_container_open().
 * Threads: any. Blocks: on disk. Since 0.1.
 */
QUANT_API quant_status quant_adapter_open(quant_adapter **out, const quant_model *model, const char *path);

/** Release it; what runs with it keeps it. NULL is fine. Threads: any. Blocks: never. Since 0.1. */
QUANT_API void quant_adapter_free(quant_adapter *adapter);

/** What an adapter is. The string is the adapter's. */
typedef struct quant_adapter_info {
    size_t      size;       /**< sizeof(quant_adapter_info), set by the caller. */
    const char *path;       /**< As it was opened. */
    int32_t     is_gguf;    /**< 1: a GGUF file; 0: a PEFT folder. */
    uint32_t    rank;       /**< The largest of its factors. */
    uint64_t    matrices;   /**< Of the model, that it changes. */
    uint64_t    parameters; /**< Of all factors, at 4 bytes each in memory. */
} quant_adapter_info;

/** @retval QUANT_ERR_ARGUMENT  A NULL pointer, or info->size unknown. Threads: any. Blocks: never. Since 0.1. */
QUANT_API quant_status quant_adapter_get_info(const quant_adapter *adapter, quant_adapter_info *info);

/** An adapter in use, and how much it counts. */
typedef struct quant_adapter_use {
    const quant_adapter *adapter; /**< Of the model that runs. Borrowed for the call. */
    float                scale;   /**< -1000 to 1000, beside its own alpha and rank; 1: as it was trained, 0: not at
                                       all. */
} quant_adapter_use;

#ifdef __cplusplus
}
#endif
#endif
