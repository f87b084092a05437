// A model as it lies on disk, seen as GGUF whatever it is: metadata under GGUF's
// keys, tensors under GGUF's names. Running and quantizing both start from here, so
// a Hugging Face folder is understood in one place.
#pragma once

#include "container/container.h"
#include "model/architecture.h"
#include "model/hugging_face_config.h"
#include "text/tokenizer.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace quant {

/// Rows are told as GGUF has them, or as the file does: `permute_heads`.
enum class RowOrder : uint8_t { gguf, source };

/// The GGUF tensor that has a tensor's rows among others.
struct FusedPlace {
    std::string name;
    uint64_t first_row = 0, rows = 0; ///< The tensor's first, and all.
};

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
    float added = 0;   ///< To each element of a vector that is stored.
    std::optional<FusedPlace> fused = {}; ///< Where GGUF has it in a tensor with others.
    RowView view = {}; ///< Of each matrix that is stored; several tensors may be views of one.
    bool turned = false; ///< Its rows are columns of what it is a view of, whose rows follow each other.

    uint64_t cols() const { return shape.empty() ? 1 : shape.back(); }
    uint64_t rows() const; ///< Of all matrices together.
    uint64_t elements() const { return rows() * cols(); }
    /// Experts of a stack of matrices; else 1.
    uint64_t matrices() const { return shape.size() == 3 ? shape[0] : 1; }
    /// What is stored of one of them, from its row first_stored_row() on.
    const TensorInfo &stored(uint64_t matrix) const { return parts.empty() ? *source : *parts[matrix]; }
    uint64_t first_stored_row(uint64_t matrix) const { return parts.empty() ? matrix * (source->rows() / matrices()) : 0; }
    uint64_t matrix_rows() const { return rows() / std::max<uint64_t>(1, matrices()); }
    uint64_t source_bytes() const; ///< Encoded; 0 where there is no source.
    /// Biases and norms, the rows of which are elements; of experts they are one below the other.
    bool is_vector() const { return role ? role_traits(role->role).kind == RoleKind::vector : shape.size() < 2; }
};

/// GGUF's row `row` of a matrix of `rows`, of which it interleaves those of `heads` heads, as a folder numbers it; 0: as
/// GGUF does.
uint64_t folder_row(uint64_t rows, uint32_t heads, uint64_t row);

/// Of how many heads GGUF interleaves the rows of a role's matrix; 0: it does not.
uint32_t permuted_heads(Role role, const Hyperparameters &h, const Architecture &architecture);

class MadeFiles;

/// Immutable after open.
class ModelFile {
public:
    /// A GGUF file or a Hugging Face folder. Throws Error as quant_model_open() says.
    static std::shared_ptr<const ModelFile> open(const std::filesystem::path &path,
                                                 const FileSource &files = FileSource::disk());

    /// A GGUF file as the folder that it would be, with the same weights under the names and with the rows that folders
    /// have. Throws Error (QUANT_ERR_UNSUPPORTED) naming the file and what of it a folder cannot be.
    static std::shared_ptr<const ModelFile> as_folder(const ModelFile &gguf);

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
    /// Of a folder: all but tensors. They may lie nowhere; side_text() has what is in one.
    const std::vector<std::filesystem::path> &side_files() const { return side_files_; }
    std::string side_text(const std::filesystem::path &file) const;

    /// The bytes of one of a tensor's matrices, in the source's order of rows; it has a source, which is not made, and a
    /// contiguous view.
    std::span<const std::byte> matrix_bytes(const ModelTensor &tensor, uint64_t matrix) const;

    /// Rows [first, first + count) of one of its matrices as they are encoded, in the source's order; made or not.
    void copy_rows(const ModelTensor &tensor, uint64_t matrix, uint64_t first, uint64_t count, std::byte *out) const;

    /// Where a matrix's row lies, as GGUF numbers rows of all matrices: which stored tensor, and which row of it. Not of
    /// a turned one.
    struct StoredRow {
        const TensorInfo *tensor;
        uint64_t row;
    };
    StoredRow stored_place(const ModelTensor &tensor, uint64_t row) const;
    /// Rows [first, first + count) of a matrix that is not turned, as they are encoded, in GGUF's order.
    void encoded_rows(const ModelTensor &tensor, uint64_t first, uint64_t count, std::byte *out) const;

    /// Rows [first, first + count) as float32.
    void decode_rows(const ModelTensor &tensor, uint64_t first, uint64_t count, float *out,
                     RowOrder order = RowOrder::gguf) const;

    /// Told rows of a matrix [first, first + count), as decode_rows() gives them, which it may change.
    using RowEdit = std::function<void(const ModelTensor &tensor, uint64_t first, uint64_t count, float *rows,
                                       RowOrder order)>;
    /// The same file, whose decode_rows() gives what `edit` makes of matrices. Threads: any at a time call it.
    std::shared_ptr<const ModelFile> with_rows(RowEdit edit) const;

private:
    ModelFile() = default;
    void read_gguf(const FileSource &files);
    void read_hugging_face(const std::filesystem::path &folder, const FileSource &files);
    bool find_source(const Architecture &architecture, const RoleTraits &traits, uint32_t layer, ModelTensor &tensor) const;
    void view_rows(const RoleName &name, ModelTensor &tensor) const;
    std::optional<FusedPlace> fused_place(const RoleName &name, uint32_t layer) const;
    void require_biases(const HuggingFaceConfig &config, const Architecture &architecture) const;
    std::vector<std::byte> encoded_stretch(const ModelTensor &tensor, uint64_t matrix, uint64_t first, uint64_t count,
                                           RowOrder order, uint64_t &low) const;
    void decode_made(const ModelTensor &tensor, uint64_t matrix, uint64_t first, uint64_t count, float *out,
                     RowOrder order) const;
    void split_keys_and_values();
    void decode_source(const ModelTensor &tensor, uint64_t first, uint64_t count, float *out, RowOrder order) const;
    bool add_fused(const TensorInfo &tensor);
    void check_shapes();
    void decode_turned(const ModelTensor &tensor, uint64_t matrix, uint64_t first, uint64_t count, float *out) const;
    void decode_vectors(const ModelTensor &tensor, uint64_t first, uint64_t count, float *out, RowOrder order) const;
    void read_rope_divisors();
    std::vector<float> positive_numbers(Role role) const; ///< Of a vector; empty where there is none.

    std::shared_ptr<const Container> container_;
    const Architecture *architecture_ = nullptr;
    Hyperparameters hyperparameters_;
    Metadata metadata_;
    TokenizerSpec tokenizer_;
    std::vector<ModelTensor> tensors_;
    std::string name_;
    std::vector<std::filesystem::path> side_files_;
    std::shared_ptr<const MadeFiles> made_files_; ///< Not null: those are its side files.
    RowEdit edit_; ///< Empty: rows are what the file has.
};

} // namespace quant
