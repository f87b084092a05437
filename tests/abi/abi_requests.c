/* Requests of a scheduler: events come from its thread, in order, the last one says how it ended. */
#include "abi_check.h"

#include <pthread.h>
#include <stdlib.h>

typedef struct heard {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char text[4096];
    size_t bytes;
    int ended, late; /* late: an event came after the end. */
    quant_status status;
    quant_stop stop;
    uint32_t generated;
} heard;

static void hear(void *user, const quant_request_event *event) {
    heard *h = user;
    pthread_mutex_lock(&h->lock);
    h->late |= h->ended;
    if (event->text[event->text_bytes] == '\0' && h->bytes + event->text_bytes < sizeof h->text) {
        memcpy(h->text + h->bytes, event->text, event->text_bytes + 1);
        h->bytes += event->text_bytes;
    }
    h->ended = event->ended, h->status = event->status, h->stop = event->result->stop;
    h->generated = event->result->generated_tokens;
    pthread_cond_broadcast(&h->changed);
    pthread_mutex_unlock(&h->lock);
}

static void wait_for_end(heard *h) {
    pthread_mutex_lock(&h->lock);
    while (!h->ended) pthread_cond_wait(&h->changed, &h->lock);
    pthread_mutex_unlock(&h->lock);
}

static heard *listener(void) {
    heard *h = calloc(1, sizeof *h);
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->changed, NULL);
    return h;
}

static quant_request greedy(heard *h, const quant_sampling *sampling) {
    quant_request request;
    quant_request_init(&request, sizeof request);
    request.prompt = "In the beginning God", request.prompt_bytes = 20;
    request.max_tokens = 12, request.ignore_end = 1, request.sampling = sampling;
    request.on_event = hear, request.user = h;
    return request;
}

void test_requests(const world *w) {
    quant_scheduler *scheduler = NULL;
    quant_scheduler_options options;
    quant_scheduler_options_init(&options, sizeof options);
    options.context_length = 64;
    options.value_type = QUANT_Q2_K;
    REFUSED(quant_scheduler_new(&scheduler, w->model, &options));
    CHECK(scheduler == NULL);
    options.value_type = QUANT_F16;
    CHECK_STATUS(QUANT_OK, quant_scheduler_new(&scheduler, w->model, &options));
    quant_sampling sampling;
    quant_sampling_init(&sampling, sizeof sampling);
    sampling.temperature = 0;
    heard *h[4];
    for (int i = 0; i < 4; i++) h[i] = listener();
    uint64_t id = 0;
    quant_request request = greedy(h[0], &sampling);
    CHECK_STATUS(QUANT_OK, quant_scheduler_submit(scheduler, &request, &id));
    CHECK(id == 1);
    wait_for_end(h[0]);
    CHECK(h[0]->status == QUANT_OK && h[0]->stop == QUANT_STOP_LENGTH && h[0]->generated == 12 && h[0]->bytes > 0);
    /* The same as ids, and with a stop string of what came. */
    int32_t ids[64];
    size_t count = 0;
    CHECK_STATUS(QUANT_OK, quant_tokenize(quant_model_tokenizer(w->model), request.prompt, request.prompt_bytes,
                                          request.text_flags, ids, 64, &count));
    request = greedy(h[1], &sampling);
    request.tokens = ids, request.token_count = count;
    REFUSED(quant_scheduler_submit(scheduler, &request, NULL)); /* Both. */
    request.prompt = NULL, request.prompt_bytes = 0;
    const char *stops[] = {"", h[0]->text + h[0]->bytes / 2};
    request.stops = stops, request.stop_count = 2;
    CHECK_STATUS(QUANT_OK, quant_scheduler_submit(scheduler, &request, NULL));
    wait_for_end(h[1]);
    CHECK(h[1]->stop == QUANT_STOP_TEXT);
    CHECK(strncmp(h[0]->text, h[1]->text, h[1]->bytes) == 0 && h[1]->bytes <= h[0]->bytes / 2);
    /* What is refused has no events. */
    request.stop_count = 65;
    REFUSED(quant_scheduler_submit(scheduler, &request, NULL));
    request = greedy(h[2], &sampling);
    request.text_flags = 64;
    REFUSED(quant_scheduler_submit(scheduler, &request, NULL));
    request.text_flags = QUANT_TEXT_ADD_SPECIAL, request.prompt_bytes = 0;
    request.text_flags = 0;
    REFUSED(quant_scheduler_submit(scheduler, &request, NULL)); /* Nothing to continue. */
    /* Tools: of a model whose template knows none, and fields that say nothing without them. */
    request = greedy(h[2], &sampling);
    request.tools_json = "[{\"function\":{\"name\":\"f\"}}]", request.tools_required = 1;
    CHECK_STATUS(QUANT_ERR_UNSUPPORTED, quant_scheduler_submit(scheduler, &request, NULL));
    CHECK(strstr(quant_error_message(), "template") != NULL);
    request.grammar = "root ::= \"a\"";
    CHECK_STATUS(QUANT_ERR_ARGUMENT, quant_scheduler_submit(scheduler, &request, NULL));
    request.grammar = NULL, request.tools_json = NULL;
    CHECK_STATUS(QUANT_ERR_ARGUMENT, quant_scheduler_submit(scheduler, &request, NULL));
    request = greedy(h[2], &sampling);
    request.tool_name = "f";
    CHECK_STATUS(QUANT_ERR_ARGUMENT, quant_scheduler_submit(scheduler, &request, NULL));
    request.tool_name = NULL;
    char longer[400];
    memset(longer, 'Q', sizeof longer);
    request.prompt = longer, request.prompt_bytes = sizeof longer;
    CHECK_STATUS(QUANT_ERR_LIMIT, quant_scheduler_submit(scheduler, &request, NULL));
    CHECK(strstr(quant_error_message(), "64") != NULL);
    CHECK(!h[2]->ended && h[2]->bytes == 0);
    /* Cancelled, and cut off by the end of the scheduler. */
    request = greedy(h[2], &sampling);
    request.max_tokens = 0;
    CHECK_STATUS(QUANT_OK, quant_scheduler_submit(scheduler, &request, &id));
    quant_scheduler_pause(scheduler, id, 1);
    quant_scheduler_pause(scheduler, id, 0);
    quant_scheduler_cancel(scheduler, id);
    quant_scheduler_cancel(scheduler, 999);
    wait_for_end(h[2]);
    CHECK(h[2]->status == QUANT_ERR_CANCELLED || h[2]->stop == QUANT_STOP_CONTEXT);
    quant_scheduler_statistics statistics = {.size = sizeof statistics};
    CHECK_STATUS(QUANT_OK, quant_scheduler_get_statistics(scheduler, &statistics));
    CHECK(statistics.requests == 3 && statistics.waiting == 0 && statistics.generated_tokens >= 12);
    request = greedy(h[3], &sampling);
    request.max_tokens = 0;
    CHECK_STATUS(QUANT_OK, quant_scheduler_submit(scheduler, &request, &id));
    quant_scheduler_free(scheduler);
    CHECK(h[3]->ended);
    for (int i = 0; i < 4; i++) {
        CHECK(!h[i]->late);
        free(h[i]);
    }
}
