// Multiple-choice tasks: questions with choices, of which the model picks the one it
// finds likeliest after the question.
#pragma once

#include <quant/evaluate.h>

#include "model/model.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace quant {

struct ChoiceTask {
    std::string question;
    std::vector<std::string> choices; ///< At least two, none empty.
    uint32_t answer = 0;              ///< Index of the right one.
    size_t line = 0;                  ///< Of the file, from 1.
};

/// Lines of {"question": text, "choices": [text, ...], "answer": index}; other members and
/// blank lines are passed over. Throws Error (QUANT_ERR_FORMAT, QUANT_ERR_LIMIT) naming
/// `name` and the line.
std::vector<ChoiceTask> parse_choice_tasks(std::string_view text, std::string_view name);

/// The tokens of one task: each choice after the question.
struct ChoiceTokens {
    std::vector<std::vector<int32_t>> choices;
    uint32_t shared = 0; ///< Leading tokens that all choices have in common with the question alone, at least 1.
};

/// A choice follows its question after one space, unless either brings white space.
/// Throws Error (QUANT_ERR_ARGUMENT) naming `name` and the line.
ChoiceTokens tokenize_choices(const Model &model, const ChoiceTask &task, std::string_view name);

/// What was picked from the log-likelihoods of a task's choices.
struct ChoicePick {
    uint32_t plain;      ///< The largest.
    uint32_t normalized; ///< The largest for each character of the choice.
};
ChoicePick pick_choice(const ChoiceTask &task, const std::vector<double> &log_likelihoods);

/// As quant_evaluate_tasks() says. `base` may be nullptr.
quant_task_result evaluate_tasks(std::shared_ptr<const Model> model, std::shared_ptr<const Model> base,
                                 const quant_task_options &options);

} // namespace quant
