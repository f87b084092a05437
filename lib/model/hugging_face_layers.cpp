#include "model/hugging_face_layers.h"

#include "base/error.h"

#include <algorithm>

namespace quant {

namespace {

class LayerConfig {
public:
    LayerConfig(const json::Reader &config, const Architecture &architecture)
        : config_(config),
          architecture_(architecture),
          layers_(config.require_uint("num_hidden_layers")) {
        if (layers_ > max_layers) wrong("num_hidden_layers", fmt::format("{} is outside 1 to {}", layers_, max_layers));
    }

    bool has_windows() const {
        if (!config_.has("sliding_window") || config_.require_uint("sliding_window") == 0) return false;
        return config_.get_bool("use_sliding_window", !architecture_.window_by_flag);
    }

    std::vector<bool> windows() const {
        if (config_.has("layer_types")) return by_types();
        const uint64_t every = period("sliding_window_pattern", architecture_.window_every);
        const uint64_t first = architecture_.window_by_flag ? config_.get_uint("max_window_layers", 0) : 0;
        std::vector<bool> out;
        for (uint64_t i = 0; i < layers_; i++) out.push_back(i >= first && (every == 0 || (i + 1) % every != 0));
        return out;
    }

    std::vector<bool> rotations() const {
        std::vector<bool> out;
        if (!config_.has("no_rope_layers")) {
            const uint64_t every = period("no_rope_layer_interval", architecture_.unrotated_every);
            for (uint64_t i = 0; i < layers_; i++) out.push_back(every == 0 || (i + 1) % every != 0);
            return out;
        }
        for (const json::value &v : checked_list("no_rope_layers")) {
            if (!v.is_int64() || v.get_int64() < 0 || v.get_int64() > 1)
                wrong("no_rope_layers", "expected 1 or 0 for a layer");
            out.push_back(v.get_int64() == 1);
        }
        return out;
    }

    /// Heads of keys of each layer, `heads` of those that attend.
    std::vector<int32_t> heads(int32_t heads) const {
        std::vector<int32_t> out;
        if (config_.has("layer_types")) {
            by_types();
            for (const json::value &v : checked_list("layer_types")) out.push_back(v.get_string() == "conv" ? 0 : heads);
            return out;
        }
        if (!config_.has("full_attn_idxs")) return std::vector<int32_t>(layers_, heads);
        out.assign(layers_, 0);
        for (const json::value &v : config_.require_array("full_attn_idxs")) {
            if (!v.is_int64() || v.get_int64() < 0 || static_cast<uint64_t>(v.get_int64()) >= layers_)
                wrong("full_attn_idxs", fmt::format("expected numbers of layers, 0 to {}", layers_ - 1));
            out[static_cast<size_t>(v.get_int64())] = heads;
        }
        return out;
    }

    // The blocks' width is made of the one told, unless the config says that it is it. The name that the models were
    // published with counts before the usual one, and may be there alone.
    uint32_t feed_forward() const {
        const char *key = config_.has("block_ff_dim") ? "block_ff_dim" : "intermediate_size";
        uint64_t width = checked_width(key, config_.require_uint(key));
        if (!config_.get_bool("block_auto_adjust_ff_dim", true)) return static_cast<uint32_t>(width);
        width = 2 * width / 3;
        const double multiplier = config_.get_number("block_ffn_dim_multiplier", 1);
        const uint64_t multiple = config_.get_uint("block_multiple_of", 256);
        if (!(multiplier > 0 && multiplier < 1e3)) wrong("block_ffn_dim_multiplier", "expected a positive number");
        if (multiple == 0 || multiple > max_width) wrong("block_multiple_of", fmt::format("{} is outside 1 to {}", multiple, max_width));
        width = static_cast<uint64_t>(static_cast<double>(width) * multiplier);
        return checked_width(key, (width + multiple - 1) / multiple * multiple);
    }

    uint32_t taps() const {
        if (config_.get_bool("conv_bias", false)) wrong("conv_bias", "convolutions with biases are not supported");
        const uint64_t taps = config_.get_uint("conv_L_cache", 3);
        if (taps == 0 || taps > max_conv_taps) wrong("conv_L_cache", fmt::format("{} is outside 1 to {}", taps, max_conv_taps));
        return static_cast<uint32_t>(taps);
    }

private:
    uint32_t checked_width(const char *key, uint64_t width) const {
        if (width == 0 || width > max_width) wrong(key, fmt::format("{} is outside 1 to {}", width, max_width));
        return static_cast<uint32_t>(width);
    }
    [[noreturn]] void wrong(const char *key, const std::string &what) const {
        fail(QUANT_ERR_MODEL, "{}: key \"{}\": {}", config_.name(), key, what);
    }
    // Where the architecture has none, a key of that name says nothing.
    uint64_t period(const char *key, uint64_t usual) const { return usual == 0 ? 0 : config_.get_uint(key, usual); }
    const json::array &checked_list(const char *key) const {
        const json::array &list = config_.require_array(key);
        if (list.size() != layers_)
            wrong(key, fmt::format("has {} elements, expected one for each of {} layers", list.size(), layers_));
        return list;
    }
    std::vector<bool> by_types() const {
        std::vector<bool> out;
        const char *other = architecture_.convolves ? "conv" : "sliding_attention";
        for (const json::value &v : checked_list("layer_types")) {
            const std::string type = v.is_string() ? std::string(v.get_string()) : "";
            if (type != "full_attention" && type != other)
                wrong("layer_types", fmt::format("\"{}\" is not supported; expected \"full_attention\" or \"{}\"",
                                                 printable(type), other));
            out.push_back(type == "sliding_attention");
        }
        return out;
    }

    const json::Reader &config_;
    const Architecture &architecture_;
    uint64_t layers_;
};

bool all(const std::vector<bool> &flags, bool value) {
    return std::all_of(flags.begin(), flags.end(), [value](bool f) { return f == value; });
}

void read_convolutions(const json::Reader &config, const LayerConfig &layers, const std::string &prefix, Metadata &out) {
    const uint64_t heads = config.get_uint("num_key_value_heads", 0);
    if (heads == 0 || heads > max_heads)
        fail(QUANT_ERR_MODEL, "{}: key \"num_key_value_heads\": expected 1 to {}", config.name(), max_heads);
    out.set(prefix + "attention.head_count_kv", MetadataArray{layers.heads(static_cast<int32_t>(heads))});
    out.set(prefix + "shortconv.l_cache", layers.taps());
    out.set(prefix + "feed_forward_length", layers.feed_forward());
    out.set(prefix + norm_epsilon_key({}), static_cast<float>(config.get_number("norm_eps", 1e-5)));
}

} // namespace

void read_hugging_face_layers(const json::Reader &config, const Architecture &architecture, const std::string &prefix,
                              Metadata &out) {
    const LayerConfig layers(config, architecture);
    if (architecture.convolves) read_convolutions(config, layers, prefix, out);
    if (const std::vector<bool> windows = layers.windows(); layers.has_windows() && !all(windows, false)) {
        const uint64_t window = config.require_uint("sliding_window");
        out.set(prefix + "attention.sliding_window", static_cast<uint32_t>(std::min<uint64_t>(window, max_context)));
        if (!all(windows, true) || architecture.window_every != 0)
            out.set(prefix + "attention.sliding_window_pattern", MetadataArray{windows});
    }
    if (const std::vector<bool> rotations = layers.rotations();
        !all(rotations, true) || architecture.unrotated_every != 0)
        out.set(prefix + "attention.rope_pattern", MetadataArray{rotations});
}

} // namespace quant
