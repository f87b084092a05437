#include "container/format_parts.h"

#include "base/checked.h"

#include <charconv>

namespace quant {

namespace {

constexpr CheckpointKind kinds[] = {
    {"awq", "awq[:4[:GROUP]]", "AWQ, whole numbers of 4 bits with zero points, in the order of its GEMM kernels", parse_awq},
    {"bitnet", "bitnet", "BitNet, -1, 0, 1 and one scale for a matrix", parse_bitnet},
    {"fp8", "fp8", "compressed-tensors, 8-bit floats, a scale for a row; activations, too", parse_fp8},
    {"fp8-block", "fp8-block", "8-bit floats, a scale for 128 x 128 weights, as DeepSeek V3 has them", parse_fp8_block},
    {"gptq", "gptq[:BITS[:GROUP]][:asym]", "GPTQ, whole numbers of 2, 3, 4 or 8 bits", parse_gptq},
    {"mlx", "mlx[:BITS[:GROUP]]", "MLX, whole numbers of 2, 3, 4, 5, 6 or 8 bits with biases; mlx:mxfp4", parse_mlx},
    {"mxfp4", "mxfp4", "compressed-tensors, 4-bit floats, a power of two for 32", parse_mxfp4},
    {"nf4", "nf4", "bitsandbytes, 4 bits into the levels of NF4, a scale for 64", parse_nf4},
    {"nvfp4", "nvfp4", "compressed-tensors, 4-bit floats, an 8-bit float for 16, one scale for all", parse_nvfp4},
    {"safetensors", "safetensors[:bf16|:f16|:f32]", "Floats", parse_floats},
    {"w4a16", "w4a16[:GROUP][:asym]", "compressed-tensors, whole numbers of 4 bits", parse_w4a16},
    {"w8a16", "w8a16[:GROUP][:asym]", "compressed-tensors, whole numbers of 8 bits", parse_w8a16},
    {"w8a8", "w8a8", "compressed-tensors, whole numbers of 8 bits, a scale for a row; activations, too", parse_w8a8},
};

std::vector<std::string_view> split_words(std::string_view text) {
    std::vector<std::string_view> out;
    for (size_t from = 0;;) {
        const size_t to = text.find(':', from);
        out.push_back(text.substr(from, to - from));
        if (to == text.npos) return out;
        from = to + 1;
    }
}

} // namespace

uint64_t CheckpointPiece::bytes() const {
    uint64_t out = dtype.ends_with("64") ? 8 : dtype.ends_with("32") ? 4 : dtype == "BF16" || dtype == "F16" ? 2 : 1;
    for (const uint64_t n : shape) {
        const auto product = checked_mul(out, n);
        if (!product) fail(QUANT_ERR_LIMIT, "tensor \"{}\": the product of the dimensions overflows", name);
        out = *product;
    }
    return out;
}

void CheckpointFormat::encode(std::span<const float>, uint64_t, uint64_t, const WholeMatrix &, std::byte *) const {
    fail(QUANT_ERR_INTERNAL, "{}: blocks are encoded one by one", name());
}

std::span<const CheckpointKind> checkpoint_kinds() { return kinds; }

std::unique_ptr<CheckpointFormat> parse_checkpoint_format(std::string_view name) {
    std::vector<std::string_view> words = split_words(name);
    if (words.size() > 1 && words[0] == "compressed-tensors") words.erase(words.begin());
    for (const CheckpointKind &kind : kinds)
        if (words[0] == kind.name) return kind.parse(std::span(words).subspan(1), name);
    return nullptr;
}

uint32_t number_word(Words words, size_t at, std::string_view name, const char *what, std::initializer_list<uint32_t> allowed) {
    if (at >= words.size()) return *allowed.begin();
    uint32_t value = 0;
    const auto [end, error] = std::from_chars(words[at].data(), words[at].data() + words[at].size(), value);
    if (error == std::errc{} && end == words[at].data() + words[at].size())
        for (const uint32_t a : allowed)
            if (a == value) return value;
    fail(QUANT_ERR_ARGUMENT, "\"{}\": {} \"{}\"; expected one of {}", printable(name), what, printable(words[at]),
         joined(std::vector<uint64_t>(allowed.begin(), allowed.end()), ", "));
}

void require_words(Words words, size_t most, std::string_view name) {
    if (words.size() > most) fail(QUANT_ERR_ARGUMENT, "\"{}\": \"{}\" is one word too many", printable(name), printable(words[most]));
}

json::array names_array(const std::vector<std::string> &names) {
    json::array out;
    for (const std::string &n : names) out.emplace_back(n);
    return out;
}

void describe_ct(json::object &config, const char *format, json::object weights, json::value activations,
                 const std::vector<std::string> &kept) {
    weights["dynamic"] = false;
    json::object group{{"format", format}, {"targets", json::array{"Linear"}}, {"weights", std::move(weights)}};
    group["input_activations"] = std::move(activations);
    group["output_activations"] = nullptr;
    config["quantization_config"] = json::object{{"quant_method", "compressed-tensors"},
                                                 {"format", format},
                                                 {"quantization_status", "compressed"},
                                                 {"config_groups", {{"group_0", std::move(group)}}},
                                                 {"ignore", names_array(kept)},
                                                 {"kv_cache_scheme", nullptr},
                                                 {"global_compression_ratio", nullptr}};
}

} // namespace quant
