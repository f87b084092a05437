// Where blocks have their codes and scales is told at the top of ternary_blocks.cpp,
// float4_blocks.cpp and low_bit_blocks.cpp.
#include "kernel/code_panel_layout.h"
#include "kernel/panel_pack.h"
#include "kernel/panel_shape.h"
#include "kernel/quad_planes.h"

#include "encoding/block_bytes.h"
#include "encoding/cpu_clones.h"
#include "encoding/encoding.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace quant::kernel {

namespace {

constexpr size_t most_columns = 256;

// Fields of `Bits` bits, the first of each byte in the lowest.
template <int Bits> QUANT_CPU_CLONES void unpack_fields(const std::byte *in, size_t count, uint8_t *codes) {
    constexpr size_t together = 8 / Bits;
    for (size_t b = 0; b < count / together; b++)
        for (size_t k = 0; k < together; k++)
            codes[b * together + k] = static_cast<uint8_t>(load_byte(in + b) >> (k * Bits) & ((1 << Bits) - 1));
}

// Fields of `Bits` bits, the lowest of all `Run` bytes first.
template <int Bits, size_t Run> QUANT_CPU_CLONES void unpack_runs(const std::byte *in, size_t count, uint8_t *codes) {
    for (; count != 0; count -= Run * 8 / Bits, in += Run)
        for (size_t k = 0; k < 8 / Bits; k++)
            for (size_t i = 0; i < Run; i++)
                *codes++ = static_cast<uint8_t>(load_byte(in + i) >> (k * Bits) & ((1 << Bits) - 1));
}

// The first ternary digits of `Run` bytes, which are fractions of 256, then the next of all.
template <size_t Run> QUANT_CPU_CLONES void unpack_digits(const std::byte *in, size_t digits, uint8_t *codes) {
    std::array<uint8_t, Run> rest;
    std::memcpy(rest.data(), in, Run);
    for (size_t n = 0; n < digits; n++, codes += Run)
        for (size_t i = 0; i < Run; i++) {
            const unsigned three = rest[i] * 3u;
            codes[i] = static_cast<uint8_t>(three >> 8), rest[i] = static_cast<uint8_t>(three);
        }
}

// A block's codes; returns where its scales are.
const std::byte *unpack(quant_encoding encoding, const std::byte *in, uint8_t *codes) {
    switch (encoding) {
    case QUANT_TQ1_0:
        unpack_digits<32>(in, 5, codes), unpack_digits<16>(in + 32, 5, codes + 160);
        unpack_digits<4>(in + 48, 4, codes + 240);
        return in + 52;
    case QUANT_TQ2_0:
        unpack_runs<2, 32>(in, 256, codes);
        return in + 64;
    case QUANT_MXFP4:
        unpack_runs<4, 16>(in + 1, 32, codes);
        return in;
    case QUANT_NVFP4:
        unpack_runs<4, 8>(in + 4, 64, codes);
        return in;
    case QUANT_Q1_0:
        unpack_fields<1>(in + 2, 128, codes);
        return in;
    default:
        unpack_fields<2>(in + 2, 64, codes);
        return in;
    }
}

// A scale as panels have it. In NVFP4 the top bit says nothing except beside 127, which is no
// number and counts as zero.
uint8_t scale_byte(quant_encoding encoding, std::byte byte) {
    const auto code = std::to_integer<uint8_t>(byte);
    if (encoding != QUANT_NVFP4) return code;
    return code == 127 ? 0 : code & 127;
}

// A row's columns of a unit: codes, and scales into the head.
void read_row(const CodePanelLayout &layout, const EncodingTraits &e, const std::byte *in, size_t row, uint8_t *codes,
              std::byte *head) {
    const size_t scales = std::max<size_t>(1, e.block_weights / layout.group);
    for (size_t at = 0; at < layout.unit_columns; at += e.block_weights, in += e.block_bytes) {
        const std::byte *from = unpack(layout.encoding, in, codes + at);
        for (size_t g = 0; g < scales; g++) {
            std::byte *to = head + ((at / layout.group + g) * panel_rows + row) * layout.scale_bytes;
            if (layout.scale_bytes == 2)
                std::memcpy(to, from, 2);
            else
                *to = static_cast<std::byte>(scale_byte(layout.encoding, from[g]));
        }
    }
}

// Bytes of five ternary digits, by their number in base 3.
constexpr std::array<uint8_t, 256> ternary_bytes = [] {
    std::array<uint8_t, 256> out{};
    for (unsigned byte = 0; byte < 256; byte++) {
        unsigned number = 0, v = byte;
        bool valid = true;
        for (int n = 0; n < 5; n++, v = v * 3 & 255) {
            const unsigned field = ternary_field(v) >> 6;
            valid = valid && field != 0;
            number = number * 3 + field - 1;
        }
        if (valid) out[number] = static_cast<uint8_t>(byte);
    }
    return out;
}();

// Five quads to a line.
QUANT_CPU_CLONES void put_digits(const uint8_t *quads, size_t count, std::byte *out) {
    for (size_t q = 0; q < count; q += 5, quads += 5 * quad_bytes, out += quad_bytes) {
        std::array<uint8_t, quad_bytes> number;
        for (size_t b = 0; b < quad_bytes; b++)
            number[b] =
                static_cast<uint8_t>(quads[b] * 81 + quads[quad_bytes + b] * 27 + quads[2 * quad_bytes + b] * 9 +
                                     quads[3 * quad_bytes + b] * 3 + quads[4 * quad_bytes + b]);
        for (size_t b = 0; b < quad_bytes; b++) out[b] = static_cast<std::byte>(ternary_bytes[number[b]]);
    }
}

} // namespace

void pack_code_panel(const CodePanelLayout &layout, const std::byte *rows, size_t stride, size_t count, size_t columns,
                     std::byte *out) {
    const EncodingTraits &e = encoding_traits(layout.encoding);
    const PanelShape shape = shape_of(layout);
    const size_t in_bytes = layout.unit_columns / e.block_weights * e.block_bytes, quads = layout.unit_columns / 4;
    std::byte *head = out;
    std::fill_n(head, shape.head(columns), std::byte{0});
    out += shape.head(columns);
    uint8_t codes[panel_rows][most_columns] = {};
    // The last line of ternary digits has room for one quad more.
    alignas(64) uint8_t buffer[panel_rows * most_columns + quad_bytes] = {};
    for (size_t at = 0; at < columns; at += layout.unit_columns, rows += in_bytes) {
        for (size_t r = 0; r < count; r++) read_row(layout, e, rows + r * stride, r, codes[r], head);
        make_quads(codes[0], most_columns, layout.unit_columns, buffer);
        if (layout.quads == 5)
            put_digits(buffer, quads, out);
        else
            put_bits(static_cast<int>(8 / layout.quads), buffer, quads, 0, out);
        head += shape.head_bytes, out += shape.unit_bytes;
    }
}

} // namespace quant::kernel
