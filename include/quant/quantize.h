/** @file
 * Quantizing a model: a plan (which tensor becomes what), then its execution.
 */
#ifndef QUANT_QUANTIZE_H
#define QUANT_QUANTIZE_H

#include <quant/encoding.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A type mix: a name users know, and the rule that gives each tensor its encoding. */
typedef struct quant_type_info {
    size_t         size;            /**< sizeof(quant_type_info), set by the caller. */
    const char    *name;            /**< "Q4_K_M". Static. */
    const char    *summary;         /**< One line for a person. Static. */
    quant_encoding encoding;        /**< Of most tensors. */
    double         bits_per_weight; /**< Of that encoding; a mix comes out a little higher. */
} quant_type_info;

/** How many type mixes there are. Threads: any. Since 0.1. */
QUANT_API size_t quant_type_count(void);

/**
 * Describe a type mix by its place, smallest first.
 * @retval QUANT_ERR_ARGUMENT  index out of range, or info->size unknown.
 * Threads: any. Since 0.1.
 */
QUANT_API quant_status quant_type_get(size_t index, quant_type_info *info);

/** A kind of quantized checkpoint that can be written, as a Hugging Face folder. */
typedef struct quant_checkpoint_type {
    size_t      size;    /**< sizeof(quant_checkpoint_type), set by the caller. */
    const char *name;    /**< "gptq". Static. */
    const char *form;    /**< "gptq[:BITS[:GROUP]][:asym]": the words that may follow. Static. */
    const char *summary; /**< One line for a person. Static. */
} quant_checkpoint_type;

/** How many kinds of checkpoints can be written. Threads: any. Since 0.1. */
QUANT_API size_t quant_checkpoint_type_count(void);

/**
 * Describe one by its place, in alphabetical order.
 * @retval QUANT_ERR_ARGUMENT  index out of range, or type->size unknown.
 * Threads: any. Since 0.1.
 */
QUANT_API quant_status quant_checkpoint_type_get(size_t index, quant_checkpoint_type *type);

/** Gives the tensors whose name a pattern matches one encoding. */
typedef struct quant_override {
    const char *pattern;  /**< PCRE2 regular expression, searched in the GGUF tensor name. */
    const char *encoding; /**< Name of an encoding, "Q6_K". */
} quant_override;

/** An adapter to merge, as quant_adapter_open() reads it. */
typedef struct quant_merge {
    const char *path;
    float       scale; /**< As quant_adapter_use. */
} quant_merge;

/** How to quantize. Call quant_quantize_options_init() first. */
typedef struct quant_quantize_options {
    size_t                size;           /**< Set by the init function. */
    const char           *type;           /**< Name of a type mix, in any case, of which a GGUF file is made ("gguf:" may stand
                                               before it); or of a checkpoint's format, of which a Hugging Face folder is
                                               made of another (quant_checkpoint_type_get()); NULL with plan_json. */
    const char           *plan_json;      /**< A plan document, instead of a type; else NULL. */
    quant_method          method;         /**< Default QUANT_METHOD_DEFAULT. */
    const quant_override *overrides;      /**< The first that matches wins; may be NULL. */
    size_t                override_count;
    const char           *importance_path; /**< An importance file of either kind (quant_importance_gather());
                                                NULL: none. IMPORTANCE is the default method with one. */
    const char           *calibration_text;  /**< UTF-8, that FEEDBACK and BEST need, and IMPORTANCE without a
                                                  file; else NULL. */
    size_t                calibration_bytes;
    uint64_t              calibration_tokens; /**< At most so many of the text; 0: all. */
    const char           *moments_path;      /**< A file of second moments (quant_importance_gather()), for FEEDBACK
                                                  and BEST instead of a text: quicker, and in little memory, but
                                                  later layers do not make up for earlier ones. NULL: none. */
    const quant_merge    *adapters;      /**< Merged into the weights before they are encoded: W + scale * alpha / rank *
                                              B A. What none changes and what keeps its encoding is copied. */
    size_t                adapter_count;
    int32_t               keep_floats;   /**< 1: matrices that the source has in floats stay so where others of it are
                                              quantized; default 0. */
    int32_t               exact;         /**< 1: what the source has quantized is laid out again without a change of a
                                              weight, or the plan fails and says what it could become; default 0. */
} quant_quantize_options;

/** Set the defaults; `size` as status.h says. Threads: any. Blocks: never. Since 0.1. */
QUANT_API void quant_quantize_options_init(quant_quantize_options *options, size_t size);

