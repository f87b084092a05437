/** @file
 * Measuring what quantization cost, and how fast a model runs here.
 */
#ifndef QUANT_EVALUATE_H
#define QUANT_EVALUATE_H

#include <quant/adapter.h>
#include <quant/encoding.h>
#include <quant/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What to measure on. Call quant_eval_options_init() first. */
typedef struct quant_eval_options {
    size_t            size;           /**< Set by the init function. */
    const char       *text;           /**< Any bytes, meant as UTF-8. Required unless base_logits is given. */
    size_t            text_bytes;
    uint32_t          context_length; /**< Tokens a chunk; 0: 512, or the model's own where shorter. */
    uint32_t          chunks;         /**< At most so many; 0: all whole chunks of the text. */
    quant_activations activations;    /**< Of both models; default QUANT_ACTIVATIONS_INT8. */
    quant_progress_fn progress;       /**< Units are chunks; detail shows running values. May be NULL. */
    void             *user;
    const char       *base_logits;    /**< A file of log-probabilities as llama-perplexity writes it, in place of
                                           a base model; NULL: none. It brings the tokens: a text given as well must
                                           begin with the same ones. */
    const char       *save_logits;    /**< Write such a file of the model here; NULL: do not. */
    quant_encoding    key_type;       /**< What the model's keys are kept as, F32 (default), F16, BF16, Q8_0 or */
    quant_encoding    value_type;     /**< Q4_0, and its values; the base's are F32. */
    const quant_adapter_use *adapters; /**< That the model runs with, as quant_session_set_adapters(); the base, and
                                            what it is compared with, run without. */
    size_t            adapter_count;
} quant_eval_options;

/** Set the defaults; `size` as status.h says. Threads: any. Blocks: never. Since 0.1. */
QUANT_API void quant_eval_options_init(quant_eval_options *options, size_t size);

/**
 * A measurement. Values against a base are NaN where there was none. Probabilities
 * are fractions, divergences are in nats for each token.
 */
typedef struct quant_eval_result {
    size_t   size;            /**< sizeof(quant_eval_result), set by the caller. */
    uint32_t context_length;
    uint32_t chunks;
    uint64_t tokens;          /**< Scored tokens. */
    quant_activations activations; /**< That it was measured with. */
    double   ppl;             /**< Perplexity of the model. */
    double   ppl_se;          /**< Its standard error. */
    double   base_ppl;
    double   base_ppl_se;
    double   ln_ratio;        /**< ln(ppl / base_ppl). */
    double   ln_ratio_se;     /**< Paired: the covariance of both is taken into account. */
    double   kld_mean;        /**< KL divergence of the model from the base. */
    double   kld_se;
    double   kld_median;
    double   kld_p99;
    double   kld_p999;
    double   kld_max;
    double   top1;            /**< Share of tokens where both think the same token likeliest. */
    double   top1_se;
    double   dp_mean;         /**< Mean change of the right token's probability. */
    double   dp_rms;          /**< Its root mean square. */
    double   seconds;
    char     text_sha256[65]; /**< Of the text's bytes; "" where a file of base logits brought tokens alone. */
    double   dp_mean_se;      /**< Standard error of dp_mean. */
    double   dp_rms_se;       /**< Of dp_rms, to first order. */
    double   kld_median_se;   /**< Standard errors of the quantiles, from the values at the ranks one */
    double   kld_p99_se;      /**< binomial standard deviation away; NaN where the tokens are too few */
    double   kld_p999_se;     /**< to have such ranks. */
} quant_eval_result;

