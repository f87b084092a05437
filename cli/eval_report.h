// How quantctl eval says what it measured, to a person and as JSON.
#pragma once

#include "eval_subject.h"
#include "output.h"

namespace quantctl {

/// Two variants on the same tokens.
struct ComparedResults {
    quant_eval_result model, against;
    quant_comparison comparison;
};

void print_result(const EvalSubject &subject, const quant_eval_result &result);
json::object result_json(const EvalSubject &subject, const EvalOptions &options, const quant_eval_result &result);

void print_comparison(const EvalSubject &subject, const ComparedResults &results);
json::object comparison_json(const EvalSubject &subject, const EvalOptions &options, const ComparedResults &results);

void print_tasks(const EvalSubject &subject, const quant_task_result &result);
json::object tasks_json(const EvalSubject &subject, const EvalOptions &options, const quant_task_result &result);

} // namespace quantctl
