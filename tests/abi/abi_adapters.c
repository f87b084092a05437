/* Adapters: opened for a model, attached to sessions and requests, merged by plans, measured. */
#define _XOPEN_SOURCE 700

#include "abi_check.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

/* The value projection of the shipped model's first layer, 128 x 256, and a rank. */
enum { rows = 128, cols = 256, rank = 2 };

static void write_config(const char *folder) {
    char path[512];
    snprintf(path, sizeof path, "%s/adapter_config.json", folder);
    FILE *file = fopen(path, "w");
    CHECK(file != NULL);
    if (!file) return;
    fprintf(file, "{\"peft_type\": \"LORA\", \"r\": %d, \"lora_alpha\": 4}", rank);
    fclose(file);
}

static void write_tensors(const char *folder) {
    static float factors[rank * cols + rows * rank];
    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++) factors[i] = (float)(i * 7919 % 1000) / 500 - 1;
    const char name[] = "base_model.model.model.layers.0.self_attn.v_proj.lora_";
    const size_t of_a = rank * cols * sizeof *factors;
    char header[600], path[512];
    snprintf(header, sizeof header,
             "{\"%sA.weight\":{\"dtype\":\"F32\",\"shape\":[%d,%d],\"data_offsets\":[0,%zu]},"
             "\"%sB.weight\":{\"dtype\":\"F32\",\"shape\":[%d,%d],\"data_offsets\":[%zu,%zu]}}",
             name, rank, cols, of_a, name, rows, rank, of_a, sizeof factors);
    const uint64_t length = strlen(header);
    snprintf(path, sizeof path, "%s/adapter_model.safetensors", folder);
    FILE *file = fopen(path, "wb");
    CHECK(file != NULL);
    if (!file) return;
    CHECK(fwrite(&length, sizeof length, 1, file) == 1);
    CHECK(fwrite(header, length, 1, file) == 1);
    CHECK(fwrite(factors, sizeof factors, 1, file) == 1);
    fclose(file);
}

void make_adapter(world *w) {
    snprintf(w->adapter_path, sizeof w->adapter_path, "%s/adapter", w->folder);
    CHECK(mkdir(w->adapter_path, 0700) == 0);
    write_config(w->adapter_path);
    write_tensors(w->adapter_path);
    CHECK_STATUS(QUANT_OK, quant_adapter_open(&w->adapter, w->model, w->adapter_path));
}

static void nothing(const world *w) {
    quant_adapter *adapter = STALE;
    quant_adapter_info info = {.size = sizeof info};
    const quant_adapter_use none = {.adapter = NULL, .scale = 1};
    REFUSED(quant_adapter_open(NULL, w->model, w->adapter_path));
    REFUSED(quant_adapter_open(&adapter, NULL, w->adapter_path));
    CHECK(adapter == NULL);
    REFUSED(quant_adapter_open(&adapter, w->model, NULL));
    adapter = STALE;
    CHECK_STATUS(QUANT_ERR_NOT_FOUND, quant_adapter_open(&adapter, w->model, "/nowhere"));
    CHECK(adapter == NULL);
    REFUSED(quant_adapter_get_info(NULL, &info));
    REFUSED(quant_adapter_get_info(w->adapter, NULL));
    quant_adapter_free(NULL);
    REFUSED(quant_session_set_adapters(NULL, NULL, 0));
    REFUSED(quant_session_set_adapters(w->session, NULL, 1));
    REFUSED(quant_session_set_adapters(w->session, &none, 1));
    CHECK_STATUS(QUANT_OK, quant_session_set_adapters(w->session, NULL, 0));
    quant_session *session = STALE;
    quant_session_options options;
    quant_session_options_init(&options, sizeof options);
    options.adapter_count = 1;
    REFUSED(quant_session_new(&session, w->model, &options));
    options.adapters = &none;
    REFUSED(quant_session_new(&session, w->model, &options));
    CHECK(session == NULL);
}

static void description(const world *w) {
    quant_adapter_info info = {.size = sizeof info};
    CHECK_STATUS(QUANT_OK, quant_adapter_get_info(w->adapter, &info));
    CHECK(strcmp(info.path, w->adapter_path) == 0);
    CHECK(info.is_gguf == 0 && info.rank == rank && info.matrices == 1);
    CHECK(info.parameters == rank * cols + rows * rank);
}

