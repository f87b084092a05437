/*
 * Take a reply apart while it comes: what is shown, what is reasoning, what calls a tool.
 *
 *     split_reply MODEL REPLY
 */
#include <quant/reply.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void show_part(void *user, const quant_reply_event *event) {
    static const char *const kinds[] = {"content", "reasoning", "call", "arguments", "end of the call"};
    (void)user;
    /* A newer library may know of more kinds. */
    if (event->kind <= QUANT_REPLY_CALL_END) printf("%s: %s%s\n", kinds[event->kind], event->name, event->text);
}

/* Piece by piece, as it would be generated. */
static quant_status split(quant_reply_parser *parser, const char *reply) {
    quant_status status = QUANT_OK;
    for (size_t left = strlen(reply), n; status == QUANT_OK && left > 0; left -= n, reply += n) {
        n = left < 16 ? left : 16;
        status = quant_reply_parser_feed(parser, reply, n, show_part, NULL);
    }
    return status == QUANT_OK ? quant_reply_parser_finish(parser, show_part, NULL) : status;
}

int main(int count, char **words) {
    if (count != 3) {
        fprintf(stderr, "usage: split_reply MODEL REPLY\n");
        return 2;
    }
    quant_model *model = NULL;
    quant_reply_parser *parser = NULL;
    quant_status status = quant_model_open(&model, words[1], NULL);
    if (status == QUANT_OK) status = quant_reply_parser_new(&parser, model, NULL, NULL, 0);
    if (status == QUANT_OK) status = split(parser, words[2]);
    if (status != QUANT_OK) fprintf(stderr, "split_reply: %s\n", quant_error_message());
    quant_reply_parser_free(parser);
    quant_model_free(model);
    return status == QUANT_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
