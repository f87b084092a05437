#include "model/hugging_face_latent.h"

#include "base/error.h"
#include "model/hugging_face_number.h"
#include "model/hyperparameters.h"
#include "model/rope_scaling.h"

#include <cmath>

namespace quant {

namespace {

void require_text(const json::Reader &config, const char *key, std::initializer_list<std::string_view> known) {
    if (!config.has(key)) return;
    const std::string found = config.require_string(key);
    for (const std::string_view k : known)
        if (k == found) return;
    fail(QUANT_ERR_UNSUPPORTED, "{}: key \"{}\": \"{}\" is not supported", config.name(), key, printable(found));
}

// YaRN as DeepSeek has it: what is rotated is multiplied by one number, and all scores by the square of another.
void read_magnitudes(const json::Reader &config, const std::string &prefix, Metadata &out) {
    const char *object = config.has("rope_parameters") ? "rope_parameters" : "rope_scaling";
    if (!config.has(object)) return;
    const json::Reader rope = config.require_object(object);
    const double all = rope.get_number("mscale_all_dim", 0), own = rope.get_number("mscale", 0);
    if (all == 0) return;
    const double factor = rope.get_number("factor", 1);
    if (!(factor >= 1 && factor <= 1e6 && all > 0 && all <= 100 && own >= 0 && own <= 100))
        fail(QUANT_ERR_MODEL, "{}: keys \"factor\", \"mscale\" and \"mscale_all_dim\" of \"{}\" are out of range",
             config.name(), object);
    const auto magnitude = [&](double scale) { return 1 + scale * (yarn_magnitude(factor) - 1); };
    out.set(prefix + "rope.scaling.yarn_log_multiplier", static_cast<float>(0.1 * all));
    out.set(prefix + "rope.scaling.attn_factor", static_cast<float>(own == 0 ? 1 : magnitude(own) / magnitude(all)));
}

} // namespace

uint32_t rotated_dims(const json::Reader &config, uint32_t head_dim) {
    return config.has("kv_lora_rank") ? number_within(config, "qk_rope_head_dim") : head_dim;
}

void read_latent_config(const json::Reader &config, const std::string &prefix, Metadata &out) {
    if (!config.has("kv_lora_rank")) return;
    if (!config.get_bool("rope_interleave", true))
        fail(QUANT_ERR_UNSUPPORTED, "{}: key \"rope_interleave\": false is not supported", config.name());
    const uint32_t rank = number_within(config, "kv_lora_rank"), rope = number_within(config, "qk_rope_head_dim"),
                   plain = number_within(config, "qk_nope_head_dim"), value = number_within(config, "v_head_dim");
    if (config.has("q_lora_rank")) out.set(prefix + "attention.q_lora_rank", number_within(config, "q_lora_rank"));
    out.set(prefix + "attention.kv_lora_rank", rank);
    out.set(prefix + "attention.head_count_kv", uint32_t{1});
    out.set(prefix + "attention.key_length", rank + rope);
    out.set(prefix + "attention.value_length", rank);
    out.set(prefix + "attention.key_length_mla", plain + rope);
    out.set(prefix + "attention.value_length_mla", value);
    read_magnitudes(config, prefix, out);
}

void read_mixture_config(const json::Reader &config, const std::string &prefix, Metadata &out) {
    if (!config.has("n_routed_experts")) return;
    require_text(config, "scoring_func", {"softmax", "sigmoid"});
    require_text(config, "topk_method", {"greedy", "group_limited_greedy", "noaux_tc"});
    if (config.has("moe_layer_freq") && number_within(config, "moe_layer_freq") != 1)
        fail(QUANT_ERR_UNSUPPORTED, "{}: key \"moe_layer_freq\": expected 1", config.name());
    out.set(prefix + "expert_count", number_within(config, "n_routed_experts", 1, max_experts));
    if (config.has("n_shared_experts"))
        out.set(prefix + "expert_shared_count", number_within(config, "n_shared_experts", 0, max_experts));
    out.set(prefix + "leading_dense_block_count",
            config.has("first_k_dense_replace") ? number_within(config, "first_k_dense_replace", 0, max_layers) : 0);
    out.set(prefix + "expert_weights_scale", static_cast<float>(config.get_number("routed_scaling_factor", 1)));
    const std::string usual = config.get_string("topk_method", "noaux_tc") == "noaux_tc" ? "sigmoid" : "softmax";
    out.set(prefix + "expert_gating_func", config.get_string("scoring_func", usual) == "sigmoid" ? uint32_t{2} : uint32_t{1});
    if (!config.has("n_group") || config.get_string("topk_method", "") == "greedy") return;
    out.set(prefix + "expert_group_count", number_within(config, "n_group", 1, max_experts));
    out.set(prefix + "expert_group_used_count", number_within(config, "topk_group", 1, max_experts));
}

} // namespace quant
