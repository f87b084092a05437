// EXL3: a linear of `in` columns and `out` rows is the transpose of diag(suh) H inner H diag(svh), H being Hadamard
// matrices of 128 (Sylvester's, over the root of 128) along the diagonal, and inner codes of a trellis:
//   X.trellis  int16 [in / 16, out / 16, 16 * bits]  a tile of 16 x 16; neighbouring 16-bit words are swapped, then
//              bits run from the most significant one; a weight's state is the 16 bits that end with its own
//              `bits`, around the tile
//   X.suh, X.svh   float16 [in], [out]; older files have X.su, X.sv: int16 bit fields, a bit that is set is -1
//   X.mcg, X.mul1  which of three codebooks turns a state into a half-precision number; neither: the first
// Weights of a tile stand in the order in which tensor cores hold them. There is no encoding of this: rows are
// 32-bit floats. `inner_tile` is what an encoding of trellises would decode.
// Source: exllamav3's quantizer and kernels (codebook.cuh, exl3_dq.cuh).
#include "base/log.h"
#include "container/packed_words.h"
#include "encoding/float16.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <mutex>

namespace quant {

namespace {

constexpr uint64_t tile = 16, tile_weights = tile * tile, hadamard = 128;

enum class Codebook : uint8_t { three_instructions, mcg, mul1 };

float rounded_half(float v) { return f32_from_f16(f16_from_f32(v)); }

float value_of(Codebook book, uint32_t state) {
    if (book == Codebook::mul1) {
        const uint32_t x = state * 0x83dcd12du;
        const uint32_t sum = (x & 255) + (x >> 8 & 255) + (x >> 16 & 255) + (x >> 24);
        // One rounding, as of a fused multiplication and addition: the product is exact in a double.
        const double exact = double{f32_from_f16(static_cast<uint16_t>(0x6400 + sum))} * double{f32_from_f16(0x1eee)} +
                             double{f32_from_f16(0xc931)};
        return rounded_half(static_cast<float>(exact));
    }
    uint32_t x = book == Codebook::mcg ? state * 0xcbac1fedu : state * 89226354u + 64248484u;
    x = (x & 0x8fff8fffu) ^ 0x3b603b60u;
    return rounded_half(f32_from_f16(static_cast<uint16_t>(x)) + f32_from_f16(static_cast<uint16_t>(x >> 16)));
}

/// Where weight t of a tile lies in it, row by row.
constexpr uint64_t place_in_tile(uint64_t t) {
    const uint64_t lane = t / 8, j = t % 8;
    const uint64_t row = lane % 4 * 2 + j % 2 + j % 4 / 2 * 8, col = lane / 4 + j / 4 * 8;
    return row * tile + col;
}

/// The 256 weights of a tile of `bits` * 8 words, row by row of the inner matrix.
void inner_tile(std::span<const std::byte> words, uint64_t first, unsigned bits, Codebook book, float *out) {
    const uint32_t count = bits * 8;
    for (uint32_t t = 0; t < tile_weights; t++) {
        // 16 bits that begin `bits` - 16 after the symbol does, which may be before the tile's first.
        const uint32_t begin = (t * bits + bits + 32 * count - 16) % (32 * count);
        const uint64_t two =
            uint64_t{load_word(words, first + begin / 32)} << 32 | load_word(words, first + (begin / 32 + 1) % count);
        out[place_in_tile(t)] = value_of(book, static_cast<uint32_t>(two >> (48 - begin % 32)) & 0xffff);
    }
}

/// H x over 128 numbers that stand `step` apart.
void transform(float *x, uint64_t step) {
    for (uint64_t half = 1; half < hadamard; half *= 2)
        for (uint64_t i = 0; i < hadamard; i++) {
            if (i & half) continue;
            const float a = x[i * step], b = x[(i + half) * step];
            x[i * step] = a + b, x[(i + half) * step] = a - b;
        }
    for (uint64_t i = 0; i < hadamard; i++) x[i * step] *= 0.08838834764831845f;
}

/// Rows are made 128 at a time, since that many are mixed; the last ones are kept for whoever asks for their
/// neighbours.
struct TrellisRows final : MadeRows {
    std::span<const std::byte> trellis;
    std::vector<float> input_signs, output_signs;
    uint64_t rows = 0, cols = 0;
    unsigned bits = 0;
    Codebook book{};

    void write(uint64_t first, uint64_t count, std::byte *out) const override {
        for (uint64_t done = 0; done < count;) {
            const uint64_t slab = (first + done) / hadamard, in_slab = (first + done) % hadamard;
            const uint64_t n = std::min(count - done, hadamard - in_slab);
            const std::shared_ptr<const std::vector<float>> made = slab_of(slab);
            std::memcpy(out + done * cols * sizeof(float), made->data() + in_slab * cols, n * cols * sizeof(float));
            done += n;
        }
    }

private:
    std::shared_ptr<const std::vector<float>> slab_of(uint64_t slab) const {
        {
            const std::lock_guard lock(mutex_);
            if (last_ && last_slab_ == slab) return last_;
        }
        auto made = std::make_shared<const std::vector<float>>(make_slab(slab));
        const std::lock_guard lock(mutex_);
        last_ = made, last_slab_ = slab;
        return made;
    }

