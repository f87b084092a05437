// GPTQ, AWQ, MLX and compressed-tensors' pack-quantized, written; where their numbers lie is told at the top of the
// files that read them (gptq_checkpoint.cpp and so on).
#include "container/group_format.h"

#include <algorithm>

namespace quant {

namespace {

// Rows taken apart at a time: a line of memory where words of neighbouring rows are neighbours.
constexpr uint64_t row_slab = 16;

template <class Body> void each_slab(uint64_t rows, uint64_t slab, const Body &body) {
    for (uint64_t first = 0; first < rows; first += slab) body(first, std::min(slab, rows - first));
}

class GptqFormat final : public GroupFormat {
public:
    using GroupFormat::GroupFormat;

    std::string name() const override { return fmt::format("gptq:{}:{}{}", bits_, group_, symmetric_ ? "" : ":asym"); }
    bool keeps_order() const override { return true; }
    uint64_t rows_a_word() const override { return 32; }
    // Version 1, which is written where zero points are fixed, has no number for one of 0.
    bool decides_by_all() const override { return symmetric_; }
    bool holds(const EncodedMatrix &m) const override {
        std::vector<float> d(groups(m.cols)), zeros(d.size());
        for (uint64_t r = 0; symmetric_ && r < m.rows; r++) {
            numbers(m, r, d.data(), zeros.data());
            if (std::find(zeros.begin(), zeros.end(), 0.0f) != zeros.end()) return false;
        }
        return true;
    }

    std::vector<CheckpointPiece> pieces(const std::string &module, uint64_t rows, uint64_t cols, bool) const override {
        const auto words = [&](uint64_t n) { return n * static_cast<uint64_t>(bits_) / 32; };
        return {{module + ".qweight", "I32", {words(cols), rows}},
                {module + ".qzeros", "I32", {groups(cols), words(rows)}},
                {module + ".scales", "F16", {groups(cols), rows}},
                {module + ".g_idx", "I32", {cols}}};
    }

    void pack(const EncodedMatrix &m, std::span<const std::span<std::byte>> out) const override {
        const uint64_t words = m.cols * static_cast<uint64_t>(bits_) / 32, of_row = groups(m.cols);
        std::vector<uint8_t> zeros(of_row * m.rows);
        std::vector<uint32_t> packed(row_slab * words);
        std::vector<float> d(of_row), second(of_row);
        each_slab(m.rows, row_slab, [&](uint64_t first, uint64_t count) {
            for (uint64_t r = 0; r < count; r++) pack_row(m, first + r, packed.data() + r * words);
            for (uint64_t w = 0; w < words; w++)
                for (uint64_t r = 0; r < count; r++) put_at(out[0], w * m.rows + first + r, packed[r * words + w]);
            for (uint64_t r = first; r < first + count; r++) {
                numbers(m, r, d.data(), second.data());
                for (uint64_t g = 0; g < of_row; g++) {
                    put_at(out[2], g * m.rows + r, f16_from_f32(d[g]));
                    zeros[g * m.rows + r] = static_cast<uint8_t>(second[g]);
                }
            }
        });
        // Version 1, which all readers know, has one less; of none less than that it has no number, so that version 2
        // is written where zero points are free.
        const unsigned less = symmetric_ ? 1 : 0, mask = (1u << bits_) - 1;
        for (uint8_t &z : zeros) z = static_cast<uint8_t>((z - less) & mask);
        for (uint64_t g = 0; g < of_row; g++) {
            const std::vector<uint32_t> row = dense(std::span(zeros).subspan(g * m.rows, m.rows));
            std::memcpy(out[1].data() + g * row.size() * sizeof(uint32_t), row.data(), row.size() * sizeof(uint32_t));
        }
        const std::vector<int32_t> order = group_indices(m);
        std::memcpy(out[3].data(), order.data(), order.size() * sizeof(int32_t));
    }

    void describe(json::object &config, const std::vector<std::string> &kept, const Facts &facts) const override {
        json::object q{{"quant_method", "gptq"},
                       {"bits", bits_},
                       {"group_size", group_},
                       {"sym", facts.symmetric},
                       {"desc_act", facts.ordered},
                       {"damp_percent", 0.01},
                       {"true_sequential", true},
                       {"checkpoint_format", symmetric_ ? "gptq" : "gptq_v2"}};
        // Patterns of modules to be left alone, as GPTQModel has them.
        json::object dynamic;
        for (const std::string &module : kept)
            if (module.find("layers.") != std::string::npos) dynamic["-:^" + module + "$"] = json::object();
        if (!dynamic.empty()) q["dynamic"] = std::move(dynamic);
        config["quantization_config"] = std::move(q);
    }
};

class AwqFormat final : public GroupFormat {
    static constexpr uint64_t slab = 128; // Rows whose words are a line of memory.

public:
    using GroupFormat::GroupFormat;

