/** @file
 * Measuring what quantization cost, and how fast a model runs here.
 */
#ifndef QUANT_EVALUATE_H
#define QUANT_EVALUATE_H

#include <quant/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What to measure on. Call quant_eval_options_init() first. */
typedef struct quant_eval_options {
    size_t            size;           /**< Set by the init function. */
    const char       *text;           /**< UTF-8. Required. */
    size_t            text_bytes;
    uint32_t          context_length; /**< Tokens a chunk; 0: 512, or the model's own where shorter. */
    uint32_t          chunks;         /**< At most so many; 0: all whole chunks of the text. */
    quant_activations activations;    /**< Of both models; default QUANT_ACTIVATIONS_INT8. */
    quant_progress_fn progress;       /**< Units are chunks; detail shows running values. May be NULL. */
    void             *user;
} quant_eval_options;

/** Set the defaults. Threads: any. Since 0.1. */
QUANT_API void quant_eval_options_init(quant_eval_options *options);

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
    char     text_sha256[65]; /**< Of the text's bytes. */
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
 * @param base    The reference, with the same vocabulary; NULL: perplexity alone.
 * @param result  result->size is set by the caller.
 * @retval QUANT_ERR_ARGUMENT   The text is shorter than one chunk (the message gives both
 *                              counts), the vocabularies differ, or
 *                              activations is none of the values.
 * @retval QUANT_ERR_CANCELLED  progress asked to stop.
 * Threads: any. Blocks: until done. Since 0.1.
 */
QUANT_API quant_status quant_evaluate(const quant_model *model, const quant_model *base,
                                      const quant_eval_options *options, quant_eval_result *result);

/** What to time. Call quant_bench_options_init() first. */
typedef struct quant_bench_options {
    size_t            size;          /**< Set by the init function. */
    uint32_t          prompt_tokens; /**< Default 256. */
    uint32_t          decode_tokens; /**< Default 32. */
    uint32_t          rounds;        /**< Default 3; medians are given. */
    quant_progress_fn progress;      /**< Units are rounds. May be NULL. */
    void             *user;
} quant_bench_options;

/** Set the defaults. Threads: any. Since 0.1. */
QUANT_API void quant_bench_options_init(quant_bench_options *options);

/** Speeds here and now. */
typedef struct quant_bench_result {
    size_t   size;               /**< sizeof(quant_bench_result), set by the caller. */
    uint32_t threads;
    double   prefill_per_second; /**< Prompt tokens a second: median of the rounds. */
    double   prefill_low, prefill_high;
    double   decode_per_second;  /**< Generated tokens a second: median of the rounds. */
    double   decode_low, decode_high;
    char     tier[16];           /**< Instruction tier, "avx512". */
} quant_bench_result;

/**
 * Time the model. Numbers shrink to the model's context where that is shorter.
 *
 * @retval QUANT_ERR_ARGUMENT   No tokens or no rounds asked for.
 * @retval QUANT_ERR_CANCELLED  progress asked to stop.
 * Threads: any, but alone is meant. Blocks: until done. Since 0.1.
 */
QUANT_API quant_status quant_bench(const quant_model *model, const quant_bench_options *options,
                                   quant_bench_result *result);

#ifdef __cplusplus
}
#endif
#endif
