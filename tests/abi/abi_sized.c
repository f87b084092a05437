/* Structs that begin with their size. The size says what the caller was compiled
 * with: too small a one is a mistake; a larger one comes from a newer header, and is
 * fine as long as it asks for nothing that this library does not know. */
#include "abi_check.h"

#include <stddef.h>

enum { newer_fields = 64 }; /* Bytes that a future header might add. */

/* Any of the library's structs, in a buffer with room for such fields. */
typedef union sized {
    size_t size;
    unsigned char bytes[1024];
    double aligned;
} sized;

typedef quant_status (*use_fn)(const world *w, sized *buffer);

static quant_status get_encoding(const world *w, sized *b) {
    (void)w;
    return quant_encoding_get(0, (quant_encoding_info *)b);
}
static quant_status get_type(const world *w, sized *b) {
    (void)w;
    return quant_type_get(0, (quant_type_info *)b);
}
static quant_status get_checkpoint_type(const world *w, sized *b) {
    (void)w;
    return quant_checkpoint_type_get(0, (quant_checkpoint_type *)b);
}
static quant_status get_tensor(const world *w, sized *b) {
    return quant_container_tensor(w->container, 0, (quant_tensor_info *)b);
}
static quant_status get_model(const world *w, sized *b) {
    return quant_model_get_info(w->model, (quant_model_info *)b);
}
static quant_status get_reasoning(const world *w, sized *b) {
    return quant_model_get_reasoning(w->model, (quant_reasoning_info *)b);
}
static quant_status get_adapter(const world *w, sized *b) {
    return quant_adapter_get_info(w->adapter, (quant_adapter_info *)b);
}
static quant_status get_summary(const world *w, sized *b) {
    return quant_plan_get_summary(w->plan, (quant_plan_summary *)b);
}
static quant_status get_planned(const world *w, sized *b) {
    return quant_plan_get_tensor(w->plan, 0, (quant_plan_tensor *)b);
}
static quant_status get_variant(const world *w, sized *b) {
    return quant_variant_list_get(w->list, 0, (quant_variant_info *)b);
}
static quant_status get_generated(const world *w, sized *b) {
    quant_generate_options options;
    quant_generate_options_init(&options, sizeof options);
    options.prompt = "In the", options.prompt_bytes = 6, options.max_tokens = 1;
    return quant_generate(w->session, &options, (quant_generate_result *)b);
}

static quant_status get_statistics(const world *w, sized *b) {
    quant_scheduler *scheduler = NULL;
    CHECK_STATUS(QUANT_OK, quant_scheduler_new(&scheduler, w->model, NULL));
    const quant_status status = quant_scheduler_get_statistics(scheduler, (quant_scheduler_statistics *)b);
    quant_scheduler_free(scheduler);
    return status;
}

static quant_status get_embedding(const world *w, sized *b) {
    const quant_embedding_input input = {.text = "In the", .text_bytes = 6};
    quant_embeddings *embeddings = NULL;
    CHECK_STATUS(QUANT_OK, quant_model_embed(&embeddings, w->model, &input, 1, NULL));
    const quant_status status = quant_embeddings_get(embeddings, 0, (quant_embedding *)b);
    quant_embeddings_free(embeddings);
    return status;
}

static quant_status get_lent_part(const world *w, sized *b) {
    quant_open_options options;
    quant_model *model = NULL;
    quant_open_options_init(&options, sizeof options);
    options.flags = QUANT_OPEN_LENDABLE;
    CHECK_STATUS(QUANT_OK, quant_model_open(&model, w->model_path, &options));
    const quant_status status = quant_model_get_lent_part(model, 0, (quant_lent_part *)b);
    quant_model_free(model);
    return status;
}

/* A struct that the library fills: never more of it than its size. */
static void check_result(const world *w, const char *name, size_t size, use_fn get) {
    const size_t bad[] = {0, 1, sizeof(size_t) - 1, sizeof(size_t), SIZE_MAX};
    sized b;
    printf("  %s\n", name);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        memset(&b, 0, sizeof b);
        b.size = bad[i];
        REFUSED(get(w, &b));
        CHECK(b.size == bad[i]);
        CHECK(b.bytes[sizeof(size_t)] == 0); /* Nothing was written. */
    }
    const size_t good[] = {size, size + newer_fields};
    for (size_t i = 0; i < 2; i++) {
        memset(&b, 0xa5, sizeof b);
        b.size = good[i];
        CHECK_STATUS(QUANT_OK, get(w, &b));
        CHECK(b.size == good[i]);
        for (size_t at = good[i]; at < sizeof b; at++)
            if (b.bytes[at] != 0xa5) {
                CHECK(!"written beyond the size");
                break;
            }
    }
}