/** What becomes of every tensor of one model. One thread at a time. */
typedef struct quant_plan quant_plan;

/** A tensor of a plan. Strings are the plan's. */
typedef struct quant_plan_tensor {
    size_t         size;         /**< sizeof(quant_plan_tensor), set by the caller. */
    const char    *name;         /**< As GGUF has it. */
    const char    *source_name;  /**< In the source. */
    const char    *source_type;  /**< Its type there. */
    uint32_t       dims;
    uint64_t       shape[4];     /**< Row-major. */
    quant_encoding encoding;     /**< What it becomes. */
    int32_t        fallback;     /**< 1 where the row length forced another encoding than the mix wants. */
    quant_method   method;       /**< How; ROUND also for floats. After quant_plan_run() what BEST chose. */
    uint64_t       bytes;        /**< Encoded. */
    double         rmse;         /**< Root mean squared error; -1 until quant_plan_run(). */
    double         relative;     /**< rmse divided by the RMS of the weights; -1 until then. */
    int32_t        relaid;       /**< 1: quantized in the source, and laid out again without a change of a weight. */
} quant_plan_tensor;

/** Sums over a plan. */
typedef struct quant_plan_summary {
    size_t      size;            /**< sizeof(quant_plan_summary), set by the caller. */
    const char *type;            /**< The mix, as the table spells it. The plan's. */
    size_t      tensors;
    uint64_t    parameters;
    uint64_t    source_bytes;    /**< Of the source's files. */
    uint64_t    output_bytes;    /**< Of the file to be, or all files of tensors, exactly. */
    double      bits_per_weight; /**< 8 * tensor bytes / parameters. */
    uint32_t    fallbacks;       /**< Tensors that did not get what the mix wants. */
    int32_t     requantizes;     /**< 1 if what the source has quantized changes, so that losses add up. */
    double      predicted_kld;   /**< Of a plan document: mean KL divergence, nats a token; else -1. */
    uint32_t    relaid;          /**< Tensors of which only the layout changes: nothing of them is lost. */
    int32_t     makes_folder;    /**< 1: the output is a folder; else a GGUF file. */
} quant_plan_summary;

/**
 * Plan: read the source's headers and decide. Writes nothing.
 *
 * @param[out] out  Owned by the caller; NULL on failure.
 * @param path      A GGUF file or a Hugging Face folder.
 * @retval QUANT_ERR_NOT_FOUND  No such file, or no such type (the message lists them).
 * @retval QUANT_ERR_ARGUMENT   A bad pattern, an encoding whose block does not divide the rows
 *                              that a pattern matched, a method without the statistics it needs
 *                              or with some it does not use, statistics of another model,
 *                              a plan document that is another model's, or an adapter's scale
 *                              out of range.
 *                              Or options.exact, and a tensor that changes (the message names it and what it could be).
 * @retval QUANT_ERR_UNSUPPORTED  An adapter changes the output matrix, and that is the embedding; or a folder of a source
 *                              that has no layout in it.
 * @retval Others               As quant_model_open() and quant_adapter_open().
 * Threads: any. Blocks: on disk. Since 0.1.
 */
QUANT_API quant_status quant_plan_new(quant_plan **out, const char *path,
                                      const quant_quantize_options *options);

/** What a plan is to keep within; one of the first three is set. Call quant_target_init() first. */
typedef struct quant_target {
    size_t            size;            /**< Set by the init function. */
    uint64_t          file_bytes;      /**< The whole file at most. */
    double            bits_per_weight; /**< 8 * tensor bytes / parameters at most. */
    double            max_kld;         /**< Predicted mean KL divergence at most, nats a token. */
    quant_method      method;          /**< By which the plan will be carried out; it scales the prediction. */
    const char       *text;            /**< UTF-8, that sensitivities are measured on. */
    size_t            text_bytes;
    uint64_t          tokens;          /**< At most so many of it; default 4096. */
    quant_progress_fn progress;        /**< Units are runs of a sequence. May be NULL. */
    void             *user;
} quant_target;

/** Set the defaults; `size` as status.h says. Threads: any. Blocks: never. Since 0.1. */
QUANT_API void quant_target_init(quant_target *target, size_t size);

