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

private:
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
        for (const json::value &v : checked_list("layer_types")) {
            const std::string type = v.is_string() ? std::string(v.get_string()) : "";
            if (type != "sliding_attention" && type != "full_attention")
                wrong("layer_types", fmt::format("\"{}\" is not supported; expected \"full_attention\" or "
                                                 "\"sliding_attention\"",
                                                 printable(type)));
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

} // namespace

void read_hugging_face_layers(const json::Reader &config, const Architecture &architecture, const std::string &prefix,
                              Metadata &out) {
    const LayerConfig layers(config, architecture);
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
