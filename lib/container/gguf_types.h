// GGUF's numbers for the types of tensors. Those that the table of encodings has are
// read from there; this table holds only the others, so that a file that uses them can
// be listed and its sizes checked although its weights cannot be decoded yet.
#pragma once

#include "encoding/encoding.h"

#include <cstdint>
#include <optional>

namespace quant {

struct GgufType {
    uint32_t id;
    const char *name;
    uint32_t block_weights;
    uint32_t block_bytes;
    const EncodingTraits *encoding = nullptr;
};

inline constexpr GgufType undecoded_gguf_types[] = {
    {9, "Q8_1", 32, 36}, {15, "Q8_K", 256, 292}, {24, "I8", 1, 1},  {25, "I16", 1, 2},
    {26, "I32", 1, 4},   {27, "I64", 1, 8},      {28, "F64", 1, 8},
};

/// Nothing for a number that was never given, or whose type has been removed.
inline std::optional<GgufType> find_gguf_type(uint32_t id) noexcept {
    if (const EncodingTraits *e = id < 256 ? find_encoding(id) : nullptr)
        return GgufType{id, e->name, e->block_weights, e->block_bytes, e};
    for (const GgufType &type : undecoded_gguf_types)
        if (type.id == id) return type;
    return std::nullopt;
}

} // namespace quant