    std::string name() const override { return fmt::format("awq:{}:{}", bits_, group_); }
    uint64_t rows_a_word() const override { return 8; }

    std::vector<CheckpointPiece> pieces(const std::string &module, uint64_t rows, uint64_t cols, bool) const override {
        return {{module + ".qweight", "I32", {cols, rows / 8}},
                {module + ".qzeros", "I32", {groups(cols), rows / 8}},
                {module + ".scales", "F16", {groups(cols), rows}}};
    }

    void pack(const EncodedMatrix &m, std::span<const std::span<std::byte>> out) const override {
        const uint64_t of_row = groups(m.cols), row_words = m.rows / 8, words = m.cols / 8;
        std::vector<uint32_t> rows(slab * words);
        std::vector<float> d(slab * of_row), second(slab * of_row);
        each_slab(m.rows, slab, [&](uint64_t first, uint64_t count) {
            for (uint64_t r = 0; r < count; r++) {
                dense_row(m, first + r, rows.data() + r * words);
                numbers(m, first + r, d.data() + r * of_row, second.data() + r * of_row);
            }
            for (uint64_t w = 0; w < words; w++)
                for (uint64_t r = 0; r < count; r += 8) {
                    uint32_t eight[8];
                    for (uint64_t k = 0; k < 8; k++) eight[k] = rows[(r + k) * words + w];
                    for (uint64_t c = 0; c < 8; c++)
                        put_at(out[0], (w * 8 + c) * row_words + (first + r) / 8,
                               word([&](uint64_t k) { return eight[k] >> (4 * c) & 15; }));
                }
            for (uint64_t g = 0; g < of_row; g++) {
                for (uint64_t r = 0; r < count; r += 8)
                    put_at(out[1], g * row_words + (first + r) / 8,
                           word([&](uint64_t k) { return static_cast<uint32_t>(second[(r + k) * of_row + g]); }));
                for (uint64_t r = 0; r < count; r++) put_at(out[2], g * m.rows + first + r, f16_from_f32(d[r * of_row + g]));
            }
        });
    }

    void describe(json::object &config, const std::vector<std::string> &kept, const Facts &) const override {
        config["quantization_config"] = json::object{{"quant_method", "awq"},     {"version", "gemm"},
                                                     {"bits", bits_},             {"group_size", group_},
                                                     {"zero_point", true},        {"modules_to_not_convert", names_array(kept)}};
    }

private:
    // Eight rows' numbers in the order of the kernels.
    template <class Number> static uint32_t word(const Number &of_row) {
        constexpr int place[] = {0, 4, 1, 5, 2, 6, 3, 7};
        uint32_t out = 0;
        for (uint64_t k = 0; k < 8; k++) out |= of_row(k) << (4 * place[k]);
        return out;
    }
};

class MlxFormat final : public GroupFormat {
public:
    using GroupFormat::GroupFormat;

    std::string name() const override { return fmt::format("mlx:{}:{}", bits_, group_); }
    bool takes_embeddings() const override { return true; }
    std::string_view files_format() const override { return "mlx"; }

    std::vector<CheckpointPiece> pieces(const std::string &module, uint64_t rows, uint64_t cols, bool) const override {
        return {{module + ".weight", "U32", {rows, cols * static_cast<uint64_t>(bits_) / 32}},
                {module + ".scales", "F16", {rows, groups(cols)}},
                {module + ".biases", "F16", {rows, groups(cols)}}};
    }

    void pack(const EncodedMatrix &m, std::span<const std::span<std::byte>> out) const override {
        const uint64_t words = m.cols * static_cast<uint64_t>(bits_) / 32, of_row = groups(m.cols);
        std::vector<uint32_t> packed(words);
        std::vector<float> d(of_row), second(of_row);
        for (uint64_t r = 0; r < m.rows; r++) {
            pack_row(m, r, packed.data());
            std::memcpy(out[0].data() + r * words * sizeof(uint32_t), packed.data(), words * sizeof(uint32_t));
            numbers(m, r, d.data(), second.data());
            for (uint64_t g = 0; g < of_row; g++) {
                put_at(out[1], r * of_row + g, f16_from_f32(d[g]));
                put_at(out[2], r * of_row + g, f16_from_f32(second[g]));
            }
        }
    }

    void describe(json::object &config, const std::vector<std::string> &, const Facts &) const override {
        const json::object q{{"group_size", group_}, {"bits", bits_}, {"mode", "affine"}};
        config["quantization"] = q;
        config["quantization_config"] = q;
    }
};

class CtGroupFormat final : public GroupFormat {
public:
    using GroupFormat::GroupFormat;

