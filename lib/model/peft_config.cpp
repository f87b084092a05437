#include "model/peft_config.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"

#include <algorithm>
#include <cmath>

namespace quant {

namespace {

constexpr uint64_t most_config_bytes = 1 << 20;
constexpr size_t most_exceptions = 4096;

// What tells how the adapter was trained, or what its tensors tell themselves. fan_in_fan_out is how the base's own
// class keeps its matrices; the factors lie the same way with either.
constexpr std::string_view of_no_effect[] = {
    "auto_mapping",   "base_model_name_or_path", "corda_config",   "eva_config",          "exclude_modules",
    "fan_in_fan_out", "inference_mode",          "layers_pattern", "layers_to_transform", "loftq_config",
    "lora_dropout",   "lora_ga_config",          "megatron_core",  "peft_version",        "qalora_group_size",
    "revision",       "target_modules",          "task_type"};

constexpr std::string_view read_here[] = {"alpha_pattern", "bias", "init_lora_weights", "lora_alpha",
                                          "peft_type",     "r",    "rank_pattern",      "use_rslora"};

template <size_t n> bool is_one_of(const std::string_view (&list)[n], std::string_view key) {
    return std::find(std::begin(list), std::end(list), key) != std::end(list);
}

// Null, false, 0 and what is empty ask for nothing.
bool asks_for_nothing(const json::value &v) {
    if (const auto *text = v.if_string()) return text->empty();
    if (const auto *list = v.if_array()) return list->empty();
    if (const auto *object = v.if_object()) return object->empty();
    return v.is_null() || (v.is_bool() && !v.get_bool()) || (v.is_number() && v.to_number<double>() == 0);
}

std::string shown(const json::value &v) { return printable(json::serialize(v), 60); }

[[noreturn]] void refuse(const json::Reader &config, std::string_view key, const json::value &v) {
    fail(QUANT_ERR_UNSUPPORTED, "{}: key \"{}\" is {}, which this version does not do", config.name(), printable(key),
         shown(v));
}

// Ways to begin training that change the base itself: the factors alone are not the adapter then.
void check_beginning(const json::Reader &config) {
    const json::value *v = config.find("init_lora_weights");
    if (!v || v->is_bool()) return;
    const auto *text = v->if_string();
    for (const std::string_view harmless : {"gaussian", "orthogonal", "eva"})
        if (text && std::string_view(*text) == harmless) return;
    fail(QUANT_ERR_UNSUPPORTED,
         "{}: key \"init_lora_weights\" is {}: such an adapter belongs to a base that was changed "
         "when its training began; convert it to a plain LoRA first",
         config.name(), shown(*v));
}

// Nothing that is set may be ignored.
void check_keys(const json::Reader &config) {
    const std::string type = config.require_string("peft_type");
    if (type != "LORA")
        fail(QUANT_ERR_UNSUPPORTED, "{}: key \"peft_type\" is \"{}\": expected \"LORA\"", config.name(),
             printable(type));
    if (const std::string bias = config.get_string("bias", "none"); bias != "none")
        fail(QUANT_ERR_UNSUPPORTED, "{}: key \"bias\" is \"{}\": expected \"none\", since trained biases are not taken",
             config.name(), printable(bias));
    check_beginning(config);
    for (const auto &member : config.raw()) {
        const std::string_view key = member.key();
        if (is_one_of(of_no_effect, key) || is_one_of(read_here, key) || asks_for_nothing(member.value())) continue;
        refuse(config, key, member.value());
    }
}

double checked_alpha(double alpha, const json::Reader &config, std::string_view key) {
    if (!(alpha > 0 && alpha <= most_adapter_alpha))
        fail(QUANT_ERR_FORMAT, "{}: key \"{}\": {} is no sound alpha, expected over 0 to {}", config.name(),
             printable(key), alpha, most_adapter_alpha);
    return alpha;
}

uint64_t checked_rank(uint64_t rank, const json::Reader &config, std::string_view key) {
    if (rank == 0 || rank > most_adapter_rank)
        fail(QUANT_ERR_FORMAT, "{}: key \"{}\": a rank of {}, expected 1 to {}", config.name(), printable(key), rank,
             most_adapter_rank);
    return rank;
}

// Calls use(pattern, key) for each member, whose key is the end of module names or an expression for it.
template <class Use> void each_exception(const json::Reader &config, std::string_view key, const Use &use) {
    if (!config.has(key)) return;
    const json::Reader members = config.require_object(key);
    if (members.raw().size() > most_exceptions)
        fail(QUANT_ERR_LIMIT, "{}: {} entries, expected at most {}", members.name(), members.raw().size(),
             most_exceptions);
    for (const auto &member : members.raw()) {
        const std::string_view name = member.key();
        try {
            use(NamePattern(fmt::format("^(.*\\.)?({})$", name)), members, name);
        } catch (const Error &e) {
            if (e.status() != QUANT_ERR_ARGUMENT) throw;
            fail(QUANT_ERR_FORMAT, "{}: {}", members.name(), e.what());
        }
    }
}

} // namespace

PeftConfig::PeftConfig(const std::filesystem::path &file) {
    const std::string name = printable(file.string(), 4096);
    const json::value document = json::parse(read_text(file, most_config_bytes), name);
    const json::Reader config(document, name);
    check_keys(config);
    rank_ = checked_rank(config.require_uint("r"), config, "r");
    if (!config.has("lora_alpha")) fail(QUANT_ERR_FORMAT, "{}: key \"lora_alpha\" is missing", name);
    alpha_ = checked_alpha(config.get_number("lora_alpha", 0), config, "lora_alpha");
    stabilized_ = config.get_bool("use_rslora", false);
    each_exception(config, "rank_pattern", [&](NamePattern pattern, const json::Reader &members, std::string_view key) {
        const uint64_t rank = checked_rank(members.require_uint(key), members, key);
        ranks_.push_back({std::move(pattern), static_cast<double>(rank)});
    });
    each_exception(config, "alpha_pattern",
                   [&](NamePattern pattern, const json::Reader &members, std::string_view key) {
                       alphas_.push_back({std::move(pattern), checked_alpha(members.get_number(key, 0), members, key)});
                   });
}

double PeftConfig::value_of(const std::vector<Exception> &exceptions, std::string_view module, double usual) {
    for (const Exception &e : exceptions)
        if (e.pattern.matches(module)) return e.value;
    return usual;
}

uint64_t PeftConfig::rank_of(std::string_view module) const {
    return static_cast<uint64_t>(value_of(ranks_, module, static_cast<double>(rank_)));
}

double PeftConfig::alpha_of(std::string_view module) const { return value_of(alphas_, module, alpha_); }

double PeftConfig::factor_of(std::string_view module) const {
    const auto rank = static_cast<double>(rank_of(module));
    return alpha_of(module) / (stabilized_ ? std::sqrt(rank) : rank);
}

} // namespace quant