enum { vocabulary = 2048 };

static void logits_of(quant_session *session, float *logits) {
    const int32_t tokens[] = {5, 9, 300, 7};
    CHECK_STATUS(QUANT_OK, quant_session_truncate(session, 0));
    CHECK_STATUS(QUANT_OK, quant_session_run(session, tokens, 4, NULL, logits));
}

static int same(const float *a, const float *b) { return memcmp(a, b, vocabulary * sizeof *a) == 0; }

static void sessions(const world *w) {
    static float plain[vocabulary], adapted[vocabulary], again[vocabulary];
    quant_adapter_use uses[2] = {{w->adapter, 1}, {w->adapter, 2}};
    logits_of(w->session, plain);
    REFUSED(quant_session_set_adapters(w->session, uses, 2)); /* Twice the same. */
    uses[1].scale = 1001;
    REFUSED(quant_session_set_adapters(w->session, uses + 1, 1));
    CHECK(quant_session_length(w->session) == 4);
    CHECK_STATUS(QUANT_OK, quant_session_set_adapters(w->session, uses, 1));
    CHECK(quant_session_length(w->session) == 0);
    logits_of(w->session, adapted);
    CHECK(!same(plain, adapted));
    CHECK_STATUS(QUANT_OK, quant_session_set_adapters(w->session, uses, 1));
    CHECK(quant_session_length(w->session) == 4); /* The same again. */
    uses[0].scale = 0.5f;
    CHECK_STATUS(QUANT_OK, quant_session_set_adapters(w->session, uses, 1));
    logits_of(w->session, again);
    CHECK(!same(again, adapted) && !same(again, plain));
    uses[0].scale = 0;
    CHECK_STATUS(QUANT_OK, quant_session_set_adapters(w->session, uses, 1));
    logits_of(w->session, again);
    CHECK(same(again, plain));

    quant_session *session = NULL;
    quant_session_options options;
    quant_session_options_init(&options, sizeof options);
    uses[0].scale = 1;
    options.adapters = uses, options.adapter_count = 1;
    CHECK_STATUS(QUANT_OK, quant_session_new(&session, w->model, &options));
    logits_of(session, again);
    CHECK(same(again, adapted));
    quant_session_free(session);

    /* Another handle of the same files is another model, and an adapter lives as long as it is used. */
    quant_model *other = NULL;
    quant_adapter *its = NULL;
    CHECK_STATUS(QUANT_OK, quant_model_open(&other, w->model_path, NULL));
    CHECK_STATUS(QUANT_OK, quant_adapter_open(&its, other, w->adapter_path));
    CHECK_STATUS(QUANT_OK, quant_session_new(&session, other, NULL));
    REFUSED(quant_session_set_adapters(session, uses, 1));
    uses[0].adapter = its;
    CHECK_STATUS(QUANT_OK, quant_session_set_adapters(session, uses, 1));
    quant_adapter_free(its);
    quant_model_free(other);
    logits_of(session, again);
    CHECK(same(again, adapted));
    quant_session_free(session);
}

/* What became of a request: its tokens. */
typedef struct made {
    pthread_mutex_t mutex;
    pthread_cond_t ended;
    int32_t tokens[16];
    size_t count;
    int done;
    quant_status status;
} made;

static void hear(void *user, const quant_request_event *event) {
    made *m = user;
    pthread_mutex_lock(&m->mutex);
    if (event->token >= 0 && m->count < 16) m->tokens[m->count++] = event->token;
    if (event->ended) m->done = 1, m->status = event->status, pthread_cond_signal(&m->ended);
    pthread_mutex_unlock(&m->mutex);
}

static void wait_for(made *m) {
    pthread_mutex_lock(&m->mutex);
    while (!m->done) pthread_cond_wait(&m->ended, &m->mutex);
    pthread_mutex_unlock(&m->mutex);
    CHECK(m->status == QUANT_OK && m->count == 12);
}

