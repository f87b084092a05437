/** @file
 * The catalog: models and their variants on this machine, each with its recipe and
 * its measured loss. An SQLite file that several processes may use at once.
 */
#ifndef QUANT_CATALOG_H
#define QUANT_CATALOG_H

#include <quant/evaluate.h>
#include <quant/quantize.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An open catalog. One thread at a time; open another for another thread. */
typedef struct quant_catalog quant_catalog;

/**
 * Open the catalog, making it and its folder where they do not exist.
 *
 * @param[out] out   Owned by the caller; NULL on failure.
 * @param      path  The file; NULL: catalog.db in $QUANT_HOME, else in
 *                   $XDG_DATA_HOME/libquant, else in ~/.local/share/libquant.
 * @retval QUANT_ERR_CATALOG     Not a catalog, damaged, or of a newer version.
 * @retval QUANT_ERR_BUSY        Another process kept it locked for 5 seconds.
 * @retval QUANT_ERR_PERMISSION, QUANT_ERR_IO, QUANT_ERR_NO_SPACE
 * Threads: any. Blocks: on disk. Since 0.1.
 */
QUANT_API quant_status quant_catalog_open(quant_catalog **out, const char *path);

/** Close it. NULL is fine. Threads: one at a time. Since 0.1. */
QUANT_API void quant_catalog_free(quant_catalog *catalog);

/**
 * Find what a user means by `text`: a path that exists; else "model:variant" or
 * "model" (its base) in the catalog, in any case of letters; else a model shipped
 * with the library. Nothing is recorded by looking: a shipped model is recorded by the
 * first call that has something to record about it.
 *
 * @param[out] out_path  Of the file or folder. quant_string_free(). May be NULL.
 * @param[out] out_name  "model:variant", or NULL for a path the catalog does not know.
 *                       quant_string_free(). May be NULL.
 * @retval QUANT_ERR_NOT_FOUND  Nothing of that name; the message names what is near it. Also
 *                              where the catalog's file has gone; the message names it.
 * Threads: one at a time. Blocks: on disk. Since 0.1.
 */
QUANT_API quant_status quant_catalog_resolve(quant_catalog *catalog, const char *text, char **out_path,
                                             char **out_name);

/**
 * Record a model file or folder where it is; nothing is copied. The same file again
 * gives its existing name.
 *
 * @param name  "model" or "model:variant"; NULL: from the file's name and type.
 * @param progress  Units are bytes hashed; may be NULL.
 * @param[out] out_name  quant_string_free(). May be NULL.
 * @retval QUANT_ERR_EXISTS     Another file has that name.
 * @retval QUANT_ERR_ARGUMENT   A name with other than letters, digits, '.', '_' and '-'.
 * @retval Others               As quant_model_open().
 * Threads: one at a time. Blocks: until done. Since 0.1.
 */
QUANT_API quant_status quant_catalog_import(quant_catalog *catalog, const char *path, const char *name,
                                            quant_progress_fn progress, void *user, char **out_name);

/**
 * Where a variant that is about to be made belongs: a file with a human name in the
 * catalog's own folder of models, which is made. Nothing is recorded.
 *
 * @param source  A name or path, as for quant_catalog_resolve().
 * @param type    Of the variant to be: a type mix, or the type of a plan document.
 * @param[out] out_path  quant_string_free().
 * @retval QUANT_ERR_NOT_FOUND  No such source, or no such type.
 * @retval QUANT_ERR_PERMISSION, QUANT_ERR_IO, QUANT_ERR_NO_SPACE  The folder could not be made.
 * Threads: one at a time. Blocks: on disk. Since 0.1.
 */
QUANT_API quant_status quant_catalog_output_path(quant_catalog *catalog, const char *source, const char *type,
                                                 char **out_path);

/**
 * Record the file that a plan has made, with its recipe, as a variant of its source
 * (which is recorded too if it was not). A variant of that name is replaced, and its
 * measurements with it.
 *
 * @param source  A name or path, as for quant_catalog_resolve().
 * @param plan    After quant_plan_run().
 * @param output  The file it wrote.
 * @param[out] out_name  "model:TYPE". quant_string_free(). May be NULL.
 * @retval QUANT_ERR_NOT_FOUND  No such source, or the output is not there.
 * @retval QUANT_ERR_CANCELLED  progress asked to stop; nothing was recorded.
 * @retval Others               As quant_catalog_import().
 * Threads: one at a time. Blocks: on disk (both files are hashed where not yet known). Since 0.1.
 */
