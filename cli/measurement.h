// Measuring a model as quantctl eval does, and recording it.
#pragma once

#include "eval_subject.h"

#include <functional>
#include <map>
#include <string>

namespace quantctl {

const char *path_or_null(const std::string &path);

/// What --activations may be.
const std::map<std::string, quant_activations> &activations_by_name();

/// Run `work` with a request filled from the options, its text read, and a progress bar;
/// throws Failure where it fails.
void with_eval_request(const EvalSubject &subject, const EvalOptions &options,
                       const std::function<quant_status(const quant_eval_options &)> &work);

quant_eval_result measure(const EvalSubject &subject, const EvalOptions &options);

/// True if the catalog took it.
bool record_measurement(const EvalSubject &subject, const ModelChoice &measured, const quant_eval_result &result);

} // namespace quantctl
