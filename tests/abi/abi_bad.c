/* Values outside what the headers allow: numbers that are no encoding, unknown flags,
 * places beyond the end, sizes that disagree or overflow, names that do not exist. */
#include "abi_check.h"

#include <math.h>

static void encodings(void) {
    float weights[32] = {0};
    unsigned char bytes[18];
    uint64_t size = 0;
    quant_encoding_info info = {.size = sizeof info};
    quant_encoding found;
    REFUSED(quant_encoding_get(quant_encoding_count(), &info));
    REFUSED(quant_encoding_get(SIZE_MAX, &info));
    CHECK_STATUS(QUANT_ERR_NOT_FOUND, quant_encoding_find("Q4_9", &found));
    CHECK(strstr(quant_error_message(), "Q4_K") != NULL);
    CHECK_STATUS(QUANT_ERR_UNSUPPORTED, quant_encoded_size((quant_encoding)255, 1, 32, &size));
    CHECK_STATUS(QUANT_ERR_UNSUPPORTED, quant_decode((quant_encoding)255, bytes, 18, 1, 32, weights));
    REFUSED(quant_encoded_size(QUANT_Q4_0, 1, 33, &size));
    REFUSED(quant_encoded_size(QUANT_Q4_0, UINT64_MAX, 32, &size));
    REFUSED(quant_encoded_size(QUANT_F32, UINT64_MAX / 4, UINT64_MAX / 4, &size));
    REFUSED(quant_encode(QUANT_Q4_0, weights, 1, 32, NULL, bytes, 17));
    REFUSED(quant_encode(QUANT_Q4_0, weights, UINT64_MAX / 2, 32, NULL, bytes, 18));
    REFUSED(quant_decode(QUANT_Q4_0, bytes, 17, 1, 32, weights));
    weights[7] = NAN;
    REFUSED(quant_encode(QUANT_Q4_0, weights, 1, 32, NULL, bytes, sizeof bytes));
    weights[7] = 0;
    const float importance[32] = {1, -1};
    quant_encode_options encode;
    quant_encode_options_init(&encode, sizeof encode);
    encode.importance = importance;
    REFUSED(quant_encode(QUANT_Q4_0, weights, 1, 32, &encode, bytes, sizeof bytes));
    encode.importance = NULL, encode.method = QUANT_METHOD_BEST;
    REFUSED(quant_encode(QUANT_Q4_0, weights, 1, 32, &encode, bytes, sizeof bytes));
    CHECK(strstr(quant_error_message(), "method best needs") != NULL);
    quant_matrix *matrix = STALE;
    REFUSED(quant_matrix_pack(&matrix, QUANT_Q4_0, 1, 32, bytes, 17));
    CHECK(matrix == NULL);
    CHECK_STATUS(QUANT_ERR_UNSUPPORTED, quant_matrix_pack(&matrix, (quant_encoding)255, 1, 32, bytes, 18));
}

static void places(const world *w) {
    quant_tensor_info tensor = {.size = sizeof tensor};
    quant_plan_tensor planned = {.size = sizeof planned};
    quant_type_info type = {.size = sizeof type};
    quant_checkpoint_type checkpoint = {.size = sizeof checkpoint};
    quant_variant_info variant = {.size = sizeof variant};
    float value;
    size_t index;
    REFUSED(quant_container_tensor(w->container, quant_container_tensor_count(w->container), &tensor));
    REFUSED(quant_container_tensor(w->container, SIZE_MAX, &tensor));
    REFUSED(quant_container_decode(w->container, 0, &value, 1));
    REFUSED(quant_container_decode(w->container, SIZE_MAX, &value, 1));
    CHECK_STATUS(QUANT_ERR_NOT_FOUND, quant_container_find(w->container, "no.such.tensor", &index));
    CHECK(strstr(quant_error_message(), "no.such.tensor") != NULL);
    REFUSED(quant_type_get(quant_type_count(), &type));
    REFUSED(quant_checkpoint_type_get(quant_checkpoint_type_count(), &checkpoint));
    REFUSED(quant_plan_get_tensor(w->plan, SIZE_MAX, &planned));
    REFUSED(quant_variant_list_get(w->list, quant_variant_list_count(w->list), &variant));
}

static void tokens(const world *w) {
    const quant_tokenizer *own = quant_model_tokenizer(w->model);
    const int32_t beyond = (int32_t)quant_tokenizer_size(own), negative = -1;
    int32_t ids[2];
    size_t count = 0;
    char *out;
    REFUSED(quant_tokenize(own, "a", 1, QUANT_TEXT_SKIP_SPECIAL, ids, 2, &count));
    REFUSED(quant_tokenize(own, "a", 1, 0x80, ids, 2, &count));
    CHECK_STATUS(QUANT_ERR_LIMIT, quant_tokenize(own, "In the beginning God created", 28, 0, ids, 1, &count));
    CHECK(count > 1);
    REFUSED(quant_detokenize(own, &beyond, 1, 0, &out, NULL));
    REFUSED(quant_detokenize(own, &negative, 1, 0, &out, NULL));
    REFUSED(quant_detokenize(own, NULL, 0, QUANT_TEXT_ADD_SPECIAL, &out, NULL));
    REFUSED(quant_session_run(w->session, &beyond, 1, NULL, NULL));
    REFUSED(quant_session_run(w->session, &negative, 1, NULL, NULL));
    CHECK(quant_session_length(w->session) == 0);
    REFUSED(quant_session_truncate(w->session, 1));
}

