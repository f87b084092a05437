// What the readers of quantized checkpoints are made of. Private to this room.
//
// Such a checkpoint keeps a matrix in pieces: packed codes, scales, zero points, the order of its
// columns. A dialect finds the pieces of each matrix by their names, checks that they fit, and adds
// the matrix they make, whose rows are laid out again as blocks of an encoding whenever they are asked for.
#pragma once

#include "base/error.h"
#include "base/join.h"
#include "base/json.h"
#include "container/checkpoint.h"
#include "container/container_parts.h"

#include <memory>
#include <set>
#include <vector>

namespace quant {

/// Rows of a matrix, made of what is stored. Any thread may ask at any time.
class MadeRows {
public:
    virtual ~MadeRows() = default;
    /// Rows [first, first + count) as the encoding that the matrix was added with has them.
    virtual void write(uint64_t first, uint64_t count, std::byte *out) const = 0;
};

/// The checkpoint as one dialect reads it.
class CheckpointBuilder {
public:
    CheckpointBuilder(std::shared_ptr<const Container> stored, const json::Reader &config)
        : stored_(std::move(stored)), config_(config) {}

    const Container &stored() const { return *stored_; }
    /// What config.json says of the quantization.
    const json::Reader &config() const { return config_; }

    /// Names of stored tensors that end so, without the end.
    std::vector<std::string> names_before(std::string_view end) const;
    /// A piece, which is not a tensor of the model by itself from now on; nullptr: it is not there.
    const TensorInfo *take(const std::string &name);
    /// The same, which must be there. Throws Error (QUANT_ERR_NOT_FOUND) naming file and tensor.
    const TensorInfo &require(const std::string &name);
    std::span<const std::byte> data(const TensorInfo &piece) const { return stored_->data(piece); }

    /// A matrix of the model. `columns` says which column of the model each of its columns is; empty: they are in order.
    void add(std::string name, uint64_t rows, uint64_t cols, const EncodingTraits &encoding,
             std::unique_ptr<const MadeRows> maker, std::vector<uint32_t> columns = {});
    /// A tensor of any shape, as TensorInfo has it: rows of all matrices (experts) one after the other.
    void add(std::string name, std::vector<uint64_t> shape, const EncodingTraits &encoding,
             std::unique_ptr<const MadeRows> maker, std::vector<uint32_t> columns = {});

    /// Throws Error (QUANT_ERR_MODEL) naming file and piece.
    template <class... Args>
    [[noreturn]] void reject(const TensorInfo &piece, fmt::format_string<Args...> text, Args &&...args) const {
        fail(QUANT_ERR_MODEL, "{}: tensor \"{}\": {}", shown(stored_->files()[piece.file]), printable(piece.name),
             fmt::format(text, std::forward<Args>(args)...));
    }
    /// The piece has this type and shape. Throws Error as reject() does.
    void check(const TensorInfo &piece, std::initializer_list<std::string_view> types,
               const std::vector<uint64_t> &shape) const;
    /// Product of a shape that a piece or the config tells. Throws Error as reject() does where it overflows.
    uint64_t elements(const TensorInfo &piece, const std::vector<uint64_t> &shape) const;

    /// A stored tensor is a tensor of the model under another name.
    void rename(const TensorInfo &stored, std::string name);

    std::shared_ptr<const Container> finish() { return finish(stored_->kind()); }
    /// `kind`: whose names its tensors have.
    std::shared_ptr<const Container> finish(ContainerKind kind);

private:
    struct Made {
        TensorInfo info;
        std::unique_ptr<const MadeRows> maker;
    };
    class MadeContainer;
    std::shared_ptr<const Container> stored_;
    const json::Reader &config_;
    std::set<std::string, std::less<>> taken_;
    std::vector<TensorInfo> renamed_;
    std::vector<Made> made_;
};

void read_awq(CheckpointBuilder &builder);
void read_compressed_tensors(CheckpointBuilder &builder);
void read_gptq(CheckpointBuilder &builder);
void read_hqq(CheckpointBuilder &builder);
void read_mlx(CheckpointBuilder &builder);
void read_mxfp4(CheckpointBuilder &builder);
void read_bitsandbytes(CheckpointBuilder &builder);
void read_float8(CheckpointBuilder &builder);
void read_bitnet(CheckpointBuilder &builder);
void read_exl3(CheckpointBuilder &builder);
/// A module (a tensor's name without ".weight") of compressed-tensors whose codes are floats.
void read_ct_float(CheckpointBuilder &builder, const std::string &module);

/// To what the quantization of a config.json says that activations are to be rounded ("8-bit floats"); "": they are not.
std::string declared_activations(const json::Reader &config);
/// One line of the log that they are not rounded, where they were to be.
void report_activations(const json::Reader &config);

} // namespace quant
