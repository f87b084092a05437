/* Messages belong to the thread whose call failed; log lines go to the one logger. */
#include "abi_check.h"

#include <pthread.h>

static quant_status fail_with(const char *name) {
    quant_encoding found;
    return quant_encoding_find(name, &found);
}

typedef struct seen {
    int began_empty, has_own, lacks_other;
} seen;

static void *fail_elsewhere(void *user) {
    seen *s = user;
    s->began_empty = quant_error_message()[0] == '\0';
    fail_with("other-thread");
    s->has_own = strstr(quant_error_message(), "other-thread") != NULL;
    s->lacks_other = strstr(quant_error_message(), "main-thread") == NULL;
    return NULL;
}

/* Many threads that fail at once, each with a name of its own. */
static void *fail_often(void *user) {
    int *wrong = user;
    char name[32];
    snprintf(name, sizeof name, "thread-%p", user);
    for (int i = 0; i < 1000; i++) {
        if (fail_with(name) != QUANT_ERR_NOT_FOUND) ++*wrong;
        if (strstr(quant_error_message(), name) == NULL) ++*wrong;
    }
    return NULL;
}

static void check_threads(void) {
    pthread_t threads[4];
    int wrong[4] = {0};
    seen s = {0, 0, 0};
    fail_with("main-thread");
    CHECK(pthread_create(&threads[0], NULL, fail_elsewhere, &s) == 0);
    CHECK(pthread_join(threads[0], NULL) == 0);
    CHECK(s.began_empty);
    CHECK(s.has_own);
    CHECK(s.lacks_other);
    CHECK(strstr(quant_error_message(), "main-thread") != NULL);
    for (int i = 0; i < 4; i++) CHECK(pthread_create(&threads[i], NULL, fail_often, &wrong[i]) == 0);
    for (int i = 0; i < 4; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    for (int i = 0; i < 4; i++) CHECK(wrong[i] == 0);
}

/* The detail stays that of the last failure, whatever has succeeded since. */
static void check_lifetime(void) {
    quant_encoding found;
    fail_with("before");
    CHECK_STATUS(QUANT_OK, quant_encoding_find("q4_k", &found));
    CHECK(found == QUANT_Q4_K);
    CHECK(strstr(quant_error_message(), "before") != NULL);
    /* What comes from outside cannot make it long or unprintable. */
    char name[20000];
    memset(name, '\033', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    CHECK_STATUS(QUANT_ERR_NOT_FOUND, fail_with(name));
    CHECK(strlen(quant_error_message()) < 8192);
    CHECK(strchr(quant_error_message(), '\033') == NULL);
}

static void count_line(void *user, quant_log_level level, const char *text) {
    int *lines = user;
    ++*lines;
    CHECK(level >= QUANT_LOG_DEBUG && level <= QUANT_LOG_ERROR);
    CHECK(text != NULL && strchr(text, '\n') == NULL);
}

static void check_logger(const world *w) {
    int lines = 0;
    quant_model *model = NULL;
    quant_set_logger(count_line, &lines);
    CHECK_STATUS(QUANT_OK, quant_model_open(&model, w->model_path, NULL));
    quant_model_free(model);
    quant_set_logger(NULL, NULL);
    const int before = lines;
    CHECK_STATUS(QUANT_OK, quant_model_open(&model, w->model_path, NULL));
    quant_model_free(model);
    CHECK(lines == before);
}

void test_messages(const world *w) {
    check_threads();
    check_lifetime();
    check_logger(w);
}
