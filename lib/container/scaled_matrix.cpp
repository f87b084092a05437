#include "container/scaled_matrix.h"

#include "base/log.h"
#include "encoding/block_bytes.h"

#include <algorithm>
#include <cstring>

namespace quant {

namespace {

constexpr uint64_t slab = 32; ///< Rows taken apart at a time.

/// Calls body(codes, scales) for each row.
template <class Body> void for_rows(const ScaledMatrix &m, uint64_t first, uint64_t count, const Body &body) {
    std::vector<uint8_t> codes(std::min(slab, count) * m.cols);
    std::vector<float> scales(std::min(slab, count) * m.groups());
    for (uint64_t done = 0; done < count; done += slab) {
        const uint64_t n = std::min(slab, count - done);
        m.codes(first + done, n, codes.data());
        m.scales(first + done, n, scales.data());
        for (uint64_t r = 0; r < n; r++) body(codes.data() + r * m.cols, scales.data() + r * m.groups());
    }
}

class ScaledRows final : public MadeRows {
public:
    ScaledRows(std::unique_ptr<const ScaledMatrix> matrix, const EncodingTraits &encoding)
        : matrix_(std::move(matrix)),
          encoding_(encoding) {}

    void write(uint64_t first, uint64_t count, std::byte *out) const override {
        const ScaledMatrix &m = *matrix_;
        for_rows(m, first, count, [&](const uint8_t *codes, const float *scales) {
            for (uint64_t c = 0; c < m.cols; c += encoding_.block_weights, out += encoding_.block_bytes)
                store_scaled(encoding_, scales[c / m.group], codes + c, out);
        });
    }

private:
    std::unique_ptr<const ScaledMatrix> matrix_;
    const EncodingTraits &encoding_;
};

/// -1, 0, 1 under one scale, which is a half.
class TernaryRows final : public MadeRows {
public:
    explicit TernaryRows(std::unique_ptr<const ScaledMatrix> matrix) : matrix_(std::move(matrix)) {}

    void write(uint64_t first, uint64_t count, std::byte *out) const override {
        const ScaledMatrix &m = *matrix_;
        for_rows(m, first, count, [&](const uint8_t *codes, const float *scales) {
            for (uint64_t c = 0; c < m.cols; c += 256, out += 66) {
                std::fill_n(out, 64, std::byte{0});
                for (uint64_t i = 0; i < 256; i++)
                    out[i / 128 * 32 + i % 32] |= static_cast<std::byte>(codes[c + i] << (i % 128 / 32 * 2));
                store_f16(out + 64, scales[c / m.group]);
            }
        });
    }

private:
    std::unique_ptr<const ScaledMatrix> matrix_;
};

class ScaledFloatRows final : public MadeRows {
public:
    explicit ScaledFloatRows(std::unique_ptr<const ScaledMatrix> matrix) : matrix_(std::move(matrix)) {}

    void write(uint64_t first, uint64_t count, std::byte *out) const override {
        const ScaledMatrix &m = *matrix_;
        for_rows(m, first, count, [&](const uint8_t *codes, const float *scales) {
            for (uint64_t c = 0; c < m.cols; c++, out += sizeof(float)) {
                const float d = scales[c / m.group];
                const float x = m.levels.empty() ? scaled_weight(m.kind, codes[c], d) : m.levels[codes[c]] * d;
                std::memcpy(out, &x, sizeof x);
            }
        });
    }

private:
    std::unique_ptr<const ScaledMatrix> matrix_;
};

bool fits_tq2_0(const ScaledMatrix &m) {
    if (m.kind != ScaledKind::ternary || !m.half_scales || m.group != m.cols || m.cols % 256 != 0) return false;
    bool all = true;
    std::vector<float> d(1);
    for (uint64_t r = 0; r < m.rows && all; r++) {
        m.scales(r, 1, d.data());
        all = f32_from_f16(f16_from_f32(d[0])) == d[0];
    }
    return all;
}

const EncodingTraits *fitting_encoding(const ScaledMatrix &m) {
    if (!m.levels.empty()) return nullptr;
    for (const uint32_t group : {128u, 64u, 32u})
        if (const EncodingTraits *e = find_scaled_encoding(m.kind, group);
            e && m.cols % group == 0 && m.group % group == 0)
            return e;
    return nullptr;
}

} // namespace

void add_scaled(CheckpointBuilder &builder, std::string name, std::unique_ptr<const ScaledMatrix> matrix) {
    const uint64_t rows = matrix->rows, cols = matrix->cols;
    if (fits_tq2_0(*matrix))
        return builder.add(std::move(name), rows, cols, encoding_traits(QUANT_TQ2_0),
                           std::make_unique<TernaryRows>(std::move(matrix)));
    if (const EncodingTraits *e = fitting_encoding(*matrix))
        return builder.add(std::move(name), rows, cols, *e, std::make_unique<ScaledRows>(std::move(matrix), *e));
    log(QUANT_LOG_WARNING, "{}: tensor {}: no encoding holds its {}exactly, so it is kept in 32-bit floats",
        shown(builder.stored().path()), name,
        matrix->levels.empty() ? fmt::format("rows of {} columns, a scale for {} of them, ", cols, matrix->group)
                               : "table of levels ");
    builder.add(std::move(name), rows, cols, encoding_traits(QUANT_F32),
                std::make_unique<ScaledFloatRows>(std::move(matrix)));
}

} // namespace quant
