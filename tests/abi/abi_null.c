/* NULL where something is required gives QUANT_ERR_ARGUMENT and a message; nothing
 * crashes, out-parameters are reset, and every free takes NULL. */
#include "abi_check.h"

static void free_nothing(void) {
    quant_string_free(NULL);
    quant_container_free(NULL);
    quant_tokenizer_free(NULL);
    quant_model_free(NULL);
    quant_adapter_free(NULL);
    quant_session_free(NULL);
    quant_matrix_free(NULL);
    quant_plan_free(NULL);
    quant_catalog_free(NULL);
    quant_variant_list_free(NULL);
}

static void initialize_nothing(void) {
    quant_open_options_init(NULL, sizeof(quant_open_options));
    quant_shared_options_init(NULL, sizeof(quant_shared_options));
    quant_session_options_init(NULL, sizeof(quant_session_options));
    quant_sampling_init(NULL, sizeof(quant_sampling));
    quant_generate_options_init(NULL, sizeof(quant_generate_options));
    quant_eval_options_init(NULL, sizeof(quant_eval_options));
    quant_task_options_init(NULL, sizeof(quant_task_options));
    quant_bench_options_init(NULL, sizeof(quant_bench_options));
    quant_quantize_options_init(NULL, sizeof(quant_quantize_options));
    quant_render_options_init(NULL, sizeof(quant_render_options));
    quant_encode_options_init(NULL, sizeof(quant_encode_options));
}

/* Functions without a status answer with nothing. */
static void ask_nothing(void) {
    CHECK(quant_container_tensor_count(NULL) == 0);
    CHECK(quant_tokenizer_size(NULL) == 0);
    CHECK(quant_session_length(NULL) == 0);
    CHECK(quant_session_capacity(NULL) == 0);
    CHECK(quant_variant_list_count(NULL) == 0);
    CHECK(quant_model_tokenizer(NULL) == NULL);
}

static void buffers(const world *w) {
    float floats[32] = {0};
    unsigned char bytes[18] = {0};
    quant_encoding encoding;
    REFUSED(quant_encoding_get(0, NULL));
    REFUSED(quant_encoding_find(NULL, &encoding));
    REFUSED(quant_encoding_find("Q4_0", NULL));
    REFUSED(quant_encoded_size(QUANT_Q4_0, 1, 32, NULL));
    REFUSED(quant_encode(QUANT_Q4_0, NULL, 1, 32, NULL, bytes, sizeof bytes));
    REFUSED(quant_encode(QUANT_Q4_0, floats, 1, 32, NULL, NULL, sizeof bytes));
    quant_encode_options important;
    quant_encode_options_init(&important, sizeof important);
    important.method = QUANT_METHOD_IMPORTANCE;
    REFUSED(quant_encode(QUANT_Q4_0, floats, 1, 32, &important, bytes, sizeof bytes));
    REFUSED(quant_decode(QUANT_Q4_0, NULL, sizeof bytes, 1, 32, floats));
    REFUSED(quant_decode(QUANT_Q4_0, bytes, sizeof bytes, 1, 32, NULL));
    quant_matrix *matrix = STALE;
    REFUSED(quant_matrix_pack(NULL, QUANT_Q4_0, 1, 32, bytes, sizeof bytes));
    REFUSED(quant_matrix_pack(&matrix, QUANT_Q4_0, 1, 32, NULL, sizeof bytes));
    CHECK(matrix == NULL);
    REFUSED(quant_matrix_multiply(NULL, floats, 1, floats));
    REFUSED(quant_matrix_multiply(w->matrix, NULL, 1, floats));
    REFUSED(quant_matrix_multiply(w->matrix, floats, 1, NULL));
    REFUSED(quant_active_tier(NULL));
    REFUSED(quant_machine_describe(NULL));
    REFUSED(quant_machine_topology(NULL));
}

