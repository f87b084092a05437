#include "model/hugging_face_rope.h"

#include "base/error.h"
#include "model/rope_scaling.h"

#include <cmath>

namespace quant {

namespace {

// Settings stand in "rope_parameters" (transformers 5), there for each kind of layers where these differ, or in
// "rope_theta" and "rope_scaling" (before), and some beside them.
class RopeConfig {
public:
    explicit RopeConfig(const json::Reader &config) : config_(config), rope_(none_, config.name()) {
        object_ = config.has("rope_parameters") ? "rope_parameters" : "rope_scaling";
        if (config.has(object_)) rope_ = config.require_object(object_);
        if (!rope_.has("full_attention")) return;
        if (rope_.has("sliding_attention"))
            local_base_ = rope_.require_object("sliding_attention").get_number("rope_theta", 10000);
        rope_ = rope_.require_object("full_attention");
    }

    const json::Reader &settings() const { return rope_; }
    bool has(const char *key) const { return rope_.has(key) || config_.has(key); }
    /// A number that stands in the object or beside it.
    double number(const char *key, double fallback) const {
        return rope_.has(key) ? rope_.get_number(key, fallback) : config_.get_number(key, fallback);
    }
    double checked(const char *key, double fallback, double low, double high) const {
        const double value = number(key, fallback);
        if (!(value >= low && value <= high)) wrong(key, fmt::format("expected a number from {} to {}", low, high));
        return value;
    }
    std::optional<double> local_base() const {
        if (!local_base_ && config_.has("rope_local_base_freq"))
            return config_.get_number("rope_local_base_freq", 10000);
        return local_base_;
    }
    [[noreturn]] void wrong(const char *key, const std::string &what) const {
        fail(QUANT_ERR_MODEL, "{}: key \"{}\" of \"{}\": {}", config_.name(), key, object_, what);
    }

private:
    static inline const json::object none_;
    const json::Reader &config_;
    json::Reader rope_;
    const char *object_;
    std::optional<double> local_base_;
};

class Writer {
public:
    Writer(const RopeConfig &rope, std::string prefix, HuggingFaceConfig &out)
        : rope_(rope),
          prefix_(std::move(prefix) + "rope."),
          out_(out) {}

    void number(const char *key, double value) { out_.metadata.set(prefix_ + key, static_cast<float>(value)); }
    void whole(const char *key, double value) { out_.metadata.set(prefix_ + key, static_cast<uint32_t>(value)); }
    void type(const char *name) { out_.metadata.set(prefix_ + "scaling.type", std::string(name)); }

    void linear() {
        type("linear");
        number("scaling.factor", rope_.checked("factor", 1, 1e-6, 1e6));
    }

    void llama3(double base, uint32_t dims) {
        const double factor = rope_.number("factor", 8), low = rope_.number("low_freq_factor", 1),
                     high = rope_.number("high_freq_factor", 4);
        if (!(factor > 0 && low > 0 && high > low))
            rope_.wrong("factor", "factors must be positive, and high_freq_factor over low_freq_factor");
        out_.made.emplace_back(Role::rope_divisors,
                               llama3_rope_divisors(base, dims, factor, low, high, original_context(8192)));
    }

    void yarn() {
        const double factor = rope_.checked("factor", 1, 1, 1e6);
        type("yarn");
        number("scaling.factor", factor);
        whole("scaling.original_context_length", original_context(rope_.number("max_position_embeddings", 0)));
        const double fast = rope_.checked("beta_fast", 32, 1e-3, 1e6);
        number("scaling.yarn_beta_fast", fast);
        number("scaling.yarn_beta_slow", rope_.checked("beta_slow", 1, 1e-3, fast));
        if (rope_.settings().has("truncate"))
            out_.metadata.set(prefix_ + "scaling.yarn_truncate", rope_.settings().get_bool("truncate", true));
        number("scaling.attn_factor", magnitude(yarn_magnitude(factor)) / yarn_magnitude(factor));
    }

    void longrope(uint32_t dims) {
        const double context = rope_.checked("max_position_embeddings", 0, 1, double{max_context});
        const double original = original_context(context);
        type("longrope");
        whole("scaling.original_context_length", original);
        number("scaling.attn_factor", magnitude(longrope_magnitude(context, original)));
        out_.made.emplace_back(Role::rope_short_divisors, factors("short_factor", dims));
        out_.made.emplace_back(Role::rope_long_divisors, factors("long_factor", dims));
    }

private:
    double original_context(double fallback) const {
        const double value = rope_.checked("original_max_position_embeddings", fallback, 1, double{max_context});
        if (value != std::floor(value)) rope_.wrong("original_max_position_embeddings", "expected a whole number");
        return value;
    }
    double magnitude(double usual) const {
        return rope_.settings().has("attention_factor") ? rope_.checked("attention_factor", usual, 1e-3, 1e3) : usual;
    }
    std::vector<float> factors(const char *key, uint32_t dims) const {
        std::vector<float> out;
        for (const json::value &v : rope_.settings().require_array(key)) {
            if (!v.is_number()) rope_.wrong(key, "expected numbers");
            out.push_back(v.to_number<float>());
            if (!(std::isfinite(out.back()) && out.back() > 0)) rope_.wrong(key, "expected positive numbers");
        }
        if (out.size() != dims / 2)
            rope_.wrong(key, fmt::format("has {} factors, expected one for each of {} pairs", out.size(), dims / 2));
        return out;
    }

    const RopeConfig &rope_;
    std::string prefix_;
    HuggingFaceConfig &out_;
};

} // namespace

void read_hugging_face_rope(const json::Reader &config, const std::string &prefix, uint32_t head_dim,
                            HuggingFaceConfig &out) {
    const RopeConfig rope(config);
    Writer write(rope, prefix, out);
    const double base = rope.checked("rope_theta", out.architecture->rope_base, 1, 1e12);
    const auto dims = static_cast<uint32_t>(head_dim * rope.checked("partial_rotary_factor", 1, 0, 1));
    if (dims < 2 || dims % 2 != 0)
        rope.wrong("partial_rotary_factor",
                   fmt::format("{} of {} elements of a head are rotated, expected an even number", dims, head_dim));
    write.number("freq_base", base);
    write.whole("dimension_count", dims);
    if (const auto local = rope.local_base()) write.number("freq_base_swa", *local);

    const std::string type = rope.settings().get_string("rope_type", rope.settings().get_string("type", "default"));
    if (type == "linear")
        write.linear();
    else if (type == "llama3")
        write.llama3(base, dims);
    else if (type == "yarn")
        write.yarn();
    else if (type == "longrope" || type == "su")
        write.longrope(dims);
    else if (type != "default" && type != "dynamic") // The latter changes nothing within the context that was trained.
        fail(QUANT_ERR_UNSUPPORTED,
             "{}: rope scaling \"{}\" is not supported; expected default, dynamic, linear, llama3, yarn or longrope",
             config.name(), printable(type));
}

} // namespace quant
