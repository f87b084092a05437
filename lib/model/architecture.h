// Architectures as data: the roles that tensors play, what they are called in GGUF
// files and in Hugging Face checkpoints, and the shapes they must have.
//
// To add an architecture: a row in architectures(); roles only where it has tensors
// that no other has.
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
};

/// In which models a role has a tensor.
enum class Presence : uint8_t {
    always,
    optional,
    dense,   ///< Models whose layers have one feed-forward block.
    gated,   ///< Of these, models that gate it.
    mixture, ///< Models whose layers have a router and experts.
    qk_norm, ///< Models that normalize each head's queries and keys.
    norm_before, norm_after, ///< Models that normalize what goes into blocks, and what comes out: LayerStyle.
    norm_after_bias,         ///< Of the latter, models whose norms have a bias.
    positions,               ///< Models that learned positions.
};

enum class RoleKind : uint8_t {
    vector,
    small_matrix, ///< Two dimensions, but too small and too much depends on it: kept in F32 as vectors are.
    matrix,       ///< Two dimensions, worth quantizing.
    experts,      ///< A matrix for each expert: three dimensions in GGUF, as many tensors in a folder.
};

/// How a role's tensor is called and shaped. "%" in a name stands for the layer, "#" for
/// the expert.
struct RoleTraits {
    Role role;
    const char *gguf_name;         ///< "blk.%.attn_q.weight"
    const char *hugging_face_name; ///< "model.layers.%.self_attn.q_proj.weight"; "" if it has none.
    Presence presence;
    RoleKind kind;
    /// Another name, which some architectures have for it; "" if there is none.
    const char *other_hugging_face_name = "";

    bool per_layer() const;
    /// Worth quantizing.
    bool quantizes() const { return kind == RoleKind::matrix || kind == RoleKind::experts; }
    bool required(const Hyperparameters &h) const;
};

std::span<const RoleTraits> role_table();
const RoleTraits &role_traits(Role role);

struct Architecture {
    const char *name;               ///< GGUF's general.architecture.
    const char *hugging_face_class; ///< config.json's architectures[0].
    const char *model_type;         ///< config.json's model_type.
    bool permuted_in_gguf;          ///< GGUF interleaves the rows of q and k for RopeStyle::interleaved.
    bool qk_norm;                   ///< See Presence::qk_norm.
    LayerStyle style = {};
    const char *prefix = "";        ///< That the checkpoint's names may have in front.
};

std::span<const Architecture> architectures();

/// By GGUF name. Throws Error (QUANT_ERR_UNSUPPORTED) naming it, the file and the known ones.
const Architecture &require_architecture(std::string_view name, std::string_view file);
/// By config.json's class, likewise.
const Architecture &require_architecture_class(std::string_view hugging_face_class, std::string_view file);

/// The GGUF name of a role's tensor in a layer.
std::string gguf_tensor_name(Role role, uint32_t layer);
/// `pattern` is one of the role's names.
std::string hugging_face_tensor_name(std::string_view pattern, uint32_t layer, uint32_t expert = 0);

/// Role and layer of a GGUF tensor name; nothing for a name no role has.
struct RoleOfTensor {
    Role role;
    uint32_t layer;
};
std::optional<RoleOfTensor> role_of_gguf_name(std::string_view name);

/// The shape a role's tensor must have: {rows, cols}; {cols} for a vector; {experts, rows, cols}.
std::vector<uint64_t> expected_shape(Role role, const Hyperparameters &h);

} // namespace quant