    // 128 rows of `cols`: inner, transposed, then both transforms.
    std::vector<float> make_slab(uint64_t slab) const {
        std::vector<float> x(hadamard * cols);
        std::array<float, tile_weights> inner;
        for (uint64_t k = 0; k < cols / tile; k++)
            for (uint64_t n = 0; n < hadamard / tile; n++) {
                const uint64_t at = k * (rows / tile) + slab * (hadamard / tile) + n;
                inner_tile(trellis, at * bits * 8, bits, book, inner.data());
                for (uint64_t i = 0; i < tile_weights; i++)
                    x[(n * tile + i % tile) * cols + k * tile + i / tile] = inner[i];
            }
        for (uint64_t r = 0; r < hadamard; r++)
            for (uint64_t c = 0; c < cols; c += hadamard) transform(x.data() + r * cols + c, 1);
        for (uint64_t c = 0; c < cols; c++) transform(x.data() + c, cols);
        for (uint64_t r = 0; r < hadamard; r++)
            for (uint64_t c = 0; c < cols; c++) x[r * cols + c] *= input_signs[c] * output_signs[slab * hadamard + r];
        return x;
    }

    mutable std::mutex mutex_;
    mutable std::shared_ptr<const std::vector<float>> last_;
    mutable uint64_t last_slab_ = 0;
};

std::vector<float> read_signs(CheckpointBuilder &b, const std::string &name, const char *numbers, const char *fields,
                              uint64_t count) {
    std::vector<float> out(count);
    if (const TensorInfo *old = b.stored().find(name + numbers) ? nullptr : b.take(name + fields)) {
        b.check(*old, {"I16"}, {count / 16});
        const std::span<const std::byte> bits = b.data(*old);
        for (uint64_t i = 0; i < count; i++)
            out[i] = (static_cast<unsigned>(bits[i / 8]) >> (i % 8) & 1) != 0 ? -1.0f : 1.0f;
        return out;
    }
    const TensorInfo &piece = b.require(name + numbers);
    b.check(piece, {"F16", "BF16", "F32"}, {count});
    const FloatPiece values(b, piece);
    for (uint64_t i = 0; i < count; i++) out[i] = values.at(i);
    return out;
}

Codebook read_codebook(CheckpointBuilder &b, const std::string &name) {
    const TensorInfo *mcg = b.take(name + ".mcg"), *mul1 = b.take(name + ".mul1");
    if (mcg && mul1) b.reject(*mul1, "there is {} beside it, but a matrix has one codebook", printable(mcg->name));
    const auto require_factor = [&](const TensorInfo &piece, uint32_t factor) {
        b.check(piece, {"I32", "U32"}, piece.shape);
        if (piece.bytes != 4 || load_word(b.data(piece), 0) != factor)
            b.reject(piece, "a codebook of another factor than {:#x}", factor);
    };
    if (mcg) require_factor(*mcg, 0xcbac1fed);
    if (mul1) require_factor(*mul1, 0x83dcd12d);
    return mcg ? Codebook::mcg : mul1 ? Codebook::mul1 : Codebook::three_instructions;
}

void read_trellis(CheckpointBuilder &b, const std::string &name) {
    const TensorInfo &trellis = b.require(name + ".trellis");
    if (trellis.shape.size() != 3 || trellis.elements() == 0)
        b.reject(trellis, "its shape is [{}], expected [columns / 16, rows / 16, 16 * bits]",
                 joined(trellis.shape, ", "));
    b.check(trellis, {"I16"}, trellis.shape);
    const uint64_t words = trellis.shape[2];
    if (words % 16 != 0 || words > 8 * 16)
        b.reject(trellis, "tiles of {} words, expected 16 for each of 1 to 8 bits", words);
    auto m = std::make_unique<TrellisRows>();
    m->cols = b.elements(trellis, {trellis.shape[0], tile}), m->rows = b.elements(trellis, {trellis.shape[1], tile});
    if (m->cols % hadamard != 0 || m->rows % hadamard != 0)
        b.reject(trellis, "{} x {} weights, expected multiples of {}", m->rows, m->cols, hadamard);
    m->bits = static_cast<unsigned>(words / 16);
    m->trellis = b.data(trellis);
    m->input_signs = read_signs(b, name, ".suh", ".su", m->cols);
    m->output_signs = read_signs(b, name, ".svh", ".sv", m->rows);
    m->book = read_codebook(b, name);
    const uint64_t rows = m->rows, cols = m->cols;
    b.add(name + ".weight", rows, cols, encoding_traits(QUANT_F32), std::move(m));
}

} // namespace

void read_exl3(CheckpointBuilder &builder) {
    const std::vector<std::string> names = builder.names_before(".trellis");
    for (const std::string &name : names) read_trellis(builder, name);
    log(QUANT_LOG_WARNING, "{}: no encoding holds the trellises of EXL3, so {} matrices are kept in 32-bit floats",
        shown(builder.stored().path()), names.size());
}

} // namespace quant