/**
 * Perplexity, and divergence from a base, in one pass with both models resident.
 *
 * The text is tokenized whole and cut into chunks of context_length tokens; the
 * first token of each is replaced by BOS where the model adds one; the second half
 * of each chunk is scored (the protocol of llama.cpp's perplexity tool, so that
 * numbers compare).
 *
 * Products with quantized weights round their other operand to 8 bits unless
 * options->activations says otherwise: so do the runtimes that such files are for, and
 * the numbers tell what their users get.
 *
 * Files of base logits hold 16-bit numbers: their step hides divergences below some
 * 0.0005 nats, which a base model that runs along shows.
 *
 * @param base    The reference, with the same vocabulary; NULL: options->base_logits, or
 *                perplexity alone.
 * @param result  result->size is set by the caller.
 * @retval QUANT_ERR_ARGUMENT   The text is empty or shorter than one chunk (the message
 *                              gives both counts), the vocabularies differ, base and
 *                              base_logits are both given, the logits are of other
 *                              tokens than the text's, or activations is none of the values.
 * @retval QUANT_ERR_MODEL      A model gives logits that are not finite.
 * @retval QUANT_ERR_NOT_FOUND, QUANT_ERR_FORMAT, QUANT_ERR_TRUNCATED  The file of base logits.
 * @retval QUANT_ERR_NO_SPACE, QUANT_ERR_PERMISSION, QUANT_ERR_IO  save_logits cannot be
 *                              written; nothing is left there.
 * @retval QUANT_ERR_CANCELLED  progress asked to stop; save_logits is not written.
 * Threads: any. Blocks: until done. Since 0.1.
 */
QUANT_API quant_status quant_evaluate(const quant_model *model, const quant_model *base,
                                      const quant_eval_options *options, quant_eval_result *result);

/** Which of two models is the better one. */
typedef enum quant_verdict QUANT_AS_INT {
    QUANT_VERDICT_UNDECIDED = 0, /**< The difference is within two standard errors. */
    QUANT_VERDICT_MODEL = 1,     /**< The first one, `model`. */
    QUANT_VERDICT_AGAINST = 2    /**< The second one, `against`. */
} quant_verdict;

/**
 * Two models measured on the same tokens, token by token. Differences are `model`'s value
 * less `against`'s, so that below 0 `model` is the better one. Each has two standard
 * errors: one over tokens, and one over the means of chunks, which also counts that tokens
 * of a chunk are alike (NaN for one chunk). Values that need a base are NaN without one.
 */
typedef struct quant_comparison {
    size_t        size;      /**< sizeof(quant_comparison), set by the caller. */
    uint32_t      chunks;
    quant_verdict verdict;   /**< By kld_difference, or ln_ratio where there is no base, and the larger error. */
    uint64_t      tokens;
    double        ln_ratio;  /**< ln(perplexity of model / perplexity of against). */
    double        ln_ratio_se;
    double        ln_ratio_chunk_se;
    double        kld_difference; /**< Of the mean KL divergences from the base. */
    double        kld_difference_se;
    double        kld_difference_chunk_se;
    double        kld_ratio;    /**< Mean divergence of model over that of against. */
    double        kld_ratio_se; /**< To first order; the larger of both kinds. */
    double        closer;       /**< Share of tokens where model is closer to the base. */
    double        farther;      /**< Share where it is farther away; the rest are equal. */
} quant_comparison;

/**
 * Compare two models on the same tokens, in one pass with all models resident.
 *
 * @param base     As for quant_evaluate(); NULL: options->base_logits, or perplexity alone.
 * @param options  As for quant_evaluate(); save_logits is of `model`.
 * @param model_result, against_result, comparison  Their sizes are set by the caller.
 * @retval QUANT_ERR_ARGUMENT, QUANT_ERR_MODEL, QUANT_ERR_CANCELLED  As quant_evaluate().
 * @retval Others  As quant_evaluate().
 * Threads: any. Blocks: until done. Since 0.1.
 */
QUANT_API quant_status quant_compare(const quant_model *model, const quant_model *against, const quant_model *base,
                                     const quant_eval_options *options, quant_eval_result *model_result,
                                     quant_eval_result *against_result, quant_comparison *comparison);

/** Multiple-choice tasks. Call quant_task_options_init() first. */
typedef struct quant_task_options {
    size_t            size;       /**< Set by the init function. */
    const char       *text;       /**< JSON lines: {"question": text, "choices": [text, ...], "answer": index from
                                       0}. Other members are passed over. Required. */
    size_t            text_bytes;
    const char       *name;       /**< What messages call the text, such as its path. May be NULL. */
    quant_activations activations; /**< Of both models; default QUANT_ACTIVATIONS_INT8. */
    quant_progress_fn progress;   /**< Units are tasks. May be NULL. */
    void             *user;
} quant_task_options;

