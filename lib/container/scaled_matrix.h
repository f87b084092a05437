// Codes that stand for levels under a scale for some columns, however a checkpoint packs them: what bitsandbytes,
// FP8 and BitNet have in common. Private to this room.
#pragma once

#include "container/checkpoint_parts.h"
#include "encoding/scaled_blocks.h"

#include <memory>

namespace quant {

/// Any thread may ask at any time.
struct ScaledMatrix {
    uint64_t rows = 0, cols = 0;
    uint64_t group = 0; ///< Columns that surely have one scale; a divisor of cols.
    ScaledKind kind{};
    bool half_scales = true; ///< Scales may be half-precision numbers, which is worth a look.
    /// 16 levels instead of the kind's: there is no encoding for these.
    std::vector<float> levels = {};

    virtual ~ScaledMatrix() = default;
    uint64_t groups() const { return cols / group; }
    /// Rows [first, first + count): a byte a code.
    virtual void codes(uint64_t first, uint64_t count, uint8_t *out) const = 0;
    /// The same rows' scales, count x groups().
    virtual void scales(uint64_t first, uint64_t count, float *out) const = 0;
};

/// Add it as the smallest encoding that holds it exactly, or else as 32-bit floats, of which a warning tells.
void add_scaled(CheckpointBuilder &builder, std::string name, std::unique_ptr<const ScaledMatrix> matrix);

} // namespace quant
