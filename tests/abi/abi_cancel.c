/* Long work reports where it stands and stops when asked, leaving nothing behind. */
#define _XOPEN_SOURCE 700

#include "abi_check.h"

#include <dirent.h>
#include <math.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Stops after so many reports; notes whether each was well formed. */
typedef struct watch {
    int reports_to_stop, reports;
    uint64_t last_done;
    int well_formed;
} watch;

static int report(void *user, const quant_progress *p) {
    watch *w = user;
    if (w->reports == 0) w->well_formed = 1;
    if (p->size != sizeof *p || !p->stage || !p->detail || !(p->seconds >= 0)) w->well_formed = 0;
    if (p->total != 0 && p->done > p->total) w->well_formed = 0;
    w->last_done = p->done;
    w->reports++;
    return w->reports == w->reports_to_stop;
}

static int count_entries(const char *folder) {
    DIR *d = opendir(folder);
    int count = 0;
    CHECK(d != NULL);
    while (d && readdir(d)) count++;
    if (d) closedir(d);
    return count;
}

static void cancel_quantize(const world *w) {
    const int entries = count_entries(w->folder);
    watch first = {.reports_to_stop = 1}, never = {.reports_to_stop = -1};
    CHECK_STATUS(QUANT_ERR_CANCELLED, quant_plan_run(w->plan, w->output, report, &first));
    CHECK(first.well_formed && first.reports == 1);
    CHECK(access(w->output, F_OK) != 0);
    CHECK(count_entries(w->folder) == entries); /* No temporary file either. */

    CHECK_STATUS(QUANT_OK, quant_plan_run(w->plan, w->output, report, &never));
    quant_plan_summary summary = {.size = sizeof summary};
    CHECK_STATUS(QUANT_OK, quant_plan_get_summary(w->plan, &summary));
    CHECK(never.well_formed && never.reports > 0);
    CHECK(never.last_done == summary.parameters);
    CHECK(count_entries(w->folder) == entries + 1);

    /* What was there before stays as it was. */
    watch again = {.reports_to_stop = 1};
    CHECK_STATUS(QUANT_ERR_CANCELLED, quant_plan_run(w->plan, w->output, report, &again));
    quant_model *model = NULL;
    CHECK_STATUS(QUANT_OK, quant_model_open(&model, w->output, NULL));
    quant_model_free(model);
    CHECK(count_entries(w->folder) == entries + 1);
}

static void cancel_catalog(const world *w) {
    watch first = {.reports_to_stop = 1};
    quant_variant_list *before = NULL, *after = NULL;
    char *name = NULL;
    CHECK_STATUS(QUANT_OK, quant_catalog_list(w->catalog, NULL, &before));
    CHECK_STATUS(QUANT_ERR_CANCELLED,
                 quant_catalog_import(w->catalog, w->output, "imported", report, &first, &name));
    CHECK(name == NULL && first.well_formed);
    CHECK_STATUS(QUANT_OK, quant_catalog_list(w->catalog, NULL, &after));
    CHECK(quant_variant_list_count(before) == quant_variant_list_count(after));
    quant_variant_list_free(before);
    quant_variant_list_free(after);
}

static void cancel_evaluation(const world *w) {
    static char text[16384];
    for (size_t i = 0; i < sizeof text; i++) text[i] = "and "[i % 4];
    watch first = {.reports_to_stop = 1}, never = {.reports_to_stop = -1};
    quant_eval_options options;
    quant_eval_result result = {.size = sizeof result};
    quant_eval_options_init(&options, sizeof options);
    options.text = text, options.text_bytes = sizeof text, options.context_length = 32, options.chunks = 3;
    options.progress = report, options.user = &first;
    CHECK_STATUS(QUANT_ERR_CANCELLED, quant_evaluate(w->model, NULL, &options, &result));
    CHECK(first.well_formed && first.reports == 1);
    options.user = &never;
    CHECK_STATUS(QUANT_OK, quant_evaluate(w->model, w->model, &options, &result));
    CHECK(never.well_formed && never.last_done == 3);
    CHECK(result.chunks == 3 && result.ppl > 1 && result.kld_mean == 0 && result.top1 == 1);
    CHECK_STATUS(QUANT_OK, quant_evaluate(w->model, NULL, &options, &result));
    CHECK(isnan(result.base_ppl) && isnan(result.kld_mean));
    options.text_bytes = 8;
    REFUSED(quant_evaluate(w->model, NULL, &options, &result)); /* Shorter than one chunk. */

    watch bench_first = {.reports_to_stop = 1};
    quant_bench_options bench;
    quant_bench_result timed = {.size = sizeof timed};
    quant_bench_options_init(&bench, sizeof bench);
    bench.prompt_tokens = 2, bench.decode_tokens = 1;
    bench.progress = report, bench.user = &bench_first;
    CHECK_STATUS(QUANT_ERR_CANCELLED, quant_bench(w->model, &bench, &timed));
    bench.progress = NULL, bench.rounds = 0;
    REFUSED(quant_bench(w->model, &bench, &timed));
}