void test_sized_results(const world *w) {
    check_result(w, "quant_encoding_info", sizeof(quant_encoding_info), get_encoding);
    check_result(w, "quant_type_info", sizeof(quant_type_info), get_type);
    check_result(w, "quant_checkpoint_type", sizeof(quant_checkpoint_type), get_checkpoint_type);
    check_result(w, "quant_tensor_info", sizeof(quant_tensor_info), get_tensor);
    check_result(w, "quant_reasoning_info", sizeof(quant_reasoning_info), get_reasoning);
    check_result(w, "quant_model_info", sizeof(quant_model_info), get_model);
    check_result(w, "quant_adapter_info", sizeof(quant_adapter_info), get_adapter);
    check_result(w, "quant_plan_summary", sizeof(quant_plan_summary), get_summary);
    check_result(w, "quant_plan_tensor", sizeof(quant_plan_tensor), get_planned);
    check_result(w, "quant_variant_info", sizeof(quant_variant_info), get_variant);
    check_result(w, "quant_generate_result", sizeof(quant_generate_result), get_generated);
    check_result(w, "quant_embedding", sizeof(quant_embedding), get_embedding);
    check_result(w, "quant_lent_part", sizeof(quant_lent_part), get_lent_part);
    check_result(w, "quant_scheduler_statistics", sizeof(quant_scheduler_statistics), get_statistics);
    CHECK_STATUS(QUANT_OK, quant_session_truncate(w->session, 0));
}

static quant_status with_open(const world *w, sized *b) {
    quant_model *model = STALE;
    const quant_status status = quant_model_open(&model, w->model_path, (quant_open_options *)b);
    CHECK((status == QUANT_OK) == (model != NULL));
    quant_model_free(model);
    return status;
}
static quant_status with_session(const world *w, sized *b) {
    quant_session *session = STALE;
    const quant_status status = quant_session_new(&session, w->model, (quant_session_options *)b);
    CHECK((status == QUANT_OK) == (session != NULL));
    quant_session_free(session);
    return status;
}
static quant_status with_generate(const world *w, sized *b) {
    quant_generate_options *options = (quant_generate_options *)b;
    options->prompt = "In the", options->prompt_bytes = 6, options->max_tokens = 1;
    return quant_generate(w->session, options, NULL);
}
static quant_status with_sampling(const world *w, sized *b) {
    quant_generate_options options;
    quant_generate_options_init(&options, sizeof options);
    options.prompt = "In the", options.prompt_bytes = 6, options.max_tokens = 1;
    options.sampling = (quant_sampling *)b;
    return quant_generate(w->session, &options, NULL);
}
static quant_status with_quantize(const world *w, sized *b) {
    quant_quantize_options *options = (quant_quantize_options *)b;
    options->type = "q4_k_m";
    quant_plan *plan = STALE;
    const quant_status status = quant_plan_new(&plan, w->model_path, options);
    CHECK((status == QUANT_OK) == (plan != NULL));
    quant_plan_free(plan);
    return status;
}
static quant_status with_render(const world *w, sized *b) {
    (void)w;
    quant_render_options *options = (quant_render_options *)b;
    options->messages_json = "[]";
    char *text = NULL;
    const quant_status status = quant_template_render("x", 1, "x", options, &text);
    quant_string_free(text);
    return status;
}
static quant_status with_bench(const world *w, sized *b) {
    quant_bench_options *options = (quant_bench_options *)b;
    options->prompt_tokens = 2, options->decode_tokens = 1, options->rounds = 1;
    quant_bench_result result = {.size = sizeof result};
    return quant_bench(w->model, options, &result);
}
static quant_status with_eval(const world *w, sized *b) {
    static char text[4096];
    for (size_t i = 0; i < sizeof text; i++) text[i] = "and "[i % 4];
    quant_eval_options *options = (quant_eval_options *)b;
    options->text = text, options->text_bytes = sizeof text;
    options->context_length = 32, options->chunks = 1;
    quant_eval_result result = {.size = sizeof result};
    return quant_evaluate(w->model, NULL, options, &result);
}

static quant_status with_tasks(const world *w, sized *b) {
    static const char text[] = "{\"question\": \"In the\", \"choices\": [\"beginning\", \"end\"], \"answer\": 0}";
    quant_task_options *options = (quant_task_options *)b;
    options->text = text, options->text_bytes = sizeof text - 1;
    quant_task_result result = {.size = sizeof result};
    return quant_evaluate_tasks(w->model, NULL, options, &result);
}

