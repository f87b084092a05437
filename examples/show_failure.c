/* What a failure tells, and where log lines go. */
#include <quant/model.h>
#include <quant/status.h>

#include <stdio.h>
#include <stdlib.h>

static void log_line(void *user, quant_log_level level, const char *text) {
    static const char *const names[] = {"debug", "info", "warning", "error"};
    fprintf(user, "%s: %s\n", level <= QUANT_LOG_ERROR ? names[level] : "?", text);
}

int main(void) {
    quant_set_logger(log_line, stderr); /* From any thread; nothing is written without it. */
    quant_model *model = NULL;
    const quant_status status = quant_model_open(&model, "/no/such/model.gguf", NULL);
    printf("libquant %s says %s: %s\n", quant_version(), quant_status_name(status), quant_error_message());
    quant_set_logger(NULL, NULL);
    quant_model_free(model); /* NULL after a failure, which is fine. */
    return status == QUANT_ERR_NOT_FOUND ? EXIT_SUCCESS : EXIT_FAILURE;
}