static void containers(const world *w) {
    quant_container *container = STALE;
    quant_tensor_info info = {.size = sizeof info};
    size_t index;
    float value;
    char *text;
    REFUSED(quant_container_open(NULL, w->model_path));
    REFUSED(quant_container_open(&container, NULL));
    CHECK(container == NULL);
    REFUSED(quant_container_tensor(NULL, 0, &info));
    REFUSED(quant_container_tensor(w->container, 0, NULL));
    REFUSED(quant_container_find(NULL, "x", &index));
    REFUSED(quant_container_find(w->container, NULL, &index));
    REFUSED(quant_container_find(w->container, "x", NULL));
    REFUSED(quant_container_decode(NULL, 0, &value, 1));
    REFUSED(quant_container_decode(w->container, 0, NULL, 1));
    REFUSED(quant_container_metadata(NULL, 0, &text));
    REFUSED(quant_container_metadata(w->container, 0, NULL));
}

static void text(const world *w) {
    const quant_tokenizer *own = quant_model_tokenizer(w->model);
    quant_tokenizer *tokenizer = STALE;
    quant_render_options options;
    char *out;
    size_t count;
    REFUSED(quant_tokenizer_open(NULL, w->model_path));
    REFUSED(quant_tokenizer_open(&tokenizer, NULL));
    CHECK(tokenizer == NULL);
    REFUSED(quant_tokenize(NULL, "a", 1, 0, NULL, 0, &count));
    REFUSED(quant_tokenize(own, NULL, 1, 0, NULL, 0, &count));
    REFUSED(quant_tokenize(own, "a", 1, 0, NULL, 0, NULL));
    CHECK_STATUS(QUANT_OK, quant_tokenize(own, NULL, 0, 0, NULL, 0, &count));
    REFUSED(quant_detokenize(NULL, NULL, 0, 0, &out, NULL));
    REFUSED(quant_detokenize(own, NULL, 1, 0, &out, NULL));
    REFUSED(quant_detokenize(own, NULL, 0, 0, NULL, NULL));
    quant_render_options_init(&options, sizeof options);
    REFUSED(quant_template_render("x", 1, "x", &options, &out)); /* No messages. */
    options.messages_json = "[]";
    REFUSED(quant_template_render(NULL, 1, "x", &options, &out));
    REFUSED(quant_template_render("x", 1, NULL, &options, &out));
    REFUSED(quant_template_render("x", 1, "x", NULL, &out));
    REFUSED(quant_template_render("x", 1, "x", &options, NULL));
    options.variables_json = "[]";
    CHECK_STATUS(QUANT_ERR_FORMAT, quant_template_render("x", 1, "x", &options, &out));
    options.variables_json = "{\"a\": [1, \"b\"]}";
    CHECK_STATUS(QUANT_OK, quant_template_render("{{ a[1] }}", 10, "x", &options, &out));
    CHECK(strcmp(out, "b") == 0);
    quant_string_free(out);
    options.variables_json = NULL;
    REFUSED(quant_model_render_chat(NULL, &options, &out));
    REFUSED(quant_model_render_chat(w->model, NULL, &out));
    REFUSED(quant_model_render_chat(w->model, &options, NULL));
}

static void embeddings(const world *w) {
    const quant_embedding_input input = {.text = "In the", .text_bytes = 6}, neither = {0};
    const int32_t token = 1;
    const quant_embedding_input both = {.text = "In the", .text_bytes = 6, .tokens = &token, .token_count = 1};
    quant_embeddings *out = STALE;
    quant_embedding one = {.size = sizeof one};
    REFUSED(quant_model_embed(NULL, w->model, &input, 1, NULL));
    REFUSED(quant_model_embed(&out, NULL, &input, 1, NULL));
    CHECK(out == NULL);
    REFUSED(quant_model_embed(&out, w->model, NULL, 1, NULL));
    REFUSED(quant_model_embed(&out, w->model, &input, 0, NULL));
    REFUSED(quant_model_embed(&out, w->model, &neither, 1, NULL));
    REFUSED(quant_model_embed(&out, w->model, &both, 1, NULL));
    CHECK_STATUS(QUANT_OK, quant_model_embed(&out, w->model, &input, 1, NULL));
    CHECK(quant_embeddings_count(out) == 1);
    REFUSED(quant_embeddings_get(NULL, 0, &one));
    REFUSED(quant_embeddings_get(out, 1, &one));
    REFUSED(quant_embeddings_get(out, 0, NULL));
    CHECK_STATUS(QUANT_OK, quant_embeddings_get(out, 0, &one));
    CHECK(one.rows == 1 && one.dimensions > 0 && one.tokens > 0 && one.tokens_cut == 0);
    quant_embeddings_free(out);
    quant_embeddings_free(NULL);
    CHECK(quant_embeddings_count(NULL) == 0);
    quant_embedding_options_init(NULL, sizeof(quant_embedding_options));
    CHECK(quant_architecture_generates(NULL) == 0);
    CHECK(quant_architecture_generates("llama") == 1);
    CHECK(quant_architecture_generates("bert") == 0);
}

