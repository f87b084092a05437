#include "model/hyperparameters.h"

#include "base/error.h"
#include "model/architecture.h"
#include "model/rope_scaling.h"

#include <algorithm>
#include <span>
#include <cmath>

namespace quant {

namespace {

// Keys under the architecture's prefix, with range checks.
class Keys {
public:
    Keys(const Metadata &metadata, std::string prefix) : metadata_(metadata), prefix_(std::move(prefix)) {}

    uint32_t require(std::string_view key, uint64_t low, uint64_t high) const {
        return checked(key, metadata_.require_uint(prefix_ + std::string(key)), low, high);
    }
    uint32_t get(std::string_view key, uint64_t fallback, uint64_t low, uint64_t high) const {
        return checked(key, metadata_.find_uint(prefix_ + std::string(key)).value_or(fallback), low, high);
    }
    double number(std::string_view key, double fallback) const {
        return metadata_.find_number(prefix_ + std::string(key)).value_or(fallback);
    }
    std::string text(std::string_view key) const {
        return metadata_.find_string(prefix_ + std::string(key)).value_or("");
    }
    bool has(std::string_view key) const { return metadata_.find(prefix_ + std::string(key)) != nullptr; }
    double number(std::string_view key, double fallback, double low, double high) const {
        const double value = number(key, fallback);
        if (!(value >= low && value <= high)) wrong(key, fmt::format("expected a number from {} to {}", low, high));
        return value;
    }
    bool flag(std::string_view key, bool fallback) const {
        return metadata_.find_bool(prefix_ + std::string(key)).value_or(fallback);
    }
    /// A number for each layer; none where the key has one for all.
    std::vector<int64_t> numbers(std::string_view key, uint32_t layers) const {
        const MetadataValue *value = metadata_.find(prefix_ + std::string(key));
        if (!value || !std::holds_alternative<MetadataArray>(*value)) return {};
        std::vector<int64_t> out = *metadata_.find_ints(prefix_ + std::string(key));
        if (out.size() != layers)
            wrong(key, fmt::format("has {} elements, expected one for each of {} layers", out.size(), layers));
        return out;
    }
    /// A flag for each layer, or nothing. One number stands for as many layers of which the last has none.
    std::optional<std::vector<bool>> flags(std::string_view key, uint32_t layers) const;
    [[noreturn]] void wrong_kind(std::string_view key, std::string_view supported, const std::string &found) const {
        fail(QUANT_ERR_UNSUPPORTED, "{}: key {}{}: \"{}\" is not supported: only {} are", metadata_.name(), prefix_,
             key, printable(found), supported);
    }
    [[noreturn]] void wrong(std::string_view key, const std::string &what) const {
        fail(QUANT_ERR_MODEL, "{}: key {}{}: {}", metadata_.name(), prefix_, key, what);
    }

private:
    uint32_t checked(std::string_view key, uint64_t value, uint64_t low, uint64_t high) const {
        if (value < low || value > high) wrong(key, fmt::format("{} is outside {} to {}", value, low, high));
        return static_cast<uint32_t>(value);
    }
    const Metadata &metadata_;
    std::string prefix_;
};

// Whether a layer is not the last of every so many; of none where that is 0.
bool before_last(uint32_t layer, uint64_t every) { return every == 0 || (layer + 1) % every != 0; }

std::optional<std::vector<bool>> Keys::flags(std::string_view key, uint32_t layers) const {
    if (!has(key)) return std::nullopt;
    const MetadataValue &value = *metadata_.find(prefix_ + std::string(key));
    std::vector<bool> out;
    if (const auto every = as_uint(value)) {
        for (uint32_t i = 0; i < layers; i++) out.push_back(before_last(i, *every));
        return out;
    }
    const auto *array = std::get_if<MetadataArray>(&value);
    const auto *flags = array ? std::get_if<std::vector<bool>>(&array->elements) : nullptr;
    if (flags) {
        out = *flags;
    } else {
        const std::vector<int64_t> numbers = metadata_.find_ints(prefix_ + std::string(key)).value();
        for (const int64_t v : numbers) out.push_back(v != 0);
    }
    if (out.size() != layers)
        wrong(key, fmt::format("has {} elements, expected one for each of {} layers", out.size(), layers));
    return out;
}

double log_multiplier(const Keys &keys) { return keys.number("rope.scaling.yarn_log_multiplier", 0, 0, 100); }

YarnScaling read_yarn(const Keys &keys, bool whole_pairs) {
    YarnScaling out;
    out.factor = keys.number("rope.scaling.factor", 1, 1, 1e6);
    out.original_context = keys.require("rope.scaling.original_context_length", 1, max_context);
    out.beta_fast = keys.number("rope.scaling.yarn_beta_fast", 32, 1e-3, 1e6);
    out.beta_slow = keys.number("rope.scaling.yarn_beta_slow", 1, 1e-3, out.beta_fast);
    out.whole_pairs = keys.flag("rope.scaling.yarn_truncate", whole_pairs);
    return out;
}

void read_rope_scaling(const Keys &keys, const Architecture &architecture, RopeParameters &rope) {
    const std::string scaling = keys.text("rope.scaling.type");
    if (keys.has("rope.scaling.original_context_length"))
        rope.long_from = keys.require("rope.scaling.original_context_length", 1, max_context);
    double magnitude = 1;
    if (scaling == "linear") {
        const double factor = keys.number("rope.scaling.factor", 1, 1e-6, 1e6);
        rope.divisors.assign(rope.dims / 2, static_cast<float>(factor));
    } else if (scaling == "yarn") {
        const YarnScaling yarn = read_yarn(keys, !architecture.yarn_between_pairs);
        rope.divisors = yarn_rope_divisors(rope.base, rope.dims, yarn);
        // Latent attention multiplies scores instead.
        if (log_multiplier(keys) == 0) magnitude = yarn_magnitude(yarn.factor);
    } else if (!scaling.empty() && scaling != "none" && scaling != "longrope") {
        keys.wrong_kind("rope.scaling.type", "none, linear, yarn and longrope", scaling);
    }
    rope.magnitude = static_cast<float>(magnitude * keys.number("rope.scaling.attn_factor", 1, 1e-3, 1e3));
}

void read_rope(const Keys &keys, const Architecture &architecture, Hyperparameters &h) {
    h.rope.base = keys.number("rope.freq_base", 10000, 1, 1e12);
    h.rope.dims = keys.get("rope.dimension_count", h.head_dim, 2, h.head_dim);
    if (h.rope.dims % 2 != 0) keys.wrong("rope.dimension_count", "expected an even number");
    read_rope_scaling(keys, architecture, h.rope);
    if (!keys.has("rope.freq_base_swa")) return;
    h.local_rope.base = keys.number("rope.freq_base_swa", 10000, 1, 1e12);
    h.local_rope.dims = h.rope.dims, h.local_rope.style = h.rope.style;
}

// Which layers see a window only, and which are not rotated.
void read_layers(const Keys &keys, const Architecture &architecture, Hyperparameters &h) {
    const uint32_t window = keys.get("attention.sliding_window", 0, 0, max_context);
    const auto windows = keys.flags("attention.sliding_window_pattern", h.layers);
    const auto rotations = keys.flags("attention.rope_pattern", h.layers);
    // Where a file does not say, a model of fewer layers than the usual has one that sees all, its last.
    const uint32_t window_every = std::min(architecture.window_every, h.layers);
    h.attention.resize(h.layers);
    for (uint32_t i = 0; i < h.layers; i++) {
        const bool local = window != 0 && (windows ? (*windows)[i] : before_last(i, window_every));
        LayerAttention &layer = h.attention[i];
        layer.window = local ? window : 0;
        layer.rotated = rotations ? (*rotations)[i] : before_last(i, architecture.unrotated_every);
        layer.local_rope = local && h.local_rope.dims != 0;
    }
}

void read_scales(const Keys &keys, const Architecture &architecture, Hyperparameters &h) {
    const auto scale = [&](const char *key, double fallback) {
        return static_cast<float>(keys.number(key, fallback, -1e6, 1e6));
    };
    const bool wide = architecture.layers_of_wide_scale == h.layers;
    const uint32_t head_dim = h.latent.rank != 0 ? h.latent.plain_dims + h.latent.rope_dims : h.head_dim;
    h.attention_scale = scale("attention.scale", 1 / std::sqrt(static_cast<double>(wide ? h.embedding / h.heads : head_dim)));
    if (keys.text("rope.scaling.type") == "yarn") {
        const double all = 1 + log_multiplier(keys) * std::log(keys.number("rope.scaling.factor", 1, 1, 1e6));
        h.attention_scale *= static_cast<float>(all * all);
    }
    h.embedding_scale = scale("embedding_scale", architecture.embeds_by_root ? std::sqrt(static_cast<double>(h.embedding)) : 1);
    h.residual_scale = scale("residual_scale", 1);
    h.logit_divisor = scale("logit_scale", 1);
    if (h.logit_divisor == 0) keys.wrong("logit_scale", "logits cannot be divided by 0");
    h.attention_cap = static_cast<float>(keys.number("attn_logit_softcapping", 0, 0, 1e6));
    h.logit_cap = static_cast<float>(keys.number("final_logit_softcapping", 0, 0, 1e6));
}

void read_expert_groups(const Keys &keys, Hyperparameters &h) {
    h.expert_groups = keys.get("expert_group_count", 1, 0, h.experts);
    if (h.expert_groups <= 1) h.expert_groups = 1;
    if (h.experts % h.expert_groups != 0)
        keys.wrong("expert_group_count", fmt::format("{} does not divide the {} experts", h.expert_groups, h.experts));
    if (h.expert_groups == 1) return;
    h.expert_groups_used = keys.require("expert_group_used_count", 1, h.expert_groups);
    if (h.experts_used > h.experts / h.expert_groups * h.expert_groups_used)
        keys.wrong("expert_group_used_count", fmt::format("{} groups have fewer than {} experts", h.expert_groups_used,
                                                          h.experts_used));
}

void read_mixture(const Keys &keys, const Metadata &metadata, Hyperparameters &h) {
    h.experts = keys.get("expert_count", 0, 0, max_experts);
    if (h.experts == 0) return;
    h.experts_used = keys.require("expert_used_count", 1, h.experts);
    h.expert_feed_forward = keys.get("expert_feed_forward_length", h.feed_forward, 1, max_width);
    const auto normalized = metadata.find_bool(h.architecture + ".expert_weights_norm");
    // Of files without the key those of DeepSeek are of models that do not.
    h.expert_weights_sum_to_one = normalized.value_or(h.latent.rank == 0);
    h.expert_weights_scale = static_cast<float>(keys.number("expert_weights_scale", 1, 0, 1e6));
    if (h.expert_weights_scale == 0) h.expert_weights_scale = 1; // As other writers say that there is none.
    h.dense_layers = keys.get("leading_dense_block_count", 0, 0, h.layers);
    h.shared_feed_forward = keys.get("expert_shared_count", 0, 0, max_width / h.expert_feed_forward) * h.expert_feed_forward;
    const uint32_t gating = keys.get("expert_gating_func", 1, 0, UINT32_MAX);
    if (gating > 3) keys.wrong("expert_gating_func", fmt::format("{} is not supported; expected 0 to 3", gating));
    h.expert_sigmoid = gating == 2;
    if (gating == 3) h.expert_weights_sum_to_one = true; // The softmax of those used alone.
    read_expert_groups(keys, h);
}

// Keys and values may be told as those who attend see them, or as they would be of each head.
void read_latent(const Keys &keys, Hyperparameters &h) {
    LatentAttention &a = h.latent;
    const uint64_t most = max_width / h.heads;
    a.rank = keys.require("attention.kv_lora_rank", 2, most);
    a.q_rank = keys.get("attention.q_lora_rank", 0, 0, max_width);
    const bool narrow = keys.has("attention.key_length_mla");
    const uint32_t key = keys.require(narrow ? "attention.key_length_mla" : "attention.key_length", 3, most);
    a.value_dims = keys.require(narrow ? "attention.value_length_mla" : "attention.value_length", 1, most);
    a.rope_dims = keys.require("rope.dimension_count", 2, key - 1);
    a.plain_dims = key - a.rope_dims;
    h.kv_heads = 1;
    h.head_dim = a.rank + a.rope_dims;
    h.layers -= keys.get("nextn_predict_layers", 0, 0, h.layers - 1); // Which guess further tokens.
}

// Heads of keys of each layer, of which those that have none convolve.
uint32_t read_layer_heads(const Keys &keys, std::span<const int64_t> each, Hyperparameters &h) {
    const int64_t heads = *std::max_element(each.begin(), each.end());
    for (const int64_t n : each)
        if (n != 0 && (n != heads || n < 0 || n > int64_t{h.heads}))
            keys.wrong("attention.head_count_kv", fmt::format("a layer has {} heads; expected 0, or as many as others, 1 to {}", n, h.heads));
    if (heads == 0) keys.wrong("attention.head_count_kv", "no layer has heads");
    for (const int64_t n : each) h.attention.push_back({.convolves = n == 0});
    if (std::find(each.begin(), each.end(), 0) != each.end())
        h.conv_taps = keys.require("shortconv.l_cache", 1, max_conv_taps);
    return static_cast<uint32_t>(heads);
}

void read_heads(const Keys &keys, const Architecture &architecture, Hyperparameters &h) {
    if (keys.has("attention.kv_lora_rank")) return read_latent(keys, h);
    const std::vector<int64_t> each = architecture.convolves ? keys.numbers("attention.head_count_kv", h.layers) : std::vector<int64_t>{};
    h.kv_heads = each.empty() ? keys.get("attention.head_count_kv", h.heads, 1, h.heads) : read_layer_heads(keys, each, h);
    if (h.heads % h.kv_heads != 0)
        keys.wrong("attention.head_count_kv", fmt::format("{} does not divide the {} heads", h.kv_heads, h.heads));
    h.head_dim = keys.get("attention.key_length", h.embedding / h.heads, 2, max_width / h.heads);
    if (keys.get("attention.value_length", h.head_dim, 1, max_width) != h.head_dim)
        keys.wrong("attention.value_length", "differs from attention.key_length, which is not supported");
}

// What the texts that embeddings were trained with ended up as. GGUF has no key for their length.
void read_embedding(const Keys &keys, const Metadata &metadata, Hyperparameters &h) {
    // Of tokens that see only what is before them, the last one knows the whole text.
    const quant_pooling usual = h.style.causal ? QUANT_POOLING_LAST : QUANT_POOLING_MEAN;
    const uint32_t number = keys.get("pooling_type", pooling_number(usual), 0, UINT32_MAX);
    const auto pooling = pooling_of_number(number);
    if (!pooling) keys.wrong("pooling_type", fmt::format("{} is not supported; expected 0 to 3", number));
    h.pooling = *pooling == QUANT_POOLING_NONE ? usual : *pooling;
    const uint64_t trained = metadata.find_uint(embedding_context_key).value_or(h.context);
    h.embedding_context = static_cast<uint32_t>(std::clamp<uint64_t>(trained, 1, h.context));
}

// GGUF's numbers of ways to pool, by quant_pooling.
constexpr quant_pooling poolings[] = {QUANT_POOLING_NONE, QUANT_POOLING_MEAN, QUANT_POOLING_CLS, QUANT_POOLING_LAST};

} // namespace

uint32_t pooling_number(quant_pooling pooling) {
    return static_cast<uint32_t>(std::find(std::begin(poolings), std::end(poolings), pooling) - std::begin(poolings));
}

std::optional<quant_pooling> pooling_of_number(uint64_t number) {
    if (number >= std::size(poolings)) return std::nullopt;
    return poolings[number];
}

const char *norm_epsilon_key(const LayerStyle &style) {
    return style.layer_norm ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon";
}

Hyperparameters read_hyperparameters(const Metadata &metadata) {
    const std::string name = metadata.require_string("general.architecture");
    const Architecture &architecture = require_architecture(name, metadata.name());
    const Keys keys(metadata, name + ".");
    Hyperparameters h;
    h.architecture = architecture.name;
    h.layers = keys.require("block_count", 1, max_layers);
    h.embedding = keys.require("embedding_length", 1, max_width);
    h.feed_forward = keys.require("feed_forward_length", 1, max_width);
    h.heads = keys.require("attention.head_count", 1, max_heads);
    read_heads(keys, architecture, h);
    h.context = keys.require("context_length", 1, max_context);
    h.style = architecture.style;
    h.style.causal = metadata.find_bool(name + ".attention.causal").value_or(architecture.style.causal);
    const char *epsilon = norm_epsilon_key(h.style);
    h.norm_epsilon = static_cast<float>(metadata.require_number(name + "." + epsilon));
    if (!(h.norm_epsilon >= 0 && h.norm_epsilon < 1)) keys.wrong(epsilon, "expected a number from 0 to 1");
    if (!architecture.permuted_in_gguf && !architecture.interleaved_rope) h.rope.style = RopeStyle::halves;
    read_mixture(keys, metadata, h);
    if (!h.style.learned_positions) read_rope(keys, architecture, h);
    read_layers(keys, architecture, h);
    if (h.conv_taps != 0 && h.q_width() != h.embedding)
        keys.wrong("attention.key_length", fmt::format("{} heads of {} are {} wide, expected {}, as convolutions are", h.heads,
                                                       h.head_dim, h.q_width(), h.embedding));
    read_scales(keys, architecture, h);
    read_embedding(keys, metadata, h);
    return h;
}

} // namespace quant
