/* Calls a text callback as the library does, and nothing else: what a callback costs shows without the noise of a model. */
#include <stddef.h>

typedef int (*text_fn)(void *user, const char *text, size_t text_bytes);

int ignore_text(void *user, const char *text, size_t text_bytes) {
    (void)user, (void)text, (void)text_bytes;
    return 0;
}

int callback_loop(text_fn on_text, size_t count) {
    for (size_t i = 0; i < count; ++i)
        if (on_text(NULL, " shepherd", 9)) return 1;
    return 0;
}
