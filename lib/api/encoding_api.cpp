#include <quant/encoding.h>

#include "api/guard.h"
#include "base/checked.h"
#include "base/progress.h"
#include "encoding/encoding.h"

using namespace quant;
using namespace quant::api;

namespace {

const char *family_name(Family family) {
    switch (family) {
    case Family::floats:
        return "floats";
    case Family::uniform:
        return "uniform";
    case Family::table16:
        return "table16";
    case Family::grid:
        return "grid";
    case Family::ternary:
        return "ternary";
    case Family::float8:
        return "float8";
    }
    return "?";
}

quant_encode_options default_encode_options() {
    quant_encode_options o{};
    o.size = sizeof o;
    return o;
}

uint64_t elements(uint64_t rows, uint64_t cols) {
    const auto product = checked_mul(rows, cols);
    if (!product || *product > SIZE_MAX / sizeof(float))
        fail(QUANT_ERR_ARGUMENT, "{} rows of {} weights are more than memory can hold", rows, cols);
    return *product;
}

} // namespace

extern "C" {

size_t quant_encoding_count(void) { return encodings().size(); }

quant_status quant_encoding_get(size_t index, quant_encoding_info *info) {
    return guarded([&] {
        if (index >= encodings().size())
            fail(QUANT_ERR_ARGUMENT, "there is no encoding {}: there are {}", index, encodings().size());
        const EncodingTraits &e = encodings()[index];
        write_struct(info,
                     {sizeof *info, e.id, e.name, family_name(e.family), e.summary, e.block_weights, e.block_bytes,
                      e.bits_per_weight()},
                     "info");
    });
}

quant_status quant_encoding_find(const char *name, quant_encoding *out) {
    return guarded([&] {
        require(name, "name"), require(out, "out");
        *out = encoding_named(name, QUANT_ERR_NOT_FOUND).id;
    });
}

quant_status quant_encoded_size(quant_encoding encoding, uint64_t rows, uint64_t cols, uint64_t *out_bytes) {
    return guarded([&] {
        require(out_bytes, "out_bytes");
        *out_bytes = encoded_bytes(encoding_traits(encoding), rows, cols);
    });
}

void quant_encode_options_init(quant_encode_options *options, size_t size) {
    init_struct(options, size, default_encode_options());
}

quant_status quant_encode(quant_encoding encoding, const float *weights, uint64_t rows, uint64_t cols,
                          const quant_encode_options *options, void *out, uint64_t out_bytes) {
    return guarded([&] {
        require(weights, "weights"), require(out, "out");
        const quant_encode_options o = read_struct(options, default_encode_options(), "options");
        const uint64_t count = elements(rows, cols);
        Progress progress(o.progress, o.user);
        progress.begin(encoding_traits(encoding).name, count);
        encode_matrix(encoding_traits(encoding), o.method, {weights, count},
                      o.importance ? std::span<const float>(o.importance, cols) : std::span<const float>(), rows, cols,
                      {static_cast<std::byte *>(out), out_bytes}, [&](uint64_t more) { progress.advance(more); });
        progress.finish();
    });
}

quant_status quant_decode(quant_encoding encoding, const void *in, uint64_t in_bytes, uint64_t rows, uint64_t cols,
                          float *out) {
    return guarded([&] {
        require(in, "in"), require(out, "out");
        decode_matrix(encoding_traits(encoding), {static_cast<const std::byte *>(in), in_bytes}, rows, cols,
                      {out, elements(rows, cols)});
    });
}

} // extern "C"