QUANT_API quant_status quant_catalog_add_variant(quant_catalog *catalog, const char *source,
                                                 const quant_plan *plan, const char *output,
                                                 quant_progress_fn progress, void *user, char **out_name);

/**
 * Where a variant of that name belongs: as quant_catalog_output_path(), but for a name of the
 * caller's choice.
 *
 * @param name  "model" or "model:variant"; without a variant, the type is its name.
 * @param type  Of the variant to be: a type mix, or the type of a plan document.
 * @param[out] out_path  quant_string_free().
 * @retval QUANT_ERR_ARGUMENT   A name with other than letters, digits, '.', '_' and '-'.
 * @retval QUANT_ERR_NOT_FOUND  No such type.
 * @retval QUANT_ERR_PERMISSION, QUANT_ERR_IO, QUANT_ERR_NO_SPACE  The folder could not be made.
 * Threads: one at a time. Blocks: on disk. Since 0.1.
 */
QUANT_API quant_status quant_catalog_named_path(quant_catalog *catalog, const char *name, const char *type,
                                                char **out_path);

/**
 * As quant_catalog_add_variant(), under a name of the caller's choice.
 *
 * @param name    "model" or "model:variant"; without a variant, the plan's type is its name.
 * @param source  As there, but it may be of another model; NULL: the variant is recorded without
 *                the source it was made from.
 * @retval QUANT_ERR_ARGUMENT   A name with other than letters, digits, '.', '_' and '-', or the
 *                              source's own.
 * @retval Others               As quant_catalog_add_variant().
 * Threads: one at a time. Blocks: on disk. Since 0.1.
 */
QUANT_API quant_status quant_catalog_add_named_variant(quant_catalog *catalog, const char *name, const char *source,
                                                       const quant_plan *plan, const char *output,
                                                       quant_progress_fn progress, void *user, char **out_name);

/**
 * Give a variant a second name, under which it has the same file, recipe, base and
 * measurements. Each name is removed by itself; a file that the library made goes with the
 * last one. What is quantized later under one name leaves the other as it is.
 *
 * @param source  "model:variant", or "model" for its base.
 * @param name    "model" or "model:variant"; without a variant, the source's. A variant of
 *                that name is replaced.
 * @param[out] out_name  "model:variant". quant_string_free(). May be NULL.
 * @retval QUANT_ERR_NOT_FOUND  No such source.
 * @retval QUANT_ERR_ARGUMENT   A name with other than letters, digits, '.', '_' and '-', the
 *                              source's own, or that of what the source was made from.
 * Threads: one at a time. Blocks: on disk. Since 0.1.
 */
QUANT_API quant_status quant_catalog_copy(quant_catalog *catalog, const char *source, const char *name,
                                          char **out_name);

/**
 * Record a GGUF file as the catalog's own: it gets a second name (a hard link) in the
 * catalog's folder of models, and goes with quant_catalog_remove(). The first name stays.
 *
 * @param path  A single GGUF file, on the file system of the catalog's folder.
 * @param name  "model" or "model:variant"; without a variant, from the file's type. A variant
 *              of that name is replaced.
 * @param progress  Units are bytes hashed; may be NULL.
 * @param[out] out_name  "model:variant". quant_string_free(). May be NULL.
 * @retval QUANT_ERR_ARGUMENT   A name with other than letters, digits, '.', '_' and '-', or
 *                              not a single GGUF file.
 * @retval QUANT_ERR_IO, QUANT_ERR_PERMISSION  The file cannot be linked there.
 * @retval Others               As quant_catalog_import().
 * Threads: one at a time. Blocks: until done. Since 0.1.
 */
QUANT_API quant_status quant_catalog_adopt(quant_catalog *catalog, const char *path, const char *name,
                                           quant_progress_fn progress, void *user, char **out_name);

