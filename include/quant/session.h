/** @file
 * Sessions: one sequence of tokens being run, and text generation on it.
 */
#ifndef QUANT_SESSION_H
#define QUANT_SESSION_H

#include <quant/adapter.h>
#include <quant/encoding.h>
#include <quant/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A sequence and its KV cache, whose memory comes as it is needed. One thread at a time. */
typedef struct quant_session quant_session;

/** Call quant_session_options_init(), then change what you need. */
typedef struct quant_session_options {
    size_t   size;           /**< Set by the init function. */
    uint32_t context_length; /**< Tokens it can hold; 0: the model's own length. */
    quant_activations activations; /**< Default QUANT_ACTIVATIONS_INT8. */
    quant_encoding key_type;   /**< What keys are kept as: F32, F16 (default), BF16, Q8_0 or Q4_0. */
    quant_encoding value_type; /**< What values are kept as, likewise. */
    const quant_model *draft_model; /**< A smaller model of the same vocabulary, which guesses at what comes next
                                         while generating; NULL (default): none. The session keeps it alive. */
    int32_t  lookup;       /**< Not 0: guess what followed when the sequence's end last occurred in it, which
                                speeds up text that repeats its prompt. Default 0; not with draft_model. */
    uint32_t draft_tokens; /**< Guesses at a time, 1 to 7; default 4. What is generated stays the same with any. */
    const quant_adapter_use *adapters; /**< That it runs with from the beginning, as quant_session_set_adapters(). The
                                            draft model runs without. */
    size_t   adapter_count;
} quant_session_options;

/** Set the defaults; `size` as status.h says. Threads: any. Blocks: never. Since 0.1. */
QUANT_API void quant_session_options_init(quant_session_options *options, size_t size);

/**
 * Begin an empty sequence. The session keeps the model alive.
 *
 * @param[out] out  Owned by the caller; NULL on failure.
 * @param options   NULL for defaults.
 * @retval QUANT_ERR_NO_MEMORY  The KV cache does not fit; the message gives its bytes.
 * @retval QUANT_ERR_ARGUMENT   A type of keys or values that is none of those, or whose blocks of 32
 *                              do not fit the model's heads; a draft model of another vocabulary,
 *                              draft_tokens out of range, or adapters as quant_session_set_adapters().
 * Threads: any. Blocks: never. Since 0.1.
 */
QUANT_API quant_status quant_session_new(quant_session **out, const quant_model *model,
                                         const quant_session_options *options);

/**
 * Begin a sequence with the first `length` tokens of another, whose keys and values both then
 * share in memory: as many conversations as one likes go on from one prompt.
 *
 * @param[out] out  Owned by the caller; NULL on failure. Of the same model, adapters and options, but that
 *                  it does not guess ahead.
 * @retval QUANT_ERR_ARGUMENT  `from` has fewer tokens.
 * Threads: any, while `from` is not in use. Blocks: never. Since 0.1.
 */
QUANT_API quant_status quant_session_fork(quant_session **out, const quant_session *from, uint32_t length);

/** Release it. NULL is fine. Threads: any, not while it is in use. Since 0.1. */
QUANT_API void quant_session_free(quant_session *session);

/** Tokens in the sequence. Threads: one at a time. Blocks: never. Since 0.1. */
QUANT_API uint32_t quant_session_length(const quant_session *session);

/** Tokens it can hold. Threads: any. Blocks: never. Since 0.1. */
QUANT_API uint32_t quant_session_capacity(const quant_session *session);

/**
 * Forget all tokens from `length` on, so that the sequence has that many.
 *
 * @retval QUANT_ERR_ARGUMENT  length is more than there are.
 * Threads: one at a time. Blocks: never. Since 0.1.
 */
QUANT_API quant_status quant_session_truncate(quant_session *session, uint32_t length);

/**
 * What the sequence runs with from now on, in place of what it had: the model's own weights and what these add to their
 * products, one after the other. Where that is not the same list as before, the sequence becomes empty, since its keys
 * and values were made with another; a chat that gives its whole text each time is read anew.
 *
 * @param adapters  `count` of them, none twice; copied, and kept alive. NULL with 0 for none.
 * @retval QUANT_ERR_ARGUMENT  An adapter of another model, one that comes twice, or a scale out of range; nothing has
 *                             changed.
 * Threads: one at a time. Blocks: never. Since 0.1.
 */