/** Set the defaults; `size` as status.h says. Threads: any. Blocks: never. Since 0.1. */
QUANT_API void quant_task_options_init(quant_task_options *options, size_t size);

/**
 * How often the right choice was picked, and how often the same one as by the base. Shares
 * are fractions with binomial standard errors. Plain values pick the choice of the largest
 * log-likelihood; "norm" ones divide it by the choice's characters (Unicode code points)
 * first. Values of a base are NaN where there was none.
 */
typedef struct quant_task_result {
    size_t            size; /**< sizeof(quant_task_result), set by the caller. */
    uint64_t          tasks;
    quant_activations activations;
    double            accuracy, accuracy_se;
    double            accuracy_norm, accuracy_norm_se;
    double            base_accuracy, base_accuracy_se;
    double            base_accuracy_norm, base_accuracy_norm_se;
    double            agreement, agreement_se; /**< Model and base pick the same choice. */
    double            agreement_norm, agreement_norm_se;
    double            seconds;
    char              text_sha256[65]; /**< Of the text's bytes. */
} quant_task_result;

/**
 * Answer multiple-choice tasks: each choice is scored by its log-likelihood after the
 * question, from which one space separates it unless either brings white space.
 *
 * @param base    The reference, with the same vocabulary; NULL: none.
 * @param result  result->size is set by the caller.
 * @retval QUANT_ERR_FORMAT     A line is no such task; the message gives its number.
 * @retval QUANT_ERR_ARGUMENT   The vocabularies differ, or a task is longer than a context.
 * @retval QUANT_ERR_MODEL      A model gives logits that are not finite.
 * @retval QUANT_ERR_CANCELLED  progress asked to stop.
 * Threads: any. Blocks: until done. Since 0.1.
 */
QUANT_API quant_status quant_evaluate_tasks(const quant_model *model, const quant_model *base,
                                            const quant_task_options *options, quant_task_result *result);

/** What to time. Call quant_bench_options_init() first. */
typedef struct quant_bench_options {
    size_t            size;          /**< Set by the init function. */
    uint32_t          prompt_tokens; /**< Default 256. */
    uint32_t          decode_tokens; /**< Default 32. */
    uint32_t          rounds;        /**< Default 3; medians are given. */
    quant_progress_fn progress;      /**< Units are rounds. May be NULL. */
    void             *user;
    uint32_t          sequences;     /**< That generate at once, all after the prompt. Default 1. */
    quant_encoding    key_type;      /**< As quant_session_options says; default F16. */
    quant_encoding    value_type;
} quant_bench_options;

/** Set the defaults; `size` as status.h says. Threads: any. Blocks: never. Since 0.1. */
QUANT_API void quant_bench_options_init(quant_bench_options *options, size_t size);

/** Speeds here and now. */
typedef struct quant_bench_result {
    size_t   size;               /**< sizeof(quant_bench_result), set by the caller. */
    uint32_t threads;
    double   prefill_per_second; /**< Prompt tokens a second: median of the rounds. */
    double   prefill_low, prefill_high;
    double   decode_per_second;  /**< Generated tokens a second, of all sequences: median of the rounds. */
    double   decode_low, decode_high;
    char     tier[16];           /**< Instruction tier, "avx512". */
    double   decode_bytes_per_token; /**< Of weights that generating a token reads. */
    double   products_per_token;     /**< Of activations with weights that a token of the prompt takes. */
    uint32_t prompt_tokens;          /**< That were timed, */
    uint32_t decode_tokens;          /**< and generated by each sequence. */
} quant_bench_result;

/**
 * Time the model. Numbers shrink to the model's context where that is shorter.
 *
 * @retval QUANT_ERR_ARGUMENT   No tokens, rounds or sequences asked for, or more than 1024 sequences; key_type or
 *                              value_type as quant_session_new() says.
 * @retval QUANT_ERR_CANCELLED  progress asked to stop.
 * Threads: any, but alone is meant. Blocks: until done. Since 0.1.
 */
QUANT_API quant_status quant_bench(const quant_model *model, const quant_bench_options *options,
                                   quant_bench_result *result);

#ifdef __cplusplus
}
#endif
#endif
