/* Numbers that are part of the ABI: programs have them compiled in. A line here is
 * never changed; new ones are added. */
#include "abi_check.h"

#define FIXED(name, value) _Static_assert((int)(name) == (value), #name " has moved")

FIXED(QUANT_OK, 0);
FIXED(QUANT_ERR_ARGUMENT, 1);
FIXED(QUANT_ERR_NOT_FOUND, 2);
FIXED(QUANT_ERR_IO, 3);
FIXED(QUANT_ERR_FORMAT, 4);
FIXED(QUANT_ERR_TRUNCATED, 5);
FIXED(QUANT_ERR_LIMIT, 6);
FIXED(QUANT_ERR_UNSUPPORTED, 7);
FIXED(QUANT_ERR_MODEL, 8);
FIXED(QUANT_ERR_TOKENIZER, 9);
FIXED(QUANT_ERR_TEMPLATE, 10);
FIXED(QUANT_ERR_NO_SPACE, 11);
FIXED(QUANT_ERR_NO_MEMORY, 12);
FIXED(QUANT_ERR_PERMISSION, 13);
FIXED(QUANT_ERR_CANCELLED, 14);
FIXED(QUANT_ERR_EXISTS, 15);
FIXED(QUANT_ERR_BUSY, 16);
FIXED(QUANT_ERR_CATALOG, 17);
FIXED(QUANT_ERR_VERIFY, 18);
FIXED(QUANT_ERR_INTERNAL, 19);
FIXED(QUANT_ERR_UNAVAILABLE, 20);

FIXED(QUANT_POOLING_DEFAULT, 0);
FIXED(QUANT_POOLING_NONE, 1);
FIXED(QUANT_POOLING_MEAN, 2);
FIXED(QUANT_POOLING_LAST, 3);
FIXED(QUANT_POOLING_CLS, 4);

FIXED(QUANT_LOG_DEBUG, 0);
FIXED(QUANT_LOG_INFO, 1);
FIXED(QUANT_LOG_WARNING, 2);
FIXED(QUANT_LOG_ERROR, 3);

FIXED(QUANT_F32, 0);
FIXED(QUANT_F16, 1);
FIXED(QUANT_Q4_0, 2);
FIXED(QUANT_Q4_1, 3);
FIXED(QUANT_Q5_0, 6);
FIXED(QUANT_Q5_1, 7);
FIXED(QUANT_Q8_0, 8);
FIXED(QUANT_Q2_K, 10);
FIXED(QUANT_Q3_K, 11);
FIXED(QUANT_Q4_K, 12);
FIXED(QUANT_Q5_K, 13);
FIXED(QUANT_Q6_K, 14);
FIXED(QUANT_IQ4_NL, 20);
FIXED(QUANT_IQ4_XS, 23);
FIXED(QUANT_BF16, 30);
FIXED(QUANT_IQ2_XXS, 16);
FIXED(QUANT_IQ2_XS, 17);
FIXED(QUANT_IQ3_XXS, 18);
FIXED(QUANT_IQ1_S, 19);
FIXED(QUANT_IQ3_S, 21);
FIXED(QUANT_IQ2_S, 22);
FIXED(QUANT_IQ1_M, 29);
FIXED(QUANT_TQ1_0, 34);
FIXED(QUANT_TQ2_0, 35);
FIXED(QUANT_MXFP4, 39);
FIXED(QUANT_NVFP4, 40);
FIXED(QUANT_Q1_0, 41);
FIXED(QUANT_Q2_0, 42);

FIXED(QUANT_METHOD_DEFAULT, 0);
FIXED(QUANT_METHOD_ROUND, 1);
FIXED(QUANT_METHOD_SEARCH, 2);
FIXED(QUANT_METHOD_IMPORTANCE, 3);
FIXED(QUANT_METHOD_FEEDBACK, 4);

FIXED(QUANT_TEXT_ADD_SPECIAL, 1);
FIXED(QUANT_TEXT_PARSE_SPECIAL, 2);
FIXED(QUANT_TEXT_SKIP_SPECIAL, 4);
FIXED(QUANT_REMOVE_KEEP_FILE, 1);

FIXED(QUANT_STOP_END, 0);
FIXED(QUANT_STOP_LENGTH, 1);
FIXED(QUANT_STOP_CONTEXT, 2);
FIXED(QUANT_STOP_CALLER, 3);
FIXED(QUANT_STOP_TEXT, 4);

FIXED(QUANT_REPLY_CONTENT, 0);
FIXED(QUANT_REPLY_REASONING, 1);
FIXED(QUANT_REPLY_CALL_BEGIN, 2);
FIXED(QUANT_REPLY_CALL_ARGUMENTS, 3);
FIXED(QUANT_REPLY_CALL_END, 4);

/* Enums cross the boundary as int, in C and in C++. */
_Static_assert(sizeof(quant_status) == sizeof(int), "quant_status");
_Static_assert(sizeof(quant_encoding) == sizeof(int), "quant_encoding");
_Static_assert(sizeof(quant_method) == sizeof(int), "quant_method");
_Static_assert(sizeof(quant_stop) == sizeof(int), "quant_stop");

/* What the library says agrees with what the headers say. */
void test_values(void) {
    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", QUANT_VERSION_MAJOR, QUANT_VERSION_MINOR, QUANT_VERSION_PATCH);
    CHECK(strcmp(quant_version(), version) == 0);
    CHECK(strcmp(quant_status_name(QUANT_OK), "QUANT_OK") == 0);
    CHECK(strcmp(quant_status_name(QUANT_ERR_INTERNAL), "QUANT_ERR_INTERNAL") == 0);
    CHECK(strcmp(quant_status_name((quant_status)(QUANT_ERR_UNAVAILABLE + 1)), "QUANT_ERR_?") == 0);
    for (int i = 0; i <= QUANT_ERR_UNAVAILABLE; i++) {
        CHECK(strncmp(quant_status_name((quant_status)i), "QUANT_", 6) == 0);
        CHECK(strcmp(quant_status_name((quant_status)i), "QUANT_ERR_?") != 0);
    }
    for (size_t i = 0; i < quant_encoding_count(); i++) {
        quant_encoding_info info = {.size = sizeof info};
        quant_encoding found = QUANT_F32;
        CHECK_STATUS(QUANT_OK, quant_encoding_get(i, &info));
        CHECK_STATUS(QUANT_OK, quant_encoding_find(info.name, &found));
        CHECK(found == info.id);
        CHECK(info.bits_per_weight == 8.0 * info.block_bytes / info.block_weights);
    }
}
