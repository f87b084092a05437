// The quantized checkpoints that are written: for each, which encoding a matrix has before it is laid out, what its
// pieces are called and how they are packed, and what config.json says. What is read is in checkpoint.h.
#pragma once

#include "base/json.h"
#include "encoding/encoding.h"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace quant {

/// A piece of a matrix in a file.
struct CheckpointPiece {
    std::string name;
    std::string dtype; ///< As safetensors spells it.
    std::vector<uint64_t> shape;
    uint64_t bytes() const;
};

/// A whole matrix in blocks, its rows as the checkpoint has them.
struct EncodedMatrix {
    const EncodingTraits &encoding;
    std::span<const std::byte> blocks;
    uint64_t rows, cols;
    /// Which column of the model each is; empty: they are in order.
    std::span<const uint32_t> columns = {};

    uint64_t row_bytes() const { return blocks.size() / rows; }
    const std::byte *row(uint64_t r) const { return blocks.data() + r * row_bytes(); }
};

/// What a scale that several rows share depends on.
struct WholeMatrix {
    float largest = 0;  ///< Of all magnitudes.
    double mean = 0;    ///< Of the same.
};

/// One kind of checkpoint. One thread at a time, but for pack(), holds() and encode().
class CheckpointFormat {
public:
    virtual ~CheckpointFormat() = default;

    /// As parse_checkpoint_format() takes it, with all it left out: "gptq:4:128".
    virtual std::string name() const = 0;
    /// Of which a matrix of this size is to be; nullptr: it cannot be quantized, and stays in floats. The same row of the
    /// table of encodings, or one that encodes otherwise.
    virtual const EncodingTraits *encoding(uint64_t rows, uint64_t cols) const = 0;
    /// Embeddings and the matrix that makes logits are quantized, too.
    virtual bool takes_embeddings() const { return false; }
    /// Columns may be in another order than the model's.
    virtual bool keeps_order() const { return false; }
    /// Floats of tensors that are not quantized; "": those that the source has.
    virtual std::string_view float_dtype() const { return ""; }
    /// What the files' metadata call it.
    virtual std::string_view files_format() const { return "pt"; }

    /// Pieces of the matrix `module`.weight.
    virtual std::vector<CheckpointPiece> pieces(const std::string &module, uint64_t rows, uint64_t cols, bool ordered) const = 0;
    /// holds() may be false of blocks of encoding().
    virtual bool decides_by_all() const { return shares_scales(); }
    /// Whether these blocks, which somebody else made, can be packed without a change of a weight.
    virtual bool holds(const EncodedMatrix &) const { return true; }
    /// The bytes of each piece, which `out` has room for. Any thread.
    virtual void pack(const EncodedMatrix &matrix, std::span<const std::span<std::byte>> out) const = 0;

    /// Blocks share scales beyond a block, so that only encode() makes them.
    virtual bool shares_scales() const { return false; }
    /// Rows of so many are encoded together.
    virtual uint64_t row_step() const { return 1; }
    /// Weights of a whole number of row_step() rows, or of the last rows, to blocks. Any thread.
    virtual void encode(std::span<const float> weights, uint64_t rows, uint64_t cols, const WholeMatrix &whole, std::byte *out) const;

    /// Whether all matrices were packed with their zero points in the middle, and columns in order: what config.json is
    /// to say.
    struct Facts {
        bool symmetric = true, ordered = false;
    };
    /// What one matrix says of it.
    virtual Facts facts_of(const EncodedMatrix &) const { return {}; }
    /// Add to config.json what readers need. `kept` are modules of linears that stay in floats.
    virtual void describe(json::object &config, const std::vector<std::string> &kept, const Facts &facts) const = 0;
};

/// Nothing for a name that is no checkpoint's, such as a type mix's. Throws Error (QUANT_ERR_ARGUMENT): a number
/// that this kind has not.
std::unique_ptr<CheckpointFormat> parse_checkpoint_format(std::string_view name);

/// A kind of checkpoint, for help and documents.
struct CheckpointKind {
    const char *name;    ///< "gptq"
    const char *form;    ///< "gptq[:BITS[:GROUP]][:asym]"
    const char *summary; ///< One line.
    std::unique_ptr<CheckpointFormat> (*parse)(std::span<const std::string_view> words, std::string_view name);
};
std::span<const CheckpointKind> checkpoint_kinds();

} // namespace quant