static void models(const world *w) {
    quant_model *model = STALE;
    quant_session *session = STALE;
    quant_model_info info = {.size = sizeof info};
    quant_generate_options generate;
    quant_eval_options eval;
    quant_bench_options bench;
    quant_task_options tasks;
    quant_eval_result measured = {.size = sizeof measured};
    quant_comparison compared = {.size = sizeof compared};
    quant_task_result answered = {.size = sizeof answered};
    quant_bench_result timed = {.size = sizeof timed};
    REFUSED(quant_model_open(NULL, w->model_path, NULL));
    REFUSED(quant_model_open(&model, NULL, NULL));
    CHECK(model == NULL);
    {
        quant_shared_options shared;
        quant_lent_part part = {.size = sizeof part};
        quant_shared_options_init(&shared, sizeof shared);
        shared.socket = "/nowhere/quantd.sock";
        model = STALE;
        REFUSED(quant_model_open_shared(NULL, "kjv-5m", &shared));
        REFUSED(quant_model_open_shared(&model, NULL, &shared));
        CHECK(model == NULL);
        model = STALE;
        CHECK_STATUS(QUANT_ERR_UNAVAILABLE, quant_model_open_shared(&model, "kjv-5m", &shared));
        CHECK(model == NULL);
        shared.flags = 1u << 31;
        REFUSED(quant_model_open_shared(&model, "kjv-5m", &shared));
        quant_shared_options_init(&shared, sizeof shared);
        shared.timeout_seconds = -1;
        REFUSED(quant_model_open_shared(&model, "kjv-5m", &shared));
        REFUSED(quant_model_get_lent_part(NULL, 0, &part));
        REFUSED(quant_model_get_lent_part(w->model, 0, NULL));
        REFUSED(quant_model_get_lent_part(w->model, 0, &part)); /* It was not opened to be lent. */
    }
    REFUSED(quant_model_get_info(NULL, &info));
    REFUSED(quant_model_get_info(w->model, NULL));
    REFUSED(quant_session_new(NULL, w->model, NULL));
    REFUSED(quant_session_new(&session, NULL, NULL));
    CHECK(session == NULL);
    session = STALE;
    REFUSED(quant_session_fork(NULL, w->session, 0));
    REFUSED(quant_session_fork(&session, NULL, 0));
    CHECK(session == NULL);
    REFUSED(quant_session_run_batch(NULL, 1));
    CHECK_STATUS(QUANT_OK, quant_session_run_batch(NULL, 0));
    {
        quant_batch_step step = {0};
        REFUSED(quant_session_run_batch(&step, 1));
        step.size = sizeof step;
        REFUSED(quant_session_run_batch(&step, 1));
        step.session = w->session;
        step.count = 1;
        REFUSED(quant_session_run_batch(&step, 1));
    }
    {
        quant_scheduler *scheduler = STALE;
        quant_scheduler_statistics statistics = {.size = sizeof statistics};
        quant_request request;
        quant_request_init(&request, sizeof request);
        REFUSED(quant_scheduler_new(NULL, w->model, NULL));
        REFUSED(quant_scheduler_new(&scheduler, NULL, NULL));
        CHECK(scheduler == NULL);
        REFUSED(quant_scheduler_submit(NULL, &request, NULL));
        REFUSED(quant_scheduler_get_statistics(NULL, &statistics));
        quant_scheduler_cancel(NULL, 1);
        quant_scheduler_pause(NULL, 1, 1);
        quant_scheduler_free(NULL);
        quant_scheduler_options_init(NULL, sizeof(quant_scheduler_options));
        quant_request_init(NULL, sizeof(quant_request));
        CHECK_STATUS(QUANT_OK, quant_scheduler_new(&scheduler, w->model, NULL));
        REFUSED(quant_scheduler_submit(scheduler, NULL, NULL));
        REFUSED(quant_scheduler_submit(scheduler, &request, NULL)); /* No callback. */
        REFUSED(quant_scheduler_get_statistics(scheduler, NULL));
        quant_scheduler_free(scheduler);
    }
    {
        quant_reply_parser *parser = STALE;
        REFUSED(quant_reply_parser_new(NULL, w->model, NULL, NULL, 0));
        REFUSED(quant_reply_parser_new(&parser, NULL, NULL, NULL, 0));
        CHECK(parser == NULL);
        REFUSED(quant_reply_parser_new(&parser, w->model, NULL, NULL, 1));
        CHECK_STATUS(QUANT_ERR_FORMAT, quant_reply_parser_new(&parser, w->model, "{}", NULL, 0));
        CHECK_STATUS(QUANT_ERR_UNSUPPORTED,
                     quant_reply_parser_new(&parser, w->model, "[{\"name\": \"find\"}]", NULL, 0));
        CHECK_STATUS(QUANT_OK, quant_reply_parser_new(&parser, w->model, NULL, NULL, 0));
        REFUSED(quant_reply_parser_feed(NULL, "x", 1, NULL, NULL));
        REFUSED(quant_model_get_reasoning(NULL, NULL));
        REFUSED(quant_model_get_reasoning(w->model, NULL));
        REFUSED(quant_reply_parser_feed(parser, "x", 1, NULL, NULL)); /* Nobody to tell. */
        REFUSED(quant_reply_parser_finish(parser, NULL, NULL));
        quant_reply_parser_free(parser);
        quant_reply_parser_free(NULL);
    }
    REFUSED(quant_session_truncate(NULL, 0));
    REFUSED(quant_session_run(NULL, NULL, 0, NULL, NULL));
    REFUSED(quant_session_run(w->session, NULL, 1, NULL, NULL));
    REFUSED(quant_session_run(w->session, NULL, 0, NULL, NULL));
    quant_generate_options_init(&generate, sizeof generate);
    REFUSED(quant_generate(NULL, &generate, NULL));
    REFUSED(quant_generate(w->session, NULL, NULL));
    generate.prompt_bytes = 1;
    REFUSED(quant_generate(w->session, &generate, NULL));
    quant_eval_options_init(&eval, sizeof eval);
    REFUSED(quant_evaluate(w->model, NULL, &eval, &measured)); /* No text. */
    REFUSED(quant_evaluate(NULL, NULL, &eval, &measured));
    REFUSED(quant_evaluate(w->model, NULL, NULL, &measured));
    REFUSED(quant_evaluate(w->model, NULL, &eval, NULL));
    REFUSED(quant_compare(NULL, w->model, NULL, &eval, &measured, &measured, &compared));
    REFUSED(quant_compare(w->model, NULL, NULL, &eval, &measured, &measured, &compared));
    REFUSED(quant_compare(w->model, w->model, NULL, NULL, &measured, &measured, &compared));
    REFUSED(quant_compare(w->model, w->model, NULL, &eval, NULL, &measured, &compared));
    REFUSED(quant_compare(w->model, w->model, NULL, &eval, &measured, NULL, &compared));
    REFUSED(quant_compare(w->model, w->model, NULL, &eval, &measured, &measured, NULL));
    quant_task_options_init(&tasks, sizeof tasks);
    REFUSED(quant_evaluate_tasks(w->model, NULL, &tasks, &answered)); /* No tasks. */
    REFUSED(quant_evaluate_tasks(NULL, NULL, &tasks, &answered));
    REFUSED(quant_evaluate_tasks(w->model, NULL, NULL, &answered));
    REFUSED(quant_evaluate_tasks(w->model, NULL, &tasks, NULL));
    quant_bench_options_init(&bench, sizeof bench);
    REFUSED(quant_bench(NULL, &bench, &timed));
    REFUSED(quant_bench(w->model, &bench, NULL));
}

