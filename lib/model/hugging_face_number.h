// Numbers of config.json within what a model may have.
#pragma once

#include "base/error.h"
#include "base/json.h"
#include "model/hyperparameters.h"

namespace quant {

/// Throws Error: QUANT_ERR_MODEL naming file, key and range where `key` is outside it, and what require_uint() throws.
inline uint32_t number_within(const json::Reader &config, const char *key, uint64_t low = 1, uint64_t high = max_width) {
    const uint64_t value = config.require_uint(key);
    if (value < low || value > high)
        fail(QUANT_ERR_MODEL, "{}: key \"{}\": {} is outside {} to {}", config.name(), key, value, low, high);
    return static_cast<uint32_t>(value);
}

} // namespace quant