static int stop_text(void *user, const char *text, size_t bytes) {
    int *calls = user;
    CHECK(strlen(text) == bytes);
    return ++*calls == 2;
}

static void cancel_generation(const world *w) {
    int calls = 0;
    quant_sampling greedy;
    quant_generate_options options;
    quant_generate_result result = {.size = sizeof result};
    quant_sampling_init(&greedy, sizeof greedy);
    greedy.temperature = 0;
    quant_generate_options_init(&options, sizeof options);
    options.prompt = "In the beginning", options.prompt_bytes = 16, options.max_tokens = 50;
    options.sampling = &greedy, options.on_text = stop_text, options.user = &calls;
    CHECK_STATUS(QUANT_OK, quant_generate(w->session, &options, &result));
    CHECK(result.stop == QUANT_STOP_CALLER && calls == 2);
    CHECK(result.generated_tokens >= 2 && result.generated_tokens < 50);
    CHECK_STATUS(QUANT_OK, quant_session_truncate(w->session, 0));

    watch first = {.reports_to_stop = 1};
    options.on_text = NULL, options.on_prefill = report, options.user = &first;
    CHECK_STATUS(QUANT_ERR_CANCELLED, quant_generate(w->session, &options, &result));
    CHECK(first.well_formed);
    CHECK_STATUS(QUANT_OK, quant_session_truncate(w->session, 0));
}

static void cancel_encoding(void) {
    enum { rows = 600, cols = 1024 };
    static float weights[rows * cols];
    static unsigned char bytes[rows * cols / 32 * 18];
    for (size_t i = 0; i < rows * cols; i++) weights[i] = (float)(i % 97) - 48;
    watch first = {.reports_to_stop = 1}, never = {.reports_to_stop = -1};
    quant_encode_options options;
    quant_encode_options_init(&options, sizeof options);
    options.progress = report, options.user = &first;
    CHECK_STATUS(QUANT_ERR_CANCELLED, quant_encode(QUANT_Q4_0, weights, rows, cols, &options, bytes, sizeof bytes));
    CHECK(first.well_formed && first.reports == 1);
    options.user = &never;
    CHECK_STATUS(QUANT_OK, quant_encode(QUANT_Q4_0, weights, rows, cols, &options, bytes, sizeof bytes));
    CHECK(never.well_formed && never.last_done == rows * cols);
}

static void cancel_opening(const world *w) {
    watch first = {.reports_to_stop = 1}, never = {.reports_to_stop = -1};
    quant_model *model = STALE;
    quant_open_options options;
    quant_open_options_init(&options, sizeof options);
    options.flags = QUANT_OPEN_PREFAULT, options.progress = report, options.user = &first;
    CHECK_STATUS(QUANT_ERR_CANCELLED, quant_model_open(&model, w->model_path, &options));
    CHECK(model == NULL && first.well_formed && first.reports == 1);
    options.user = &never;
    CHECK_STATUS(QUANT_OK, quant_model_open(&model, w->model_path, &options));
    CHECK(never.well_formed && never.last_done > 1000000);
    quant_model_free(model);
}

/* A daemon that takes the connection and never answers. */
static void cancel_borrowing(const world *w) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%.90s/mute.sock", w->folder);
    const int mute = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(bind(mute, (struct sockaddr *)&address, sizeof address) == 0 && listen(mute, 1) == 0);
    watch third = {.reports_to_stop = 3};
    quant_model *model = STALE;
    quant_shared_options options;
    quant_shared_options_init(&options, sizeof options);
    options.socket = address.sun_path, options.timeout_seconds = 60, options.progress = report, options.user = &third;
    CHECK_STATUS(QUANT_ERR_CANCELLED, quant_model_open_shared(&model, "kjv-5m", &options));
    CHECK(model == NULL && third.well_formed && third.reports == 3);
    options.timeout_seconds = 0.25, third = (watch){.reports_to_stop = -1};
    CHECK_STATUS(QUANT_ERR_IO, quant_model_open_shared(&model, "kjv-5m", &options));
    CHECK(third.reports >= 2);
    close(mute);
    unlink(address.sun_path);
}

void test_cancelling(const world *w) {
    cancel_encoding();
    cancel_opening(w);
    cancel_borrowing(w);
    cancel_quantize(w);
    cancel_catalog(w);
    cancel_evaluation(w);
    cancel_generation(w);
}
