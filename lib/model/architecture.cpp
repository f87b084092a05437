#include "model/architecture.h"

#include "base/error.h"

#include <charconv>

namespace quant {

namespace {

using enum Presence;
using enum RoleKind;

constexpr RoleTraits roles[] = {
    {Role::token_embedding, "token_embd.weight", "model.embed_tokens.weight", always, matrix},
    {Role::output_norm, "output_norm.weight", "model.norm.weight", norm_last, vector},
    {Role::output, "output.weight", "lm_head.weight", optional, matrix},
    {Role::rope_divisors, "rope_freqs.weight", "", optional, vector},
    {Role::rope_short_divisors, "rope_factors_short.weight", "", optional, vector},
    {Role::rope_long_divisors, "rope_factors_long.weight", "", optional, vector},
    {Role::attention_norm, "blk.%.attn_norm.weight", "model.layers.%.input_layernorm.weight", norm_before, vector},
    {Role::attention_q, "blk.%.attn_q.weight", "model.layers.%.self_attn.q_proj.weight", plain_q, matrix},
    {Role::attention_k, "blk.%.attn_k.weight", "model.layers.%.self_attn.k_proj.weight", plain_kv, matrix},
    {Role::attention_v, "blk.%.attn_v.weight", "model.layers.%.self_attn.v_proj.weight", plain_kv, matrix},
    {Role::attention_output, "blk.%.attn_output.weight", "model.layers.%.self_attn.o_proj.weight", attends, matrix},
    {Role::attention_q_bias, "blk.%.attn_q.bias", "model.layers.%.self_attn.q_proj.bias", qkv_biases, vector},
    {Role::attention_k_bias, "blk.%.attn_k.bias", "model.layers.%.self_attn.k_proj.bias", qkv_biases, vector},
    {Role::attention_v_bias, "blk.%.attn_v.bias", "model.layers.%.self_attn.v_proj.bias", qkv_biases, vector},
    {Role::attention_output_bias, "blk.%.attn_output.bias", "model.layers.%.self_attn.o_proj.bias", optional, vector},
    {Role::attention_q_norm, "blk.%.attn_q_norm.weight", "model.layers.%.self_attn.q_norm.weight", query_norm, vector},
    {Role::attention_k_norm, "blk.%.attn_k_norm.weight", "model.layers.%.self_attn.k_norm.weight", query_norm, vector},
    {Role::ffn_norm, "blk.%.ffn_norm.weight", "model.layers.%.post_attention_layernorm.weight", norm_before, vector},
    {Role::ffn_gate, "blk.%.ffn_gate.weight", "model.layers.%.mlp.gate_proj.weight", gated, matrix},
    {Role::ffn_up, "blk.%.ffn_up.weight", "model.layers.%.mlp.up_proj.weight", dense, matrix},
    {Role::ffn_down, "blk.%.ffn_down.weight", "model.layers.%.mlp.down_proj.weight", dense, matrix},
    {Role::ffn_gate_bias, "blk.%.ffn_gate.bias", "model.layers.%.mlp.gate_proj.bias", optional, vector},
    {Role::ffn_up_bias, "blk.%.ffn_up.bias", "model.layers.%.mlp.up_proj.bias", optional, vector},
    {Role::ffn_down_bias, "blk.%.ffn_down.bias", "model.layers.%.mlp.down_proj.bias", optional, vector},
    {Role::router, "blk.%.ffn_gate_inp.weight", "model.layers.%.mlp.gate.weight", mixture, small_matrix},
    {Role::expert_gate, "blk.%.ffn_gate_exps.weight", "model.layers.%.mlp.experts.#.gate_proj.weight", mixture, experts},
    {Role::expert_up, "blk.%.ffn_up_exps.weight", "model.layers.%.mlp.experts.#.up_proj.weight", mixture, experts},
    {Role::expert_down, "blk.%.ffn_down_exps.weight", "model.layers.%.mlp.experts.#.down_proj.weight", mixture, experts},
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
    {Role::attention_result_norm, "blk.%.post_attention_norm.weight", "", norm_of_result, vector},
    {Role::ffn_result_norm, "blk.%.post_ffw_norm.weight", "", norm_of_result, vector},
    {Role::attention_sinks, "blk.%.attn_sinks.weight", "model.layers.%.self_attn.sinks", sinks, vector},
    {Role::router_bias, "blk.%.ffn_gate_inp.bias", "model.layers.%.mlp.router.bias", optional, vector},
    {Role::expert_choice_bias, "blk.%.exp_probs_b.bias", "model.layers.%.mlp.gate.e_score_correction_bias", optional,
     vector},
    {Role::expert_gate_bias, "blk.%.ffn_gate_exps.bias", "", optional, vector},
    {Role::expert_up_bias, "blk.%.ffn_up_exps.bias", "", optional, vector},
    {Role::expert_down_bias, "blk.%.ffn_down_exps.bias", "model.layers.%.mlp.experts.down_proj_bias", optional, vector},
    {Role::shared_gate, "blk.%.ffn_gate_shexp.weight", "model.layers.%.mlp.shared_experts.gate_proj.weight", shared,
     matrix},
    {Role::shared_up, "blk.%.ffn_up_shexp.weight", "model.layers.%.mlp.shared_experts.up_proj.weight", shared, matrix},
    {Role::shared_down, "blk.%.ffn_down_shexp.weight", "model.layers.%.mlp.shared_experts.down_proj.weight", shared,
     matrix},
    {Role::latent_q, "blk.%.attn_q_a.weight", "model.layers.%.self_attn.q_a_proj.weight", latent_queries, matrix},
    {Role::latent_q_norm, "blk.%.attn_q_a_norm.weight", "model.layers.%.self_attn.q_a_layernorm.weight",
     latent_queries, vector},
    {Role::latent_q_heads, "blk.%.attn_q_b.weight", "model.layers.%.self_attn.q_b_proj.weight", latent_queries, matrix},
    {Role::latent_kv, "blk.%.attn_kv_a_mqa.weight", "model.layers.%.self_attn.kv_a_proj_with_mqa.weight", latent,
     matrix},
    {Role::latent_kv_norm, "blk.%.attn_kv_a_norm.weight", "model.layers.%.self_attn.kv_a_layernorm.weight", latent,
     vector},
    // One tensor in folders, which ModelFile takes apart.
    {Role::latent_key, "blk.%.attn_k_b.weight", "", latent, heads},
    {Role::latent_value, "blk.%.attn_v_b.weight", "", latent, heads},
    {Role::attention_sub_norm, "blk.%.attn_sub_norm.weight", "model.layers.%.self_attn.attn_sub_norm.weight", sub_norms,
     vector},
    {Role::ffn_sub_norm, "blk.%.ffn_sub_norm.weight", "model.layers.%.mlp.ffn_sub_norm.weight", sub_norms, vector},
    {Role::conv_in, "blk.%.shortconv.in_proj.weight", "model.layers.%.conv.in_proj.weight", convolution, matrix},
    {Role::conv_kernel, "blk.%.shortconv.conv.weight", "model.layers.%.conv.conv.weight", convolution, small_matrix},
    {Role::conv_out, "blk.%.shortconv.out_proj.weight", "model.layers.%.conv.out_proj.weight", convolution, matrix},
};

constexpr RoleName mixtral_names[] = {
    {Role::router, "model.layers.%.block_sparse_moe.gate.weight"},
    {Role::expert_gate, "model.layers.%.block_sparse_moe.experts.#.w1.weight"},
    {Role::expert_up, "model.layers.%.block_sparse_moe.experts.#.w3.weight"},
    {Role::expert_down, "model.layers.%.block_sparse_moe.experts.#.w2.weight"},
};

constexpr RoleName bert_names[] = {
    {Role::token_embedding, "embeddings.word_embeddings.weight"},
    {Role::attention_q, "encoder.layer.%.attention.self.query.weight"},
    {Role::attention_k, "encoder.layer.%.attention.self.key.weight"},
    {Role::attention_v, "encoder.layer.%.attention.self.value.weight"},
    {Role::attention_output, "encoder.layer.%.attention.output.dense.weight"},
    {Role::attention_q_bias, "encoder.layer.%.attention.self.query.bias"},
    {Role::attention_k_bias, "encoder.layer.%.attention.self.key.bias"},
    {Role::attention_v_bias, "encoder.layer.%.attention.self.value.bias"},
    {Role::attention_output_bias, "encoder.layer.%.attention.output.dense.bias"},
    {Role::ffn_up, "encoder.layer.%.intermediate.dense.weight"},
    {Role::ffn_up_bias, "encoder.layer.%.intermediate.dense.bias"},
    {Role::ffn_down, "encoder.layer.%.output.dense.weight"},
    {Role::ffn_down_bias, "encoder.layer.%.output.dense.bias"},
};

// What Llama calls the norm before the second block is here that of the first block's result.
constexpr RoleName result_norm_names[] = {
    {Role::attention_result_norm, "model.layers.%.post_attention_layernorm.weight"},
    {Role::ffn_result_norm, "model.layers.%.post_feedforward_layernorm.weight"},
    {Role::ffn_norm, "model.layers.%.pre_feedforward_layernorm.weight"},
};

constexpr RoleName phi3_names[] = {
    {Role::attention_q, "model.layers.%.self_attn.qkv_proj.weight", Fusion::stacked, "blk.%.attn_qkv.weight"},
    {Role::attention_k, "model.layers.%.self_attn.qkv_proj.weight", Fusion::stacked, "blk.%.attn_qkv.weight"},
    {Role::attention_v, "model.layers.%.self_attn.qkv_proj.weight", Fusion::stacked, "blk.%.attn_qkv.weight"},
    {Role::ffn_gate, "model.layers.%.mlp.gate_up_proj.weight", Fusion::stacked, "blk.%.ffn_up.weight"},
    {Role::ffn_up, "model.layers.%.mlp.gate_up_proj.weight", Fusion::stacked, "blk.%.ffn_up.weight"},
};

constexpr LayerStyle bert_style{.causal = false, .norms_before = false, .norms_after = true, .layer_norm = true,
                                .learned_positions = true, .gated = false, .activation = Activation::gelu};
constexpr LayerStyle qwen2_style{.qkv_biases = true};
constexpr LayerStyle olmo2_style{.norms_before = false, .norms_of_results = true, .query_norm = QueryNorm::whole};
constexpr LayerStyle gemma2_style{.norms_of_results = true, .activation = Activation::gelu_tanh};
constexpr LayerStyle gemma3_style{.norms_of_results = true, .activation = Activation::gelu_tanh,
                                  .query_norm = QueryNorm::heads};
constexpr LayerStyle qwen3_style{.query_norm = QueryNorm::heads};

constexpr LayerStyle gpt_oss_style{.activation = Activation::clamped_swiglu, .qkv_biases = true, .sinks = true};
constexpr LayerStyle bitnet_style{.activation = Activation::relu_squared, .sub_norms = true};

constexpr RoleName gpt_oss_names[] = {
    {Role::router, "model.layers.%.mlp.router.weight"},
    {Role::expert_gate, "model.layers.%.mlp.experts.gate_up_proj", Fusion::interleaved},
    {Role::expert_up, "model.layers.%.mlp.experts.gate_up_proj", Fusion::interleaved},
    {Role::expert_down, "model.layers.%.mlp.experts.down_proj"},
    {Role::expert_gate_bias, "model.layers.%.mlp.experts.gate_up_proj_bias", Fusion::interleaved},
    {Role::expert_up_bias, "model.layers.%.mlp.experts.gate_up_proj_bias", Fusion::interleaved},
    {Role::expert_down_bias, "model.layers.%.mlp.experts.down_proj_bias"},
};
constexpr RoleName lfm2_names[] = {
    {Role::output_norm, "model.embedding_norm.weight"},
    {Role::attention_norm, "model.layers.%.operator_norm.weight"},
    {Role::attention_output, "model.layers.%.self_attn.out_proj.weight"},
    {Role::attention_q_norm, "model.layers.%.self_attn.q_layernorm.weight"},
    {Role::attention_k_norm, "model.layers.%.self_attn.k_layernorm.weight"},
    {Role::ffn_norm, "model.layers.%.ffn_norm.weight"},
    {Role::ffn_gate, "model.layers.%.feed_forward.w1.weight"},
    {Role::ffn_up, "model.layers.%.feed_forward.w3.weight"},
    {Role::ffn_down, "model.layers.%.feed_forward.w2.weight"},
};
constexpr GgufRoleName lfm2_gguf_names[] = {{Role::output_norm, "token_embd_norm.weight"}};

constexpr GgufRoleName gpt_oss_gguf_names[] = {{Role::ffn_norm, "blk.%.post_attention_norm.weight"}};

constexpr Architecture known[] = {
    {.name = "llama", .hugging_face_class = "LlamaForCausalLM", .model_type = "llama", .permuted_in_gguf = true},
    {.name = "llama", .hugging_face_class = "MistralForCausalLM", .model_type = "mistral", .permuted_in_gguf = true},
    {.name = "llama", .hugging_face_class = "MixtralForCausalLM", .model_type = "mixtral", .names = mixtral_names,
     .permuted_in_gguf = true},
    {.name = "qwen2", .hugging_face_class = "Qwen2ForCausalLM", .model_type = "qwen2", .style = qwen2_style,
     .window_by_flag = true},
    {.name = "qwen3", .hugging_face_class = "Qwen3ForCausalLM", .model_type = "qwen3", .style = qwen3_style,
     .window_by_flag = true},
    {.name = "qwen3moe", .hugging_face_class = "Qwen3MoeForCausalLM", .model_type = "qwen3_moe", .style = qwen3_style,
     .window_by_flag = true},
    {.name = "gpt-oss", .hugging_face_class = "GptOssForCausalLM", .model_type = "gpt_oss", .style = gpt_oss_style,
     .names = gpt_oss_names, .gguf_names = gpt_oss_gguf_names, .window_every = 2, .yarn_between_pairs = true,
     .experts_are_all = true},
    {.name = "deepseek2", .hugging_face_class = "DeepseekV2ForCausalLM", .model_type = "deepseek_v2",
     .interleaved_rope = true},
    {.name = "deepseek2", .hugging_face_class = "DeepseekV3ForCausalLM", .model_type = "deepseek_v3",
     .interleaved_rope = true},
    {.name = "bitnet-b1.58", .hugging_face_class = "BitNetForCausalLM", .model_type = "bitnet", .style = bitnet_style},
    {.name = "smollm3", .hugging_face_class = "SmolLM3ForCausalLM", .model_type = "smollm3", .permuted_in_gguf = true,
     .unrotated_every = 4, .window_by_flag = true},
    {.name = "granite", .hugging_face_class = "GraniteForCausalLM", .model_type = "granite", .permuted_in_gguf = true},
    {.name = "olmo2", .hugging_face_class = "Olmo2ForCausalLM", .model_type = "olmo2", .style = olmo2_style,
     .names = result_norm_names},
    {.name = "phi3", .hugging_face_class = "Phi3ForCausalLM", .model_type = "phi3", .names = phi3_names},
    {.name = "gemma2", .hugging_face_class = "Gemma2ForCausalLM", .model_type = "gemma2", .style = gemma2_style,
     .names = result_norm_names, .window_every = 2, .norms_less_one = true, .embeds_by_root = true,
     .layers_of_wide_scale = 46},
    {.name = "gemma3", .hugging_face_class = "Gemma3ForCausalLM", .model_type = "gemma3_text", .style = gemma3_style,
     .names = result_norm_names, .window_every = 6, .norms_less_one = true, .embeds_by_root = true,
     .layers_of_wide_scale = 62},
    {.name = "lfm2", .hugging_face_class = "Lfm2ForCausalLM", .model_type = "lfm2", .style = qwen3_style, .names = lfm2_names,
     .gguf_names = lfm2_gguf_names, .rope_base = 1e6, .convolves = true},
    {.name = "bert", .hugging_face_class = "BertModel", .model_type = "bert", .style = bert_style, .names = bert_names,
     .prefix = "bert."},
    {.name = "bert", .hugging_face_class = "BertForMaskedLM", .model_type = "bert", .style = bert_style,
     .names = bert_names, .prefix = "bert."},
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

// A tensor's name with "%" for its layer.
struct GgufName {
    std::string pattern;
    uint32_t layer = 0;
};

std::optional<GgufName> parse_gguf_name(std::string_view name) {
    GgufName out{std::string(name)};
    if (!name.starts_with("blk.")) return out;
    const auto [end, error] = std::from_chars(name.data() + 4, name.data() + name.size(), out.layer);
    if (error != std::errc()) return std::nullopt;
    out.pattern = "blk.%" + std::string(name.substr(static_cast<size_t>(end - name.data())));
    return out;
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

bool RoleTraits::required(const Hyperparameters &h, uint32_t layer) const {
    switch (presence) {
    case always:
        return true;
    case optional:
        return false;
    case dense:
        return !h.mixes(layer);
    case gated:
        return !h.mixes(layer) && h.style.gated;
    case mixture:
        return h.mixes(layer);
    case shared:
        return h.mixes(layer) && h.shared_feed_forward != 0;
    case attends:
        return !h.convolves(layer);
    case convolution:
        return h.convolves(layer);
    case plain_q:
        return h.latent.q_rank == 0 && !h.convolves(layer);
    case plain_kv:
        return h.latent.rank == 0 && !h.convolves(layer);
    case latent:
        return h.latent.rank != 0;
    case latent_queries:
        return h.latent.q_rank != 0;
    case sinks:
        return h.style.sinks;
    case sub_norms:
        return h.style.sub_norms;
    case query_norm:
        return h.style.query_norm != QueryNorm::none && !h.convolves(layer);
    case qkv_biases:
        return h.style.qkv_biases;
    case norm_last:
        return !h.style.norms_after;
    case norm_before:
        return h.style.norms_before;
    case norm_of_result:
        return h.style.norms_of_results;
    case norm_after:
        return h.style.norms_after;
    case norm_after_bias:
        return h.style.norms_after && h.style.layer_norm;
    case positions:
        return h.style.learned_positions;
    }
    return true;
}

bool RoleTraits::possible(const Hyperparameters &h) const {
    if (presence == optional || presence == qkv_biases) return true;
    for (uint32_t layer = 0; layer < h.layers; layer++)
        if (required(h, layer)) return true;
    return false;
}

RoleName Architecture::name_of(const RoleTraits &traits) const {
    for (const RoleName &n : names)
        if (n.role == traits.role) return n;
    return {traits.role, traits.hugging_face_name};
}

RowView Architecture::view_of(const RoleName &of, const Hyperparameters &h, uint64_t &rows) const {
    const auto rows_of = [&](Role role) {
        const std::vector<uint64_t> shape = expected_shape(role, h);
        return role_traits(role).kind == RoleKind::vector ? shape.back() : shape[shape.size() - 2];
    };
    rows = 0;
    uint64_t before = 0, roles = 0, place = 0;
    for (const RoleName &other : names) {
        if (std::string_view(other.hugging_face_name) != of.hugging_face_name) continue;
        if (other.role == of.role) before = rows, place = roles;
        rows += rows_of(other.role), roles++;
    }
    if (of.fusion == Fusion::interleaved) return {place, roles};
    return {before, 1};
}

std::string gguf_tensor_name(Role role, uint32_t layer) {
    return with_number(role_traits(role).gguf_name, '%', layer);
}

std::string gguf_tensor_name(const Architecture &architecture, Role role, uint32_t layer) {
    for (const GgufRoleName &n : architecture.gguf_names)
        if (n.role == role) return with_number(n.name, '%', layer);
    return gguf_tensor_name(role, layer);
}

std::string hugging_face_tensor_name(std::string_view pattern, uint32_t layer, uint32_t expert) {
    return with_number(with_number(std::string(pattern), '%', layer), '#', expert);
}

std::optional<RoleOfTensor> role_of_gguf_name(std::string_view name) { return role_of_gguf_name(Architecture{}, name); }

std::optional<RoleOfTensor> role_of_gguf_name(const Architecture &architecture, std::string_view name) {
    const auto parsed = parse_gguf_name(name);
    if (!parsed) return std::nullopt;
    for (const GgufRoleName &n : architecture.gguf_names)
        if (parsed->pattern == n.name) return RoleOfTensor{n.role, parsed->layer};
    for (const RoleTraits &r : roles)
        if (parsed->pattern == r.gguf_name) return RoleOfTensor{r.role, parsed->layer};
    return std::nullopt;
}

std::vector<RoleOfTensor> Architecture::fused_roles(std::string_view gguf_name) const {
    std::vector<RoleOfTensor> out;
    const auto parsed = parse_gguf_name(gguf_name);
    for (const RoleName &n : names)
        if (parsed && parsed->pattern == n.fused_gguf_name) out.push_back({n.role, parsed->layer});
    return out;
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
    case Role::attention_result_norm:
    case Role::ffn_result_norm:
        return {h.embedding};
    case Role::position_embedding:
        return {h.context, h.embedding};
    case Role::token_types:
        return {h.token_types, h.embedding};
    case Role::rope_divisors:
    case Role::rope_short_divisors:
    case Role::rope_long_divisors:
        return {h.rope.dims / 2};
    case Role::attention_q:
        return {h.query_width(), h.embedding};
    case Role::attention_k:
    case Role::attention_v:
        return {h.kv_width(), h.embedding};
    case Role::attention_output:
        return {h.embedding, h.attended_width()};
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
        return {h.style.query_norm == QueryNorm::whole ? h.q_width() : h.head_dim};
    case Role::attention_k_norm:
        return {h.style.query_norm == QueryNorm::whole ? h.kv_width() : h.head_dim};
    case Role::router:
        return {h.experts, h.embedding};
    case Role::expert_gate:
    case Role::expert_up:
        return {h.experts, h.expert_feed_forward, h.embedding};
    case Role::expert_down:
        return {h.experts, h.embedding, h.expert_feed_forward};
    case Role::attention_sinks:
        return {h.heads};
    case Role::router_bias:
    case Role::expert_choice_bias:
        return {h.experts};
    case Role::expert_gate_bias:
    case Role::expert_up_bias:
        return {h.experts, h.expert_feed_forward};
    case Role::expert_down_bias:
        return {h.experts, h.embedding};
    case Role::shared_gate:
    case Role::shared_up:
        return {h.shared_feed_forward, h.embedding};
    case Role::shared_down:
        return {h.embedding, h.shared_feed_forward};
    case Role::latent_q:
        return {h.latent.q_rank, h.embedding};
    case Role::latent_q_norm:
        return {h.latent.q_rank};
    case Role::latent_q_heads:
        return {h.query_width(), h.latent.q_rank};
    case Role::latent_kv:
        return {h.latent.rank + h.latent.rope_dims, h.embedding};
    case Role::latent_kv_norm:
        return {h.latent.rank};
    case Role::latent_key:
        return {h.heads, h.latent.rank, h.latent.plain_dims};
    case Role::latent_value:
        return {h.heads, h.latent.value_dims, h.latent.rank};
    case Role::attention_sub_norm:
        return {h.attended_width()};
    case Role::ffn_sub_norm:
        return {h.feed_forward};
    case Role::conv_in:
        return {3 * h.embedding, h.embedding};
    case Role::conv_kernel:
        return {h.embedding, h.conv_taps};
    case Role::conv_out:
        return {h.embedding, h.embedding};
    }
    fail(QUANT_ERR_INTERNAL, "role {} has no shape", static_cast<int>(role));
}

} // namespace quant
