/** @file
 * Models: a container with an architecture and a tokenizer, ready to run.
 */
#ifndef QUANT_MODEL_H
#define QUANT_MODEL_H

#include <quant/text.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An open model. Immutable; sessions hold it, so it may be freed before them. */
typedef struct quant_model quant_model;

/** What activations are rounded to before a product with quantized weights. */
typedef enum quant_activations QUANT_AS_INT {
    QUANT_ACTIVATIONS_F32 = 0, /**< Not at all: the weights alone make the difference from the base. */
    QUANT_ACTIVATIONS_INT8 = 1 /**< To 8 bits with a scale for each block of 32 or 256, as CPU runtimes of GGUF
                                    files do (ggml's Q8_0 and Q8_K), so that numbers compare with theirs. Up to 8
                                    tokens at a time are rounded to 15 bits instead where that costs nothing. */
} quant_activations;

/** How the states of a text's tokens become its embedding. */
typedef enum quant_pooling QUANT_AS_INT {
    QUANT_POOLING_DEFAULT = 0, /**< As the model was trained. */
    QUANT_POOLING_NONE = 1,    /**< Not at all: one embedding for each token. */
    QUANT_POOLING_MEAN = 2,    /**< Their mean, special tokens included. */
    QUANT_POOLING_LAST = 3,    /**< The last token's. */
    QUANT_POOLING_CLS = 4      /**< The first token's, which encoders put in front. */
} quant_pooling;

/** What opening does besides; flags to combine. */
enum {
    QUANT_OPEN_PREFAULT = 1, /**< Read all of the files before opening returns, by all workers, so that the first prompt
                                  does not wait for the disk. */
    QUANT_OPEN_LENDABLE = 2 /**< Keep descriptors of what the model is made of, and make packed weights in memory that
                                 others can map, for quant_model_get_lent_part(). The tokenizer is made when it is first
                                 used, and a broken one is only told then: opening is fast, for who borrows waits for it. */
};

/** How to open a model. Call quant_open_options_init(), then change what you need. */
typedef struct quant_open_options {
    size_t      size;  /**< Set by the init function. */
    uint32_t    flags; /**< QUANT_OPEN_*; unknown bits are QUANT_ERR_ARGUMENT. */
    const char *numa;  /**< How workers and weights are spread over memory nodes: "auto" (shard where there are
                            several, else off), "shard" (each node holds a part of the rows, which its workers
                            multiply with), "mirror" (each node holds all), "node=N" (one node alone), "off".
                            NULL: as the process runs already, else as QUANT_NUMA in the environment says, else
                            "auto". Workers serve the whole process, so the first model settles it. */
    const char *pack_cache; /**< Whether weights as this CPU reads them are kept in a file, about as large as the
                                 model, in libquant/packs of $XDG_CACHE_HOME (or of ~/.cache), so that the next
                                 session of any process maps them instead of making them again: "off", "on" (all such
                                 files take a tenth of the disk's free space at most) or the size of all at most,
                                 such as "8G". Those not used for longest go first, and each may be deleted at any
                                 time. NULL: as QUANT_PACK_CACHE in the environment says, else "off". */
    quant_progress_fn progress; /**< Of PREFAULT, which alone takes long; units are bytes read. May be NULL. */
    void       *user;
} quant_open_options;

/** Set the defaults; `size` as status.h says. Threads: any. Blocks: never. Since 0.1. */
QUANT_API void quant_open_options_init(quant_open_options *options, size_t size);

