/*
 * What a model is, and how it wants to be talked to.
 *
 *     show_model PATH
 */
#include <quant/model.h>

#include <stdio.h>
#include <stdlib.h>

static int show(const quant_model *model) {
    quant_model_info info = {.size = sizeof info};
    if (quant_model_get_info(model, &info) != QUANT_OK) return EXIT_FAILURE;
    printf("%s: %s, %s, %llu parameters, %.2f bits a weight, %u tokens of context\n", info.name, info.architecture,
           info.type_name, (unsigned long long)info.parameters, info.bits_per_weight, info.context_length);
    if (!info.has_chat_template) {
        printf("It has no chat template: it continues text.\n");
        return EXIT_SUCCESS;
    }
    quant_render_options options;
    quant_render_options_init(&options, sizeof options);
    options.messages_json = "[{\"role\": \"user\", \"content\": \"Who are you?\"}]";
    options.add_generation_prompt = 1;
    char *prompt = NULL;
    if (quant_model_render_chat(model, &options, &prompt) != QUANT_OK) return EXIT_FAILURE;
    printf("A question to it reads:\n%s\n", prompt);
    quant_string_free(prompt);
    return EXIT_SUCCESS;
}

int main(int count, char **words) {
    if (count != 2) {
        fprintf(stderr, "usage: show_model PATH\n");
        return 2;
    }
    quant_model *model = NULL;
    int result = EXIT_FAILURE;
    if (quant_model_open(&model, words[1], NULL) == QUANT_OK) result = show(model);
    if (result != EXIT_SUCCESS) fprintf(stderr, "show_model: %s\n", quant_error_message());
    quant_model_free(model);
    return result;
}
