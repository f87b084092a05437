#include "container/grouped_matrix.h"

#include "base/log.h"
#include "encoding/float16.h"
#include "encoding/group_blocks.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace quant {

namespace {

constexpr uint64_t slab = 64; ///< Rows taken apart at a time: neighbours' words are neighbours in some dialects.

/// Codes and numbers of some rows.
struct Slab {
    std::vector<uint8_t> codes;
    std::vector<float> d, second;
    Slab(const GroupedMatrix &m, uint64_t first, uint64_t count)
        : codes(count * m.cols), d(count * m.groups()), second(d.size()) {
        m.codes(first, count, codes.data());
        m.numbers(first, count, d.data(), second.data());
    }
};

template <class Body> void for_slabs(uint64_t first, uint64_t count, const Body &body) {
    for (uint64_t done = 0; done < count; done += slab) body(first + done, std::min(slab, count - done), done);
}

class BlockRows final : public MadeRows {
public:
    BlockRows(std::unique_ptr<const GroupedMatrix> matrix, const EncodingTraits &encoding)
        : matrix_(std::move(matrix)), encoding_(encoding), form_(group_form(encoding.id)) {}

    void write(uint64_t first, uint64_t count, std::byte *out) const override {
        const GroupedMatrix &m = *matrix_;
        if (m.bits == form_.bits && m.has_dense_codes(first, count)) return write_dense(first, count, out);
        for_slabs(first, count, [&](uint64_t from, uint64_t rows, uint64_t) {
            const Slab s(m, from, rows);
            for (uint64_t r = 0; r < rows; r++)
                for (uint64_t c = 0; c < m.cols; c += form_.group, out += encoding_.block_bytes) {
                    const uint64_t g = r * m.groups() + c / m.group;
                    store_group(form_, s.d[g], s.second[g], s.codes.data() + r * m.cols + c, out);
                }
        });
    }

private:
    // Codes that lie in the pieces as they do in blocks are copied.
    void write_dense(uint64_t first, uint64_t count, std::byte *out) const {
        const GroupedMatrix &m = *matrix_;
        std::vector<uint32_t> words(std::min(slab, count) * m.row_words());
        std::vector<float> d(std::min(slab, count) * m.groups()), second(d.size());
        const size_t code_bytes = group_code_bytes(form_);
        for_slabs(first, count, [&](uint64_t from, uint64_t rows, uint64_t) {
            m.dense_codes(from, rows, words.data());
            m.numbers(from, rows, d.data(), second.data());
            for (uint64_t r = 0; r < rows; r++) {
                const auto *codes = reinterpret_cast<const std::byte *>(words.data() + r * m.row_words());
                for (uint64_t c = 0; c < m.cols; c += form_.group, out += encoding_.block_bytes, codes += code_bytes) {
                    const uint64_t g = r * m.groups() + c / m.group;
                    store_dense_group(form_, d[g], second[g], codes, out);
                }
            }
        });
    }

    std::unique_ptr<const GroupedMatrix> matrix_;
    const EncodingTraits &encoding_;
    GroupForm form_;
};

class FloatRows final : public MadeRows {
public:
    explicit FloatRows(std::unique_ptr<const GroupedMatrix> matrix) : matrix_(std::move(matrix)) {}

