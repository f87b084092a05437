// What a checkpoint says of activations, which are not quantized here.
#include "base/log.h"
#include "container/checkpoint_parts.h"

namespace quant {

namespace {

std::string of_groups(const json::Reader &config) {
    if (!config.has("config_groups")) return "";
    for (const auto &[key, value] : config.require_object("config_groups").raw()) {
        const json::Reader group(value, fmt::format("{}: config_groups.{}", config.name(), std::string_view(key)));
        if (!group.has("input_activations")) continue;
        const json::Reader inputs = group.require_object("input_activations");
        return fmt::format("{}-bit {}", inputs.get_uint("num_bits", 8),
                           inputs.get_string("type", "int") == "float" ? "floats" : "whole numbers");
    }
    return "";
}

} // namespace

std::string declared_activations(const json::Reader &config) {
    const std::string method = config.get_string("quant_method", "");
    if (method == "compressed-tensors") return of_groups(config);
    if (method == "fp8" || method == "fbgemm_fp8") return "8-bit floats";
    if (method == "bitnet" || (method == "bitsandbytes" && config.get_bool("load_in_8bit", false)))
        return "8-bit whole numbers";
    return "";
}

void report_activations(const json::Reader &config) {
    if (const std::string kind = declared_activations(config); !kind.empty())
        log(QUANT_LOG_INFO,
            "{}: the model was made for activations rounded to {}; here they stay floats, so that its answers may "
            "differ a little from those of software that rounds them",
            config.name(), kind);
}

} // namespace quant
