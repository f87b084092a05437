/** @file
 * Schedulers: many generations on one model at a time, for servers.
 */
#ifndef QUANT_SCHEDULER_H
#define QUANT_SCHEDULER_H

#include <quant/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Runs requests on one model, several at a time, in a thread of its own: weights are read once for up to 64
 * sequences, prompts begin with what an earlier sequence has in common with them, and whoever asks for much waits
 * for those who ask for little. Any thread may use it.
 */
typedef struct quant_scheduler quant_scheduler;

/** Call quant_scheduler_options_init(), then change what you need. */
typedef struct quant_scheduler_options {
    size_t   size;             /**< Set by the init function. */
    uint32_t context_length;   /**< Tokens that a sequence can hold; 0: the model's own length. */
    uint32_t sequences;        /**< That run at a time, at least 1; default 16. */
    uint32_t queue;            /**< Requests that wait at most; default 64. */
    uint32_t queue_per_client; /**< Of one client; default 16. */
    uint64_t cached_tokens;    /**< Of ended sequences whose keys and values are kept, together; default 32768. */
    quant_encoding key_type;   /**< As quant_session_options. */
    quant_encoding value_type; /**< Likewise. */
} quant_scheduler_options;

/** Set the defaults; `size` as status.h says. Threads: any. Blocks: never. Since 0.1. */
QUANT_API void quant_scheduler_options_init(quant_scheduler_options *options, size_t size);

/**
 * Begin without requests. The scheduler keeps the model alive.
 *
 * @param[out] out  Owned by the caller; NULL on failure.
 * @param options   NULL for defaults.
 * @retval QUANT_ERR_ARGUMENT   No sequences, or a type of keys or values as quant_session_new() refuses.
 * @retval QUANT_ERR_NO_MEMORY  The weights do not fit as this CPU reads them.
 * Threads: any. Blocks: while weights are packed. Since 0.1.
 */
QUANT_API quant_status quant_scheduler_new(quant_scheduler **out, const quant_model *model,
                                           const quant_scheduler_options *options);

/**
 * Cancel what it has, tell the requests so, and release it. NULL is fine.
 * Threads: any but its own, while nobody else uses it. Blocks: for the step it is at. Since 0.1.
 */
QUANT_API void quant_scheduler_free(quant_scheduler *scheduler);

/** A token that could have come. */
typedef struct quant_token_probability {
    int32_t     token;
    double      log_probability; /**< Natural logarithm, of the model's own distribution: before penalties, biases and
                                      temperature. */
    const char *piece;           /**< Its bytes, NUL-terminated, which may be part of a character only; borrowed. */
    size_t      piece_bytes;
} quant_token_probability;

/** What became of a request: more text, or its end. */
typedef struct quant_request_event {
    size_t       size;       /**< Set by the library, which may know more than the caller. */
    const char  *text;       /**< NUL-terminated, whole UTF-8 characters, borrowed for the call; may be "". */
    size_t       text_bytes;
    int32_t      ended;      /**< Not 0: the last event of this request. */
    quant_status status;     /**< Of the end: QUANT_OK, QUANT_ERR_CANCELLED, or what went wrong. */
    const char  *message;    /**< As quant_error_message(); "" where nothing went wrong. */
    double       queue_seconds;   /**< That it waited for its turn. */
    int32_t      token;           /**< That was made; its text may come later, with what it completes. -1: none. */
    const quant_token_probability *probabilities; /**< Of that token, then of the likeliest; NULL unless asked for. */
    size_t       probability_count;
    const quant_generate_result *result; /**< So far, borrowed for the call; `stop` is of the end. */
} quant_request_event;

/**
 * Receives what becomes of a request, in the scheduler's thread, which waits for it: it should pass on and return.
 * It may call quant_scheduler_cancel(), _pause() and _submit(), but not quant_scheduler_free().
 */
typedef void (*quant_request_fn)(void *user, const quant_request_event *event);

