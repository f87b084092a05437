// How the next token is chosen: each number of quant_sampling with its range, for options and for /set alike.
#pragma once

#include "owned_handles.h"

#include <span>
#include <string>
#include <variant>

namespace quantctl {

struct SamplingField {
    const char *name;   ///< As in quant_sampling and at /set.
    const char *option; ///< "--top-p"
    std::variant<float quant_sampling::*, uint32_t quant_sampling::*, uint64_t quant_sampling::*> member;
    double low, high;
    bool over_low; ///< `low` itself is out of range.
    const char *help;
};

std::span<const SamplingField> sampling_fields();

/// Whether it may have a fraction.
bool is_real(const SamplingField &field);
/// "from 0 to 100", "over 0, to 1", "of 0 or more"
std::string range_words(const SamplingField &field);
/// The number, as few digits as tell it apart.
std::string value_words(const SamplingField &field, const quant_sampling &sampling);
/// Set it from what a user wrote; a usage error calls it `what` and has its range.
void set_value(quant_sampling &sampling, const SamplingField &field, const std::string &what, const std::string &text);

} // namespace quantctl
