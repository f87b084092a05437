/*
 * List what a model file holds.
 *
 *     list_tensors FILE        A GGUF or safetensors file, or a folder of a model
 */
#include <quant/container.h>

#include <stdio.h>
#include <stdlib.h>

int main(int count, char **words) {
    if (count != 2) {
        fprintf(stderr, "usage: list_tensors FILE\n");
        return 2;
    }
    quant_container *container = NULL;
    if (quant_container_open(&container, words[1]) != QUANT_OK) {
        fprintf(stderr, "list_tensors: %s\n", quant_error_message());
        return EXIT_FAILURE;
    }
    const size_t tensors = quant_container_tensor_count(container);
    for (size_t i = 0; i < tensors; i++) {
        quant_tensor_info info = {.size = sizeof info};
        if (quant_container_tensor(container, i, &info) != QUANT_OK) continue;
        printf("%-40s %-6s", info.name, info.type_name);
        for (uint32_t d = 0; d < info.dims; d++) printf("%s%llu", d ? " x " : " ", (unsigned long long)info.shape[d]);
        printf(", %llu bytes\n", (unsigned long long)info.bytes);
    }
    quant_container_free(container);
    return EXIT_SUCCESS;
}