static quant_status with_scheduler(const world *w, sized *b) {
    quant_scheduler *scheduler = STALE;
    const quant_status status = quant_scheduler_new(&scheduler, w->model, (quant_scheduler_options *)b);
    CHECK((status == QUANT_OK) == (scheduler != NULL));
    quant_scheduler_free(scheduler);
    return status;
}
static quant_status with_embedding(const world *w, sized *b) {
    const quant_embedding_input input = {.text = "In the", .text_bytes = 6};
    quant_embeddings *embeddings = STALE;
    const quant_status status = quant_model_embed(&embeddings, w->model, &input, 1, (quant_embedding_options *)b);
    CHECK((status == QUANT_OK) == (embeddings != NULL));
    quant_embeddings_free(embeddings);
    return status;
}
/* Nobody listens there: what the struct says is looked at before that is found. */
static quant_status with_shared(const world *w, sized *b) {
    (void)w;
    quant_shared_options *options = (quant_shared_options *)b;
    options->socket = "/nowhere/quantd.sock";
    quant_model *model = STALE;
    const quant_status status = quant_model_open_shared(&model, "kjv-5m", options);
    CHECK(model == NULL);
    return status == QUANT_ERR_UNAVAILABLE ? QUANT_OK : status;
}
static quant_status with_encode(const world *w, sized *b) {
    (void)w;
    const float weights[32] = {1};
    unsigned char bytes[18];
    return quant_encode(QUANT_Q4_0, weights, 1, 32, (quant_encode_options *)b, bytes, sizeof bytes);
}
static void ignore_event(void *user, const quant_request_event *event) {
    (void)user, (void)event;
}
static quant_status with_request(const world *w, sized *b) {
    quant_request *request = (quant_request *)b;
    request->prompt = "In the", request->prompt_bytes = 6, request->max_tokens = 1, request->on_event = ignore_event;
    quant_scheduler *scheduler = NULL;
    CHECK_STATUS(QUANT_OK, quant_scheduler_new(&scheduler, w->model, NULL));
    const quant_status status = quant_scheduler_submit(scheduler, request, NULL);
    quant_scheduler_free(scheduler);
    return status;
}

/* A struct that the caller fills. `given` has been through its init function. */
static void check_options(const world *w, const char *name, size_t size, const sized *given, use_fn use) {
    const size_t bad[] = {0, 1, sizeof(size_t), SIZE_MAX};
    sized b = *given;
    printf("  %s\n", name);
    CHECK(b.size == size);
    CHECK_STATUS(QUANT_OK, use(w, &b));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        b = *given;
        b.size = bad[i];
        REFUSED(use(w, &b));
    }
    b = *given;
    memset(b.bytes + size, 0, newer_fields);
    b.size = size + newer_fields;
    CHECK_STATUS(QUANT_OK, use(w, &b));
    b.bytes[size + newer_fields - 1] = 1;
    REFUSED(use(w, &b));
    CHECK_STATUS(QUANT_OK, quant_session_truncate(w->session, 0));
}

typedef void (*init_fn)(sized *buffer, size_t size);

/* An init function sets what the caller was compiled with, and nothing behind it. */
static void check_init(size_t size, init_fn init) {
    sized b, whole;
    memset(&whole, 0xa5, sizeof whole);
    init(&whole, size);
    const size_t sizes[] = {size, size + newer_fields};
    for (size_t i = 0; i < 2; i++) {
        memset(&b, 0xa5, sizeof b);
        init(&b, sizes[i]);
        CHECK(b.size == sizes[i]);
        CHECK(memcmp(b.bytes + sizeof(size_t), whole.bytes + sizeof(size_t), size - sizeof(size_t)) == 0);
        for (size_t at = size; at < sizeof b; at++)
            if (b.bytes[at] != (at < sizes[i] ? 0 : 0xa5)) {
                CHECK(!"not as far as the size, or beyond it");
                break;
            }
    }
    const size_t bad[] = {0, 1, sizeof(size_t), SIZE_MAX};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        memset(&b, 0xa5, sizeof b);
        init(&b, bad[i]);
        for (size_t at = sizeof(size_t); at < sizeof b; at++)
            if (b.bytes[at] != 0xa5) {
                CHECK(!"written to for a size that no struct has");
                break;
            }
    }
}

#define CHECK_OPTIONS(type, use)                              \
    do {                                                      \
        sized given;                                          \
        memset(&given, 0xa5, sizeof given);                   \
        type##_init((type *)&given, sizeof(type));            \
        check_options(w, #type, sizeof(type), &given, use);   \
        check_init(sizeof(type), init_##type);                \
    } while (0)

#define INIT(type) \
    static void init_##type(sized *b, size_t size) { type##_init((type *)b, size); }
INIT(quant_open_options)
INIT(quant_session_options)
INIT(quant_generate_options)
INIT(quant_sampling)
INIT(quant_quantize_options)
INIT(quant_render_options)
INIT(quant_bench_options)
INIT(quant_eval_options)
INIT(quant_task_options)
INIT(quant_scheduler_options)
INIT(quant_request)
INIT(quant_embedding_options)
INIT(quant_shared_options)
INIT(quant_encode_options)

void test_sized_options(const world *w) {
    CHECK_OPTIONS(quant_open_options, with_open);
    CHECK_OPTIONS(quant_session_options, with_session);
    CHECK_OPTIONS(quant_generate_options, with_generate);
    CHECK_OPTIONS(quant_sampling, with_sampling);
    CHECK_OPTIONS(quant_quantize_options, with_quantize);
    CHECK_OPTIONS(quant_render_options, with_render);
    CHECK_OPTIONS(quant_bench_options, with_bench);
    CHECK_OPTIONS(quant_eval_options, with_eval);
    CHECK_OPTIONS(quant_task_options, with_tasks);
    CHECK_OPTIONS(quant_scheduler_options, with_scheduler);
    CHECK_OPTIONS(quant_request, with_request);
    CHECK_OPTIONS(quant_embedding_options, with_embedding);
    CHECK_OPTIONS(quant_shared_options, with_shared);
    CHECK_OPTIONS(quant_encode_options, with_encode);
}
