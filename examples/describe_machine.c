/* What the library sees of this machine, as JSON. */
#include <quant/machine.h>

#include <stdio.h>
#include <stdlib.h>

int main(void) {
    char *json = NULL;
    /* quant_machine_describe() measures its limits, too, which takes half a second. */
    if (quant_machine_topology(&json) != QUANT_OK) {
        fprintf(stderr, "describe_machine: %s\n", quant_error_message());
        return EXIT_FAILURE;
    }
    puts(json);
    quant_string_free(json);
    return EXIT_SUCCESS;
}
