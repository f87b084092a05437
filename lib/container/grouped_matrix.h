// Whole-number codes with a scale and a zero point, or a bias, for each group of columns, however a
// checkpoint packs them: what GPTQ, AWQ, compressed-tensors, HQQ and MLX have in common. Private to this room.
#pragma once

#include "container/checkpoint_parts.h"

#include <memory>

namespace quant {

/// Any thread may ask at any time.
struct GroupedMatrix {
    uint64_t rows = 0, cols = 0;
    uint64_t group = 0;  ///< Columns to a scale; the last may have fewer.
    int bits = 0;
    bool bias = false;   ///< x = d * code + second; else d * (code - second).
    bool halves = false; ///< Both numbers are known to be half-precision numbers; else they are looked at.

    virtual ~GroupedMatrix() = default;
    uint64_t groups() const { return (cols + group - 1) / group; }
    /// Rows [first, first + count), columns in the order of groups.
    virtual void codes(uint64_t first, uint64_t count, uint8_t *out) const = 0;
    /// Whether dense_codes() has these rows, and any of them from a multiple of 64 on.
    virtual bool has_dense_codes(uint64_t, uint64_t) const { return false; }
    /// The same codes as a dense stream for each row, least significant bits first, in whole words of which a row has
    /// row_words(): what blocks have.
    virtual void dense_codes(uint64_t, uint64_t, uint32_t *) const {}
    uint64_t row_words() const { return (cols * static_cast<uint64_t>(bits) + 31) / 32; }
    /// The same rows' numbers, count x groups() each.
    virtual void numbers(uint64_t first, uint64_t count, float *d, float *second) const = 0;
};

/// Add it as the smallest encoding that holds its numbers exactly: groups of 128, 64 or 32 with numbers in
/// half precision, or else 32-bit floats, of which a warning tells.
void add_grouped(CheckpointBuilder &builder, std::string name, std::unique_ptr<const GroupedMatrix> matrix,
                 std::vector<uint32_t> columns = {});

/// Columns of a group, as config.json's group_size says, which must make as many groups of `cols` columns; -1 is one group.
/// Throws Error naming `scales` and the key.
uint64_t group_size(const CheckpointBuilder &builder, const TensorInfo &scales, uint64_t cols, uint64_t groups);

/// For group indices of columns: which column is at each place when those of a group stand together, and
/// whether that is another order. Throws Error naming the piece: an index that is no group's, or a group without its
/// `group` columns.
std::vector<uint32_t> order_of_groups(const CheckpointBuilder &builder, const TensorInfo &g_idx, uint64_t cols,
                                      uint64_t groups, uint64_t group);

} // namespace quant
