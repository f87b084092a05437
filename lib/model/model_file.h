// A model as it lies on disk, seen as GGUF whatever it is: metadata under GGUF's
// keys, tensors under GGUF's names. Running and quantizing both start from here, so
// a Hugging Face folder is understood in one place.
#pragma once

#include "container/container.h"
#include "model/architecture.h"
#include "text/tokenizer.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace quant {

/// A tensor of the model.
struct ModelTensor {
    std::string name;                  ///< GGUF's.
    std::optional<RoleOfTensor> role;  ///< Nothing for tensors the forward pass does not use.
    std::vector<uint64_t> shape;       ///< Row-major.
    const TensorInfo *source;          ///< nullptr where it is made from the configuration (`made`).
    std::vector<float> made;
    uint32_t permute_heads = 0;        ///< Not 0: rows of that many heads are interleaved on writing GGUF.
    /// Where each expert's matrix is a tensor by itself: all of them; `source` is the first.
    std::vector<const TensorInfo *> parts = {};

    uint64_t cols() const { return shape.empty() ? 1 : shape.back(); }
    uint64_t rows() const; ///< Of all matrices together.
    uint64_t elements() const { return rows() * cols(); }
    /// Experts of a stack of matrices; else 1.
    uint64_t matrices() const { return shape.size() == 3 ? shape[0] : 1; }
    uint64_t matrix_rows() const { return rows() / std::max<uint64_t>(1, matrices()); }
    uint64_t source_bytes() const; ///< Encoded; 0 where there is no source.
};

/// Immutable after open.
class ModelFile {
public:
    /// A GGUF file or a Hugging Face folder. Throws Error as quant_model_open() says.
    static std::shared_ptr<const ModelFile> open(const std::filesystem::path &path,
                                                 const FileSource &files = FileSource::disk());

    const Container &container() const { return *container_; }
    const std::shared_ptr<const Container> &container_pointer() const { return container_; }
    const Hyperparameters &hyperparameters() const { return hyperparameters_; }
    /// Architecture and general keys, without the tokenizer's.
    const Metadata &metadata() const { return metadata_; }
    const TokenizerSpec &tokenizer() const { return tokenizer_; }
    const std::vector<ModelTensor> &tensors() const { return tensors_; }
    const ModelTensor *find(Role role, uint32_t layer) const;
    const std::string &name() const { return name_; }
    uint64_t parameters() const;   ///< Elements of the tensors that have a source.
    uint64_t tensor_bytes() const; ///< Encoded, of the same.
    double bits_per_weight() const;
    /// Of most weights: a type mix's name where the file states one, else the encoding.
    std::string type_name() const;
    /// Every file that belongs to it: tensors, configuration, tokenizer.
    std::vector<std::filesystem::path> files() const;

    /// The bytes of one of a tensor's matrices, in the source's order of rows; it has a source.
    std::span<const std::byte> matrix_bytes(const ModelTensor &tensor, uint64_t matrix) const;

    /// Rows [first, first + count) as float32, in GGUF's order of rows.
    void decode_rows(const ModelTensor &tensor, uint64_t first, uint64_t count, float *out) const;

private:
    ModelFile() = default;
    void read_gguf(const FileSource &files);
    void read_hugging_face(const std::filesystem::path &folder, const FileSource &files);
    bool find_source(const RoleTraits &traits, uint32_t layer, ModelTensor &tensor) const;
    void check_shapes();
    void read_rope_divisors();

    std::shared_ptr<const Container> container_;
    Hyperparameters hyperparameters_;
    Metadata metadata_;
    TokenizerSpec tokenizer_;
    std::vector<ModelTensor> tensors_;
    std::string name_;
    std::vector<std::filesystem::path> side_files_;
};

} // namespace quant
