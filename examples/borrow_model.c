/*
 * Use the weights that a daemon of this machine holds, or the file where there is no daemon.
 *
 *     borrow_model NAME PATH
 */
#include <quant/shared.h>

#include <stdio.h>
#include <stdlib.h>

int main(int count, char **words) {
    if (count != 3) {
        fprintf(stderr, "usage: borrow_model NAME PATH\n");
        return 2;
    }
    quant_model *model = NULL;
    quant_status status = quant_model_open_shared(&model, words[1], NULL);
    const int shared = status == QUANT_OK;
    if (!shared) {
        fprintf(stderr, "borrow_model: %s\n", quant_error_message());
        status = quant_model_open(&model, words[2], NULL);
    }
    quant_model_info info = {.size = sizeof info};
    if (status == QUANT_OK) status = quant_model_get_info(model, &info);
    if (status != QUANT_OK) fprintf(stderr, "borrow_model: %s\n", quant_error_message());
    else printf("%s, %s\n", info.name, shared ? "shared with all who use it" : "of this process alone");
    quant_model_free(model);
    return status == QUANT_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
