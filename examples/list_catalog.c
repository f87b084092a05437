/*
 * List the variants of the catalog with what was measured of them.
 *
 *     list_catalog [MODEL]
 */
#include <quant/catalog.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static int failed(const char *doing) {
    fprintf(stderr, "list_catalog: %s: %s\n", doing, quant_error_message());
    return EXIT_FAILURE;
}

/* A number that nobody has measured yet is NaN. */
static void print_number(double value, int decimals) {
    if (isnan(value)) printf("  %9s", "-");
    else printf("  %9.*f", decimals, value);
}

static int print_list(const quant_variant_list *list) {
    printf("%-28s  %9s  %9s  %9s  %9s\n", "name", "MB", "bits/w", "PPL", "KLD");
    for (size_t i = 0; i < quant_variant_list_count(list); i++) {
        quant_variant_info v = {.size = sizeof v}; /* Says which version of the struct this is. */
        if (quant_variant_list_get(list, i, &v) != QUANT_OK) return failed("variant");
        printf("%-28s", v.name);
        print_number((double)v.bytes / 1e6, 1);
        print_number(v.bits_per_weight, 2);
        print_number(v.ppl, 3);
        print_number(v.kld_mean, 5);
        printf("%s\n", v.file_missing ? "  (file missing)" : "");
    }
    return EXIT_SUCCESS;
}

int main(int argc, char **argv) {
    quant_catalog *catalog = NULL;
    quant_variant_list *list = NULL;
    int result = EXIT_FAILURE;
    if (quant_catalog_open(&catalog, NULL) != QUANT_OK) failed("catalog");
    else if (quant_catalog_list(catalog, argc > 1 ? argv[1] : NULL, &list) != QUANT_OK) failed("list");
    else result = print_list(list);
    quant_variant_list_free(list); /* Its strings end with it. */
    quant_catalog_free(catalog);
    return result;
}
