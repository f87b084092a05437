// Whether and how much a model reasons before it answers, where its chat template leaves that open. Templates do by
// variables that have become usual: enable_thinking or thinking, and reasoning_effort.
#pragma once

#include "generation_job.h"

#include <optional>
#include <string>

namespace quantd {

/// What a chat template can be told: quant_reasoning_info.
struct ThinkingAbilities {
    bool can_switch = false; ///< On and off.
    bool has_levels = false; ///< "low", "medium", "high".
    bool always = false;     ///< Its prompt begins reasoning, whatever it is told.

    bool any() const { return can_switch || has_levels || always; }
};
ThinkingAbilities thinking_abilities(const quant_model *model);

/// What a client wants of it.
struct ThinkingWish {
    bool on = true;
    std::string level = {}; ///< "": no word of it.
};

/// Sets the template's variables in `spec`. Throws ApiError (400) where the model cannot.
void apply_thinking(const Resident &resident, const ThinkingWish &wish, GenerationSpec &spec);

} // namespace quantd
