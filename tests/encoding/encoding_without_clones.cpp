// A door to a second copy of the encodings, compiled without clones for wider CPUs and
// in a namespace of its own: the build defines `quant` as another name for this copy.
#include "encoding/encoding.h"

void encode_without_clones(uint32_t id, const float *in, const float *importance, std::byte *out, size_t blocks,
                           quant_method method) {
    quant::find_encoding(id)->encode(in, importance, out, blocks, method);
}

void decode_without_clones(uint32_t id, const std::byte *in, float *out, size_t blocks) {
    quant::find_encoding(id)->decode(in, out, blocks);
}
