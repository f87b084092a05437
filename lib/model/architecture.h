// Architectures as data: the roles that tensors play, what they are called in GGUF
// files and in Hugging Face checkpoints, and the shapes they must have.
//
// To add an architecture: a row in architectures(), with a table of names where it calls
// tensors otherwise than most; roles only where it has tensors that no other has.
#pragma once

#include "model/hyperparameters.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace quant {

/// What a tensor does. The type mixes of lib/quantize decide by role.
enum class Role : uint8_t {
    token_embedding,
    output_norm,
    output,
    rope_divisors,
    rope_short_divisors,
    rope_long_divisors,
    attention_norm,
    attention_q,
    attention_k,
    attention_v,
    attention_output,
    attention_q_bias,
    attention_k_bias,
    attention_v_bias,
    attention_output_bias,
    attention_q_norm,
    attention_k_norm,
    ffn_norm,
    ffn_gate,
    ffn_up,
    ffn_down,
    ffn_gate_bias,
    ffn_up_bias,
    ffn_down_bias,
    router,
    expert_gate,
    expert_up,
    expert_down,
    position_embedding,
    token_types,
    embedding_norm,
    embedding_norm_bias,
    attention_output_norm,
    attention_output_norm_bias,
    layer_output_norm,
    layer_output_norm_bias,
    attention_result_norm,
    ffn_result_norm,
    attention_sinks,
    router_bias,
    expert_choice_bias,
    expert_gate_bias,
    expert_up_bias,
    expert_down_bias,
    shared_gate,
    shared_up,
    shared_down,
    latent_q,
    latent_q_norm,
    latent_q_heads,
    latent_kv,
    latent_kv_norm,
    latent_key,
    latent_value,
    attention_sub_norm,
    ffn_sub_norm,
    conv_in,
    conv_kernel,
    conv_out,
};

/// In which models a role has a tensor.
enum class Presence : uint8_t {
    always,
    optional,
    dense,   ///< Models whose layers have one feed-forward block.
    gated,   ///< Of these, models that gate it.
    mixture, ///< Models whose layers have a router and experts.
    query_norm,      ///< Models that normalize queries and keys.
    qkv_biases,      ///< Models whose queries, keys and values always have biases.
    norm_last,       ///< Models that normalize what goes into the output: all but those with norms_after.
    norm_before, norm_of_result, norm_after, ///< Where else norms are: LayerStyle.
    norm_after_bias, ///< Of the last, models whose norms have a bias.
    positions,       ///< Models that learned positions.
    plain_q, plain_kv,       ///< Models that make queries, or keys and values, of what goes into the block.
    latent, latent_queries,  ///< Models whose keys and values, or queries, too, are made of narrow vectors.
    shared,                  ///< Mixtures, some experts of which take all tokens.
    sinks,                   ///< Models whose heads have a logit without a value.
    sub_norms,               ///< Models that normalize what goes into the last matrix of a block.
    attends,                 ///< Layers that attend; of the others, queries, keys and values neither.
    convolution,             ///< Layers that convolve instead.
};

enum class RoleKind : uint8_t {
    vector,
    small_matrix, ///< Two dimensions, but too small and too much depends on it: kept in F32 as vectors are.
    matrix,       ///< Two dimensions, worth quantizing.
    experts,      ///< A matrix for each expert: three dimensions in GGUF, as many tensors in a folder.
    heads,        ///< A matrix for each head: three dimensions.
};

/// Which rows of a stored matrix a tensor has: its row i is stored row first + i * step. Of a vector, elements are what
/// rows are of the matrix that it belongs to.
struct RowView {
    uint64_t first = 0, step = 1;
    bool contiguous() const { return step == 1; }
};

/// How a role's tensor is called and shaped. "%" in a name stands for the layer, "#" for
/// the expert.
struct RoleTraits {
    Role role;
    const char *gguf_name;         ///< "blk.%.attn_q.weight"
    const char *hugging_face_name; ///< "model.layers.%.self_attn.q_proj.weight", of most; "" if they have none.
    Presence presence;
    RoleKind kind;

    bool per_layer() const;
    /// What a norm multiplies by.
    bool is_norm() const { return std::string_view(gguf_name).ends_with("norm.weight"); }
    /// Worth quantizing.
    bool quantizes() const { return kind != RoleKind::vector && kind != RoleKind::small_matrix; }
    /// In that layer; 0 for what is in no layer.
    bool required(const Hyperparameters &h, uint32_t layer) const;
    /// Else a tensor of its name is not its.
    bool possible(const Hyperparameters &h) const;
};

