// A container: named tensors and metadata in files, opened read-only and mapped.
#pragma once

#include "base/file_source.h"
#include "container/metadata.h"
#include "encoding/encoding.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace quant {

enum class ContainerKind : uint8_t { gguf, safetensors };

/// Where a tensor lies. `shape` is row-major, outermost first (GGUF stores it the
/// other way round): the last entry is the row length that encodings block.
struct TensorInfo {
    std::string name;
    std::vector<uint64_t> shape;
    const EncodingTraits *encoding; ///< nullptr for a type this version cannot decode.
    std::string type_name;          ///< As the file has it ("BF16", "I64", "type 41").
    uint64_t bytes;
    uint64_t offset;                ///< In its file, from the file's start.
    uint32_t file;                  ///< Index into Container::files().
    bool made = false;              ///< Of pieces, when it is asked for (checkpoint.h): it lies in no file.
    /// Which column of the model each column is, where they are in another order; else nullptr.
    std::shared_ptr<const std::vector<uint32_t>> columns = nullptr;

    uint64_t elements() const;      ///< Product of the shape, checked at open.
    uint64_t cols() const { return shape.empty() ? 1 : shape.back(); }
    uint64_t rows() const { return cols() == 0 ? 0 : elements() / cols(); }
};

/// A decoded row's columns as the model counts them, where the tensor has them in another order.
void restore_columns(const TensorInfo &tensor, float *row);

/// Immutable after open, so any thread may read it. Every tensor's bytes lie inside
/// their file, whole rows of blocks, and names are unique: open() checked it.
class Container {
public:
    /// Open a GGUF file (any part of a split set opens the set), a safetensors file,
    /// a model.safetensors.index.json, or a folder that holds one of them.
    /// Throws Error: not found, format, truncated, limit, unsupported.
    static std::shared_ptr<const Container> open(const std::filesystem::path &path,
                                                 const FileSource &files = FileSource::disk());
    virtual ~Container() = default;

    ContainerKind kind() const { return kind_; }
    const std::filesystem::path &path() const { return path_; } ///< As given to open().
    const std::vector<std::filesystem::path> &files() const { return files_; }
    uint64_t file_bytes() const { return file_bytes_; }         ///< Of all files.
    const Metadata &metadata() const { return metadata_; }
    std::span<const TensorInfo> tensors() const { return tensors_; }
    const TensorInfo *find(std::string_view name) const;
    /// Throws Error (QUANT_ERR_NOT_FOUND) naming file and tensor.
    const TensorInfo &require(std::string_view name) const;
    /// Borrowed from the mapping, valid as long as the container. The tensor is not made.
    virtual std::span<const std::byte> data(const TensorInfo &tensor) const = 0;
    /// Rows [first, first + count), of any tensor that has an encoding: as it has them, whatever they were made of.
    virtual void copy_rows(const TensorInfo &tensor, uint64_t first, uint64_t count, std::byte *out) const;
    /// Decoded to float32, row-major, columns in their order. Throws Error (QUANT_ERR_UNSUPPORTED).
    std::vector<float> decode(const TensorInfo &tensor) const;

protected:
    Container() = default;
    /// Sort the names of tensors_ for find(). Throws Error (QUANT_ERR_FORMAT): one appears twice.
    void index_names();

    ContainerKind kind_{};
    std::filesystem::path path_;
    std::vector<std::filesystem::path> files_;
    uint64_t file_bytes_ = 0;
    Metadata metadata_;
    std::vector<TensorInfo> tensors_;
    std::vector<uint32_t> by_name_; ///< Places in tensors_, ascending by name.
};

/// What is known of a tensor before its bytes are.
struct TensorPlan {
    std::string name;
    std::vector<uint64_t> shape; ///< Row-major, as in TensorInfo.
    quant_encoding encoding;
};

/// Writes a GGUF v3 file: layout first, so that its size is known before any work,
/// then the tensors. The alignment is general.alignment where
/// metadata has it, else 32. The `split.*` keys of a set's part are left out, because
/// what is written is one file.
class GgufWriter {
public:
    /// Throws Error: a duplicate or over-long name, too many dimensions, rows that are
    /// no whole number of blocks, a bad general.alignment, a full disk.
    GgufWriter(const std::filesystem::path &path, const Metadata &metadata, std::vector<TensorPlan> plan);
    ~GgufWriter();

    static uint64_t file_bytes(const Metadata &metadata, const std::vector<TensorPlan> &plan);

    /// Part of the plan's tensor with this number, from its byte `offset` on. In any order
    /// and from any thread, but each byte once.
    void write(size_t tensor, uint64_t offset, std::span<const std::byte> bytes);
    /// The whole of the tensor after the one that add() took before.
    void add(std::span<const std::byte> bytes);
    /// The disk may begin with these bytes of a tensor, which are written.
    void begin_sync(size_t tensor, uint64_t offset, uint64_t bytes) noexcept;
    /// All tensors are there: sync and rename into place. Without it nothing appears.
    void commit();
    /// As commit(). The SHA-256 of the file.
    std::string commit_with_digest();

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace quant
