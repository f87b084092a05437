// Quantizing a model: a plan, then its execution.
#pragma once

#include "sdk_outcome.h"
#include "sdk_sinks.h"

#include <vector>

namespace quant_sdk {

/// As quant_quantize_options has it; "" is what is not given.
struct QuantizeOptions {
    std::string type, plan_json, importance_path, moments_path, calibration_text;
    int method = QUANT_METHOD_DEFAULT;
    uint64_t calibration_tokens = 0;

    /// Tensors whose name the pattern matches get that encoding; the first that matches wins.
    void add_override(const std::string &pattern, const std::string &encoding) {
        patterns_.push_back(pattern), encodings_.push_back(encoding);
    }

#ifndef SWIG
    std::vector<quant_override> overrides() const {
        std::vector<quant_override> out;
        for (size_t i = 0; i < patterns_.size(); ++i) out.push_back({patterns_[i].c_str(), encodings_[i].c_str()});
        return out;
    }
#endif

private:
    std::vector<std::string> patterns_, encodings_;
};

/// What becomes of every tensor of a model. One thread at a time.
class Plan {
public:
    /// NULL on failure. `path` is of a GGUF file or a Hugging Face folder.
    static Plan *make(const std::string &path, const QuantizeOptions &how, Outcome &outcome) {
        quant_plan *handle = nullptr;
        const bool done = outcome.run([&] {
            const std::vector<quant_override> overrides = how.overrides();
            auto options = initialized(quant_quantize_options_init);
            options.type = or_null(how.type);
            options.plan_json = or_null(how.plan_json);
            options.method = static_cast<quant_method>(how.method);
            options.overrides = overrides.empty() ? nullptr : overrides.data();
            options.override_count = overrides.size();
            options.importance_path = or_null(how.importance_path);
            options.moments_path = or_null(how.moments_path);
            options.calibration_text = or_null(how.calibration_text);
            options.calibration_bytes = how.calibration_text.size();
            options.calibration_tokens = how.calibration_tokens;
            return quant_plan_new(&handle, path.c_str(), &options);
        });
        return done ? new Plan(handle) : nullptr;
    }
    ~Plan() { quant_plan_free(handle_); }
    Plan(const Plan &) = delete;
    Plan &operator=(const Plan &) = delete;

    /// Strings of these are the plan's.
    quant_plan_summary summary(Outcome &outcome) const {
        auto out = sized<quant_plan_summary>();
        outcome.take(quant_plan_get_summary(handle_, &out));
        return out;
    }
    quant_plan_tensor tensor(size_t index, Outcome &outcome) const {
        auto out = sized<quant_plan_tensor>();
        outcome.take(quant_plan_get_tensor(handle_, index, &out));
        return out;
    }
    void run(const std::string &output, ProgressSink *progress, Outcome &outcome) {
        outcome.take(quant_plan_run(handle_, output.c_str(), ProgressSink::of(progress), progress));
    }

#ifndef SWIG
    const quant_plan *handle() const { return handle_; }
#endif

private:
    explicit Plan(quant_plan *handle) : handle_(handle) {}
    quant_plan *handle_;
};

/// The plan document of the least divergence within a target, of which one of the three is not 0.
inline std::string search_plan(const std::string &path, uint64_t file_bytes, double bits_per_weight, double max_kld,
                               int method, const std::string &text, uint64_t tokens, ProgressSink *progress,
                               Outcome &outcome) {
    auto target = initialized(quant_target_init);
    target.file_bytes = file_bytes;
    target.bits_per_weight = bits_per_weight;
    target.max_kld = max_kld;
    target.method = static_cast<quant_method>(method);
    target.text = text.data();
    target.text_bytes = text.size();
    if (tokens) target.tokens = tokens;
    target.progress = ProgressSink::of(progress);
    target.user = progress;
    char *json = nullptr;
    outcome.take(quant_plan_search(path.c_str(), &target, &json));
    return taken(json);
}

} // namespace quant_sdk
