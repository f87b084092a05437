// A base model's log-probabilities in a file, as llama-perplexity writes and reads them
// (--kl-divergence-base), so that each side can be measured against the other's base.
//
// Layout, little-endian: "_logits_"; int32 tokens a chunk, vocabulary, chunks; the int32
// tokens of all chunks, as the text has them (before BOS replaces the first of a chunk);
// then for each scored position of each chunk a row of 16-bit numbers: two float32
// (scale, minimum) in four of them, and a code for each token of the vocabulary, padded
// to an even count. ln p = scale * code + minimum. The range ends 16 below the largest
// logit, so code 0 also stands for all that is less likely; below ln p = -16 nothing is
// counted. The step of about 2^-12 hides divergences below some 0.0005 nats.
#pragma once

#include "base/file.h"

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace quant {

/// Scored positions of a chunk: the second half, without the last token, whose
/// successor is not known.
constexpr uint32_t scored_positions(uint32_t context) { return context - 1 - context / 2; }

class BaseLogitsReader {
public:
    /// Checks the header, the length of the file and the tokens. Throws Error (QUANT_ERR_FORMAT, _TRUNCATED ...).
    explicit BaseLogitsReader(const std::filesystem::path &path);

    const std::filesystem::path &path() const { return file_.path(); }
    uint32_t context() const { return context_; }
    uint32_t vocabulary() const { return vocabulary_; }
    uint32_t chunks() const { return chunks_; }
    const std::vector<int32_t> &tokens() const { return tokens_; } ///< chunks x context.

    /// Read one chunk's rows, which stay until the next. Throws Error (QUANT_ERR_FORMAT,
    /// QUANT_ERR_TRUNCATED) also for rows that are no log-probabilities.
    void load(uint32_t chunk);
    /// Row of the loaded chunk: log-probabilities, `untold` where the file does not tell.
    void decode(uint32_t row, float *out) const;
    /// Of one token, also where code 0 says only that it is no larger.
    float log_probability(uint32_t row, int32_t token) const;

private:
    struct Scale {
        float step, minimum;
    };
    Scale scale_of(uint32_t row) const;
    void check_scale(uint32_t chunk, uint32_t row) const;
    uint64_t row_numbers() const;

    InputFile file_;
    uint32_t context_ = 0, vocabulary_ = 0, chunks_ = 0;
    uint64_t rows_begin_ = 0; ///< Of the first row in the file.
    std::vector<int32_t> tokens_;
    std::vector<uint16_t> rows_;
};

/// Writes such a file, a chunk at a time; it appears complete or not at all.
class BaseLogitsWriter {
public:
    /// `tokens` are those of all chunks.
    BaseLogitsWriter(const std::filesystem::path &path, uint32_t context, uint32_t vocabulary,
                     std::span<const int32_t> tokens);

    /// The next chunk: logits of its scored positions, each a row of the vocabulary.
    void add(const float *logits);
    /// All chunks are there: sync and rename into place.
    void commit() { out_.commit(); }

private:
    uint32_t context_, vocabulary_;
    OutputFile out_;
    std::vector<uint16_t> rows_;
};

} // namespace quant
