/*
 * One prompt by a model, and by the same model with an adapter (LoRA), whose weights are loaded once for both.
 *
 *     adapt_model MODEL ADAPTER PROMPT
 */
#include <quant/adapter.h>
#include <quant/session.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failed(const char *doing) {
    fprintf(stderr, "adapt_model: %s: %s\n", doing, quant_error_message());
    return EXIT_FAILURE;
}

static int show_text(void *user, const char *text, size_t bytes) {
    (void)user;
    fwrite(text, 1, bytes, stdout);
    return 0;
}

/* The whole sequence is given each time: what it was made with before is of no use with other adapters. */
static int continue_with(quant_session *session, const quant_adapter_use *adapters, size_t count, const char *prompt) {
    if (quant_session_set_adapters(session, adapters, count) != QUANT_OK) return failed("attach");
    quant_sampling greedy;
    quant_sampling_init(&greedy, sizeof greedy);
    greedy.temperature = 0;
    quant_generate_options options;
    quant_generate_options_init(&options, sizeof options);
    options.prompt = prompt;
    options.prompt_bytes = strlen(prompt);
    options.whole = 1;
    options.max_tokens = 24;
    options.sampling = &greedy;
    options.on_text = show_text;
    printf("%s:", count == 0 ? "alone" : "adapted");
    if (quant_generate(session, &options, NULL) != QUANT_OK) return failed(prompt);
    printf("\n");
    return EXIT_SUCCESS;
}

static int adapt(const quant_model *model, const quant_adapter *adapter, const char *prompt) {
    quant_adapter_info info = {.size = sizeof info};
    if (quant_adapter_get_info(adapter, &info) != QUANT_OK) return failed("look at the adapter");
    printf("%s: %llu matrices, rank %u\n", info.path, (unsigned long long)info.matrices, info.rank);
    quant_session *session = NULL;
    if (quant_session_new(&session, model, NULL) != QUANT_OK) return failed("begin");
    const quant_adapter_use use = {.adapter = adapter, .scale = 1};
    int result = continue_with(session, NULL, 0, prompt);
    if (result == EXIT_SUCCESS) result = continue_with(session, &use, 1, prompt);
    quant_session_free(session);
    return result;
}

int main(int count, char **words) {
    if (count != 4) {
        fprintf(stderr, "usage: adapt_model MODEL ADAPTER PROMPT\n");
        return 2;
    }
    quant_model *model = NULL;
    quant_adapter *adapter = NULL;
    int result = EXIT_FAILURE;
    if (quant_model_open(&model, words[1], NULL) != QUANT_OK) failed(words[1]);
    else if (quant_adapter_open(&adapter, model, words[2]) != QUANT_OK) failed(words[2]);
    else result = adapt(model, adapter, words[3]);
    quant_adapter_free(adapter);
    quant_model_free(model);
    return result;
}
