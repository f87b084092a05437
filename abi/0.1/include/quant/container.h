/** @file
 * Files of named tensors: GGUF and safetensors, read as they are.
 */
#ifndef QUANT_CONTAINER_H
#define QUANT_CONTAINER_H

#include <quant/encoding.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An open container. Immutable; every offset in it has been checked. */
typedef struct quant_container quant_container;

/** A tensor of a container. Filled by quant_container_tensor(). */
typedef struct quant_tensor_info {
    size_t         size;       /**< sizeof(quant_tensor_info), set by the caller. */
    const char    *name;       /**< Borrowed from the container. */
    const char    *type_name;  /**< "Q4_K", "I64" ...: as the file has it. Borrowed. */
    int32_t        encoding;   /**< A quant_encoding, or -1 if this version cannot decode it. */
    uint32_t       dims;       /**< How many entries of shape count. */
    uint64_t       shape[8];   /**< Row-major, outermost first. */
    uint64_t       elements;   /**< Product of the shape. */
    uint64_t       bytes;      /**< Of its data. */
    uint64_t       offset;     /**< From the start of its file. */
    uint32_t       file_index; /**< Which file of a split set, from 0. */
} quant_tensor_info;

/**
 * Open a GGUF file (one part of a split set opens the set), a safetensors file, its
 * index, or a folder that holds one.
 *
 * @param[out] out   A new container, owned by the caller; NULL on failure.
 * @param      path  UTF-8.
 * @retval QUANT_ERR_NOT_FOUND    No such file, or nothing to open in that folder.
 * @retval QUANT_ERR_FORMAT       The bytes break the format's rules.
 * @retval QUANT_ERR_TRUNCATED    Data ends before what the header announces.
 * @retval QUANT_ERR_LIMIT        A count is beyond what the file could hold.
 * @retval QUANT_ERR_UNSUPPORTED  Another version or kind of file.
 *
 * Threads: any. Blocks: on disk. Since 0.1.
 */
QUANT_API quant_status quant_container_open(quant_container **out, const char *path);

/** Close it; what was borrowed from it ends. NULL is fine. Threads: any. Since 0.1. */
QUANT_API void quant_container_free(quant_container *container);

/** How many tensors there are. Threads: any. Blocks: never. Since 0.1. */
QUANT_API size_t quant_container_tensor_count(const quant_container *container);

/**
 * Describe a tensor by its place, 0 to count - 1 (file order).
 *
 * @retval QUANT_ERR_ARGUMENT  index out of range, or info->size unknown.
 * Threads: any. Blocks: never. Since 0.1.
 */
QUANT_API quant_status quant_container_tensor(const quant_container *container, size_t index,
                                              quant_tensor_info *info);

/**
 * The place of the tensor of that name.
 *
 * @retval QUANT_ERR_NOT_FOUND  No such tensor; the message names file and tensor.
 * Threads: any. Blocks: never. Since 0.1.
 */
QUANT_API quant_status quant_container_find(const quant_container *container, const char *name,
                                            size_t *out_index);

/**
 * Decode a tensor to float32, row-major.
 *
 * @param out       Room for its elements.
 * @param elements  Must be quant_tensor_info.elements.
 * @retval QUANT_ERR_UNSUPPORTED  This version cannot decode its type.
 * @retval QUANT_ERR_ARGUMENT     elements differs, or index is out of range.
 * Threads: any. Blocks: on disk. Since 0.1.
 */
QUANT_API quant_status quant_container_decode(const quant_container *container, size_t index, float *out,
                                              uint64_t elements);

/**
 * The metadata as one JSON object, keys in file order. Arrays longer than
 * `max_items` are given as {"type", "count"} (0: all items).
 *
 * @param[out] out_json  Owned by the caller: quant_string_free().
 * @retval QUANT_ERR_ARGUMENT   container or out_json is NULL.
 * @retval QUANT_ERR_NO_MEMORY  The text does not fit into memory.
 * Threads: any. Blocks: never. Since 0.1.
 */
QUANT_API quant_status quant_container_metadata(const quant_container *container, size_t max_items,
                                                char **out_json);

#ifdef __cplusplus
}
#endif
#endif
