/** @file
 * Replies of chat models taken apart: content, reasoning, and calls of tools.
 */
#ifndef QUANT_REPLY_H
#define QUANT_REPLY_H

#include <quant/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Takes one reply apart while it is generated. */
typedef struct quant_reply_parser quant_reply_parser;

/** What a part of a reply is. */
typedef enum quant_reply_kind QUANT_AS_INT {
    QUANT_REPLY_CONTENT = 0,        /**< `text` is shown to the user. */
    QUANT_REPLY_REASONING = 1,      /**< `text` is the model's reasoning. */
    QUANT_REPLY_CALL_BEGIN = 2,     /**< A call of the tool `name` begins. */
    QUANT_REPLY_CALL_ARGUMENTS = 3, /**< `text` is a part of its arguments, which all together are a JSON object. */
    QUANT_REPLY_CALL_END = 4
} quant_reply_kind;

/** A part of a reply. Strings are borrowed for the call. */
typedef struct quant_reply_event {
    size_t           size;       /**< Set by the library, which may know more than the caller. */
    quant_reply_kind kind;
    uint32_t         index;      /**< Of a call in its reply, from 0. */
    const char      *text;       /**< NUL-terminated; "" where it has none. */
    size_t           text_bytes;
    const char      *name;       /**< Of a call that begins; else "". */
    const char      *id;         /**< That the model gave a call that begins; "" where it gives none. */
} quant_reply_event;

/** Receives the parts, on the thread that feeds. */
typedef void (*quant_reply_fn)(void *user, const quant_reply_event *event);

/**
 * Begin a reply in the way that the model's chat template writes reasoning and calls. What is written like a call and
 * is none, such as one of a tool that is not there, comes out as content: nothing is lost.
 *
 * @param[out] out    Owned by the caller; NULL on failure.
 * @param tools_json  JSON array of tools, as quant_render_options has it; NULL: no calls are looked for.
 * @param prompt      The rendered prompt, which may have opened the reasoning; NULL with 0 bytes: none is open.
 * @retval QUANT_ERR_UNSUPPORTED  There are tools, but the model's template does not know how to call any.
 * @retval QUANT_ERR_FORMAT       tools_json is no JSON array.
 * Threads: any. Blocks: never, but the first of a model takes a while. Since 0.1.
 */
QUANT_API quant_status quant_reply_parser_new(quant_reply_parser **out, const quant_model *model, const char *tools_json,
                                              const char *prompt, size_t prompt_bytes);

/** Release it. NULL is fine. Threads: any, not while it is in use. Since 0.1. */
QUANT_API void quant_reply_parser_free(quant_reply_parser *parser);

/**
 * Read on. Marks may be cut anywhere; what may yet become one is held back.
 *
 * @param text  As generated, with the text of control tokens (quant_request's control_text).
 * @retval QUANT_ERR_ARGUMENT  A NULL pointer.
 * Threads: one at a time on a parser. Blocks: never. Since 0.1.
 */
QUANT_API quant_status quant_reply_parser_feed(quant_reply_parser *parser, const char *text, size_t text_bytes,
                                               quant_reply_fn on_event, void *user);

/**
 * The reply has ended: give what was held back. Nothing is fed after it.
 *
 * @retval QUANT_ERR_ARGUMENT  A NULL pointer.
 * Threads: one at a time on a parser. Blocks: never. Since 0.1.
 */
QUANT_API quant_status quant_reply_parser_finish(quant_reply_parser *parser, quant_reply_fn on_event, void *user);

/** What a model's chat template can be told of reasoning, by variables of quant_render_options. */
typedef struct quant_reasoning_info {
    size_t  size;       /**< sizeof(quant_reasoning_info), set by the caller. */
    int32_t can_switch; /**< 1: on and off, by enable_thinking and thinking. */
    int32_t has_levels; /**< 1: by reasoning_effort, "low", "medium" and "high". */
    int32_t always;     /**< 1: the prompt begins reasoning, whatever it is told. */
} quant_reasoning_info;

/**
 * Find out, by rendering the template with and without. A model without a template, or with one that fails, can none.
 *
 * @retval QUANT_ERR_ARGUMENT  A NULL pointer, or info->size unknown.
 * Threads: any. Blocks: to render. Since 0.1.
 */
QUANT_API quant_status quant_model_get_reasoning(const quant_model *model, quant_reasoning_info *info);

#ifdef __cplusplus
}
#endif
#endif
