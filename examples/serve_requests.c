/*
 * Several generations on one model at a time, as a server has them.
 *
 *     serve_requests MODEL PROMPT [PROMPT ...]
 */
#include <quant/scheduler.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { most = 16, room = 400 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int running;
static char texts[most][room];

/* In the scheduler's thread, which waits for it: pass on and return. */
static void keep(void *user, const quant_request_event *event) {
    char *text = user;
    const size_t had = strlen(text), left = room - 1 - had;
    strncat(text, event->text, left);
    if (!event->ended) return;
    pthread_mutex_lock(&mutex);
    running--;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&mutex);
}

static quant_status serve(quant_scheduler *scheduler, char **prompts, int count) {
    quant_status status = QUANT_OK;
    pthread_mutex_lock(&mutex);
    for (int i = 0; i < count && status == QUANT_OK; i++) {
        quant_request request;
        quant_request_init(&request, sizeof request);
        request.prompt = prompts[i];
        request.prompt_bytes = strlen(prompts[i]);
        request.max_tokens = 12;
        request.client = (uint64_t)i;
        request.on_event = keep;
        request.user = texts[i];
        status = quant_scheduler_submit(scheduler, &request, NULL);
        if (status == QUANT_OK) running++;
    }
    while (running > 0) pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
    return status;
}

int main(int count, char **words) {
    if (count < 3 || count > 2 + most) {
        fprintf(stderr, "usage: serve_requests MODEL PROMPT ...\n");
        return 2;
    }
    quant_model *model = NULL;
    quant_scheduler *scheduler = NULL;
    quant_status status = quant_model_open(&model, words[1], NULL);
    if (status == QUANT_OK) status = quant_scheduler_new(&scheduler, model, NULL);
    if (status == QUANT_OK) status = serve(scheduler, words + 2, count - 2);
    if (status != QUANT_OK) fprintf(stderr, "serve_requests: %s\n", quant_error_message());
    quant_scheduler_free(scheduler);
    quant_model_free(model);
    for (int i = 2; i < count && status == QUANT_OK; i++) printf("%s|%s\n", words[i], texts[i - 2]);
    return status == QUANT_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
