// Importance: for each column of a matrix the mean square of what goes into it, as the
// llama.cpp project's imatrix tool gathers it, and the two kinds of files it keeps it in.
#pragma once

#include <quant/quantize.h>

#include "base/progress.h"
#include "model/adapter.h"
#include "model/model.h"

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quant {

/// Of one tensor: sums over calibration tokens, for each of its matrices (experts).
struct ImportanceEntry {
    std::vector<float> sums;   ///< matrices x columns: of squares.
    std::vector<float> counts; ///< matrices: tokens that went in.

    size_t columns() const { return counts.empty() ? 0 : sums.size() / counts.size(); }
};

struct Importance {
    std::map<std::string, ImportanceEntry> entries; ///< By GGUF tensor name.
    std::vector<std::string> datasets;              ///< Where the text came from, as told by who made it.
    uint32_t chunks = 0, chunk_tokens = 0;
    std::string name; ///< Leads messages: the file it was read from.

    /// Mean squares of the columns of each of the tensor's matrices, matrices x columns; empty
    /// if there is no entry. An expert that no token went to gets the mean of the others.
    /// Throws Error (QUANT_ERR_ARGUMENT): other numbers, nothing counted, or a value that is
    /// negative or not finite; the message names tensor and file.
    std::vector<float> columns_of(std::string_view tensor, uint64_t columns, uint64_t matrices) const;
};

enum class ImportanceFormat { gguf = QUANT_IMPORTANCE_GGUF, legacy = QUANT_IMPORTANCE_LEGACY };

/// Either format, told apart by the first bytes. Throws Error (QUANT_ERR_FORMAT, _TRUNCATED ...).
Importance read_importance(const std::filesystem::path &path);
void write_importance(const Importance &importance, ImportanceFormat format, const std::filesystem::path &path);

/// Run `sequences` through the model, with adapters of it, and gather the statistics of all its matrices.
Importance gather_importance(std::shared_ptr<const Model> model, const std::vector<std::vector<int32_t>> &sequences,
                             Progress &progress, const AdapterSet &adapters = {});

/// As quant_importance_gather() says; `context` 0: the usual.
void write_importance_of(const std::filesystem::path &model, std::string_view text, std::string text_name,
                         uint32_t context, uint64_t tokens, ImportanceFormat format,
                         const std::filesystem::path &output, Progress &progress);

/// Tokens of a sequence for a model: `wanted`; 0: 512, or its own context where that is
/// shorter. Throws Error (QUANT_ERR_ARGUMENT).
uint32_t calibration_context(const Hyperparameters &h, uint32_t wanted);

/// `text` tokenized and cut into whole sequences of `context` tokens, `most_tokens` in all
/// (0: no limit), BOS first in each where the model adds one. Throws Error
/// (QUANT_ERR_ARGUMENT): fewer than `least` sequences; the message has both numbers.
std::vector<std::vector<int32_t>> calibration_sequences(const Tokenizer &tokenizer, std::string_view text,
                                                        uint32_t context, uint64_t most_tokens, size_t least);

} // namespace quant
