#include "encoding/encoding.h"

#include "base/checked.h"
#include "base/error.h"
#include "encoding/block_codecs.h"
#include "encoding/matrix_error.h"

#include <strings.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace quant {

namespace {

constexpr EncodingTraits table[] = {
#define ENCODING(name, family, weights, bytes, decode, encode, summary)                                       \
    {QUANT_##name, #name, summary, Family::family, weights, bytes, decode, encode},
#include "encoding/encodings.def"
#undef ENCODING
};

static_assert(std::is_sorted(std::begin(table), std::end(table),
                             [](const EncodingTraits &a, const EncodingTraits &b) { return a.id < b.id; }));

// A public enumerator without a row fails to compile here (-Wswitch), a second row for
// one as a repeated case.
#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wswitch"
constexpr bool has_row(quant_encoding id) {
    switch (id) {
#define ENCODING(name, family, weights, bytes, decode, encode, summary) case QUANT_##name:
#include "encoding/encodings.def"
#undef ENCODING
        return true;
    }
    return false;
}
#pragma GCC diagnostic pop
static_assert(std::all_of(std::begin(table), std::end(table), [](const EncodingTraits &e) {
    return has_row(e.id) && e.block_weights > 0 && e.block_bytes > 0;
}));

void check_method(quant_method method, bool has_importance) {
    if (method == QUANT_METHOD_FEEDBACK || method == QUANT_METHOD_BEST)
        fail(QUANT_ERR_ARGUMENT,
             "method {} needs second moments of the inputs, which no matrix brings with it: quantize the "
             "model instead",
             method == QUANT_METHOD_BEST ? "best" : "feedback");
    if (method < QUANT_METHOD_DEFAULT || method > QUANT_METHOD_IMPORTANCE)
        fail(QUANT_ERR_ARGUMENT, "method {} is none; expected 0 to {}", static_cast<int>(method),
             static_cast<int>(QUANT_METHOD_IMPORTANCE));
    if (method == QUANT_METHOD_IMPORTANCE && !has_importance)
        fail(QUANT_ERR_ARGUMENT, "method importance needs importance weights, and none were given");
}

void check_weights(std::span<const float> weights, uint64_t cols) {
    const size_t at = first_not_finite(weights);
    if (at == weights.size()) return;
    fail(QUANT_ERR_ARGUMENT, "the weight in row {}, column {} is {}; expected finite numbers", at / cols, at % cols,
         weights[at]);
}

void check_importance(std::span<const float> importance, uint64_t cols) {
    if (importance.empty()) return;
    if (importance.size() != cols)
        fail(QUANT_ERR_ARGUMENT, "{} importance weights given; expected one for each of {} columns",
             importance.size(), cols);
    const auto bad =
        std::find_if(importance.begin(), importance.end(), [](float w) { return !(std::isfinite(w) && w >= 0); });
    if (bad != importance.end())
        fail(QUANT_ERR_ARGUMENT, "the importance of column {} is {}; expected finite numbers of at least 0",
             bad - importance.begin(), *bad);
}

void check_bytes(const EncodingTraits &e, uint64_t rows, uint64_t cols, size_t given) {
    const uint64_t expected = encoded_bytes(e, rows, cols);
    if (given != expected)
        fail(QUANT_ERR_ARGUMENT, "{} bytes given for {} rows of {} weights in {}; expected {}", given, rows, cols,
             e.name, expected);
}

void check_count(uint64_t rows, uint64_t cols, size_t given) {
    const auto expected = checked_mul(rows, cols);
    if (!expected || given != *expected)
        fail(QUANT_ERR_ARGUMENT, "{} floats given; expected {} rows of {}", given, rows, cols);
}

} // namespace

std::span<const EncodingTraits> encodings() { return table; }

const EncodingTraits *find_encoding(uint32_t id) noexcept {
    for (const EncodingTraits &e : table)
        if (static_cast<uint32_t>(e.id) == id) return &e;
    return nullptr;
}

const EncodingTraits *find_encoding(std::string_view name) noexcept {
    for (const EncodingTraits &e : table)
        if (name.size() == std::string_view(e.name).size() && ::strncasecmp(name.data(), e.name, name.size()) == 0)
            return &e;
    return nullptr;
}

const EncodingTraits &encoding_traits(quant_encoding id) {
    const EncodingTraits *e = find_encoding(static_cast<uint32_t>(id));
    if (!e) fail(QUANT_ERR_UNSUPPORTED, "encoding {} is not known to this version", static_cast<int>(id));
    return *e;
}

uint64_t encoded_bytes(const EncodingTraits &e, uint64_t rows, uint64_t cols) {
    if (cols % e.block_weights != 0)
        fail(QUANT_ERR_ARGUMENT, "rows of {} weights cannot be {}: expected a multiple of {}", cols, e.name,
             e.block_weights);
    const auto blocks = checked_mul(rows, cols / e.block_weights);
    const auto bytes = blocks ? checked_mul<uint64_t>(*blocks, e.block_bytes) : std::nullopt;
    if (!bytes || *bytes > INT64_MAX)
        fail(QUANT_ERR_ARGUMENT, "{} rows of {} weights in {} are more bytes than can be counted", rows, cols, e.name);
    return *bytes;
}

void encode_matrix(const EncodingTraits &e, quant_method method, std::span<const float> weights,
                   std::span<const float> importance, uint64_t rows, uint64_t cols, std::span<std::byte> out,
                   const std::function<void(uint64_t)> &made) {
    check_method(method, !importance.empty());
    check_bytes(e, rows, cols, out.size());
    check_count(rows, cols, weights.size());
    check_importance(importance, cols);
    check_weights(weights, cols);
    if (weights.empty()) return;
    if (method == QUANT_METHOD_DEFAULT) method = importance.empty() ? QUANT_METHOD_SEARCH : QUANT_METHOD_IMPORTANCE;
    const float *row_importance = method == QUANT_METHOD_ROUND || importance.empty() ? nullptr : importance.data();
    const uint64_t blocks = cols / e.block_weights;
    // Without importance a row is nothing special, and encoders like many blocks at once.
    const uint64_t step = row_importance ? blocks : 16384, all = rows * blocks;
    for (uint64_t first = 0; first < all; first += step) {
        const uint64_t some = std::min(step, all - first);
        e.encode(weights.data() + first * e.block_weights, row_importance, out.data() + first * e.block_bytes, some,
                 method);
        if (made) made(some * e.block_weights);
    }
}

void decode_matrix(const EncodingTraits &e, std::span<const std::byte> in, uint64_t rows, uint64_t cols,
                   std::span<float> out) {
    check_bytes(e, rows, cols, in.size());
    check_count(rows, cols, out.size());
    if (out.empty()) return;
    e.decode(in.data(), out.data(), rows * (cols / e.block_weights));
}

} // namespace quant
