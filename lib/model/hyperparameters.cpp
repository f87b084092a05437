#include "model/hyperparameters.h"

#include "base/error.h"
#include "model/architecture.h"

#include <algorithm>
#include <cmath>
#include <numbers>

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

void read_rope(const Keys &keys, Hyperparameters &h) {
    h.rope.base = keys.number("rope.freq_base", 10000);
    if (!(h.rope.base >= 1 && h.rope.base <= 1e12)) keys.wrong("rope.freq_base", "expected a number from 1 to 1e12");
    h.rope.dims = keys.get("rope.dimension_count", h.head_dim, 2, h.head_dim);
    if (h.rope.dims % 2 != 0) keys.wrong("rope.dimension_count", "expected an even number");
    const std::string scaling = keys.text("rope.scaling.type");
    if (scaling == "linear") {
        const double factor = keys.number("rope.scaling.factor", 1);
        if (!(factor > 0 && factor <= 1e6)) keys.wrong("rope.scaling.factor", "expected a number from 0 to 1e6");
        h.rope.divisors.assign(h.rope.dims / 2, static_cast<float>(factor));
    } else if (!scaling.empty() && scaling != "none") {
        fail(QUANT_ERR_UNSUPPORTED, "rope scaling \"{}\" is not supported: only none, linear and llama3 are",
             printable(scaling));
    }
}

void read_mixture(const Keys &keys, const Metadata &metadata, Hyperparameters &h) {
    h.experts = keys.get("expert_count", 0, 0, max_experts);
    if (h.experts == 0) return;
    h.experts_used = keys.require("expert_used_count", 1, h.experts);
    h.expert_feed_forward = keys.get("expert_feed_forward_length", h.feed_forward, 1, max_width);
    const auto normalized = metadata.find_bool(h.architecture + ".expert_weights_norm");
    h.expert_weights_sum_to_one = normalized.value_or(true);
    if (keys.get("expert_shared_count", 0, 0, max_experts) != 0)
        keys.wrong("expert_shared_count", "shared experts are not supported");
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
    h.kv_heads = keys.get("attention.head_count_kv", h.heads, 1, h.heads);
    if (h.heads % h.kv_heads != 0)
        keys.wrong("attention.head_count_kv", fmt::format("{} does not divide the {} heads", h.kv_heads, h.heads));
    h.head_dim = keys.get("attention.key_length", h.embedding / h.heads, 2, max_width / h.heads);
    if (keys.get("attention.value_length", h.head_dim, 1, max_width) != h.head_dim)
        keys.wrong("attention.value_length", "differs from attention.key_length, which is not supported");
    h.context = keys.require("context_length", 1, max_context);
    h.sliding_window = keys.get("attention.sliding_window", 0, 0, max_context);
    h.style = architecture.style;
    h.style.causal = metadata.find_bool(name + ".attention.causal").value_or(architecture.style.causal);
    const char *epsilon = norm_epsilon_key(h.style);
    h.norm_epsilon = static_cast<float>(metadata.require_number(name + "." + epsilon));
    if (!(h.norm_epsilon >= 0 && h.norm_epsilon < 1)) keys.wrong(epsilon, "expected a number from 0 to 1");
    h.qk_norm = architecture.qk_norm;
    if (!architecture.permuted_in_gguf) h.rope.style = RopeStyle::halves;
    read_mixture(keys, metadata, h);
    if (!h.style.learned_positions) read_rope(keys, h);
    read_embedding(keys, metadata, h);
    return h;
}

std::vector<float> llama3_rope_divisors(double base, uint32_t dims, double factor, double low_frequency_factor,
                                        double high_frequency_factor, double original_context) {
    std::vector<float> divisors(dims / 2);
    const double low_wavelength = original_context / low_frequency_factor;
    const double high_wavelength = original_context / high_frequency_factor;
    for (uint32_t i = 0; i < dims / 2; i++) {
        const double wavelength = 2 * std::numbers::pi * std::pow(base, 2.0 * i / dims);
        double divisor = 1;
        if (wavelength > low_wavelength) {
            divisor = factor;
        } else if (wavelength > high_wavelength) {
            const double smooth =
                (original_context / wavelength - low_frequency_factor) / (high_frequency_factor - low_frequency_factor);
            divisor = 1 / ((1 - smooth) / factor + smooth);
        }
        divisors[i] = static_cast<float>(divisor);
    }
    return divisors;
}

std::vector<double> rope_frequencies(const RopeParameters &rope) {
    std::vector<double> out;
    for (uint32_t i = 0; i < rope.dims / 2; i++) {
        const double divisor = rope.divisors.empty() ? 1.0 : rope.divisors[i];
        out.push_back(std::pow(rope.base, -2.0 * i / rope.dims) / divisor);
    }
    return out;
}

} // namespace quant