/**
 * Remove from the catalog's folder of models what processes that were killed have left
 * half-written. What somebody is writing now stays.
 *
 * @param[out] out_removed  How many files; may be NULL.
 * @retval QUANT_ERR_ARGUMENT  catalog is NULL.
 * Threads: one at a time. Blocks: on disk. Since 0.1.
 */
QUANT_API quant_status quant_catalog_clean(quant_catalog *catalog, uint32_t *out_removed);

/** What QUANT_ERR_NOT_FOUND-free removal does; flags to combine. */
enum {
    QUANT_REMOVE_KEEP_FILE = 1 /**< Forget the variant, but leave its file. */
};

/**
 * Remove a variant ("model:variant") or a model with all its variants ("model").
 * Files that the library made in its own folder are deleted unless another variant has the
 * same one (quant_catalog_copy()), all others stay.
 *
 * @param[out] out_removed  How many variants; may be NULL.
 * @retval QUANT_ERR_NOT_FOUND  No such name.
 * Threads: one at a time. Blocks: on disk. Since 0.1.
 */
QUANT_API quant_status quant_catalog_remove(quant_catalog *catalog, const char *name, uint32_t flags,
                                            uint32_t *out_removed);

/**
 * The path of the text that a model is measured on by default: heldout.txt beside the
 * model or its base, else the one of the shipped model.
 *
 * @param[out] out_path  quant_string_free().
 * @param[out] out_own   1 if it is the model's own, 0 if the shipped one. May be NULL.
 * @retval QUANT_ERR_NOT_FOUND  There is none.
 * Threads: one at a time. Blocks: on disk. Since 0.1.
 */
QUANT_API quant_status quant_catalog_eval_text(quant_catalog *catalog, const char *name_or_path,
                                               char **out_path, int32_t *out_own);

/**
 * The path of the text that a model is calibrated with by default: calibration.txt beside
 * the model or its base, else the shipped text of several domains. Otherwise as
 * quant_catalog_eval_text().
 *
 * @retval QUANT_ERR_NOT_FOUND  There is none.
 * Threads: one at a time. Blocks: on disk. Since 0.1.
 */
QUANT_API quant_status quant_catalog_calibration_text(quant_catalog *catalog, const char *name_or_path,
                                                      char **out_path, int32_t *out_own);

/**
 * The name of the base that a variant is measured against ("model:variant"), which is
 * the variant it was made from.
 *
 * @retval QUANT_ERR_NOT_FOUND  It is a base itself, or not in the catalog.
 * Threads: one at a time. Blocks: on disk. Since 0.1.
 */
QUANT_API quant_status quant_catalog_base(quant_catalog *catalog, const char *name, char **out_name);

/**
 * Record a measurement of a variant, and the perplexity it found for the base.
 *
 * @param name       "model:variant".
 * @param base       "model:variant" it was measured against, or NULL.
 * @param text_name  What the text is called, such as its file name.
 * @retval QUANT_ERR_NOT_FOUND  name or base is not in the catalog.
 * Threads: one at a time. Blocks: on disk. Since 0.1.
 */
QUANT_API quant_status quant_catalog_record_eval(quant_catalog *catalog, const char *name, const char *base,
                                                 const char *text_name, const quant_eval_result *result);

/**
 * Write a measurement into the model's own GGUF file, so that it travels with it: keys
 * "quant.eval.*" (base, base_digest, text, text_sha256, tokens, ppl, kld_mean, kld_se,
 * kld_p999, top1, activations, library_version, date and more), and "quant.recipe.*" where
 * the catalog knows how the file was made. A stamp that is there already is replaced. The
 * tensors stay byte for byte; the file is rewritten beside and renamed into place, and the
 * catalog's record of it follows. Models that are open keep the old file.
 *
 * @param name_or_path  The model that was measured, as for quant_catalog_resolve().
 * @param base       What it was measured against, likewise, or NULL. Its files are hashed
 *                   where the catalog does not know them.
 * @param text_name  What the text is called, such as its file name.
 * @param progress   Units are bytes; may be NULL.
 * @retval QUANT_ERR_ARGUMENT    Not a single GGUF file: a folder, safetensors, a part of a set.
 * @retval QUANT_ERR_PERMISSION  The file is not this user's own, or may not be written.
 * @retval QUANT_ERR_VERIFY      The file has changed since it was recorded.
 * @retval QUANT_ERR_NOT_FOUND   No such model or base.
 * @retval QUANT_ERR_CANCELLED, QUANT_ERR_NO_SPACE, QUANT_ERR_IO  The file is as it was.
 * Threads: one at a time. Blocks: until done. Since 0.1.
 */
