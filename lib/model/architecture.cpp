#include "model/architecture.h"

#include "base/error.h"

#include <charconv>

namespace quant {

namespace {

using enum Presence;
using enum RoleKind;

constexpr RoleTraits roles[] = {
    {Role::token_embedding, "token_embd.weight", "model.embed_tokens.weight", always, matrix,
     "embeddings.word_embeddings.weight"},
    {Role::output_norm, "output_norm.weight", "model.norm.weight", norm_before, vector},
    {Role::output, "output.weight", "lm_head.weight", optional, matrix},
    {Role::rope_divisors, "rope_freqs.weight", "", optional, vector},
    {Role::attention_norm, "blk.%.attn_norm.weight", "model.layers.%.input_layernorm.weight", norm_before, vector},
    {Role::attention_q, "blk.%.attn_q.weight", "model.layers.%.self_attn.q_proj.weight", always, matrix,
     "encoder.layer.%.attention.self.query.weight"},
    {Role::attention_k, "blk.%.attn_k.weight", "model.layers.%.self_attn.k_proj.weight", always, matrix,
     "encoder.layer.%.attention.self.key.weight"},
    {Role::attention_v, "blk.%.attn_v.weight", "model.layers.%.self_attn.v_proj.weight", always, matrix,
     "encoder.layer.%.attention.self.value.weight"},
    {Role::attention_output, "blk.%.attn_output.weight", "model.layers.%.self_attn.o_proj.weight", always, matrix,
     "encoder.layer.%.attention.output.dense.weight"},
    {Role::attention_q_bias, "blk.%.attn_q.bias", "model.layers.%.self_attn.q_proj.bias", optional, vector,
     "encoder.layer.%.attention.self.query.bias"},
    {Role::attention_k_bias, "blk.%.attn_k.bias", "model.layers.%.self_attn.k_proj.bias", optional, vector,
     "encoder.layer.%.attention.self.key.bias"},
    {Role::attention_v_bias, "blk.%.attn_v.bias", "model.layers.%.self_attn.v_proj.bias", optional, vector,
     "encoder.layer.%.attention.self.value.bias"},
    {Role::attention_output_bias, "blk.%.attn_output.bias", "model.layers.%.self_attn.o_proj.bias", optional, vector,
     "encoder.layer.%.attention.output.dense.bias"},
    {Role::attention_q_norm, "blk.%.attn_q_norm.weight", "model.layers.%.self_attn.q_norm.weight", qk_norm, vector},
    {Role::attention_k_norm, "blk.%.attn_k_norm.weight", "model.layers.%.self_attn.k_norm.weight", qk_norm, vector},
    {Role::ffn_norm, "blk.%.ffn_norm.weight", "model.layers.%.post_attention_layernorm.weight", norm_before, vector},
    {Role::ffn_gate, "blk.%.ffn_gate.weight", "model.layers.%.mlp.gate_proj.weight", gated, matrix},
    {Role::ffn_up, "blk.%.ffn_up.weight", "model.layers.%.mlp.up_proj.weight", dense, matrix,
     "encoder.layer.%.intermediate.dense.weight"},
    {Role::ffn_down, "blk.%.ffn_down.weight", "model.layers.%.mlp.down_proj.weight", dense, matrix,
     "encoder.layer.%.output.dense.weight"},
    {Role::ffn_gate_bias, "blk.%.ffn_gate.bias", "model.layers.%.mlp.gate_proj.bias", optional, vector},
    {Role::ffn_up_bias, "blk.%.ffn_up.bias", "model.layers.%.mlp.up_proj.bias", optional, vector,
     "encoder.layer.%.intermediate.dense.bias"},
    {Role::ffn_down_bias, "blk.%.ffn_down.bias", "model.layers.%.mlp.down_proj.bias", optional, vector,
     "encoder.layer.%.output.dense.bias"},
    {Role::router, "blk.%.ffn_gate_inp.weight",
     "model.layers.%.mlp.gate.weight", mixture, small_matrix, "model.layers.%.block_sparse_moe.gate.weight"},
    {Role::expert_gate, "blk.%.ffn_gate_exps.weight",
     "model.layers.%.mlp.experts.#.gate_proj.weight", mixture, experts,
     "model.layers.%.block_sparse_moe.experts.#.w1.weight"},
    {Role::expert_up, "blk.%.ffn_up_exps.weight",
     "model.layers.%.mlp.experts.#.up_proj.weight", mixture, experts,
     "model.layers.%.block_sparse_moe.experts.#.w3.weight"},
    {Role::expert_down, "blk.%.ffn_down_exps.weight",
     "model.layers.%.mlp.experts.#.down_proj.weight", mixture, experts,
     "model.layers.%.block_sparse_moe.experts.#.w2.weight"},
    {Role::position_embedding, "position_embd.weight", "embeddings.position_embeddings.weight", positions, small_matrix},
    {Role::token_types, "token_types.weight", "embeddings.token_type_embeddings.weight", optional, small_matrix},
    {Role::embedding_norm, "token_embd_norm.weight", "embeddings.LayerNorm.weight", norm_after, vector},
    {Role::embedding_norm_bias, "token_embd_norm.bias", "embeddings.LayerNorm.bias", norm_after_bias, vector},
    {Role::attention_output_norm, "blk.%.attn_output_norm.weight",
     "encoder.layer.%.attention.output.LayerNorm.weight", norm_after, vector},
    {Role::attention_output_norm_bias, "blk.%.attn_output_norm.bias",
     "encoder.layer.%.attention.output.LayerNorm.bias", norm_after_bias, vector},
    {Role::layer_output_norm, "blk.%.layer_output_norm.weight", "encoder.layer.%.output.LayerNorm.weight", norm_after,
     vector},
    {Role::layer_output_norm_bias, "blk.%.layer_output_norm.bias", "encoder.layer.%.output.LayerNorm.bias",
     norm_after_bias, vector},
};

constexpr LayerStyle bert_style{.causal = false, .norms_after = true, .layer_norm = true, .learned_positions = true,
                                .gated = false};

constexpr Architecture known[] = {
    {"llama", "LlamaForCausalLM", "llama", true, false},
    {"llama", "MixtralForCausalLM", "mixtral", true, false},
    {"qwen3", "Qwen3ForCausalLM", "qwen3", false, true},
    {"qwen3moe", "Qwen3MoeForCausalLM", "qwen3_moe", false, true},
    {"bert", "BertModel", "bert", false, false, bert_style, "bert."},
    {"bert", "BertForMaskedLM", "bert", false, false, bert_style, "bert."},
};

std::string known_list(const char *Architecture::*column) {
    std::string list;
    const char *last = "";
    for (const Architecture &a : known) {
        if (std::string_view(last) == a.*column) continue;
        last = a.*column;
        list += (list.empty() ? "" : ", ") + std::string(last);
    }
    return list;
}

const Architecture &require(const char *Architecture::*column, std::string_view value, std::string_view file) {
    for (const Architecture &a : known)
        if (value == a.*column) return a;
    fail(QUANT_ERR_UNSUPPORTED, "{}: architecture \"{}\" is not supported; this version knows: {}", file,
         printable(value), known_list(column));
}

std::string with_number(std::string name, char place, uint32_t number) {
    if (const size_t at = name.find(place); at != std::string::npos) name.replace(at, 1, std::to_string(number));
    return name;
}

} // namespace

std::span<const RoleTraits> role_table() { return roles; }

const RoleTraits &role_traits(Role role) {
    for (const RoleTraits &r : roles)
        if (r.role == role) return r;
    fail(QUANT_ERR_INTERNAL, "role {} has no row in the table of roles", static_cast<int>(role));
}

std::span<const Architecture> architectures() { return known; }

const Architecture &require_architecture(std::string_view name, std::string_view file) {
    return require(&Architecture::name, name, file);
}

const Architecture &require_architecture_class(std::string_view hugging_face_class, std::string_view file) {
    return require(&Architecture::hugging_face_class, hugging_face_class, file);
}

bool RoleTraits::per_layer() const { return std::string_view(gguf_name).starts_with("blk."); }

bool RoleTraits::required(const Hyperparameters &h) const {
    switch (presence) {
    case always:
        return true;
    case optional:
        return false;
    case dense:
        return h.experts == 0;
    case gated:
        return h.experts == 0 && h.style.gated;
    case mixture:
        return h.experts != 0;
    case norm_before:
        return !h.style.norms_after;
    case norm_after:
        return h.style.norms_after;
    case norm_after_bias:
        return h.style.norms_after && h.style.layer_norm;
    case positions:
        return h.style.learned_positions;
    case qk_norm:
        return h.qk_norm;
    }
    return true;
}

std::string gguf_tensor_name(Role role, uint32_t layer) {
    return with_number(role_traits(role).gguf_name, '%', layer);
}

std::string hugging_face_tensor_name(std::string_view pattern, uint32_t layer, uint32_t expert) {
    return with_number(with_number(std::string(pattern), '%', layer), '#', expert);
}

std::optional<RoleOfTensor> role_of_gguf_name(std::string_view name) {
    uint32_t layer = 0;
    std::string pattern(name);
    if (name.starts_with("blk.")) {
        const auto [end, error] = std::from_chars(name.data() + 4, name.data() + name.size(), layer);
        if (error != std::errc()) return std::nullopt;
        pattern = "blk.%" + std::string(name.substr(static_cast<size_t>(end - name.data())));
    }
    for (const RoleTraits &r : roles)
        if (pattern == r.gguf_name) return RoleOfTensor{r.role, layer};
    return std::nullopt;
}

std::vector<uint64_t> expected_shape(Role role, const Hyperparameters &h) {
    switch (role) {
    case Role::token_embedding:
    case Role::output:
        return {h.vocabulary, h.embedding};
    case Role::output_norm:
    case Role::attention_norm:
    case Role::ffn_norm:
    case Role::attention_output_bias:
    case Role::ffn_down_bias:
    case Role::embedding_norm:
    case Role::embedding_norm_bias:
    case Role::attention_output_norm:
    case Role::attention_output_norm_bias:
    case Role::layer_output_norm:
    case Role::layer_output_norm_bias:
        return {h.embedding};
    case Role::position_embedding:
        return {h.context, h.embedding};
    case Role::token_types:
        return {h.token_types, h.embedding};
    case Role::rope_divisors:
        return {h.rope.dims / 2};
    case Role::attention_q:
        return {h.q_width(), h.embedding};
    case Role::attention_k:
    case Role::attention_v:
        return {h.kv_width(), h.embedding};
    case Role::attention_output:
        return {h.embedding, h.q_width()};
    case Role::attention_q_bias:
        return {h.q_width()};
    case Role::attention_k_bias:
    case Role::attention_v_bias:
        return {h.kv_width()};
    case Role::ffn_gate:
    case Role::ffn_up:
        return {h.feed_forward, h.embedding};
    case Role::ffn_down:
        return {h.embedding, h.feed_forward};
    case Role::ffn_gate_bias:
    case Role::ffn_up_bias:
        return {h.feed_forward};
    case Role::attention_q_norm:
    case Role::attention_k_norm:
        return {h.head_dim};
    case Role::router:
        return {h.experts, h.embedding};
    case Role::expert_gate:
    case Role::expert_up:
        return {h.experts, h.expert_feed_forward, h.embedding};
    case Role::expert_down:
        return {h.experts, h.embedding, h.expert_feed_forward};
    }
    fail(QUANT_ERR_INTERNAL, "role {} has no shape", static_cast<int>(role));
}

} // namespace quant