std::span<const RoleTraits> role_table();
const RoleTraits &role_traits(Role role);

/// Which tensor of a model it is.
struct RoleOfTensor {
    Role role;
    uint32_t layer;
};

/// How rows of roles whose tensors have the same name lie in it.
enum class Fusion : uint8_t {
    none,
    stacked,     ///< All of one role, then all of the next, in the order of the table of names.
    interleaved, ///< One of each role in turns.
};

/// What one architecture calls a role's tensor, where others call it otherwise.
struct RoleName {
    Role role;
    const char *hugging_face_name; ///< "" if it has none.
    Fusion fusion = Fusion::none;
    const char *fused_gguf_name = ""; ///< Of the tensor that has it in GGUF files, stacked; "" where it is one by itself.
};

/// What one architecture calls a role's tensor in GGUF, where others call it otherwise.
struct GgufRoleName {
    Role role;
    const char *name;
};

struct Architecture {
    const char *name;               ///< GGUF's general.architecture.
    const char *hugging_face_class; ///< config.json's architectures[0].
    const char *model_type;         ///< config.json's model_type.
    LayerStyle style = {};
    std::span<const RoleName> names = {};
    std::span<const GgufRoleName> gguf_names = {};
    bool permuted_in_gguf = false;  ///< GGUF interleaves the rows of q and k for RopeStyle::interleaved.
    const char *prefix = "";        ///< That the checkpoint's names may have in front.
    uint32_t window_every = 0;      ///< Of so many layers the last has no sliding window; 0: all have, if any. Unless a
    uint32_t unrotated_every = 0;   ///< file says otherwise; likewise, not rotated.
    bool window_by_flag = false;    ///< Folders have windows only where use_sliding_window says so.
    bool interleaved_rope = false;  ///< RopeStyle::interleaved, in folders, too.
    bool yarn_between_pairs = false; ///< YarnScaling::whole_pairs is false, unless a file says otherwise.
    double rope_base = 10000;       ///< Of folders that do not say.
    bool convolves = false;         ///< Layers without heads of keys have a short convolution.
    bool experts_are_all = false;   ///< Folders call the width of experts what is the width of feed-forward blocks else.
    bool norms_less_one = false;    ///< Folders store what norms multiply by less one.
    bool embeds_by_root = false;    ///< Embeddings are multiplied by the square root of their width.
    /// A model of so many layers scales attention by the width of embeddings for each head, which GGUF does not tell.
    uint32_t layers_of_wide_scale = 0;

    /// What it calls a role's tensor in folders.
    RoleName name_of(const RoleTraits &traits) const;
    /// The roles whose rows a GGUF tensor has, where these are several, and its layer.
    std::vector<RoleOfTensor> fused_roles(std::string_view gguf_name) const;
    /// Which rows of a fused tensor are of a role; `rows` become those of all.
    RowView view_of(const RoleName &of, const Hyperparameters &h, uint64_t &rows) const;
};

std::span<const Architecture> architectures();

/// By GGUF name. Throws Error (QUANT_ERR_UNSUPPORTED) naming it, the file and the known ones.
const Architecture &require_architecture(std::string_view name, std::string_view file);
/// By config.json's class, likewise.
const Architecture &require_architecture_class(std::string_view hugging_face_class, std::string_view file);

/// The GGUF name of a role's tensor in a layer, as most architectures have it, or this one has.
std::string gguf_tensor_name(Role role, uint32_t layer);
std::string gguf_tensor_name(const Architecture &architecture, Role role, uint32_t layer);
/// `pattern` is one of the role's names.
std::string hugging_face_tensor_name(std::string_view pattern, uint32_t layer, uint32_t expert = 0);

/// Nothing for a name no role has.
std::optional<RoleOfTensor> role_of_gguf_name(std::string_view name);
std::optional<RoleOfTensor> role_of_gguf_name(const Architecture &architecture, std::string_view name);

/// The shape a role's tensor must have: {rows, cols}; {cols} for a vector; {experts, rows, cols}.
std::vector<uint64_t> expected_shape(Role role, const Hyperparameters &h);

} // namespace quant