static void plans(const world *w) {
    quant_plan *plan = STALE;
    quant_quantize_options options;
    quant_plan_summary summary = {.size = sizeof summary};
    quant_plan_tensor tensor = {.size = sizeof tensor};
    quant_override override = {NULL, "Q4_0"};
    REFUSED(quant_type_get(0, NULL));
    REFUSED(quant_checkpoint_type_get(0, NULL));
    quant_quantize_options_init(&options, sizeof options);
    REFUSED(quant_plan_new(&plan, w->model_path, &options)); /* No type. */
    CHECK(plan == NULL);
    options.type = "Q4_0";
    REFUSED(quant_plan_new(NULL, w->model_path, &options));
    REFUSED(quant_plan_new(&plan, NULL, &options));
    REFUSED(quant_plan_new(&plan, w->model_path, NULL));
    options.override_count = 1;
    REFUSED(quant_plan_new(&plan, w->model_path, &options));
    options.overrides = &override;
    REFUSED(quant_plan_new(&plan, w->model_path, &options));
    REFUSED(quant_plan_get_summary(NULL, &summary));
    REFUSED(quant_plan_get_summary(w->plan, NULL));
    REFUSED(quant_plan_get_tensor(NULL, 0, &tensor));
    REFUSED(quant_plan_get_tensor(w->plan, 0, NULL));
    REFUSED(quant_plan_run(NULL, w->output, NULL, NULL));
    REFUSED(quant_plan_run(w->plan, NULL, NULL, NULL));
}