/**
 * Choose the encoding of every matrix for the least divergence within a target. How much
 * each matrix matters is measured: the divergence of the model when it alone is coarse.
 *
 * @param path           A GGUF file or a Hugging Face folder.
 * @param[out] out_json  A plan document for quant_quantize_options.plan_json: type, predicted_kld,
 *                       activation_kld (the part of it that rounding activations to 8 bits costs),
 *                       file_bytes, and for each tensor name, encoding, bytes, kld (its share of the
 *                       prediction) and sensitivity. quant_string_free().
 * @retval QUANT_ERR_ARGUMENT   No target or several, a target below the smallest possible (the
 *                              message has it), or a text that is too short.
 * @retval QUANT_ERR_CANCELLED  progress asked to stop.
 * @retval Others               As quant_model_open().
 * Threads: any. Blocks: until done. Since 0.1.
 */
QUANT_API quant_status quant_plan_search(const char *path, const quant_target *target, char **out_json);

/** The kinds of files that quant_importance_gather() writes. */
typedef enum quant_importance_format QUANT_AS_INT {
    QUANT_IMPORTANCE_GGUF = 0,   /**< As today's llama-imatrix writes them. */
    QUANT_IMPORTANCE_LEGACY = 1, /**< The older binary format, ".dat". */
    QUANT_IMPORTANCE_MOMENTS = 2 /**< Second moments, a whole matrix for each distinct input: n (n + 1) / 2 floats
                                      for each of two parts of the text. For quant_quantize_options.moments_path;
                                      laid out as quantctl-imatrix says. */
} quant_importance_format;

/** What to gather. Call quant_importance_options_init() first. */
typedef struct quant_importance_options {
    size_t                  size;     /**< Set by the init function. */
    const char             *text;     /**< UTF-8. Required. */
    size_t                  text_bytes;
    const char             *text_name; /**< Kept in the file as the text's origin; may be NULL. */
    uint32_t                context_length; /**< Tokens a sequence; 0: 512, or the model's own where shorter. */
    uint64_t                tokens;   /**< At most so many of the text; 0: all. */
    quant_importance_format format;
    quant_progress_fn       progress; /**< Units are sequences. May be NULL. */
    void                   *user;
} quant_importance_options;

/** Set the defaults; `size` as status.h says. Threads: any. Blocks: never. Since 0.1. */
QUANT_API void quant_importance_options_init(quant_importance_options *options, size_t size);

/**
 * Run a text through a model and write how large what goes into each matrix is: for
 * each column the mean square, by which method IMPORTANCE weighs errors, or all products
 * of two columns (MOMENTS).
 *
 * @param path    The model: a GGUF file or a Hugging Face folder.
 * @param output  Where; it appears complete or not at all.
 * @retval QUANT_ERR_ARGUMENT   The text is shorter than one sequence (the message gives both
 *                              counts), or an unknown format.
 * @retval QUANT_ERR_CANCELLED  progress asked to stop; nothing was left.
 * @retval Others               As quant_model_open() and quant_plan_run().
 * Threads: any. Blocks: until done. Since 0.1.
 */
QUANT_API quant_status quant_importance_gather(const char *path, const quant_importance_options *options,
                                               const char *output);

/** Release it. NULL is fine. Threads: any. Since 0.1. */
QUANT_API void quant_plan_free(quant_plan *plan);

/** @retval QUANT_ERR_ARGUMENT  summary->size unknown. Threads: any. Since 0.1. */
QUANT_API quant_status quant_plan_get_summary(const quant_plan *plan, quant_plan_summary *summary);

/**
 * Describe a tensor by its place, 0 to summary.tensors - 1, in output order.
 * @retval QUANT_ERR_ARGUMENT  index out of range, or tensor->size unknown.
 * Threads: any. Since 0.1.
 */
QUANT_API quant_status quant_plan_get_tensor(const quant_plan *plan, size_t index, quant_plan_tensor *tensor);

/**
 * Carry the plan out: write a GGUF file, or a folder. It appears under its name complete or not
 * at all. Fills in each tensor's error.
 *
 * @param output    Where; an existing file is replaced at the end, a folder never.
 * @param progress  Units are weights; may be NULL.
 * @retval QUANT_ERR_CANCELLED  progress asked to stop; nothing was left.
 * @retval QUANT_ERR_NO_SPACE   Told before the work where the file system knows; nothing was left.
 * @retval QUANT_ERR_EXISTS     A folder is to be written, and something of its name is there.
 * @retval QUANT_ERR_PERMISSION, QUANT_ERR_IO
 * Threads: one at a time on a plan. Blocks: until done. Since 0.1.
 */
QUANT_API quant_status quant_plan_run(quant_plan *plan, const char *output, quant_progress_fn progress,
                                      void *user);

#ifdef __cplusplus
}
#endif
#endif
