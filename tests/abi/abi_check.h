/* What the parts of test_abi share: checks that count, and one small world to test
 * in - the shipped model, a session on it, a plan, a catalog in a scratch folder. */
#ifndef ABI_CHECK_H
#define ABI_CHECK_H

#include <quant/quant.h>

#include <stdio.h>
#include <string.h>

extern int checks, failures;

/* The condition holds; else say where it did not, and go on. */
#define CHECK(condition)                                                              \
    do {                                                                              \
        checks++;                                                                     \
        if (!(condition)) {                                                           \
            failures++;                                                               \
            printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);            \
        }                                                                             \
    } while (0)

/* The call gives that status, and where it fails a message. */
#define CHECK_STATUS(expected, call) check_status(__FILE__, __LINE__, #call, expected, call)

/* As CHECK_STATUS, for the commonest refusal. */
#define REFUSED(call) CHECK_STATUS(QUANT_ERR_ARGUMENT, call)

void check_status(const char *file, int line, const char *call, quant_status expected, quant_status found);

/* A pointer that is not NULL and must never be followed, to see that a failed call
 * resets its out-parameter. */
#define STALE ((void *)(uintptr_t)16)

typedef struct world {
    char folder[256];       /* Scratch; removed at the end. */
    char output[320];       /* A file in it that does not exist. */
    char adapter_path[320]; /* A PEFT folder in it, of the model. */
    char *model_path;
    quant_catalog *catalog;
    quant_model *model;
    quant_adapter *adapter;
    quant_session *session;
    quant_container *container;
    quant_plan *plan;
    quant_matrix *matrix;
    quant_variant_list *list;
} world;

void make_adapter(world *w);

void test_values(void);
void test_null_arguments(const world *w);
void test_bad_arguments(const world *w);
void test_sized_results(const world *w);
void test_sized_options(const world *w);
void test_messages(const world *w);
void test_cancelling(const world *w);
void test_requests(const world *w);
void test_adapters(const world *w);

#endif
