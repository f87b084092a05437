#include "measurement.h"

#include "failure.h"
#include "local_file.h"
#include "progress_bar.h"

namespace quantctl {

const char *path_or_null(const std::string &path) { return path.empty() ? nullptr : path.c_str(); }

const std::map<std::string, quant_activations> &activations_by_name() {
    static const std::map<std::string, quant_activations> table{{"f32", QUANT_ACTIVATIONS_F32},
                                                                {"int8", QUANT_ACTIVATIONS_INT8}};
    return table;
}

void with_eval_request(const EvalSubject &subject, const EvalOptions &options,
                       const std::function<quant_status(const quant_eval_options &)> &work) {
    auto request = initialized(quant_eval_options_init);
    std::string text;
    if (!subject.text_path.empty()) {
        text = read_file(subject.text_path);
        request.text = text.data();
        request.text_bytes = text.size();
    }
    request.context_length = options.context;
    request.chunks = options.chunks;
    request.activations = activations_by_name().at(options.activations);
    request.key_type = options.key_type;
    request.value_type = options.value_type;
    request.adapters = subject.adapters.uses().data(), request.adapter_count = subject.adapters.uses().size();
    request.base_logits = path_or_null(subject.base_logits);
    request.save_logits = path_or_null(options.save_logits);
    ProgressBar bar("evaluating", "");
    request.progress = ProgressBar::report;
    request.user = &bar;
    const quant_status status = work(request);
    bar.erase();
    const bool about_text = status == QUANT_ERR_ARGUMENT && !subject.text_path.empty();
    check(status, about_text ? "The text is " + subject.text_path + "." : "");
}

quant_eval_result measure(const EvalSubject &subject, const EvalOptions &options) {
    auto result = sized<quant_eval_result>();
    with_eval_request(subject, options, [&](const quant_eval_options &request) {
        return quant_evaluate(subject.model.get(), subject.base_model.get(), &request, &result);
    });
    return result;
}

bool record_measurement(const EvalSubject &subject, const ModelChoice &measured, const quant_eval_result &result) {
    if (!subject.recordable(measured)) return false;
    check(quant_catalog_record_eval(subject.chosen.catalog.get(), measured.name.c_str(),
                                    path_or_null(subject.base.name), subject.text_name.c_str(), &result));
    return true;
}

} // namespace quantctl