QUANT_API quant_status quant_catalog_stamp(quant_catalog *catalog, const char *name_or_path, const char *base,
                                           const char *text_name, const quant_eval_result *result,
                                           quant_progress_fn progress, void *user);

/**
 * Record speeds of a variant on this machine.
 * @retval QUANT_ERR_NOT_FOUND  name is not in the catalog.
 * Threads: one at a time. Blocks: on disk. Since 0.1.
 */
QUANT_API quant_status quant_catalog_record_bench(quant_catalog *catalog, const char *name,
                                                  const quant_bench_result *result);

/** Variants as they were when the list was made. Immutable. */
typedef struct quant_variant_list quant_variant_list;

/** A variant. Strings are the list's; numbers not measured are NaN. */
typedef struct quant_variant_info {
    size_t      size;            /**< sizeof(quant_variant_info), set by the caller. */
    const char *name;            /**< "kjv-5m:Q4_K_M". */
    const char *model;           /**< "kjv-5m". */
    const char *variant;         /**< "Q4_K_M". */
    const char *architecture;
    const char *base;            /**< Name of the variant it was made from, or "". */
    const char *path;
    int32_t     file_missing;    /**< 1 if the file is not there now. */
    uint64_t    parameters;
    uint64_t    bytes;
    double      bits_per_weight;
    double      ppl, ppl_se;     /**< Latest measurement. */
    double      kld_mean, kld_se;
    double      top1;
    double      decode_per_second;  /**< Latest on this machine. */
    double      prefill_per_second;
} quant_variant_info;

/**
 * All variants, ordered by model and size, with their latest measurements.
 *
 * @param[out] out  Owned by the caller; NULL on failure.
 * @param filter    "model" or "model:variant", or NULL for all.
 * @retval QUANT_ERR_NOT_FOUND  The filter matches nothing.
 * Threads: one at a time. Blocks: on disk. Since 0.1.
 */
QUANT_API quant_status quant_catalog_list(quant_catalog *catalog, const char *filter,
                                          quant_variant_list **out);

/** Threads: any. Since 0.1. */
QUANT_API size_t quant_variant_list_count(const quant_variant_list *list);

/** @retval QUANT_ERR_ARGUMENT  index out of range, or info->size unknown. Threads: any. Since 0.1. */
QUANT_API quant_status quant_variant_list_get(const quant_variant_list *list, size_t index,
                                              quant_variant_info *info);

/** Release it. NULL is fine. Threads: any. Since 0.1. */
QUANT_API void quant_variant_list_free(quant_variant_list *list);

/**
 * All that is known of a variant as one JSON object: "schema_version", the fields of
 * quant_variant_info, "recipe" (tensor, shape, encoding, method, bytes, rmse,
 * relative), "measurements", "speeds", "files", "provenance".
 *
 * @param[out] out_json  quant_string_free().
 * @retval QUANT_ERR_NOT_FOUND  No such name.
 * Threads: one at a time. Blocks: on disk. Since 0.1.
 */
QUANT_API quant_status quant_catalog_show(quant_catalog *catalog, const char *name, char **out_json);

/**
 * A model with all its variants as one JSON object: "schema_version", "model", "machine"
 * (this machine's identity, as in "speeds"), and "variants", each of them as
 * quant_catalog_show() has it, but without "recipe" and "files". Largest first.
 *
 * @param      name      A model, one of its variants, or the path of one.
 * @param[out] out_json  quant_string_free().
 * @retval QUANT_ERR_NOT_FOUND  No such model in the catalog.
 * Threads: one at a time. Blocks: on disk. Since 0.1.
 */
QUANT_API quant_status quant_catalog_show_model(quant_catalog *catalog, const char *name, char **out_json);

#ifdef __cplusplus
}
#endif
#endif