    std::string name() const override { return fmt::format("w{}a16:{}{}", bits_, group_, symmetric_ ? "" : ":asym"); }
    bool keeps_order() const override { return false; } // Version 0.20 has none.
    uint64_t rows_a_word() const override { return symmetric_ ? 1 : 32 / static_cast<uint64_t>(bits_); }

    std::vector<CheckpointPiece> pieces(const std::string &module, uint64_t rows, uint64_t cols, bool) const override {
        const auto words = [&](uint64_t n) { return n * static_cast<uint64_t>(bits_) / 32; };
        std::vector<CheckpointPiece> out{{module + ".weight_packed", "I32", {rows, words(cols)}},
                                         {module + ".weight_scale", "F16", {rows, groups(cols)}},
                                         {module + ".weight_shape", "I64", {2}}};
        if (!symmetric_) out.push_back({module + ".weight_zero_point", "I32", {words(rows), groups(cols)}});
        return out;
    }

    bool decides_by_all() const override { return symmetric_; }
    bool holds(const EncodedMatrix &m) const override { return !symmetric_ || facts_of(m).symmetric; }

    void pack(const EncodedMatrix &m, std::span<const std::span<std::byte>> out) const override {
        const uint64_t words = m.cols * static_cast<uint64_t>(bits_) / 32, of_row = groups(m.cols);
        std::vector<uint32_t> packed(words);
        const auto of_word = static_cast<uint64_t>(32 / bits_);
        std::vector<uint32_t> zeros(symmetric_ ? 0 : m.rows / of_word * of_row);
        std::vector<float> d(of_row), second(of_row);
        for (uint64_t r = 0; r < m.rows; r++) {
            pack_row(m, r, packed.data());
            std::memcpy(out[0].data() + r * words * sizeof(uint32_t), packed.data(), words * sizeof(uint32_t));
            numbers(m, r, d.data(), second.data());
            for (uint64_t g = 0; g < of_row; g++) {
                put_at(out[1], r * of_row + g, f16_from_f32(d[g]));
                if (!symmetric_)
                    zeros[r / of_word * of_row + g] |= static_cast<uint32_t>(second[g]) << (r % of_word * static_cast<uint64_t>(bits_));
            }
        }
        put_at<int64_t>(out[2], 0, static_cast<int64_t>(m.rows)), put_at<int64_t>(out[2], 1, static_cast<int64_t>(m.cols));
        if (!symmetric_) std::memcpy(out[3].data(), zeros.data(), out[3].size());
    }

    void describe(json::object &config, const std::vector<std::string> &kept, const Facts &) const override {
        describe_ct(config, "pack-quantized",
                    {{"num_bits", bits_}, {"type", "int"}, {"strategy", "group"}, {"group_size", group_}, {"symmetric", symmetric_}},
                    nullptr, kept);
    }
};

// Whether the last word is "asym", which is taken away.
bool take_asym(Words &words) {
    if (words.empty() || words.back() != "asym") return false;
    words = words.first(words.size() - 1);
    return true;
}

template <int Bits> std::unique_ptr<CheckpointFormat> parse_ct(Words words, std::string_view name) {
    const bool asym = take_asym(words);
    require_words(words, 1, name);
    return std::make_unique<CtGroupFormat>(Bits, number_word(words, 0, name, "group of", {128, 64, 32}), false, !asym);
}

} // namespace

std::unique_ptr<CheckpointFormat> parse_gptq(Words words, std::string_view name) {
    const bool asym = take_asym(words);
    require_words(words, 2, name);
    const auto bits = static_cast<int>(number_word(words, 0, name, "bits", {4, 2, 3, 8}));
    return std::make_unique<GptqFormat>(bits, number_word(words, 1, name, "group of", {128, 64, 32}), false, !asym);
}

std::unique_ptr<CheckpointFormat> parse_awq(Words words, std::string_view name) {
    require_words(words, 2, name);
    const auto bits = static_cast<int>(number_word(words, 0, name, "bits", {4}));
    return std::make_unique<AwqFormat>(bits, number_word(words, 1, name, "group of", {128, 64, 32}), false, false);
}

std::unique_ptr<CheckpointFormat> parse_mlx(Words words, std::string_view name) {
    if (!words.empty() && words[0] == "mxfp4") return parse_mlx_mxfp4(words.subspan(1), name);
    require_words(words, 2, name);
    const auto bits = static_cast<int>(number_word(words, 0, name, "bits", {4, 2, 3, 5, 6, 8}));
    return std::make_unique<MlxFormat>(bits, number_word(words, 1, name, "group of", {64, 32, 128}), true, false);
}

std::unique_ptr<CheckpointFormat> parse_w4a16(Words words, std::string_view name) { return parse_ct<4>(words, name); }
std::unique_ptr<CheckpointFormat> parse_w8a16(Words words, std::string_view name) { return parse_ct<8>(words, name); }

} // namespace quant
