/** @file
 * Tokenizers and chat templates.
 */
#ifndef QUANT_TEXT_H
#define QUANT_TEXT_H

#include <quant/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A tokenizer. Immutable. */
typedef struct quant_tokenizer quant_tokenizer;

/** What tokenizing and detokenizing do with special tokens; flags to combine. */
enum {
    QUANT_TEXT_ADD_SPECIAL = 1,   /**< Add the BOS and EOS tokens that the model wants. */
    QUANT_TEXT_PARSE_SPECIAL = 2, /**< Special tokens written in the text become their ids. */
    QUANT_TEXT_SKIP_SPECIAL = 4   /**< Detokenize: leave special tokens out. */
};

/**
 * Open the tokenizer of a model: a GGUF file (one with nothing but a vocabulary
 * will do), a tokenizer.json, or a folder that holds one.
 *
 * @param[out] out  Owned by the caller; NULL on failure.
 * @retval QUANT_ERR_NOT_FOUND, QUANT_ERR_FORMAT, QUANT_ERR_TOKENIZER, QUANT_ERR_UNSUPPORTED
 * Threads: any. Blocks: on disk. Since 0.1.
 */
QUANT_API quant_status quant_tokenizer_open(quant_tokenizer **out, const char *path);

/** Release it. NULL is fine. Threads: any. Since 0.1. */
QUANT_API void quant_tokenizer_free(quant_tokenizer *tokenizer);

/** How many ids it has. Threads: any. Blocks: never. Since 0.1. */
QUANT_API size_t quant_tokenizer_size(const quant_tokenizer *tokenizer);

/**
 * Text to token ids. Any bytes are accepted.
 *
 * @param text       UTF-8, `text_bytes` long; may hold NUL bytes.
 * @param flags      QUANT_TEXT_ADD_SPECIAL and QUANT_TEXT_PARSE_SPECIAL; others are an error.
 * @param ids        Room for `capacity` ids; NULL with capacity 0 only counts.
 * @param out_count  How many ids the text has, also when they do not fit.
 * @retval QUANT_ERR_LIMIT     They do not fit (ids not NULL); nothing was written.
 * @retval QUANT_ERR_ARGUMENT  An unknown flag.
 * Threads: any, also on one tokenizer. Blocks: never. Since 0.1.
 */
QUANT_API quant_status quant_tokenize(const quant_tokenizer *tokenizer, const char *text, size_t text_bytes,
                                      uint32_t flags, int32_t *ids, size_t capacity, size_t *out_count);

/**
 * Token ids to text.
 *
 * @param flags         QUANT_TEXT_SKIP_SPECIAL or 0.
 * @param[out] out_text NUL-terminated, owned by the caller: quant_string_free().
 * @param[out] out_bytes Its length, since it may hold NUL bytes; may be NULL.
 * @retval QUANT_ERR_ARGUMENT  An id outside the vocabulary; the message names it.
 * Threads: any, also on one tokenizer. Blocks: never. Since 0.1.
 */
QUANT_API quant_status quant_detokenize(const quant_tokenizer *tokenizer, const int32_t *ids, size_t count,
                                        uint32_t flags, char **out_text, size_t *out_bytes);

/** What a chat template is rendered with. Call quant_render_options_init() first. */
typedef struct quant_render_options {
    size_t      size;                  /**< Set by the init function. */
    const char *messages_json;         /**< JSON array of {"role", "content", ...}. Required. */
    const char *tools_json;            /**< JSON array, or NULL for none. */
    int32_t     add_generation_prompt; /**< Not 0: end with the opening of the answer. */
    const char *bos_token;             /**< Text of the BOS token, or NULL for "". */
    const char *eos_token;             /**< Text of the EOS token, or NULL for "". */
    const char *now;                   /**< "2026-03-14T15:09:26" for strftime_now; NULL: the clock. */
    const char *variables_json;        /**< JSON object of further variables, such as enable_thinking, or NULL. */
} quant_render_options;

/** Set the defaults; `size` as status.h says. Threads: any. Blocks: never. Since 0.1. */
QUANT_API void quant_render_options_init(quant_render_options *options, size_t size);

/**
 * Render a chat template (Jinja, the subset that models' templates use; limited in
 * steps, depth and output, since templates come from strangers).
 *
 * @param source         The template, `source_bytes` of UTF-8.
 * @param name           What messages call it, such as its file name.
 * @param[out] out_text  Owned by the caller: quant_string_free().
 * @retval QUANT_ERR_TEMPLATE  It does not parse, fails, or reaches a limit; the message
 *                             gives the line.
 * @retval QUANT_ERR_FORMAT    messages_json, tools_json or variables_json is not JSON of its kind.
 * Threads: any. Blocks: never. Since 0.1.
 */
QUANT_API quant_status quant_template_render(const char *source, size_t source_bytes, const char *name,
                                             const quant_render_options *options, char **out_text);

#ifdef __cplusplus
}
#endif
#endif
