/** @file
 * Embeddings: texts as vectors, which lie close where texts mean alike.
 */
#ifndef QUANT_EMBEDDING_H
#define QUANT_EMBEDDING_H

#include <quant/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The embeddings of several texts. Immutable. */
typedef struct quant_embeddings quant_embeddings;

/** A text, or the tokens of one. */
typedef struct quant_embedding_input {
    const char    *text;        /**< UTF-8, `text_bytes` long; NULL where there are tokens instead. */
    size_t         text_bytes;
    const int32_t *tokens;      /**< NULL where there is a text. Nothing is added to them. */
    size_t         token_count;
} quant_embedding_input;

/** Call quant_embedding_options_init(), then change what you need. */
typedef struct quant_embedding_options {
    size_t        size;       /**< Set by the init function. */
    quant_pooling pooling;    /**< Default QUANT_POOLING_DEFAULT. */
    int32_t       normalize;  /**< Not 0 (default): embeddings have length 1, so that their product is the cosine. */
    uint32_t      dimensions; /**< Only so many are kept, before normalizing; for models trained so (Matryoshka).
                                   0: all. */
    uint32_t      text_flags; /**< QUANT_TEXT_*; default QUANT_TEXT_ADD_SPECIAL and QUANT_TEXT_PARSE_SPECIAL. */
    int32_t       truncate;   /**< Not 0: a text that is too long loses its end; special tokens behind it stay. 0
                                   (default): it is an error. */
    quant_activations activations; /**< Default QUANT_ACTIVATIONS_INT8. */
    quant_progress_fn progress;    /**< Called between batches of tokens, and may cancel; NULL: none. */
    void         *user;
} quant_embedding_options;

/** Set the defaults; `size` as status.h says. Threads: any. Blocks: never. Since 0.1. */
QUANT_API void quant_embedding_options_init(quant_embedding_options *options, size_t size);

/**
 * Embed several texts, which share the reading of weights: many short ones together are faster than one by one, and
 * give the same within rounding. Of an encoder its last states are pooled; of a model that generates, those behind
 * its last norm.
 *
 * @param[out] out   Owned by the caller: quant_embeddings_free(); NULL on failure.
 * @param      inputs   `count` of them, at least one.
 * @param      options  Borrowed for the call; NULL for defaults.
 * @retval QUANT_ERR_LIMIT     A text has more tokens than embedding_context_length of quant_model_info; the message
 *                             has its number (from 0) and both lengths.
 * @retval QUANT_ERR_ARGUMENT  No inputs; one with neither or both of text and tokens, or without any token; a token
 *                             outside the vocabulary; a pooling that is none; more dimensions than there are; an
 *                             unknown flag.
 * @retval QUANT_ERR_MODEL     What the model makes is not finite.
 * @retval QUANT_ERR_CANCELLED The callback said so.
 * @retval QUANT_ERR_NO_MEMORY
 * Threads: any, also on one model, where calls take turns with each other and with sessions at each product. Blocks:
 * until all are done. Since 0.1.
 */
QUANT_API quant_status quant_model_embed(quant_embeddings **out, const quant_model *model,
                                         const quant_embedding_input *inputs, size_t count,
                                         const quant_embedding_options *options);

/** Release them. NULL is fine. Threads: any. Since 0.1. */
QUANT_API void quant_embeddings_free(quant_embeddings *embeddings);

/** How many texts there were. Threads: any. Blocks: never. Since 0.1. */
QUANT_API size_t quant_embeddings_count(const quant_embeddings *embeddings);

/** What a text became. Filled by quant_embeddings_get(). */
typedef struct quant_embedding {
    size_t       size;       /**< sizeof(quant_embedding), set by the caller. */
    const float *values;     /**< rows x dimensions; borrowed for as long as the embeddings. */
    uint32_t     rows;       /**< 1; with QUANT_POOLING_NONE one for each token. */
    uint32_t     dimensions;
    uint32_t     tokens;     /**< That were read, special ones included. */
    uint32_t     tokens_cut; /**< That the text lost to truncate. */
} quant_embedding;

/**
 * @param index  Of the text, from 0.
 * @retval QUANT_ERR_ARGUMENT  No such text; out->size is not that of a known version.
 * Threads: any. Blocks: never. Since 0.1.
 */
QUANT_API quant_status quant_embeddings_get(const quant_embeddings *embeddings, size_t index, quant_embedding *out);

#ifdef __cplusplus
}
#endif
#endif
