#include "container/group_format.h"

#include <algorithm>

namespace quant {

const EncodingTraits *GroupFormat::encoding(uint64_t rows, uint64_t cols) const {
    // A row's codes are whole words, and so are a column's where words hold several rows.
    if (cols == 0 || cols % group_ != 0 || rows % rows_a_word() != 0) return nullptr;
    return symmetric_ ? symmetric_encoding(encoding_.id) : &encoding_;
}

CheckpointFormat::Facts GroupFormat::facts_of(const EncodedMatrix &m) const {
    Facts out{true, !m.columns.empty()};
    const auto middle = static_cast<float>(1 << (bits_ - 1));
    for (const std::byte *block = m.blocks.data(); block != m.blocks.data() + m.blocks.size() && out.symmetric;
         block += encoding_.block_bytes) {
        uint16_t half;
        std::memcpy(&half, block + 2, sizeof half);
        out.symmetric = f32_from_f16(half) == middle;
    }
    return out;
}

GroupFormat::Taken GroupFormat::take(const EncodedMatrix &m, uint64_t first, uint64_t count) const {
    const GroupForm form = group_form(encoding_.id);
    Taken out;
    out.codes.resize(count * m.cols), out.d.resize(count * groups(m.cols)), out.second.resize(out.d.size());
    std::vector<uint8_t> codes(m.cols);
    for (uint64_t r = 0; r < count; r++) {
        const std::byte *block = m.row(first + r);
        uint8_t *row = out.codes.data() + r * m.cols, *to = m.columns.empty() ? row : codes.data();
        for (uint64_t g = 0; g < groups(m.cols); g++, block += encoding_.block_bytes) {
            const uint64_t at = r * groups(m.cols) + g;
            load_group(form, block, out.d[at], out.second[at], to + g * group_);
        }
        for (uint64_t place = 0; place < m.columns.size(); place++) row[m.columns[place]] = codes[place];
    }
    return out;
}

void GroupFormat::dense_row(const EncodedMatrix &m, uint64_t row, uint32_t *out) const {
    const size_t bytes = group_code_bytes(group_form(encoding_.id));
    auto *to = reinterpret_cast<std::byte *>(out);
    const std::byte *block = m.row(row) + group_codes_at;
    for (uint64_t g = 0; g < groups(m.cols); g++, block += encoding_.block_bytes, to += bytes) std::memcpy(to, block, bytes);
}

void GroupFormat::numbers(const EncodedMatrix &m, uint64_t row, float *d, float *second) const {
    const std::byte *block = m.row(row);
    for (uint64_t g = 0; g < groups(m.cols); g++, block += encoding_.block_bytes) {
        uint16_t halves[2];
        std::memcpy(halves, block, sizeof halves);
        d[g] = f32_from_f16(halves[0]), second[g] = f32_from_f16(halves[1]);
    }
}

void GroupFormat::pack_row(const EncodedMatrix &m, uint64_t row, uint32_t *out) const {
    if (is_dense(m)) return dense_row(m, row, out);
    const Taken t = take(m, row, 1);
    pack_dense(t.codes.data(), m.cols, out);
}

std::vector<int32_t> GroupFormat::group_indices(const EncodedMatrix &m) const {
    std::vector<int32_t> out(m.cols);
    for (uint64_t place = 0; place < m.cols; place++)
        out[m.columns.empty() ? place : m.columns[place]] = static_cast<int32_t>(place / group_);
    return out;
}

void GroupFormat::pack_dense(const uint8_t *codes, uint64_t count, uint32_t *out) const {
    uint64_t bits = 0;
    int filled = 0;
    for (uint64_t i = 0; i < count; i++) {
        bits |= uint64_t{codes[i]} << filled;
        filled += bits_;
        if (filled < 32) continue;
        *out++ = static_cast<uint32_t>(bits);
        bits >>= 32, filled -= 32;
    }
    if (filled != 0) *out = static_cast<uint32_t>(bits);
}

std::vector<uint32_t> GroupFormat::dense(std::span<const uint8_t> codes) const {
    std::vector<uint32_t> out((codes.size() * static_cast<uint64_t>(bits_) + 31) / 32);
    pack_dense(codes.data(), codes.size(), out.data());
    return out;
}

} // namespace quant
