/*
 * Quantize a model with a line of progress, and record the new variant.
 *
 *     quantize_model MODEL TYPE         such as: quantize_model kjv-5m Q4_K_M
 */
#include <quant/catalog.h>
#include <quant/quantize.h>

#include <stdio.h>
#include <stdlib.h>

static int failed(const char *doing) {
    fprintf(stderr, "\nquantize_model: %s: %s\n", doing, quant_error_message());
    return EXIT_FAILURE;
}

/* Called about ten times a second from this thread. Returning 1 would cancel. */
static int show(void *user, const quant_progress *p) {
    (void)user;
    const double percent = p->total ? 100.0 * (double)p->done / (double)p->total : 0;
    fprintf(stderr, "\r%5.1f %%  %-40.40s", percent, p->stage);
    return 0;
}

static int print_plan(const quant_plan *plan) {
    quant_plan_summary sum = {.size = sizeof sum};
    if (quant_plan_get_summary(plan, &sum) != QUANT_OK) return failed("summary");
    printf("%zu tensors, %llu bytes to %llu as %s: %.2f bits per weight\n", sum.tensors,
           (unsigned long long)sum.source_bytes, (unsigned long long)sum.output_bytes, sum.type, sum.bits_per_weight);
    return EXIT_SUCCESS;
}

/* Plan, write the file, record it. The file appears complete or not at all. */
static int quantize(quant_catalog *catalog, const char *source, const char *source_path, const char *type) {
    quant_quantize_options options;
    quant_quantize_options_init(&options, sizeof options);
    options.type = type;

    quant_plan *plan = NULL;
    char *output = NULL, *name = NULL;
    int result = EXIT_FAILURE;
    if (quant_plan_new(&plan, source_path, &options) != QUANT_OK) {
        failed("plan");
    } else if (print_plan(plan) != EXIT_SUCCESS) {
        /* It has said why. */
    } else if (quant_catalog_output_path(catalog, source, type, &output) != QUANT_OK) {
        failed("output");
    } else if (quant_plan_run(plan, output, show, NULL) != QUANT_OK) {
        failed("quantize");
    } else if (quant_catalog_add_variant(catalog, source, plan, output, NULL, NULL, &name) != QUANT_OK) {
        failed("record");
    } else {
        fprintf(stderr, "\n");
        printf("%s is in %s\n", name, output);
        result = EXIT_SUCCESS;
    }
    quant_string_free(name);
    quant_string_free(output);
    quant_plan_free(plan);
    return result;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: quantize_model MODEL TYPE\n");
        return 2;
    }
    quant_catalog *catalog = NULL;
    char *path = NULL;
    int result = EXIT_FAILURE;
    if (quant_catalog_open(&catalog, NULL) != QUANT_OK) failed("catalog");
    else if (quant_catalog_resolve(catalog, argv[1], &path, NULL) != QUANT_OK) failed("model");
    else result = quantize(catalog, argv[1], path, argv[2]);
    quant_string_free(path);
    quant_catalog_free(catalog);
    return result;
}
