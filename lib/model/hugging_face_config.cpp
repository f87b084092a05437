#include "model/hugging_face_config.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "model/architecture.h"
#include "model/sentence_transformers.h"

namespace quant {

namespace {

constexpr uint64_t max_config_bytes = 1 << 20;

// Whole numbers of config.json and the GGUF keys they become.
struct NumberKey {
    const char *config;
    const char *gguf;
    bool optional = false;
};
constexpr NumberKey number_keys[] = {
    {"num_hidden_layers", "block_count"},
    {"max_position_embeddings", "context_length"},
    {"hidden_size", "embedding_length"},
    {"intermediate_size", "feed_forward_length"},
    {"num_attention_heads", "attention.head_count"},
    {"num_local_experts", "expert_count", true},
    {"num_experts", "expert_count", true},
    {"num_experts_per_tok", "expert_used_count", true},
    {"moe_intermediate_size", "expert_feed_forward_length", true},
};

std::string architecture_class(const json::Reader &config) {
    const json::array &classes = config.require_array("architectures");
    if (classes.empty() || !classes[0].is_string())
        fail(QUANT_ERR_FORMAT, "{}: key \"architectures\": expected the name of a class", config.name());
    return std::string(classes[0].get_string());
}

uint32_t number(const json::Reader &config, const char *key) {
    const uint64_t value = config.require_uint(key);
    if (value > UINT32_MAX) fail(QUANT_ERR_MODEL, "{}: key \"{}\": {} is too large", config.name(), key, value);
    return static_cast<uint32_t>(value);
}

// Layers of a mixture that have no experts would need a feed-forward block of their own.
void check_all_layers_mix(const json::Reader &config) {
    const bool some_dense = config.has("mlp_only_layers") && !config.require_array("mlp_only_layers").empty();
    if (some_dense || (config.has("decoder_sparse_step") && number(config, "decoder_sparse_step") != 1))
        fail(QUANT_ERR_UNSUPPORTED, "{}: keys \"mlp_only_layers\" and \"decoder_sparse_step\": a mixture of experts in "
             "some layers only is not supported", config.name());
}

void check_supported(const json::Reader &config, const LayerStyle &style) {
    check_all_layers_mix(config);
    if (config.has("quantization_config"))
        fail(QUANT_ERR_UNSUPPORTED,
             "{}: a quantized checkpoint (method \"{}\"), which this version cannot read; use the full-precision one",
             config.name(),
             printable(config.require_object("quantization_config").get_string("quant_method", "not stated")));
    const std::string expected = style.gated ? "silu" : "gelu", activation = config.get_string("hidden_act", expected);
    if (activation != expected)
        fail(QUANT_ERR_UNSUPPORTED, "{}: activation \"{}\" is not supported; expected \"{}\"", config.name(),
             printable(activation), expected);
    const std::string positions = config.get_string("position_embedding_type", "absolute");
    if (style.learned_positions && positions != "absolute")
        fail(QUANT_ERR_UNSUPPORTED, "{}: key \"position_embedding_type\": \"{}\" is not supported; expected \"absolute\"",
             config.name(), printable(positions));
    if (!style.causal && config.get_bool("is_decoder", false))
        fail(QUANT_ERR_UNSUPPORTED, "{}: key \"is_decoder\": an encoder that generates is not supported", config.name());
}

// Rope settings stand in "rope_parameters" (transformers 5) or in "rope_theta" and
// "rope_scaling" (before).
void read_rope(const json::Reader &config, const std::string &prefix, uint32_t head_dim, HuggingFaceConfig &out) {
    const bool together = config.has("rope_parameters");
    const char *object = together ? "rope_parameters" : "rope_scaling";
    static const json::object none;
    const json::Reader rope = config.has(object) ? config.require_object(object) : json::Reader(none, config.name());
    const double base = together ? rope.get_number("rope_theta", 10000) : config.get_number("rope_theta", 10000);
    out.metadata.set(prefix + "rope.freq_base", static_cast<float>(base));
    out.metadata.set(prefix + "rope.dimension_count", head_dim);

    const std::string type = rope.get_string("rope_type", rope.get_string("type", "default"));
    if (type == "linear") {
        out.metadata.set(prefix + "rope.scaling.type", std::string("linear"));
        out.metadata.set(prefix + "rope.scaling.factor", static_cast<float>(rope.get_number("factor", 1)));
    } else if (type == "llama3") {
        const double factor = rope.get_number("factor", 8), low = rope.get_number("low_freq_factor", 1),
                     high = rope.get_number("high_freq_factor", 4),
                     context = rope.get_number("original_max_position_embeddings", 8192);
        if (!(base >= 1 && factor > 0 && low > 0 && high > low && context > 0 && head_dim % 2 == 0))
            fail(QUANT_ERR_MODEL, "{}: key \"{}\": factors must be positive, and high_freq_factor over low_freq_factor",
                 config.name(), object);
        out.rope_divisors = llama3_rope_divisors(base, head_dim, factor, low, high, context);
    } else if (type != "default") {
        fail(QUANT_ERR_UNSUPPORTED, "{}: rope scaling \"{}\" is not supported; expected default, linear or llama3",
             config.name(), printable(type));
    }
}

} // namespace

HuggingFaceConfig read_hugging_face_config(const std::filesystem::path &folder, const FileSource &files) {
    const std::string path = (folder / "config.json").string();
    const json::value document = json::parse(files.text(path, max_config_bytes), path);
    const json::Reader config(document, path);
    const Architecture &architecture = require_architecture_class(architecture_class(config), path);
    check_supported(config, architecture.style);

    HuggingFaceConfig out;
    out.metadata = Metadata(path);
    const std::string prefix = std::string(architecture.name) + ".";
    out.metadata.set("general.architecture", std::string(architecture.name));
    for (const NumberKey &key : number_keys)
        if (!key.optional || config.has(key.config)) out.metadata.set(prefix + key.gguf, number(config, key.config));
    // transformers' own default is false.
    if (config.has("moe_intermediate_size"))
        out.metadata.set(prefix + "expert_weights_norm", config.get_bool("norm_topk_prob", false));

    const uint32_t heads = number(config, "num_attention_heads");
    if (heads == 0) fail(QUANT_ERR_MODEL, "{}: key \"num_attention_heads\": expected at least 1", path);
    const uint32_t default_head_dim = number(config, "hidden_size") / heads;
    const uint32_t head_dim = config.has("head_dim") ? number(config, "head_dim") : default_head_dim;
    out.metadata.set(prefix + "attention.head_count_kv",
                     config.has("num_key_value_heads") ? number(config, "num_key_value_heads") : heads);
    if (config.has("head_dim")) {
        out.metadata.set(prefix + "attention.key_length", head_dim);
        out.metadata.set(prefix + "attention.value_length", head_dim);
    }
    const bool layer_norm = architecture.style.layer_norm;
    out.metadata.set(prefix + norm_epsilon_key(architecture.style),
                     static_cast<float>(layer_norm ? config.get_number("layer_norm_eps", 1e-12)
                                                   : config.get_number("rms_norm_eps", 1e-6)));
    if (!architecture.style.causal) out.metadata.set(prefix + "attention.causal", false);
    if (head_dim == 0 || head_dim > max_width) fail(QUANT_ERR_MODEL, "{}: the size of a head is {}", path, head_dim);
    if (!architecture.style.learned_positions) read_rope(config, prefix, head_dim, out);
    if (config.has("type_vocab_size"))
        out.metadata.set("tokenizer.ggml.token_type_count", number(config, "type_vocab_size"));
    read_sentence_transformers(folder, prefix, out.metadata, files);
    out.metadata.set(prefix + "vocab_size", number(config, "vocab_size"));
    out.tied_embeddings = config.get_bool("tie_word_embeddings", false);
    return out;
}

} // namespace quant