    void write(uint64_t first, uint64_t count, std::byte *out) const override {
        const GroupedMatrix &m = *matrix_;
        for_slabs(first, count, [&](uint64_t from, uint64_t rows, uint64_t) {
            const Slab s(m, from, rows);
            for (uint64_t i = 0; i < rows * m.cols; i++, out += sizeof(float)) {
                const uint64_t g = i / m.cols * m.groups() + i % m.cols / m.group;
                const auto code = static_cast<float>(s.codes[i]);
                const float x = m.bias ? s.d[g] * code + s.second[g] : s.d[g] * (code - s.second[g]);
                std::memcpy(out, &x, sizeof x);
            }
        });
    }

private:
    std::unique_ptr<const GroupedMatrix> matrix_;
};

bool is_half(float v) { return f32_from_f16(f16_from_f32(v)) == v; }

bool has_half_numbers(const GroupedMatrix &m) {
    if (m.halves) return true;
    bool all = true;
    for_slabs(0, m.rows, [&](uint64_t from, uint64_t rows, uint64_t) {
        std::vector<float> d(rows * m.groups()), second(d.size());
        if (all) m.numbers(from, rows, d.data(), second.data());
        all = all && std::all_of(d.begin(), d.end(), is_half) && std::all_of(second.begin(), second.end(), is_half);
    });
    return all;
}

const EncodingTraits *fitting_encoding(const GroupedMatrix &m) {
    const auto fits = [&](uint64_t group) {
        return m.cols % group == 0 && (m.group % group == 0 || m.groups() == 1);
    };
    for (const uint32_t group : {128u, 64u, 32u})
        for (int bits = m.bits; fits(group) && bits <= 8; bits++)
            if (const EncodingTraits *e = find_group_encoding({bits, group, m.bias})) return has_half_numbers(m) ? e : nullptr;
    return nullptr;
}

} // namespace

void add_grouped(CheckpointBuilder &builder, std::string name, std::unique_ptr<const GroupedMatrix> matrix,
                 std::vector<uint32_t> columns) {
    const uint64_t rows = matrix->rows, cols = matrix->cols;
    if (const EncodingTraits *e = fitting_encoding(*matrix))
        return builder.add(std::move(name), rows, cols, *e, std::make_unique<BlockRows>(std::move(matrix), *e),
                           std::move(columns));
    log(QUANT_LOG_WARNING, "{}: tensor {}: groups of {} columns, {} bits: no encoding holds its numbers exactly, so it is "
        "kept in 32-bit floats", shown(builder.stored().path()), name, matrix->group, matrix->bits);
    builder.add(std::move(name), rows, cols, encoding_traits(QUANT_F32), std::make_unique<FloatRows>(std::move(matrix)),
                std::move(columns));
}

std::vector<uint32_t> order_of_groups(const CheckpointBuilder &builder, const TensorInfo &g_idx, uint64_t cols,
                                      uint64_t groups, uint64_t group) {
    builder.check(g_idx, {"I32"}, {cols});
    std::vector<int32_t> of(cols);
    std::memcpy(of.data(), builder.data(g_idx).data(), cols * sizeof(int32_t));
    for (uint64_t c = 0; c < cols; c++)
        if (of[c] < 0 || static_cast<uint64_t>(of[c]) >= groups)
            builder.reject(g_idx, "column {} is of group {}, but there are {} groups", c, of[c], groups);
    std::vector<uint32_t> order(cols);
    std::iota(order.begin(), order.end(), 0u);
    if (std::is_sorted(of.begin(), of.end())) order.clear();
    std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return of[a] < of[b]; });
    for (uint64_t place = 0; place < cols; place++) {
        const uint64_t column = order.empty() ? place : order[place];
        if (static_cast<uint64_t>(of[column]) != place / group)
            builder.reject(g_idx, "group {} has not the {} columns of a group", place / group, group);
    }
    return order;
}

uint64_t group_size(const CheckpointBuilder &builder, const TensorInfo &scales, uint64_t cols, uint64_t groups) {
    const json::value *stated = builder.config().find("group_size");
    const bool whole = !stated || (stated->is_int64() && stated->get_int64() == -1);
    const uint64_t group = whole || builder.config().has("dynamic") ? (groups == 0 ? 0 : (cols + groups - 1) / groups)
                                                                    : builder.config().get_uint("group_size", 0);
    if (group == 0 || (cols + group - 1) / group != groups)
        builder.reject(scales, "{} groups for {} columns, but config.json says group_size {}", groups, cols,
                       stated ? json::serialize(*stated) : "nothing");
    return group;
}

} // namespace quant
