#include "model/architecture.h"

#include "base/error.h"

#include <charconv>

namespace quant {

namespace {

constexpr RoleTraits roles[] = {
    {Role::token_embedding, "token_embd.weight", "model.embed_tokens.weight", false, true, true},
    {Role::output_norm, "output_norm.weight", "model.norm.weight", false, true, false},
    {Role::output, "output.weight", "lm_head.weight", false, false, true},
    {Role::rope_divisors, "rope_freqs.weight", "", false, false, false},
    {Role::attention_norm, "blk.%.attn_norm.weight", "model.layers.%.input_layernorm.weight", true, true, false},
    {Role::attention_q, "blk.%.attn_q.weight", "model.layers.%.self_attn.q_proj.weight", true, true, true},
    {Role::attention_k, "blk.%.attn_k.weight", "model.layers.%.self_attn.k_proj.weight", true, true, true},
    {Role::attention_v, "blk.%.attn_v.weight", "model.layers.%.self_attn.v_proj.weight", true, true, true},
    {Role::attention_output, "blk.%.attn_output.weight", "model.layers.%.self_attn.o_proj.weight", true, true, true},
    {Role::attention_q_bias, "blk.%.attn_q.bias", "model.layers.%.self_attn.q_proj.bias", true, false, false},
    {Role::attention_k_bias, "blk.%.attn_k.bias", "model.layers.%.self_attn.k_proj.bias", true, false, false},
    {Role::attention_v_bias, "blk.%.attn_v.bias", "model.layers.%.self_attn.v_proj.bias", true, false, false},
    {Role::attention_output_bias, "blk.%.attn_output.bias", "model.layers.%.self_attn.o_proj.bias", true, false, false},
    {Role::ffn_norm, "blk.%.ffn_norm.weight", "model.layers.%.post_attention_layernorm.weight", true, true, false},
    {Role::ffn_gate, "blk.%.ffn_gate.weight", "model.layers.%.mlp.gate_proj.weight", true, true, true},
    {Role::ffn_up, "blk.%.ffn_up.weight", "model.layers.%.mlp.up_proj.weight", true, true, true},
    {Role::ffn_down, "blk.%.ffn_down.weight", "model.layers.%.mlp.down_proj.weight", true, true, true},
    {Role::ffn_gate_bias, "blk.%.ffn_gate.bias", "model.layers.%.mlp.gate_proj.bias", true, false, false},
    {Role::ffn_up_bias, "blk.%.ffn_up.bias", "model.layers.%.mlp.up_proj.bias", true, false, false},
    {Role::ffn_down_bias, "blk.%.ffn_down.bias", "model.layers.%.mlp.down_proj.bias", true, false, false},
};

constexpr Architecture known[] = {
    {"llama", "LlamaForCausalLM", "llama", true},
};

std::string known_list(const char *Architecture::*column) {
    std::string list;
    for (const Architecture &a : known) list += (list.empty() ? "" : ", ") + std::string(a.*column);
    return list;
}

const Architecture &require(const char *Architecture::*column, std::string_view value, std::string_view file) {
    for (const Architecture &a : known)
        if (value == a.*column) return a;
    fail(QUANT_ERR_UNSUPPORTED, "{}: architecture \"{}\" is not supported; this version knows: {}", file,
         printable(value), known_list(column));
}

std::string with_layer(std::string_view pattern, uint32_t layer) {
    std::string name(pattern);
    if (const size_t at = name.find('%'); at != std::string::npos) name.replace(at, 1, std::to_string(layer));
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

std::string gguf_tensor_name(Role role, uint32_t layer) { return with_layer(role_traits(role).gguf_name, layer); }

std::string hugging_face_tensor_name(Role role, uint32_t layer) {
    return with_layer(role_traits(role).hugging_face_name, layer);
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
        return {h.embedding};
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
    }
    fail(QUANT_ERR_INTERNAL, "role {} has no shape", static_cast<int>(role));
}

} // namespace quant
