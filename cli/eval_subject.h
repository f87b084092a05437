// What quantctl eval works on: the models, what they are compared with, and the text.
#pragma once

#include "adapter_choice.h"
#include "model_choice.h"
#include "model_opening.h"
#include "owned_handles.h"

#include <cstdint>
#include <string>

namespace quantctl {

/// The command line of quantctl eval.
struct EvalOptions {
    std::string model, base, against, text, tasks, base_logits, save_logits, activations = "int8";
    OpenChoice open;
    std::vector<AdapterChoice> adapters; ///< Of the model alone.
    uint32_t chunks = 0, context = 0;
    quant_encoding key_type = QUANT_F32, value_type = QUANT_F32;
    bool as_json = false, no_bench = false, stamp = false;
    /// What is recorded is the loss of the weights alone.
    bool of_weights() const { return key_type == QUANT_F32 && value_type == QUANT_F32 && adapters.empty(); }
};

struct EvalSubject {
    RecordedChoice chosen;
    ModelChoice base;    ///< An empty path: there is none.
    ModelChoice against; ///< Likewise.
    std::string text_path, text_name; ///< Empty where a file of base logits brings the tokens.
    std::string base_logits;          ///< A file in place of a base model; empty: none.
    bool text_is_foreign = false;     ///< Neither the user's nor the model's own.
    bool of_weights = true;           ///< Keys and values are rounded to nothing, and no adapter is attached.
    ModelHandle model, base_model, against_model;
    OpenedAdapters adapters; ///< Of the model.

    bool has_base() const { return !base.path.empty() || !base_logits.empty(); }
    bool has_against() const { return !against.path.empty(); }
    const std::string &base_title() const { return base_logits.empty() ? base.title() : base_logits; }
    /// Whether the catalog can take a measurement of that model.
    bool recordable(const ModelChoice &measured) const {
        return chosen.catalog && of_weights && !measured.name.empty() && base_logits.empty() &&
               (base.path.empty() || !base.name.empty());
    }
};

/// Find models and text; models are opened.
EvalSubject choose_eval_subject(const EvalOptions &options);

} // namespace quantctl
