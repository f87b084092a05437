#include "model/hugging_face_config.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "model/hugging_face_latent.h"
#include "model/hugging_face_layers.h"
#include "model/hugging_face_number.h"
#include "model/hugging_face_rope.h"
#include "model/sentence_transformers.h"

#include <cmath>

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

uint32_t any_number(const json::Reader &config, const char *key) {
    return number_within(config, key, 0, UINT32_MAX);
}

// Layers of a mixture that have no experts would need a feed-forward block of their own.
void check_all_layers_mix(const json::Reader &config) {
    const bool some_dense = config.has("mlp_only_layers") && !config.require_array("mlp_only_layers").empty();
    if (some_dense || (config.has("decoder_sparse_step") && any_number(config, "decoder_sparse_step") != 1))
        fail(QUANT_ERR_UNSUPPORTED, "{}: keys \"mlp_only_layers\" and \"decoder_sparse_step\": a mixture of experts in "
             "some layers only is not supported", config.name());
}

void check_activation(const json::Reader &config, Activation activation) {
    static constexpr const char *names[] = {"silu", "gelu", "gelu_pytorch_tanh", "silu", "relu2"}; // By Activation.
    const char *key = config.has("hidden_activation") ? "hidden_activation" : "hidden_act";
    const std::string expected = names[static_cast<size_t>(activation)];
    // Gemma's configurations may have another function under the older key, which counts for nothing.
    if (activation == Activation::gelu_tanh && !config.has("hidden_activation")) return;
    if (const std::string found = config.get_string(key, expected); found != expected)
        fail(QUANT_ERR_UNSUPPORTED, "{}: activation \"{}\" is not supported; expected \"{}\"", config.name(),
             printable(found), expected);
}

void check_supported(const json::Reader &config, const LayerStyle &style) {
    check_all_layers_mix(config);
    check_activation(config, style.activation);
    if (style.activation == Activation::clamped_swiglu && config.get_number("swiglu_limit", gate_limit) != gate_limit)
        fail(QUANT_ERR_UNSUPPORTED, "{}: key \"swiglu_limit\": expected {}", config.name(), gate_limit);
    const std::string positions = config.get_string("position_embedding_type", "absolute");
    if (style.learned_positions && positions != "absolute")
        fail(QUANT_ERR_UNSUPPORTED, "{}: key \"position_embedding_type\": \"{}\" is not supported; expected \"absolute\"",
             config.name(), printable(positions));
    if (!style.causal && config.get_bool("is_decoder", false))
        fail(QUANT_ERR_UNSUPPORTED, "{}: key \"is_decoder\": an encoder that generates is not supported", config.name());
}

// Numbers with a fraction, and the GGUF keys they become.
constexpr std::pair<const char *, const char *> scale_keys[] = {
    {"embedding_multiplier", "embedding_scale"},          {"residual_multiplier", "residual_scale"},
    {"attention_multiplier", "attention.scale"},          {"logits_scaling", "logit_scale"},
    {"attn_logit_softcapping", "attn_logit_softcapping"}, {"final_logit_softcapping", "final_logit_softcapping"},
};

void read_scales(const json::Reader &config, const std::string &prefix, Metadata &out) {
    for (const auto &[key, gguf] : scale_keys)
        if (config.has(key)) out.set(prefix + gguf, static_cast<float>(config.get_number(key, 0)));
    if (!config.has("query_pre_attn_scalar")) return;
    const double scalar = config.get_number("query_pre_attn_scalar", 0);
    if (!(scalar > 0))
        fail(QUANT_ERR_MODEL, "{}: key \"query_pre_attn_scalar\": expected a positive number", config.name());
    out.set(prefix + "attention.scale", static_cast<float>(1 / std::sqrt(scalar)));
}

std::vector<Role> read_biases(const json::Reader &config) {
    std::vector<Role> out;
    if (config.get_bool("attention_bias", false))
        out = {Role::attention_q_bias, Role::attention_k_bias, Role::attention_v_bias, Role::attention_output_bias};
    if (config.get_bool("mlp_bias", false))
        out.insert(out.end(), {Role::ffn_gate_bias, Role::ffn_up_bias, Role::ffn_down_bias});
    return out;
}

} // namespace

HuggingFaceConfig read_hugging_face_config(const std::filesystem::path &folder, const FileSource &files) {
    const std::string path = (folder / "config.json").string();
    const json::value document = json::parse(files.text(path, max_config_bytes), path);
    const json::Reader config(document, path);
    const Architecture &architecture = require_architecture_class(architecture_class(config), path);
    check_supported(config, architecture.style);

    HuggingFaceConfig out;
    out.document = document;
    out.architecture = &architecture;
    out.metadata = Metadata(path);
    const std::string prefix = std::string(architecture.name) + ".";
    out.metadata.set("general.architecture", std::string(architecture.name));
    for (const NumberKey &key : number_keys) {
        // Of models that convolve read_hugging_face_layers() tells it.
        const bool elsewhere = architecture.convolves && std::string_view(key.config) == "intermediate_size";
        if (!elsewhere && (!key.optional || config.has(key.config)))
            out.metadata.set(prefix + key.gguf, any_number(config, key.config));
    }
    if (architecture.experts_are_all)
        out.metadata.set(prefix + "expert_feed_forward_length", any_number(config, "intermediate_size"));
    // transformers' own default is false.
    if (config.has("moe_intermediate_size"))
        out.metadata.set(prefix + "expert_weights_norm", config.get_bool("norm_topk_prob", false));

    const uint32_t heads = any_number(config, "num_attention_heads");
    if (heads == 0) fail(QUANT_ERR_MODEL, "{}: key \"num_attention_heads\": expected at least 1", path);
    const uint32_t default_head_dim = any_number(config, "hidden_size") / heads;
    const uint32_t head_dim = config.has("head_dim") ? any_number(config, "head_dim") : default_head_dim;
    out.metadata.set(prefix + "attention.head_count_kv",
                     config.has("num_key_value_heads") ? any_number(config, "num_key_value_heads") : heads);
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
    if (!architecture.style.learned_positions) read_hugging_face_rope(config, prefix, rotated_dims(config, head_dim), out);
    read_hugging_face_layers(config, architecture, prefix, out.metadata);
    read_scales(config, prefix, out.metadata);
    read_latent_config(config, prefix, out.metadata);
    read_mixture_config(config, prefix, out.metadata);
    out.biases = read_biases(config);
    if (config.has("type_vocab_size"))
        out.metadata.set("tokenizer.ggml.token_type_count", any_number(config, "type_vocab_size"));
    read_sentence_transformers(folder, prefix, out.metadata, files);
    out.metadata.set(prefix + "vocab_size", any_number(config, "vocab_size"));
    // Models that convolve have a name of their own for it, which counts before the usual one.
    const bool tied = config.get_bool("tie_word_embeddings", architecture.convolves);
    out.tied_embeddings = architecture.convolves ? config.get_bool("tie_embedding", tied) : tied;
    return out;
}

} // namespace quant