/** What to generate. Call quant_request_init() first. All is copied but `user`. */
typedef struct quant_request {
    size_t                size;       /**< Set by the init function. */
    const char           *prompt;     /**< UTF-8; the whole sequence. */
    size_t                prompt_bytes;
    uint32_t              text_flags; /**< QUANT_TEXT_*; default: ADD_SPECIAL and PARSE_SPECIAL. */
    const int32_t        *tokens;     /**< Instead of prompt: its token ids. */
    size_t                token_count;
    uint32_t              max_tokens; /**< 0: until the end or the context is full. */
    int32_t               control_text; /**< Not 0: events have the text of control tokens, too, as
                                             quant_reply_parser_feed() wants it. */
    int32_t               ignore_end; /**< Not 0: tokens that end a text are never chosen. */
    const quant_sampling *sampling;   /**< NULL for the defaults. */
    const char *const    *stops;      /**< NUL-terminated strings before whose first the text ends; "" is none. */
    size_t                stop_count; /**< At most 64. */
    const char           *grammar;     /**< Text keeps to this grammar, in GBNF; NULL: to none. One of these three. */
    const char           *json_schema; /**< Or is JSON of this schema; NULL. What of it cannot be kept to is an error. */
    int32_t               json_object; /**< Or, not 0, is a JSON object of any kind. */
    int32_t               probabilities; /**< Not 0: tell each token's probability, */
    uint32_t              top_probabilities; /**< and those of so many of the likeliest, at most 20. */
    uint64_t              client;     /**< Who asks: requests of one number wait in one line. */
    quant_request_fn      on_event;   /**< Required. */
    void                 *user;       /**< For on_event. */
    const char           *tools_json;  /**< The reply keeps to what the model's chat template writes for calls of these
                                            tools: a JSON array, as quant_reply_parser_new() has it, with a reply as
                                            that reads it. NULL: it is free to call or not. Of the three above,
                                            json_schema alone may stand beside it: of a reply that is no call. */
    int32_t               tools_required; /**< Not 0: the reply is calls, whose arguments keep to the tools' schemas.
                                               0: it may be, and only tools with "strict": true are kept to. */
    int32_t               tools_single;   /**< Not 0: of one call, at most. */
    const char           *tool_name;      /**< The only one that is called; NULL: any. */
    const quant_adapter_use *adapters;    /**< That this request alone runs with, as quant_session_set_adapters();
                                               it shares beginnings with those that have the same. */
    size_t                adapter_count;
} quant_request;

/** Set the defaults; `size` as status.h says. Threads: any. Blocks: never. Since 0.1. */
QUANT_API void quant_request_init(quant_request *request, size_t size);

/**
 * Put a request in the queue. Its events may come before this returns; if it fails, none comes.
 *
 * @param[out] out_id  Its number in this scheduler, from 1 on; may be NULL.
 * @retval QUANT_ERR_BUSY      The queue is full, or this client's part of it; the message says how many wait.
 * @retval QUANT_ERR_LIMIT     The prompt does not fit; the message gives both numbers.
 * @retval QUANT_ERR_UNSUPPORTED A keyword of json_schema or of a tool's parameters that text cannot be held to; the
 *                               message names its place. Or calls as this model's template writes them cannot.
 * @retval QUANT_ERR_ARGUMENT  A grammar or schema that is none, or two of them; tools that are none, or no tool
 *                             tool_name; adapters as quant_session_set_adapters(); an empty prompt, both of prompt and tokens, an id outside the vocabulary, a sampling value
 *                             out of range, an unknown flag, or too many stop strings.
 * Threads: any. Blocks: to tokenize. Since 0.1.
 */
QUANT_API quant_status quant_scheduler_submit(quant_scheduler *scheduler, const quant_request *request,
                                              uint64_t *out_id);

/** End a request before its next token; nothing where it has ended. Threads: any. Blocks: never. Since 0.1. */
QUANT_API void quant_scheduler_cancel(quant_scheduler *scheduler, uint64_t id);

/**
 * Make no more tokens for a request, or go on: its reader does not keep up, or does again. Its place stays taken.
 * Threads: any. Blocks: never. Since 0.1.
 */
QUANT_API void quant_scheduler_pause(quant_scheduler *scheduler, uint64_t id, int32_t paused);

/** What a scheduler does and has done. */
typedef struct quant_scheduler_statistics {
    size_t   size;             /**< sizeof(quant_scheduler_statistics), set by the caller. */
    uint32_t running;          /**< Sequences, now. */
    uint32_t waiting;          /**< Requests in the queue, now. */
    uint64_t requests;         /**< Taken into the queue, ever; likewise what follows. */
    uint64_t refused;          /**< For the queue was full. */
    uint64_t cancelled;
    uint64_t prompt_tokens;    /**< Of prompts read, */
    uint64_t cached_tokens;    /**< of them, that had not to be run. */
    uint64_t generated_tokens; /**< Of requests that have ended. */
    uint64_t kept_tokens;      /**< Of ended sequences, kept now. */
    double   step_seconds;     /**< That the step it is at has taken; 0: it waits for something to do. Where it grows and
                                    grows, the thread hangs, perhaps in an on_event that does not return. */
} quant_scheduler_statistics;

/**
 * @retval QUANT_ERR_ARGUMENT  A NULL pointer, or a size too small.
 * Threads: any. Blocks: never. Since 0.1.
 */
QUANT_API quant_status quant_scheduler_get_statistics(const quant_scheduler *scheduler,
                                                      quant_scheduler_statistics *out);

#ifdef __cplusplus
}
#endif
#endif
