#include <quant/matrix.h>

#include "api/guard.h"
#include "api/handles.h"
#include "kernel/ops.h"

using namespace quant;
using namespace quant::api;

extern "C" {

quant_status quant_matrix_pack(quant_matrix **out, quant_encoding encoding, uint64_t rows, uint64_t cols,
                               const void *data, uint64_t data_bytes) {
    return guarded([&] {
        require(out, "out");
        *out = nullptr;
        require(data, "data");
        const EncodingTraits &traits = encoding_traits(encoding);
        if (encoded_bytes(traits, rows, cols) != data_bytes)
            fail(QUANT_ERR_ARGUMENT, "{} rows of {} weights in {} are {} bytes, not {}", rows, cols, traits.name,
                 encoded_bytes(traits, rows, cols), data_bytes);
        const auto *bytes = static_cast<const std::byte *>(data);
        const auto copy = std::make_shared<const std::vector<std::byte>>(bytes, bytes + data_bytes);
        *out = new quant_matrix{PackedMatrix::pack(traits, rows, cols, *copy, copy)};
    });
}

void quant_matrix_free(quant_matrix *matrix) { delete matrix; }

quant_status quant_matrix_multiply(const quant_matrix *matrix, const float *x, uint64_t tokens, float *y) {
    return guarded([&] {
        require(matrix, "matrix");
        if (tokens == 0) return;
        require(x, "x"), require(y, "y");
        const PackedMatrix &m = matrix->matrix;
        matmul(m, x, tokens, m.cols(), y, m.rows(), default_pool());
    });
}

quant_status quant_active_tier(const char **out_name) {
    return guarded([&] {
        require(out_name, "out_name");
        *out_name = active_tier().data();
    });
}

} // extern "C"
