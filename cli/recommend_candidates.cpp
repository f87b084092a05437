#include "recommend_candidates.h"

#include "failure.h"
#include "loss_prediction.h"
#include "model_choice.h"
#include "model_opening.h"
#include "output.h"

#include <strings.h>

#include <algorithm>

namespace quantctl {

namespace {

constexpr uint32_t default_context = 4096;
/// The program, its tokenizer and what the library keeps of every tensor.
constexpr uint64_t fixed_overhead = 64'000'000;
/// Of every unit of the embedding's width: activations of a batch of 512 tokens in
/// float32, eight of them, the wider ones of the feed-forward layer counted.
constexpr uint64_t overhead_per_width = 512 * sizeof(float) * 8;

// A word for a shell as it is, or in quotes.
std::string shell_word(const std::string &word) {
    const bool plain = !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               std::string_view("-_./:").find(c) != std::string_view::npos;
    });
    if (plain && word[0] != '-') return word;
    std::string quoted = "'";
    for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return quoted + "'";
}

bool same_word(const std::string &a, const std::string &b) { return ::strcasecmp(a.c_str(), b.c_str()) == 0; }

bool is_type_mix(const std::string &type) {
    for (size_t i = 0; i < quant_type_count(); i++) {
        auto info = sized<quant_type_info>();
        check(quant_type_get(i, &info));
        if (same_word(type, info.name)) return true;
    }
    return false;
}

std::string quantize_command(const std::string &source, const std::string &type, const std::string &method) {
    const bool usual = method.empty() || method == "search" || method == "default";
    return fmt::format("quantctl quantize {} {}{}", shell_word(source), shell_word(type),
                       usual ? "" : " --method " + shell_word(method));
}

class Gathering {
public:
    Gathering(const MeasuredModel &model, const std::string &source, const RunningCost &cost)
        : model_(model), source_(source), cost_(cost), prediction_(model) {}

    // A variant of the catalog. One whose file has gone counts only where it can be made again.
    void add(const MeasuredVariant &v, bool is_base, bool can_make) {
        Candidate c;
        c.name = v.name, c.type = v.label;
        c.exists = !v.file_missing;
        if (!c.exists && (is_base || !can_make || !is_type_mix(v.type))) return;
        c.command = c.exists ? "quantctl run " + shell_word(v.name) : quantize_command(source_, v.type, v.method);
        c.bytes = v.bytes, c.bits_per_weight = v.bits_per_weight;
        if (is_base) c.loss = 0, c.loss_is = Knowledge::base;
        else if (v.measured) c.loss = v.chosen.kld, c.loss_is = Knowledge::measured;
        if (v.decode_per_second > 0) c.speed = v.decode_per_second, c.speed_is = Knowledge::measured;
        finish(c);
    }

    // The base that no catalog knows yet.
    void add_base_file(const std::string &path) {
        const ModelHandle model = open_model(path);
        auto info = sized<quant_model_info>();
        check(quant_model_get_info(model.get(), &info));
        Candidate c;
        c.name = source_, c.type = info.type_name, c.exists = true;
        c.command = "quantctl run " + shell_word(source_);
        c.bytes = info.file_bytes, c.bits_per_weight = info.bits_per_weight;
        c.loss = 0, c.loss_is = Knowledge::base;
        finish(c);
    }

    // Every type mix that would be smaller than its source and that is not there.
    void add_types(const std::string &base_path) {
        for (size_t i = 0; i < quant_type_count(); i++) {
            auto info = sized<quant_type_info>();
            check(quant_type_get(i, &info));
            if (!has_type(info.name)) add_type(base_path, info.name);
        }
    }

    std::vector<Candidate> ranked() {
        std::sort(found_.begin(), found_.end(), [](const Candidate &a, const Candidate &b) {
            return std::tie(a.loss, a.bytes, a.type, a.name) < std::tie(b.loss, b.bytes, b.type, b.name);
        });
        return std::move(found_);
    }

private:
    bool has_type(const std::string &type) const {
        return std::any_of(found_.begin(), found_.end(), [&](const Candidate &c) { return same_word(c.type, type); });
    }