QUANT_API quant_status quant_session_set_adapters(quant_session *session, const quant_adapter_use *adapters,
                                                  size_t count);

/**
 * Append tokens and run the model on them.
 *
 * @param tokens  `count` ids of the model's vocabulary, at least one.
 * @param logits  count x vocabulary_size floats, row-major, one row for each token; or
 *                NULL for none.
 * @param last_logits  vocabulary_size floats for the last token alone; or NULL.
 * @retval QUANT_ERR_ARGUMENT  No tokens, or an id outside the vocabulary; nothing was appended.
 * @retval QUANT_ERR_LIMIT     The context would overflow; the message gives both numbers.
 * Threads: one at a time on a session; sessions share one pool of workers.
 * Blocks: until done. Since 0.1.
 */
QUANT_API quant_status quant_session_run(quant_session *session, const int32_t *tokens, size_t count,
                                         float *logits, float *last_logits);

/** What one session has to do in a batch. */
typedef struct quant_batch_step {
    size_t         size;        /**< sizeof(quant_batch_step), set by the caller. */
    quant_session *session;
    const int32_t *tokens;      /**< As for quant_session_run(), as are the next three. */
    size_t         count;
    float         *logits;
    float         *last_logits;
} quant_batch_step;

/**
 * quant_session_run() of several sessions at once: weights are read once for all, so that up to
 * eight sequences of one token each take little longer than one.
 *
 * @param steps  Of different sessions of one model, with the same options but for their context and adapters.
 * @retval QUANT_ERR_ARGUMENT  As quant_session_run(), or sessions that do not go together; the message
 *                             names the step. Nothing was appended to any.
 * @retval QUANT_ERR_LIMIT     A context would overflow; nothing was appended to any.
 * @retval QUANT_ERR_NO_MEMORY No memory for keys and values; nothing was appended to any.
 * Threads: one at a time on each session. Blocks: until done. Since 0.1.
 */
QUANT_API quant_status quant_session_run_batch(const quant_batch_step *steps, size_t count);

/** What is added to a token's logit. */
typedef struct quant_logit_bias {
    int32_t token; /**< Of the model's vocabulary. */
    float   bias;  /**< -100 to 100; -100 forbids the token. */
} quant_logit_bias;

/**
 * How the next token is chosen. Call quant_sampling_init() first.
 *
 * The steps, in llama.cpp's order: logit_bias is added; repeat_penalty, then presence_penalty and
 * frequency_penalty; top_k, typical_p, top_p, min_p, each on what the one before has kept, with
 * probabilities at temperature 1, and never dropping all; temperature; a draw. With mirostat, which
 * keeps tokens in its own way, these four do nothing. With temperature 0 the likeliest token is
 * taken after biases and penalties, whatever the rest says.
 *
 * Penalties count over the last repeat_last_n tokens of the sequence: prompt and generated text as
 * in Ollama, or what this generation has made alone as in OpenAI's API, which would be with
 * penalize_prompt 0 and repeat_last_n UINT32_MAX.
 */
typedef struct quant_sampling {
    size_t   size;           /**< Set by the init function. */
    float    temperature;    /**< 0 to 100; 0: greedy. Default 0.8. */
    uint32_t top_k;          /**< Keep the k likeliest; 0: all. Default 40. */
    float    top_p;          /**< Keep the likeliest whose sum reaches p, over 0 to 1; 1: all. Default 0.95. */
    float    min_p;          /**< Drop what is less likely than min_p times the likeliest. Default 0.05. */
    float    repeat_penalty; /**< Divides positive and multiplies negative logits of recent tokens; 1: off. */
    uint32_t repeat_last_n;  /**< How many recent tokens count as such; 0: none, which turns all three penalties
                                  off; UINT32_MAX (Ollama's -1): the whole context. Default 64. */
    uint64_t seed;           /**< The same seed gives the same text; 0: a random one. */
    float    typical_p;      /**< Keep those whose surprise is nearest to the expected, until their sum reaches p,
                                  over 0 to 1; 1 (default): all. */
    float    presence_penalty;  /**< -2 to 2, subtracted from the logits of recent tokens. Default 0. */
    float    frequency_penalty; /**< -2 to 2, subtracted as often as the token occurs. Default 0. */
    int32_t  penalize_prompt;   /**< Not 0 (default): the prompt's tokens are recent ones, too. 0: only those that
                                     this generation made. */
    uint32_t mirostat;       /**< 1 or 2: keep surprise near mirostat_tau by that version of Mirostat; 0: off. It
                                  begins anew with each generation. */
    float    mirostat_tau;   /**< Bits of surprise a token, over 0 to 100. Default 5. */
    float    mirostat_eta;   /**< How fast it corrects itself, 0 to 1. Default 0.1. */
    const quant_logit_bias *logit_bias; /**< Borrowed for the call; NULL (default) with a count of 0. Of a token
                                             that comes twice, both are added. */
    size_t   logit_bias_count;
} quant_sampling;

