// adapter_config.json of a PEFT folder: how large a LoRA's factors are, and by how much their product counts.
#pragma once

#include "text/name_pattern.h"

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

namespace quant {

class PeftConfig {
public:
    /// Throws Error: QUANT_ERR_UNSUPPORTED naming a key that asks for what is not done here, QUANT_ERR_FORMAT naming
    /// one that makes no sense, and as a file that cannot be read.
    explicit PeftConfig(const std::filesystem::path &file);

    /// Of the module "model.layers.0.self_attn.q_proj".
    uint64_t rank_of(std::string_view module) const;
    double alpha_of(std::string_view module) const;
    /// What the product of factors of that rank is multiplied by.
    double factor_of(std::string_view module) const;

private:
    /// For modules whose names end with what the pattern matches; the first that does counts.
    struct Exception {
        NamePattern pattern;
        double value;
    };
    static double value_of(const std::vector<Exception> &exceptions, std::string_view module, double usual);

    uint64_t rank_;
    double alpha_;
    bool stabilized_; ///< The factor is alpha / sqrt(rank), not alpha / rank.
    std::vector<Exception> ranks_, alphas_;
};

/// The largest alpha that is believed.
inline constexpr double most_adapter_alpha = 1e6;
inline constexpr uint64_t most_adapter_rank = 65536;

} // namespace quant
