// Second moments of a model's inputs, kept in a file, so that one run of a calibration
// text serves many quantizations of the model.
//
// The file is GGUF, with general.type "second-moments" and the keys
//   quant.moments.version      u32, 1
//   quant.moments.datasets     strings: names of the texts
//   quant.moments.context      u32: tokens of a sequence
//   quant.moments.tokens       u64: of the first part of the text
//   quant.moments.held_tokens  u64: of the last eighth of its sequences, which choices
//                              between methods are tried on
// For each distinct input of n columns there are two F32 tensors of n (n + 1) / 2 values,
// NAME.moments and NAME.held_moments: the lower triangle, row by row, of the sum over
// those tokens of x xᵀ. NAME is the first matrix that reads the input: blk.0.attn_q.weight
// also stands for attn_k and attn_v, blk.0.ffn_gate.weight also for ffn_up. Of experts the
// tensors have experts x n (n + 1) / 2 values, each of the tokens that its router sent there
// (LayerwiseCalibration::least_expert_tokens says when it is all of them).
//
// Inputs are those of the model as it is, so that nothing in the file depends on how
// it will be quantized. 4 n (n + 1) bytes an input: for a layer of width d and ffn width
// f, 12 d² + 4 f² bytes. Making it takes the memory of LayerwiseCalibration without drift;
// reading it that of one input.
#pragma once

#include "base/progress.h"
#include "quantize/layerwise.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>

namespace quant {

/// Run a text through a model and write the file. Throws Error as write_importance_of().
void write_moments_of(const std::filesystem::path &model, std::string_view text, std::string text_name,
                      uint32_t context, uint64_t tokens, const std::filesystem::path &output, Progress &progress);

/// Any thread may read it.
class MomentsFile {
public:
    /// Throws Error (QUANT_ERR_FORMAT): not such a file, or of a later version.
    explicit MomentsFile(const std::filesystem::path &path);

    /// Throws Error (QUANT_ERR_ARGUMENT) naming file and tensor: statistics of another model.
    void require_fit(const ModelFile &model) const;
    /// Of the input of a matrix that is in a layer, of experts the one of that number; without
    /// drift. Throws Error (QUANT_ERR_FORMAT): a value that is not finite.
    InputMoments of(const ModelTensor &tensor, uint64_t matrix, const ModelFile &model) const;

private:
    const TensorInfo &triangle(const ModelTensor &tensor, const ModelFile &model, std::string_view suffix) const;
    SecondMoments read(const TensorInfo &info, uint64_t matrix, size_t columns, uint64_t tokens) const;

    std::shared_ptr<const Container> container_;
    uint64_t tokens_ = 0, held_tokens_ = 0;
};

} // namespace quant
