// The table of encodings: what a block's bits mean, and the scalar code that reads
// and writes them, which everything faster is tested against.
//
// To add an encoding: a row in encodings.def, and the functions it names in the
// file of its family.
#pragma once

#include <quant/encoding.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

namespace quant {

/// Encodings whose weights follow from their codes in the same way share kernels.
enum class Family : uint8_t {
    floats,  ///< Each weight by itself: F32, F16, BF16.
    uniform, ///< scale * code + offset, codes of 1 to 8 bits in groups.
    table16, ///< scale * table[code], a table of 16 levels.
    grid,    ///< scale * point[code], points of 4 or 8 weights from a codebook.
    ternary, ///< scale * (-1, 0 or 1), several codes in a byte.
    float8,  ///< scale * an 8-bit float.
};

/// Decode `blocks` consecutive blocks to blocks * block_weights floats.
using DecodeBlocks = void (*)(const std::byte *in, float *out, size_t blocks);

/// Encode `blocks` consecutive blocks. `importance` is one weight >= 0 for each
/// input weight, or nullptr; `method` is ROUND, SEARCH, IMPORTANCE or FEEDBACK (the last
/// two with importance; FEEDBACK takes it exactly as given). Inputs are finite.
using EncodeBlocks = void (*)(const float *in, const float *importance, std::byte *out, size_t blocks,
                              quant_method method);

struct EncodingTraits {
    quant_encoding id;
    const char *name;
    const char *summary;
    Family family;
    uint32_t block_weights;
    uint32_t block_bytes;
    DecodeBlocks decode;
    EncodeBlocks encode;

    /// F32, F16, BF16: each weight by itself.
    bool is_float() const { return family == Family::floats; }
    /// GGUF files have it, under its number.
    bool in_gguf() const { return static_cast<uint32_t>(id) < 256; }
    double bits_per_weight() const { return 8.0 * block_bytes / block_weights; }
};

/// All encodings, ascending by id.
std::span<const EncodingTraits> encodings();

/// The row of `id`, or nullptr for a number that is none.
const EncodingTraits *find_encoding(uint32_t id) noexcept;

/// The row of `name` in any case of letters, or nullptr.
const EncodingTraits *find_encoding(std::string_view name) noexcept;

/// The row of `name`. Throws Error with status `missing`, naming the encodings there are.
const EncodingTraits &encoding_named(std::string_view name, quant_status missing);

/// The row of an id that is known to be valid. Throws Error (QUANT_ERR_UNSUPPORTED).
const EncodingTraits &encoding_traits(quant_encoding id);

/// Bytes of a row-major matrix. Throws Error (QUANT_ERR_ARGUMENT): cols is no
/// multiple of the block, or the size overflows 63 bits.
uint64_t encoded_bytes(const EncodingTraits &e, uint64_t rows, uint64_t cols);

/// Encode and decode matrices, with every argument checked as quant_encode() and
/// quant_decode() promise. `importance` may be empty. `made` is told now and then how many weights more are encoded.
void encode_matrix(const EncodingTraits &e, quant_method method, std::span<const float> weights,
                   std::span<const float> importance, uint64_t rows, uint64_t cols, std::span<std::byte> out,
                   const std::function<void(uint64_t)> &made = {});
void decode_matrix(const EncodingTraits &e, std::span<const std::byte> in, uint64_t rows, uint64_t cols,
                   std::span<float> out);

} // namespace quant