/** Set the defaults; `size` as status.h says. Threads: any. Blocks: never. Since 0.1. */
QUANT_API void quant_sampling_init(quant_sampling *sampling, size_t size);

/** Why generation ended. */
typedef enum quant_stop QUANT_AS_INT {
    QUANT_STOP_END = 0,     /**< The model said so (an end-of-text or end-of-turn token). */
    QUANT_STOP_LENGTH = 1,  /**< max_tokens reached. */
    QUANT_STOP_CONTEXT = 2, /**< The context is full. */
    QUANT_STOP_CALLER = 3,  /**< The callback asked. */
    QUANT_STOP_TEXT = 4     /**< A stop string came, which is not part of the text. */
} quant_stop;

/**
 * Receives text as it is made. `text` is NUL-terminated, whole UTF-8 characters only
 * (bytes that never become UTF-8 arrive as U+FFFD), borrowed for the call.
 * @return 0 to go on, anything else to stop.
 */
typedef int (*quant_text_fn)(void *user, const char *text, size_t text_bytes);

/** What to generate. Call quant_generate_options_init() first. */
typedef struct quant_generate_options {
    size_t                size;       /**< Set by the init function. */
    const char           *prompt;     /**< UTF-8. */
    size_t                prompt_bytes;
    uint32_t              text_flags; /**< QUANT_TEXT_*; default: ADD_SPECIAL and PARSE_SPECIAL. */
    int32_t               whole;      /**< Not 0: the prompt is the whole sequence, of which the session
                                           keeps what it already has in common (a chat rendered anew each
                                           turn); 0: the prompt is appended. */
    uint32_t              max_tokens; /**< 0: until the end or the context is full. */
    const quant_sampling *sampling;   /**< NULL for the defaults. */
    quant_text_fn         on_text;    /**< May be NULL. */
    quant_progress_fn     on_prefill; /**< Progress on a long prompt; may be NULL. */
    void                 *user;       /**< For both callbacks. */
    int32_t               control_text; /**< Not 0: on_text has the text of control tokens, too, as
                                             quant_reply_parser_feed() wants it. Default 0. */
} quant_generate_options;

/** Set the defaults; `size` as status.h says. Threads: any. Blocks: never. Since 0.1. */
QUANT_API void quant_generate_options_init(quant_generate_options *options, size_t size);

/** What a generation took. */
typedef struct quant_generate_result {
    size_t     size;             /**< sizeof(quant_generate_result), set by the caller. */
    quant_stop stop;
    uint32_t   prompt_tokens;    /**< Of the prompt, those kept from before included. */
    uint32_t   cached_tokens;    /**< Of them, those that had not to be run again. */
    uint32_t   generated_tokens; /**< The end token not counted. */
    double     prefill_seconds;
    double     decode_seconds;
    uint64_t   seed;             /**< The seed that was used. */
    uint32_t   drafted_tokens;   /**< Guesses that were run along, */
    uint32_t   accepted_tokens;  /**< and those of them that were right. */
} quant_generate_result;

/**
 * Run the prompt and generate text after it.
 *
 * @param options  Borrowed for the call.
 * @param result   May be NULL.
 * @retval QUANT_ERR_LIMIT      The prompt does not fit; the message gives both numbers.
 * @retval QUANT_ERR_ARGUMENT   A sampling value out of range or a biased token outside the vocabulary,
 *                              an unknown flag, an empty sequence (no prompt, no BOS), or biases that
 *                              leave no token; the message names it.
 * @retval QUANT_ERR_CANCELLED  on_prefill asked to stop.
 * Threads: one at a time on a session. Blocks: until done. Since 0.1.
 */
QUANT_API quant_status quant_generate(quant_session *session, const quant_generate_options *options,
                                      quant_generate_result *result);

#ifdef __cplusplus
}
#endif
#endif