    void add_type(const std::string &base_path, const char *type) {
        auto request = initialized(quant_quantize_options_init);
        request.type = type;
        PlanHandle plan;
        const quant_status status = quant_plan_new(Out(plan), base_path.c_str(), &request);
        if (status == QUANT_ERR_ARGUMENT || status == QUANT_ERR_UNSUPPORTED) return; // It needs data, or does not fit.
        check(status);
        auto summary = sized<quant_plan_summary>();
        check(quant_plan_get_summary(plan.get(), &summary));
        if (summary.output_bytes >= summary.source_bytes) return;
        Candidate c;
        c.type = type;
        c.command = quantize_command(source_, type, "");
        c.bytes = summary.output_bytes, c.bits_per_weight = summary.bits_per_weight;
        finish(c);
    }

    void finish(Candidate &c) {
        c.needed_bytes = c.bytes + cost_.kv_bytes + cost_.overhead_bytes;
        if (c.loss_is == Knowledge::unknown && std::isfinite(c.bits_per_weight))
            c.loss = prediction_.at(c.bits_per_weight), c.loss_is = Knowledge::predicted;
        if (c.speed_is == Knowledge::unknown) predict_speed(c);
        if (!std::isfinite(c.loss)) c.loss = HUGE_VAL;
        found_.push_back(std::move(c));
    }

    // Generation is bound by reading the weights: the speed of the variant nearest in
    // size, in proportion.
    void predict_speed(Candidate &c) const {
        double nearest = HUGE_VAL;
        for (const MeasuredVariant &v : model_.variants) {
            if (!(v.decode_per_second > 0) || v.bytes == 0 || c.bytes == 0) continue;
            const double ratio = static_cast<double>(v.bytes) / static_cast<double>(c.bytes);
            if (std::fabs(std::log(ratio)) >= nearest) continue;
            nearest = std::fabs(std::log(ratio));
            c.speed = v.decode_per_second * ratio, c.speed_is = Knowledge::predicted;
        }
    }

    const MeasuredModel &model_;
    const std::string &source_;
    const RunningCost &cost_;
    LossPrediction prediction_;
    std::vector<Candidate> found_;
};

} // namespace

const char *words_of(Knowledge knowledge) {
    switch (knowledge) {
    case Knowledge::base: return "base";
    case Knowledge::measured: return "measured";
    case Knowledge::predicted: return "predicted";
    default: return "unknown";
    }
}

RunningCost running_cost(const std::string &path, uint32_t context) {
    const ModelHandle model = open_model(path);
    auto info = sized<quant_model_info>();
    check(quant_model_get_info(model.get(), &info));
    RunningCost cost;
    cost.context = context ? context : std::min(default_context, info.context_length);
    if (cost.context > info.context_length)
        warn("--ctx {}: the model was trained for contexts of {}", context, info.context_length);
    if (__builtin_mul_overflow(info.kv_bytes_per_token, uint64_t{cost.context}, &cost.kv_bytes) ||
        cost.kv_bytes > UINT64_MAX / 4)
        usage_error("--ctx {}: the memory for so many tokens cannot be counted in 64 bits", context);
    cost.overhead_bytes = fixed_overhead + overhead_per_width * info.embedding_length;
    return cost;
}

std::string base_name(const MeasuredModel &model) {
    if (model.has_group) return model.base;
    for (const MeasuredVariant &v : model.variants)
        if (v.base.empty()) return v.name;
    return "";
}

std::vector<Candidate> candidates_of(const MeasuredModel &model, const std::string &source,
                                     const std::string &base_path, const RunningCost &cost) {
    Gathering gathering(model, source, cost);
    const bool can_make = !base_path.empty();
    const std::string base = base_name(model);
    for (const MeasuredVariant &v : model.variants) gathering.add(v, v.name == base, can_make);
    if (model.variants.empty() && can_make) gathering.add_base_file(base_path);
    if (can_make) gathering.add_types(base_path);
    return gathering.ranked();
}

} // namespace quantctl
