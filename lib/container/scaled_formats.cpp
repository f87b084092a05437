// compressed-tensors' int-quantized, float-quantized, nvfp4 and mxfp4, FP8 in blocks, bitsandbytes' NF4, BitNet, and
// floats, written; where their numbers lie is told at the top of the files that read them.
//
// A scale that a reader may round to bfloat16 is a bfloat16, so that weights are the same everywhere.
#include "container/format_parts.h"
#include "encoding/float4_groups.h"
#include "encoding/float8.h"
#include "encoding/group_blocks.h"
#include "encoding/scaled_blocks.h"

#include <algorithm>
#include <cmath>

namespace quant {

namespace {

float nearest_bf16(float v) {
    const auto bits = std::bit_cast<uint32_t>(v);
    return std::bit_cast<float>((bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000u);
}

float largest_of(const float *w, uint64_t n) {
    float out = 0;
    for (uint64_t i = 0; i < n; i++) out = std::max(out, std::abs(w[i]));
    return out;
}

/// For a largest weight that is `reach` steps of it. 0 stays 0, and so do weights that vanish beside the least scale.
float scale_for(float largest, float reach) { return nearest_bf16(largest / reach); }

json::object whole_number_activations(const char *type) {
    return {{"dynamic", true}, {"num_bits", 8}, {"strategy", "token"}, {"symmetric", true}, {"type", type}};
}

const EncodingTraits *widest(uint64_t cols, std::initializer_list<const EncodingTraits *> encodings) {
    for (const EncodingTraits *e : encodings)
        if (cols != 0 && cols % e->block_weights == 0) return e;
    return nullptr;
}

/// Whole numbers of 8 bits, a scale for a row; activations are rounded to 8 bits where it runs.
class W8A8Format final : public CheckpointFormat {
public:
    std::string name() const override { return "w8a8"; }
    const EncodingTraits *encoding(uint64_t, uint64_t cols) const override {
        return widest(cols, {find_group_encoding({8, 128, false}), find_group_encoding({8, 64, false}),
                             find_group_encoding({8, 32, false})});
    }
    std::vector<CheckpointPiece> pieces(const std::string &module, uint64_t rows, uint64_t cols, bool) const override {
        return {{module + ".weight", "I8", {rows, cols}}, {module + ".weight_scale", "F32", {rows, 1}}};
    }
    bool shares_scales() const override { return true; }

    bool holds(const EncodedMatrix &m) const override {
        const GroupForm form = group_form(m.encoding.id);
        std::vector<uint8_t> codes(form.group);
        for (uint64_t r = 0; r < m.rows; r++) {
            float first = 0, d = 0, zero = 0;
            for (uint64_t at = 0; at < m.row_bytes(); at += m.encoding.block_bytes) {
                load_group(form, m.row(r) + at, d, zero, codes.data());
                if (at == 0) first = d;
                if (d != first || zero != 128) return false;
            }
        }
        return true;
    }

    void encode(std::span<const float> weights, uint64_t rows, uint64_t cols, const WholeMatrix &, std::byte *out) const override {
        const EncodingTraits &e = *encoding(rows, cols);
        const GroupForm form = group_form(e.id);
        std::vector<uint8_t> codes(cols);
        for (uint64_t r = 0; r < rows; r++) {
            const float *w = weights.data() + r * cols;
            // A half of eight bits, as large as halves are.
            const float d = std::min(f32_from_f16(f16_from_f32(scale_for(largest_of(w, cols), 127))), 65280.0f);
            for (uint64_t c = 0; c < cols; c++)
                codes[c] = static_cast<uint8_t>(128 + (d > 0 ? std::clamp(std::nearbyint(w[c] / d), -127.0f, 127.0f) : 0.0f));
            for (uint64_t c = 0; c < cols; c += form.group, out += e.block_bytes) store_group(form, d, 128, codes.data() + c, out);
        }
    }

    void pack(const EncodedMatrix &m, std::span<const std::span<std::byte>> out) const override {
        const GroupForm form = group_form(m.encoding.id);
        std::vector<uint8_t> codes(form.group);
        auto *to = out[0].data();
        for (uint64_t r = 0; r < m.rows; r++) {
            float d = 0, zero = 0;
            for (uint64_t at = 0; at < m.row_bytes(); at += m.encoding.block_bytes) {
                load_group(form, m.row(r) + at, d, zero, codes.data());
                for (const uint8_t code : codes) *to++ = static_cast<std::byte>(code ^ 128);
            }
            put_at(out[1], r, d);
        }
    }

    void describe(json::object &config, const std::vector<std::string> &kept, const Facts &) const override {
        describe_ct(config, "int-quantized",
                    {{"num_bits", 8}, {"type", "int"}, {"strategy", "channel"}, {"group_size", nullptr}, {"symmetric", true}},
                    whole_number_activations("int"), kept);
    }
};

/// 8-bit floats (E4M3), a scale for a row or for 128 x 128 weights.
class Float8Format final : public CheckpointFormat {
public:
    explicit Float8Format(bool blocks) : blocks_(blocks) {}

    std::string name() const override { return blocks_ ? "fp8-block" : "fp8"; }
    const EncodingTraits *encoding(uint64_t, uint64_t cols) const override {
        const EncodingTraits *of128 = find_scaled_encoding(ScaledKind::e4m3, 128), *of32 = find_scaled_encoding(ScaledKind::e4m3, 32);
        return blocks_ ? widest(cols, {of128}) : widest(cols, {of128, of32});
    }
    std::vector<CheckpointPiece> pieces(const std::string &module, uint64_t rows, uint64_t cols, bool) const override {
        if (blocks_)
            return {{module + ".weight", "F8_E4M3", {rows, cols}},
                    {module + ".weight_scale_inv", "F32", {(rows + side - 1) / side, (cols + side - 1) / side}}};
        return {{module + ".weight", "F8_E4M3", {rows, cols}}, {module + ".weight_scale", "F32", {rows, 1}}};
    }
    bool shares_scales() const override { return true; }
    uint64_t row_step() const override { return blocks_ ? side : 1; }

    bool holds(const EncodedMatrix &m) const override {
        const uint64_t of_row = m.row_bytes() / m.encoding.block_bytes;
        for (uint64_t r = 0; r < m.rows; r++)
            for (uint64_t g = 0; g < of_row; g++)
                if (scale_at(m, r, g) != scale_at(m, blocks_ ? r / side * side : r, blocks_ ? g : 0)) return false;
        return true;
    }

    void encode(std::span<const float> weights, uint64_t rows, uint64_t cols, const WholeMatrix &, std::byte *out) const override {
        const EncodingTraits &e = *encoding(rows, cols);
        const uint64_t tall = blocks_ ? side : 1, wide = blocks_ ? side : cols, row_bytes = cols / e.block_weights * e.block_bytes;
        std::vector<uint8_t> codes(e.block_weights);
        for (uint64_t top = 0; top < rows; top += tall)
            for (uint64_t left = 0; left < cols; left += wide) {
                float largest = 0;
                for (uint64_t r = top; r < std::min(rows, top + tall); r++)
                    largest = std::max(largest, largest_of(weights.data() + r * cols + left, wide));
                const float d = scale_for(largest, high), inverse = d > 0 ? 1 / d : 0;
                for (uint64_t r = top; r < std::min(rows, top + tall); r++)
                    for (uint64_t c = left; c < left + wide; c += codes.size()) {
                        for (uint64_t i = 0; i < codes.size(); i++)
                            codes[i] = float8_code<3, -6>(nearest_float8<3, -6>(weights[r * cols + c + i] * inverse, high));
                        store_scaled(e, d, codes.data(), out + r * row_bytes + c / codes.size() * e.block_bytes);
                    }
            }
    }

    void pack(const EncodedMatrix &m, std::span<const std::span<std::byte>> out) const override {
        const uint64_t group = m.encoding.block_weights, across = (m.cols + side - 1) / side;
        auto *to = reinterpret_cast<uint8_t *>(out[0].data());
        for (uint64_t r = 0; r < m.rows; r++)
            for (uint64_t g = 0; g < m.cols / group; g++, to += group) {
                float d = 0;
                load_scaled(m.encoding, m.row(r) + g * m.encoding.block_bytes, d, to);
                if (blocks_) put_at(out[1], r / side * across + g * group / side, d);
                else put_at(out[1], r, d);
            }
    }

    void describe(json::object &config, const std::vector<std::string> &kept, const Facts &) const override {
        if (!blocks_)
            return describe_ct(config, "float-quantized",
                               {{"num_bits", 8}, {"type", "float"}, {"strategy", "channel"}, {"group_size", nullptr}, {"symmetric", true}},
                               whole_number_activations("float"), kept);
        config["quantization_config"] = json::object{{"quant_method", "fp8"},
                                                     {"fmt", "e4m3"},
                                                     {"activation_scheme", "dynamic"},
                                                     {"weight_block_size", {side, side}},
                                                     {"modules_to_not_convert", names_array(kept)}};
    }

private:
    static constexpr uint64_t side = 128;
    static constexpr float high = 448;
    static float scale_at(const EncodedMatrix &m, uint64_t row, uint64_t group) {
        float d;
        std::memcpy(&d, m.row(row) + group * m.encoding.block_bytes, sizeof d);
        return d;
    }
    bool blocks_;
};

/// 4-bit floats under an 8-bit float for 16 under one divisor.
class Nvfp4Format final : public CheckpointFormat {
public:
    std::string name() const override { return "nvfp4"; }
    const EncodingTraits *encoding(uint64_t, uint64_t cols) const override { return cols == 0 ? nullptr : find_float4_encoding(cols); }
    std::vector<CheckpointPiece> pieces(const std::string &module, uint64_t rows, uint64_t cols, bool) const override {
        return {{module + ".weight_packed", "U8", {rows, cols / 2}},
                {module + ".weight_scale", "F8_E4M3", {rows, cols / 16}},
                {module + ".weight_global_scale", "F32", {1}}};
    }
    bool shares_scales() const override { return true; }

    bool holds(const EncodedMatrix &m) const override {
        for (uint64_t at = 0; at < m.blocks.size(); at += m.encoding.block_bytes)
            if (std::memcmp(m.blocks.data(), m.blocks.data() + at, sizeof(float)) != 0) return false;
        return true;
    }

    void encode(std::span<const float> weights, uint64_t rows, uint64_t cols, const WholeMatrix &whole, std::byte *out) const override {
        const EncodingTraits &e = *encoding(rows, cols);
        const float divisor = whole.largest > 0 ? std::clamp(448 * 6 / whole.largest, 0x1p-116f, 0x1p116f) : 1;
        for (uint64_t i = 0; i < rows * cols; i += e.block_weights, out += e.block_bytes)
            encode_float4(e, divisor, weights.data() + i, out);
    }

    void pack(const EncodedMatrix &m, std::span<const std::span<std::byte>> out) const override {
        const uint64_t blocks = m.blocks.size() / m.encoding.block_bytes, n = m.encoding.block_weights;
        float divisor = 1;
        for (uint64_t b = 0; b < blocks; b++)
            load_float4(m.encoding, m.blocks.data() + b * m.encoding.block_bytes, divisor, out[1].data() + b * n / 16,
                        out[0].data() + b * n / 2);
        put_at(out[2], 0, divisor);
    }

    void describe(json::object &config, const std::vector<std::string> &kept, const Facts &) const override {
        describe_ct(config, "nvfp4-pack-quantized",
                    {{"num_bits", 4}, {"type", "float"}, {"strategy", "tensor_group"}, {"group_size", 16}, {"symmetric", true},
                     {"scale_dtype", "torch.float8_e4m3fn"}},
                    nullptr, kept);
    }
};

/// 4-bit floats under a power of two for 32, of compressed-tensors or of MLX.
class Mxfp4Format final : public CheckpointFormat {
public:
    explicit Mxfp4Format(bool mlx) : mlx_(mlx) {}

    std::string name() const override { return mlx_ ? "mlx:mxfp4" : "mxfp4"; }
    bool takes_embeddings() const override { return mlx_; }
    std::string_view files_format() const override { return mlx_ ? "mlx" : "pt"; }
    const EncodingTraits *encoding(uint64_t, uint64_t cols) const override { return widest(cols, {&encoding_traits(QUANT_MXFP4)}); }
    std::vector<CheckpointPiece> pieces(const std::string &module, uint64_t rows, uint64_t cols, bool) const override {
        if (mlx_) return {{module + ".weight", "U32", {rows, cols / 8}}, {module + ".scales", "U8", {rows, cols / group}}};
        return {{module + ".weight_packed", "U8", {rows, cols / 2}}, {module + ".weight_scale", "U8", {rows, cols / group}}};
    }

    void pack(const EncodedMatrix &m, std::span<const std::span<std::byte>> out) const override {
        std::byte *codes = out[0].data(), *scale = out[1].data();
        for (uint64_t at = 0; at < m.blocks.size(); at += 1 + group / 2, codes += group / 2) {
            const std::byte *block = m.blocks.data() + at;
            *scale++ = block[0];
            // Weights i and i + 16 share a byte in a block, neighbours in a file.
            const auto code = [&](size_t i) { return i < 16 ? block[1 + i] & std::byte{15} : block[1 + i - 16] >> 4; };
            for (size_t i = 0; i < group; i += 2) codes[i / 2] = code(i) | code(i + 1) << 4;
        }
    }

    void describe(json::object &config, const std::vector<std::string> &kept, const Facts &) const override {
        if (!mlx_)
            return describe_ct(config, "mxfp4-pack-quantized",
                               {{"num_bits", 4}, {"type", "float"}, {"strategy", "group"}, {"group_size", group}, {"symmetric", true},
                                {"scale_dtype", "torch.uint8"}},
                               nullptr, kept);
        const json::object q{{"group_size", group}, {"bits", 4}, {"mode", "mxfp4"}};
        config["quantization"] = q;
        config["quantization_config"] = q;
    }

private:
    static constexpr uint64_t group = 32;
    bool mlx_;
};

class Nf4Format final : public CheckpointFormat {
public:
    std::string name() const override { return "nf4"; }
    const EncodingTraits *encoding(uint64_t, uint64_t cols) const override {
        return widest(cols, {find_scaled_encoding(ScaledKind::nf4, 64)});
    }
    std::vector<CheckpointPiece> pieces(const std::string &module, uint64_t rows, uint64_t cols, bool) const override {
        const std::string weight = module + ".weight";
        return {{weight, "U8", {rows * cols / 2, 1}},
                {weight + ".absmax", "F32", {rows * cols / 64}},
                {weight + ".quant_map", "F32", {16}},
                {weight + ".quant_state.bitsandbytes__nf4", "U8", {state_of(rows, cols).size()}}};
    }

    void pack(const EncodedMatrix &m, std::span<const std::span<std::byte>> out) const override {
        std::array<uint8_t, 64> codes;
        const uint64_t blocks = m.blocks.size() / m.encoding.block_bytes;
        for (uint64_t b = 0; b < blocks; b++) {
            float d = 0;
            load_scaled(m.encoding, m.blocks.data() + b * m.encoding.block_bytes, d, codes.data());
            put_at(out[1], b, d);
            for (size_t i = 0; i < codes.size(); i += 2)
                out[0][(b * codes.size() + i) / 2] = static_cast<std::byte>(codes[i] << 4 | codes[i + 1]);
        }
        for (uint8_t code = 0; code < 16; code++) put_at(out[2], code, scaled_weight(ScaledKind::nf4, code, 1));
        const std::string state = state_of(m.rows, m.cols);
        std::memcpy(out[3].data(), state.data(), state.size());
    }

    void describe(json::object &config, const std::vector<std::string> &kept, const Facts &) const override {
        config["quantization_config"] = json::object{{"quant_method", "bitsandbytes"},
                                                     {"load_in_4bit", true},
                                                     {"load_in_8bit", false},
                                                     {"bnb_4bit_quant_type", "nf4"},
                                                     {"bnb_4bit_use_double_quant", false},
                                                     {"bnb_4bit_compute_dtype", "bfloat16"},
                                                     {"bnb_4bit_quant_storage", "uint8"},
                                                     {"llm_int8_skip_modules", names_array(kept)}};
    }

private:
    static std::string state_of(uint64_t rows, uint64_t cols) {
        return json::serialize(
            json::object{{"quant_type", "nf4"}, {"blocksize", 64}, {"dtype", "bfloat16"}, {"shape", {rows, cols}}});
    }
};

class BitnetFormat final : public CheckpointFormat {
public:
    std::string name() const override { return "bitnet"; }
    const EncodingTraits *encoding(uint64_t rows, uint64_t cols) const override {
        return rows % 4 == 0 ? encoding_of(cols) : nullptr;
    }
    std::vector<CheckpointPiece> pieces(const std::string &module, uint64_t rows, uint64_t cols, bool) const override {
        return {{module + ".weight", "U8", {rows / 4, cols}}, {module + ".weight_scale", "F32", {1}}};
    }
    bool shares_scales() const override { return true; }

    bool holds(const EncodedMatrix &m) const override {
        for (uint64_t at = 0; at < m.blocks.size(); at += m.encoding.block_bytes)
            if (std::memcmp(m.blocks.data(), m.blocks.data() + at, sizeof(float)) != 0) return false;
        return true;
    }

    void encode(std::span<const float> weights, uint64_t rows, uint64_t cols, const WholeMatrix &whole, std::byte *out) const override {
        const EncodingTraits &e = *encoding_of(cols);
        const float d = nearest_bf16(std::max(static_cast<float>(whole.mean), 1e-5f));
        std::vector<uint8_t> codes(e.block_weights);
        for (uint64_t i = 0; i < rows * cols; i += codes.size(), out += e.block_bytes) {
            for (uint64_t k = 0; k < codes.size(); k++)
                codes[k] = static_cast<uint8_t>(std::clamp(std::nearbyint(weights[i + k] / d), -1.0f, 1.0f) + 1);
            store_scaled(e, d, codes.data(), out);
        }
    }

    void pack(const EncodedMatrix &m, std::span<const std::span<std::byte>> out) const override {
        const uint64_t quarter = m.rows / 4, group = m.encoding.block_weights;
        std::vector<uint8_t> codes(group);
        std::fill(out[0].begin(), out[0].end(), std::byte{0});
        float d = 0;
        for (uint64_t r = 0; r < m.rows; r++)
            for (uint64_t c = 0; c < m.cols; c += group) {
                load_scaled(m.encoding, m.row(r) + c / group * m.encoding.block_bytes, d, codes.data());
                for (uint64_t i = 0; i < group; i++)
                    out[0][r % quarter * m.cols + c + i] |= static_cast<std::byte>(codes[i] << (r / quarter * 2));
            }
        put_at(out[1], 0, d);
    }

    void describe(json::object &config, const std::vector<std::string> &kept, const Facts &) const override {
        config["quantization_config"] = json::object{{"quant_method", "bitnet"},
                                                     {"linear_class", "autobitlinear"},
                                                     {"quantization_mode", "offline"},
                                                     {"modules_to_not_convert", names_array(kept)}};
    }

private:
    static const EncodingTraits *encoding_of(uint64_t cols) {
        return widest(cols, {find_scaled_encoding(ScaledKind::ternary, 128), find_scaled_encoding(ScaledKind::ternary, 32)});
    }
};

class FloatsFormat final : public CheckpointFormat {
public:
    explicit FloatsFormat(std::string_view dtype) : dtype_(dtype) {}

    std::string name() const override {
        return dtype_ == "BF16" ? "safetensors:bf16" : dtype_ == "F16" ? "safetensors:f16" : "safetensors:f32";
    }
    const EncodingTraits *encoding(uint64_t, uint64_t) const override { return nullptr; }
    std::string_view float_dtype() const override { return dtype_; }
    std::vector<CheckpointPiece> pieces(const std::string &, uint64_t, uint64_t, bool) const override { return {}; }
    void pack(const EncodedMatrix &, std::span<const std::span<std::byte>>) const override {}
    void describe(json::object &, const std::vector<std::string> &, const Facts &) const override {}

private:
    std::string_view dtype_;
};

} // namespace

std::unique_ptr<CheckpointFormat> parse_w8a8(Words words, std::string_view name) {
    require_words(words, 0, name);
    return std::make_unique<W8A8Format>();
}
std::unique_ptr<CheckpointFormat> parse_fp8(Words words, std::string_view name) {
    require_words(words, 0, name);
    return std::make_unique<Float8Format>(false);
}
std::unique_ptr<CheckpointFormat> parse_fp8_block(Words words, std::string_view name) {
    require_words(words, 0, name);
    return std::make_unique<Float8Format>(true);
}
std::unique_ptr<CheckpointFormat> parse_nvfp4(Words words, std::string_view name) {
    require_words(words, 0, name);
    return std::make_unique<Nvfp4Format>();
}
std::unique_ptr<CheckpointFormat> parse_mxfp4(Words words, std::string_view name) {
    require_words(words, 0, name);
    return std::make_unique<Mxfp4Format>(false);
}
std::unique_ptr<CheckpointFormat> parse_mlx_mxfp4(Words words, std::string_view name) {
    require_words(words, 0, name);
    return std::make_unique<Mxfp4Format>(true);
}
std::unique_ptr<CheckpointFormat> parse_nf4(Words words, std::string_view name) {
    require_words(words, 0, name);
    return std::make_unique<Nf4Format>();
}
std::unique_ptr<CheckpointFormat> parse_bitnet(Words words, std::string_view name) {
    require_words(words, 0, name);
    return std::make_unique<BitnetFormat>();
}
std::unique_ptr<CheckpointFormat> parse_floats(Words words, std::string_view name) {
    require_words(words, 1, name);
    constexpr std::pair<std::string_view, std::string_view> dtypes[] = {{"bf16", "BF16"}, {"f16", "F16"}, {"f32", "F32"}};
    if (words.empty()) return std::make_unique<FloatsFormat>("BF16");
    for (const auto &[word, dtype] : dtypes)
        if (words[0] == word) return std::make_unique<FloatsFormat>(dtype);
    fail(QUANT_ERR_ARGUMENT, "\"{}\": \"{}\"; expected bf16, f16 or f32", printable(name), printable(words[0]));
}

} // namespace quant