/**
 * Open a model file or folder; weights stay memory-mapped.
 *
 * @param[out] out   Owned by the caller; NULL on failure.
 * @param      path  UTF-8; a GGUF file, or a Hugging Face folder (config.json,
 *                   safetensors, tokenizer.json). Names of the catalog are resolved by
 *                   quant_catalog_resolve().
 * @param      options  Borrowed for the call; NULL for defaults.
 * @retval QUANT_ERR_ARGUMENT     Unknown flags; a numa that is none, or another than the process runs with; a
 *                                pack_cache that is none.
 * @retval QUANT_ERR_NOT_FOUND    No such file, or a tensor the architecture needs is missing.
 * @retval QUANT_ERR_FORMAT, QUANT_ERR_TRUNCATED, QUANT_ERR_LIMIT  As quant_container_open().
 * @retval QUANT_ERR_UNSUPPORTED  An architecture or encoding this version lacks.
 * @retval QUANT_ERR_MODEL        Hyperparameters or shapes that contradict each other.
 * @retval QUANT_ERR_TOKENIZER    A broken vocabulary.
 * @retval QUANT_ERR_CANCELLED    progress asked to stop.
 *
 * Threads: any, also at the same time. Blocks: on disk. Since 0.1.
 */
QUANT_API quant_status quant_model_open(quant_model **out, const char *path,
                                        const quant_open_options *options);

/** Release the caller's hold. NULL is fine. Threads: any. Since 0.1. */
QUANT_API void quant_model_free(quant_model *model);

/** What a model is. Filled by quant_model_get_info(). Strings are the model's. */
typedef struct quant_model_info {
    size_t      size;             /**< sizeof(quant_model_info), set by the caller. */
    const char *name;             /**< general.name, or the file's name. */
    const char *architecture;     /**< "llama" ... */
    const char *type_name;        /**< The type mix or encoding of most weights: "Q4_K_M", "BF16". */
    uint64_t    parameters;       /**< Elements of all tensors. */
    uint64_t    file_bytes;       /**< Of all its files. */
    double      bits_per_weight;  /**< 8 * tensor bytes / parameters. */
    uint32_t    context_length;   /**< That it was trained for. */
    uint32_t    vocabulary_size;
    uint32_t    embedding_length;
    uint32_t    layers;
    uint32_t    heads;
    uint32_t    kv_heads;
    int32_t     has_chat_template; /**< 1 if it has one, else 0. */
    uint64_t    kv_bytes_per_token; /**< That a session keeps of each token of its context. */
    int32_t     generates;        /**< 1 if it generates text; 0: an encoder, which makes embeddings only. */
    quant_pooling pooling;        /**< What QUANT_POOLING_DEFAULT means for it; never that itself. */
    uint32_t    embedding_context_length; /**< Tokens of a text that its embeddings were trained with at most. */
} quant_model_info;

/**
 * @retval QUANT_ERR_ARGUMENT  info->size is not that of a known version.
 * Threads: any. Blocks: never. Since 0.1.
 */
QUANT_API quant_status quant_model_get_info(const quant_model *model, quant_model_info *info);

/**
 * Whether models of an architecture generate text: 1; 0 for encoders, for a name that this version does not know
 * and for NULL. A file may say otherwise of itself, which quant_model_info has.
 *
 * Threads: any. Blocks: never. Since 0.1.
 */
QUANT_API int32_t quant_architecture_generates(const char *architecture);

/**
 * The model's tokenizer, borrowed for as long as the model; NULL where a model of quant_model_open_shared() turns out
 * to be none, or one of QUANT_OPEN_LENDABLE has a broken one, of which quant_error_message() tells. Threads: any. Since 0.1.
 */
QUANT_API const quant_tokenizer *quant_model_tokenizer(const quant_model *model);

/**
 * Render the model's own chat template; its BOS and EOS tokens are filled in where
 * the options leave them NULL.
 *
 * @param[out] out_text  Owned by the caller: quant_string_free().
 * @retval QUANT_ERR_NOT_FOUND  The model has no chat template.
 * @retval QUANT_ERR_TEMPLATE, QUANT_ERR_FORMAT  As quant_template_render().
 * Threads: any. Blocks: never. Since 0.1.
 */
QUANT_API quant_status quant_model_render_chat(const quant_model *model, const quant_render_options *options,
                                               char **out_text);

#ifdef __cplusplus
}
#endif
#endif