static void generation(const world *w) {
    quant_generate_options options;
    quant_sampling sampling;
    quant_generate_options_init(&options, sizeof options);
    options.prompt = "In the", options.prompt_bytes = 6, options.max_tokens = 1;
    options.text_flags = 0x100;
    REFUSED(quant_generate(w->session, &options, NULL));
    options.text_flags = 0, options.prompt_bytes = 0;
    REFUSED(quant_generate(w->session, &options, NULL)); /* No prompt and no BOS. */
    options.prompt_bytes = 6;
    options.sampling = &sampling;
    quant_sampling_init(&sampling, sizeof sampling);
    sampling.temperature = -1;
    REFUSED(quant_generate(w->session, &options, NULL));
    quant_sampling_init(&sampling, sizeof sampling);
    sampling.temperature = NAN;
    REFUSED(quant_generate(w->session, &options, NULL));
    quant_sampling_init(&sampling, sizeof sampling);
    sampling.top_p = 1.5f;
    REFUSED(quant_generate(w->session, &options, NULL));
    const quant_logit_bias beyond = {INT32_MAX, 1}, forbidden = {0, -101};
    quant_sampling_init(&sampling, sizeof sampling);
    sampling.logit_bias = &beyond, sampling.logit_bias_count = 1;
    REFUSED(quant_generate(w->session, &options, NULL));
    CHECK(strstr(quant_error_message(), "2147483647") != NULL);
    sampling.logit_bias = &forbidden;
    REFUSED(quant_generate(w->session, &options, NULL));
    sampling.logit_bias = NULL;
    REFUSED(quant_generate(w->session, &options, NULL));
    quant_sampling_init(&sampling, sizeof sampling);
    sampling.mirostat = UINT32_MAX;
    REFUSED(quant_generate(w->session, &options, NULL));
    CHECK_STATUS(QUANT_OK, quant_session_truncate(w->session, 0));
    quant_session *other = NULL;
    REFUSED(quant_session_fork(&other, w->session, 1));
    CHECK(other == NULL);
    quant_session_options unusual;
    quant_session_options_init(&unusual, sizeof unusual);
    unusual.value_type = QUANT_Q2_K;
    REFUSED(quant_session_new(&other, w->model, &unusual));
    CHECK_STATUS(QUANT_OK, quant_session_fork(&other, w->session, 0));
    const int32_t token = 1;
    quant_batch_step steps[2] = {{sizeof steps[0], w->session, &token, 1, NULL, NULL}, {sizeof steps[1], w->session, &token, 1, NULL, NULL}};
    REFUSED(quant_session_run_batch(steps, 2));
    steps[1].session = other;
    CHECK_STATUS(QUANT_OK, quant_session_run_batch(steps, 2));
    CHECK(quant_session_length(w->session) == 1 && quant_session_length(other) == 1);
    quant_session_free(other);
    CHECK_STATUS(QUANT_OK, quant_session_truncate(w->session, 0));
}

static void names(const world *w) {
    quant_model *model = STALE;
    quant_plan *plan = STALE;
    quant_variant_list *list = STALE;
    quant_catalog *catalog = STALE;
    quant_open_options open;
    quant_quantize_options options;
    char *out = NULL;
    CHECK_STATUS(QUANT_ERR_NOT_FOUND, quant_model_open(&model, w->output, NULL));
    CHECK(model == NULL);
    CHECK(strstr(quant_error_message(), w->output) != NULL);
    quant_open_options_init(&open, sizeof open);
    open.flags = 0x100;
    REFUSED(quant_model_open(&model, w->model_path, &open));
    open.flags = 0;
    open.pack_cache = "plenty";
    REFUSED(quant_model_open(&model, w->model_path, &open));
    CHECK(strstr(quant_error_message(), "off, on or a size") != NULL);
    open.pack_cache = NULL;
    open.numa = "sideways";
    REFUSED(quant_model_open(&model, w->model_path, &open));
    CHECK(strstr(quant_error_message(), "auto, shard, mirror, node=N or off") != NULL);
    open.numa = "node=4000";
    REFUSED(quant_model_open(&model, w->model_path, &open));
    CHECK(strstr(quant_error_message(), "memory node") != NULL);
    CHECK(model == NULL);
    quant_quantize_options_init(&options, sizeof options);
    options.type = "Q9_Z";
    CHECK_STATUS(QUANT_ERR_NOT_FOUND, quant_plan_new(&plan, w->model_path, &options));
    CHECK(plan == NULL);
    const quant_override override = {"(", "Q4_0"};
    options.type = "Q4_0", options.overrides = &override, options.override_count = 1;
    REFUSED(quant_plan_new(&plan, w->model_path, &options));
    CHECK_STATUS(QUANT_ERR_NOT_FOUND, quant_catalog_resolve(w->catalog, "no-such-model", &out, NULL));
    CHECK_STATUS(QUANT_ERR_NOT_FOUND, quant_catalog_show(w->catalog, "kjv-5m:NONE", &out));
    CHECK_STATUS(QUANT_ERR_NOT_FOUND, quant_catalog_show_model(w->catalog, "no-such", &out));
    CHECK_STATUS(QUANT_ERR_NOT_FOUND, quant_catalog_list(w->catalog, "no-such-model", &list));
    CHECK(list == NULL);
    CHECK_STATUS(QUANT_ERR_NOT_FOUND, quant_catalog_remove(w->catalog, "kjv-5m:NONE", 0, NULL));
    REFUSED(quant_catalog_remove(w->catalog, "kjv-5m", 0x10, NULL));
    CHECK(quant_catalog_open(&catalog, w->folder) != QUANT_OK); /* A folder is no catalog. */
    CHECK(catalog == NULL);
}

void test_bad_arguments(const world *w) {
    encodings();
    places(w);
    tokens(w);
    generation(w);
    names(w);
}