static void catalogs(const world *w) {
    quant_catalog *c = w->catalog;
    quant_variant_list *list = STALE;
    quant_variant_info info = {.size = sizeof info};
    quant_eval_result measured = {.size = sizeof measured};
    quant_bench_result timed = {.size = sizeof timed};
    char *out;
    REFUSED(quant_catalog_open(NULL, NULL));
    REFUSED(quant_catalog_resolve(NULL, "kjv-5m", &out, NULL));
    REFUSED(quant_catalog_resolve(c, NULL, &out, NULL));
    CHECK_STATUS(QUANT_OK, quant_catalog_resolve(c, "kjv-5m", NULL, NULL));
    REFUSED(quant_catalog_import(NULL, w->model_path, NULL, NULL, NULL, NULL));
    REFUSED(quant_catalog_import(c, NULL, NULL, NULL, NULL, NULL));
    REFUSED(quant_catalog_output_path(NULL, "kjv-5m", "Q4_0", &out));
    REFUSED(quant_catalog_output_path(c, NULL, "Q4_0", &out));
    REFUSED(quant_catalog_output_path(c, "kjv-5m", NULL, &out));
    REFUSED(quant_catalog_output_path(c, "kjv-5m", "Q4_0", NULL));
    REFUSED(quant_catalog_add_variant(NULL, "kjv-5m", w->plan, w->output, NULL, NULL, NULL));
    REFUSED(quant_catalog_add_variant(c, NULL, w->plan, w->output, NULL, NULL, NULL));
    REFUSED(quant_catalog_add_variant(c, "kjv-5m", NULL, w->output, NULL, NULL, NULL));
    REFUSED(quant_catalog_add_variant(c, "kjv-5m", w->plan, NULL, NULL, NULL, NULL));
    REFUSED(quant_catalog_named_path(NULL, "new", "Q4_0", &out));
    REFUSED(quant_catalog_named_path(c, NULL, "Q4_0", &out));
    REFUSED(quant_catalog_named_path(c, "new", NULL, &out));
    REFUSED(quant_catalog_named_path(c, "new", "Q4_0", NULL));
    REFUSED(quant_catalog_add_named_variant(NULL, "new", "kjv-5m", w->plan, w->output, NULL, NULL, NULL));
    REFUSED(quant_catalog_add_named_variant(c, NULL, "kjv-5m", w->plan, w->output, NULL, NULL, NULL));
    REFUSED(quant_catalog_add_named_variant(c, "new", "kjv-5m", NULL, w->output, NULL, NULL, NULL));
    REFUSED(quant_catalog_add_named_variant(c, "new", "kjv-5m", w->plan, NULL, NULL, NULL, NULL));
    REFUSED(quant_catalog_copy(NULL, "kjv-5m", "new", NULL));
    REFUSED(quant_catalog_copy(c, NULL, "new", NULL));
    REFUSED(quant_catalog_copy(c, "kjv-5m", NULL, NULL));
    REFUSED(quant_catalog_adopt(NULL, w->output, "new", NULL, NULL, NULL));
    REFUSED(quant_catalog_adopt(c, NULL, "new", NULL, NULL, NULL));
    REFUSED(quant_catalog_adopt(c, w->output, NULL, NULL, NULL, NULL));
    REFUSED(quant_catalog_clean(NULL, NULL));
    REFUSED(quant_catalog_remove(NULL, "kjv-5m", 0, NULL));
    REFUSED(quant_catalog_remove(c, NULL, 0, NULL));
    REFUSED(quant_catalog_eval_text(NULL, "kjv-5m", &out, NULL));
    REFUSED(quant_catalog_eval_text(c, NULL, &out, NULL));
    REFUSED(quant_catalog_eval_text(c, "kjv-5m", NULL, NULL));
    REFUSED(quant_catalog_calibration_text(NULL, "kjv-5m", &out, NULL));
    REFUSED(quant_catalog_calibration_text(c, NULL, &out, NULL));
    REFUSED(quant_catalog_calibration_text(c, "kjv-5m", NULL, NULL));
    REFUSED(quant_catalog_base(NULL, "kjv-5m", &out));
    REFUSED(quant_catalog_base(c, NULL, &out));
    REFUSED(quant_catalog_base(c, "kjv-5m", NULL));
    REFUSED(quant_catalog_record_eval(NULL, "kjv-5m", NULL, "text", &measured));
    REFUSED(quant_catalog_record_eval(c, NULL, NULL, "text", &measured));
    REFUSED(quant_catalog_record_eval(c, "kjv-5m", NULL, NULL, &measured));
    REFUSED(quant_catalog_record_eval(c, "kjv-5m", NULL, "text", NULL));
    REFUSED(quant_catalog_stamp(NULL, "kjv-5m", NULL, "text", &measured, NULL, NULL));
    REFUSED(quant_catalog_stamp(c, NULL, NULL, "text", &measured, NULL, NULL));
    REFUSED(quant_catalog_stamp(c, "kjv-5m", NULL, NULL, &measured, NULL, NULL));
    REFUSED(quant_catalog_stamp(c, "kjv-5m", NULL, "text", NULL, NULL, NULL));
    REFUSED(quant_catalog_record_bench(NULL, "kjv-5m", &timed));
    REFUSED(quant_catalog_record_bench(c, NULL, &timed));
    REFUSED(quant_catalog_record_bench(c, "kjv-5m", NULL));
    REFUSED(quant_catalog_list(NULL, NULL, &list));
    REFUSED(quant_catalog_list(c, NULL, NULL));
    REFUSED(quant_variant_list_get(NULL, 0, &info));
    REFUSED(quant_variant_list_get(w->list, 0, NULL));
    REFUSED(quant_catalog_show(NULL, "kjv-5m", &out));
    REFUSED(quant_catalog_show(c, NULL, &out));
    REFUSED(quant_catalog_show(c, "kjv-5m", NULL));
    REFUSED(quant_catalog_show_model(NULL, "kjv-5m", &out));
    REFUSED(quant_catalog_show_model(c, NULL, &out));
    REFUSED(quant_catalog_show_model(c, "kjv-5m", NULL));
}

void test_null_arguments(const world *w) {
    free_nothing();
    initialize_nothing();
    ask_nothing();
    buffers(w);
    containers(w);
    text(w);
    embeddings(w);
    models(w);
    plans(w);
    catalogs(w);
    quant_set_logger(NULL, NULL);
}
