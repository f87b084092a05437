/* The rules of the C ABI, tried from C11 as any outsider would: nothing here knows
 * more than the public headers. This file makes the world that the parts test in. */
#define _XOPEN_SOURCE 700

#include "abi_check.h"

#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

int checks, failures;

void check_status(const char *file, int line, const char *call, quant_status expected, quant_status found) {
    checks++;
    if (found != expected) {
        failures++;
        printf("%s:%d: %s: expected %s, found %s (%s)\n", file, line, call, quant_status_name(expected),
               quant_status_name(found), quant_error_message());
    } else if (found != QUANT_OK && quant_error_message()[0] == '\0') {
        failures++;
        printf("%s:%d: %s: failed without a message\n", file, line, call);
    }
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *where) {
    (void)info, (void)type, (void)where;
    return remove(path);
}

static int make_world(world *w) {
    const char *temporary = getenv("TMPDIR");
    snprintf(w->folder, sizeof w->folder, "%s/quant-abi-XXXXXX", temporary ? temporary : "/tmp");
    if (!mkdtemp(w->folder)) {
        perror(w->folder);
        return 0;
    }
    snprintf(w->output, sizeof w->output, "%s/output.gguf", w->folder);
    setenv("QUANT_HOME", w->folder, 1);

    quant_quantize_options options;
    quant_quantize_options_init(&options, sizeof options);
    options.type = "Q4_0";
    static const unsigned char weights[18 * 8];
    CHECK_STATUS(QUANT_OK, quant_catalog_open(&w->catalog, NULL));
    CHECK_STATUS(QUANT_OK, quant_catalog_resolve(w->catalog, "kjv-5m", &w->model_path, NULL));
    CHECK_STATUS(QUANT_OK, quant_catalog_list(w->catalog, NULL, &w->list));
    CHECK(quant_variant_list_count(w->list) == 0); /* Looking records nothing. */
    quant_variant_list_free(w->list);
    CHECK_STATUS(QUANT_OK, quant_catalog_import(w->catalog, w->model_path, NULL, NULL, NULL, NULL));
    CHECK_STATUS(QUANT_OK, quant_model_open(&w->model, w->model_path, NULL));
    make_adapter(w);
    CHECK_STATUS(QUANT_OK, quant_session_new(&w->session, w->model, NULL));
    CHECK_STATUS(QUANT_OK, quant_container_open(&w->container, w->model_path));
    CHECK_STATUS(QUANT_OK, quant_plan_new(&w->plan, w->model_path, &options));
    CHECK_STATUS(QUANT_OK, quant_matrix_pack(&w->matrix, QUANT_Q4_0, 8, 32, weights, sizeof weights));
    CHECK_STATUS(QUANT_OK, quant_catalog_list(w->catalog, NULL, &w->list));
    return failures == 0;
}

/* Each handle goes, the model before the session that holds it. */
static void end_world(world *w) {
    quant_variant_list_free(w->list);
    quant_matrix_free(w->matrix);
    quant_plan_free(w->plan);
    quant_container_free(w->container);
    quant_model_free(w->model);
    quant_adapter_free(w->adapter);
    CHECK(quant_session_capacity(w->session) > 0);
    quant_session_free(w->session);
    quant_string_free(w->model_path);
    quant_catalog_free(w->catalog);
    CHECK(nftw(w->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

int main(void) {
    world w;
    memset(&w, 0, sizeof w);
    CHECK(quant_error_message()[0] == '\0');
    test_values();
    if (make_world(&w)) {
        test_null_arguments(&w);
        test_bad_arguments(&w);
        test_sized_results(&w);
        test_sized_options(&w);
        test_messages(&w);
        test_cancelling(&w);
        test_requests(&w);
        test_adapters(&w);
    }
    end_world(&w);
    printf("%d checks, %d failures\n", checks, failures);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