static void requests(const world *w) {
    static const int32_t prompt[] = {0, 44, 310, 77, 1200, 9};
    quant_scheduler *scheduler = NULL;
    CHECK_STATUS(QUANT_OK, quant_scheduler_new(&scheduler, w->model, NULL));
    quant_sampling greedy;
    quant_sampling_init(&greedy, sizeof greedy);
    greedy.temperature = 0;
    quant_adapter_use use = {w->adapter, 1};
    made all[3];
    for (size_t i = 0; i < 3; i++) {
        memset(&all[i], 0, sizeof all[i]);
        pthread_mutex_init(&all[i].mutex, NULL), pthread_cond_init(&all[i].ended, NULL);
        quant_request request;
        quant_request_init(&request, sizeof request);
        request.tokens = prompt, request.token_count = 6, request.max_tokens = 12, request.ignore_end = 1;
        request.sampling = &greedy, request.on_event = hear, request.user = &all[i];
        request.adapter_count = 1;
        REFUSED(quant_scheduler_submit(scheduler, &request, NULL));
        if (i == 1) request.adapters = &use;
        else request.adapter_count = 0;
        use.scale = NAN;
        if (i == 1) REFUSED(quant_scheduler_submit(scheduler, &request, NULL));
        use.scale = 1;
        CHECK_STATUS(QUANT_OK, quant_scheduler_submit(scheduler, &request, NULL));
    }
    for (size_t i = 0; i < 3; i++) wait_for(&all[i]);
    CHECK(memcmp(all[0].tokens, all[2].tokens, sizeof all[0].tokens) == 0);
    CHECK(memcmp(all[0].tokens, all[1].tokens, sizeof all[0].tokens) != 0);
    quant_scheduler_free(scheduler);
}

/* Attached and merged, the model is as good on a text; alone it is another. */
static void merged(const world *w) {
    static char text[4096];
    for (size_t i = 0; i < sizeof text; i++) text[i] = "and the king said "[i % 18];
    const quant_adapter_use use = {w->adapter, 1};
    quant_merge merge = {w->adapter_path, NAN};
    quant_quantize_options options;
    quant_plan *plan = STALE;
    quant_quantize_options_init(&options, sizeof options);
    options.type = "BF16";
    options.adapter_count = 1;
    REFUSED(quant_plan_new(&plan, w->model_path, &options));
    options.adapters = &merge;
    REFUSED(quant_plan_new(&plan, w->model_path, &options));
    merge.scale = 1, merge.path = NULL;
    REFUSED(quant_plan_new(&plan, w->model_path, &options));
    merge.path = "/nowhere";
    CHECK_STATUS(QUANT_ERR_NOT_FOUND, quant_plan_new(&plan, w->model_path, &options));
    CHECK(plan == NULL);
    merge.path = w->adapter_path;
    CHECK_STATUS(QUANT_OK, quant_plan_new(&plan, w->model_path, &options));
    CHECK_STATUS(QUANT_OK, quant_plan_run(plan, w->output, NULL, NULL));
    quant_plan_free(plan);

    quant_eval_options eval;
    quant_eval_options_init(&eval, sizeof eval);
    eval.text = text, eval.text_bytes = sizeof text, eval.context_length = 64, eval.chunks = 4;
    eval.activations = QUANT_ACTIVATIONS_F32;
    eval.adapters = &use, eval.adapter_count = 1;
    quant_model *model = NULL;
    quant_eval_result result = {.size = sizeof result}, against = result;
    quant_comparison comparison = {.size = sizeof comparison};
    CHECK_STATUS(QUANT_OK, quant_model_open(&model, w->output, NULL));
    CHECK_STATUS(QUANT_OK, quant_evaluate(w->model, model, &eval, &result));
    CHECK(result.kld_mean < 1e-3);
    CHECK_STATUS(QUANT_OK, quant_compare(w->model, w->model, model, &eval, &result, &against, &comparison));
    CHECK(result.kld_mean < 1e-3 && against.kld_mean > 1e-2);
    eval.adapters = NULL;
    REFUSED(quant_evaluate(w->model, model, &eval, &result));
    quant_model_free(model);
    CHECK(remove(w->output) == 0);
}

void test_adapters(const world *w) {
    nothing(w);
    description(w);
    sessions(w);
    requests(w);
    merged(w);
}
