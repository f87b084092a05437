#include "eval/base_logits.h"

#include "base/checked.h"
#include "base/error.h"
#include "eval/token_statistics.h"
#include "kernel/ops.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <optional>
#include <string_view>

namespace quant {

namespace {

static_assert(std::endian::native == std::endian::little, "numbers are read and written as they lie in memory");

constexpr std::string_view magic = "_logits_";
constexpr float range = 16;             // Nats below the largest that codes reach.
constexpr float least_counted = -16;    // Rows count log-probabilities above it.
constexpr float largest_code = 65535;
constexpr float largest_log_probability = 0.01f; // 0, and what rounding may add.
constexpr uint32_t scale_numbers = 4;   // Two float32.

struct Header {
    char magic[8];
    int32_t context, vocabulary, chunks;
};
static_assert(sizeof(Header) == 20);

constexpr uint64_t numbers_of_row(uint64_t vocabulary) { return 2 * ((vocabulary + 1) / 2) + scale_numbers; }

// Nothing where the product overflows, which no file's length can equal.
std::optional<uint64_t> file_bytes(uint32_t context, uint32_t vocabulary, uint32_t chunks) {
    const auto tokens = checked_mul<uint64_t>(uint64_t{context} * sizeof(int32_t), chunks);
    const auto chunk = checked_mul<uint64_t>(numbers_of_row(vocabulary) * sizeof(uint16_t), scored_positions(context));
    const auto rows = chunk ? checked_mul<uint64_t>(*chunk, chunks) : std::nullopt;
    const auto sum = tokens && rows ? checked_add(*tokens, *rows) : std::nullopt;
    return sum ? checked_add<uint64_t>(*sum, sizeof(Header)) : std::nullopt;
}

Header read_header(const InputFile &file) {
    const std::string name = printable(file.path().string(), 4096);
    Header h{};
    if (file.bytes() < sizeof h)
        fail(QUANT_ERR_TRUNCATED, "{}: {} bytes, too short for a file of base logits", name, file.bytes());
    file.read_at(0, std::as_writable_bytes(std::span(&h, 1)));
    if (std::string_view(h.magic, sizeof h.magic) != magic)
        fail(QUANT_ERR_FORMAT, "{}: no file of base logits: expected it to begin with \"{}\"", name, magic);
    if (h.context < 4 || h.vocabulary < 1 || h.chunks < 1)
        fail(QUANT_ERR_FORMAT, "{}: {} chunks of {} tokens and a vocabulary of {}: expected 1 or more of 4 or more, "
             "and a vocabulary of 1 or more", name, h.chunks, h.context, h.vocabulary);
    const auto expected = file_bytes(static_cast<uint32_t>(h.context), static_cast<uint32_t>(h.vocabulary),
                                     static_cast<uint32_t>(h.chunks));
    if (!expected || file.bytes() != *expected)
        fail(expected && file.bytes() > *expected ? QUANT_ERR_FORMAT : QUANT_ERR_TRUNCATED,
             "{}: {} chunks of {} tokens with a vocabulary of {} take {} bytes, but the file has {}", name, h.chunks,
             h.context, h.vocabulary, expected ? fmt::format("{}", *expected) : "more than any file's", file.bytes());
    return h;
}

} // namespace

BaseLogitsReader::BaseLogitsReader(const std::filesystem::path &path) : file_(path) {
    const Header h = read_header(file_);
    context_ = static_cast<uint32_t>(h.context);
    vocabulary_ = static_cast<uint32_t>(h.vocabulary);
    chunks_ = static_cast<uint32_t>(h.chunks);
    tokens_.resize(size_t{context_} * chunks_);
    file_.read_at(sizeof h, std::as_writable_bytes(std::span(tokens_)));
    rows_begin_ = sizeof h + tokens_.size() * sizeof(int32_t);
    for (size_t i = 0; i < tokens_.size(); i++)
        if (tokens_[i] < 0 || static_cast<uint32_t>(tokens_[i]) >= vocabulary_)
            fail(QUANT_ERR_FORMAT, "{}: token {} is {}, outside the file's vocabulary of {}",
                 printable(path.string(), 4096), i, tokens_[i], vocabulary_);
}

uint64_t BaseLogitsReader::row_numbers() const { return numbers_of_row(vocabulary_); }

void BaseLogitsReader::load(uint32_t chunk) {
    const uint32_t rows = scored_positions(context_);
    rows_.resize(rows * row_numbers());
    const uint64_t bytes = rows_.size() * sizeof(uint16_t);
    file_.read_at(rows_begin_ + chunk * bytes, std::as_writable_bytes(std::span(rows_)));
    for (uint32_t row = 0; row < rows; row++) check_scale(chunk, row);
}

BaseLogitsReader::Scale BaseLogitsReader::scale_of(uint32_t row) const {
    Scale s;
    std::memcpy(&s, rows_.data() + row * row_numbers(), sizeof s);
    return s;
}

void BaseLogitsReader::check_scale(uint32_t chunk, uint32_t row) const {
    const Scale s = scale_of(row);
    const float top = s.minimum + s.step * largest_code;
    if (std::isfinite(s.minimum) && s.step >= 0 && top <= largest_log_probability) return;
    fail(QUANT_ERR_FORMAT, "{}: row {} of chunk {} has the scale {} and the minimum {}: expected log-probabilities",
         printable(path().string(), 4096), row, chunk, s.step, s.minimum);
}

void BaseLogitsReader::decode(uint32_t row, float *out) const {
    const Scale s = scale_of(row);
    const uint16_t *codes = rows_.data() + row * row_numbers() + scale_numbers;
    for (uint32_t i = 0; i < vocabulary_; i++) {
        const float value = s.step * static_cast<float>(codes[i]) + s.minimum;
        out[i] = value > least_counted ? value : untold;
    }
}

float BaseLogitsReader::log_probability(uint32_t row, int32_t token) const {
    const Scale s = scale_of(row);
    const uint16_t code = rows_[row * row_numbers() + scale_numbers + static_cast<uint32_t>(token)];
    return s.step * static_cast<float>(code) + s.minimum;
}

namespace {

void encode_row(const float *logits, uint32_t vocabulary, uint16_t *out) {
    const VectorOps &ops = vector_ops();
    const float top = ops.maximum(logits, vocabulary), log_sum = ops.log_sum_exp(logits, vocabulary);
    float least = top;
    for (uint32_t i = 0; i < vocabulary; i++) least = std::min(least, logits[i]);
    least = std::max(least, top - range);
    const float step = (top - least) / largest_code, minimum = least - log_sum;
    std::memcpy(out, &step, sizeof step);
    std::memcpy(out + 2, &minimum, sizeof minimum);
    const float codes_a_nat = step > 0 ? 1 / step : 0;
    for (uint32_t i = 0; i < vocabulary; i++) {
        const float code = std::max(0.0f, (logits[i] - least) * codes_a_nat) + 0.5f;
        out[scale_numbers + i] = static_cast<uint16_t>(static_cast<int32_t>(std::min(code, largest_code)));
    }
}

uint64_t checked_file_bytes(const std::filesystem::path &path, uint32_t context, uint32_t vocabulary, size_t tokens) {
    const auto bytes = file_bytes(context, vocabulary, static_cast<uint32_t>(tokens / context));
    if (tokens > INT32_MAX || vocabulary > INT32_MAX || !bytes)
        fail(QUANT_ERR_LIMIT, "{}: {} tokens with a vocabulary of {} are more than a file of base logits can hold",
             printable(path.string(), 4096), tokens, vocabulary);
    return *bytes;
}

} // namespace

BaseLogitsWriter::BaseLogitsWriter(const std::filesystem::path &path, uint32_t context, uint32_t vocabulary,
                                   std::span<const int32_t> tokens)
    : context_(context), vocabulary_(vocabulary),
      out_(path, checked_file_bytes(path, context, vocabulary, tokens.size())),
      rows_(scored_positions(context) * numbers_of_row(vocabulary)) {
    Header h{};
    std::memcpy(h.magic, magic.data(), magic.size());
    h.context = static_cast<int32_t>(context);
    h.vocabulary = static_cast<int32_t>(vocabulary);
    h.chunks = static_cast<int32_t>(tokens.size() / context);
    out_.write(std::as_bytes(std::span(&h, 1)));
    out_.write(std::as_bytes(tokens));
}

void BaseLogitsWriter::add(const float *logits) {
    const size_t width = numbers_of_row(vocabulary_);
    default_pool().parallel_for(scored_positions(context_), 4, [&](size_t begin, size_t end, unsigned) {
        for (size_t row = begin; row < end; row++)
            encode_row(logits + row * vocabulary_, vocabulary_, rows_.data() + row * width);
    });
    out_.write(std::as_bytes(std::span(rows_)));
}

} // namespace quant
