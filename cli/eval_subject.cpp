#include "eval_subject.h"

#include "failure.h"

#include <filesystem>

namespace quantctl {

namespace {

ModelChoice choose(const EvalSubject &subject, const std::string &text) {
    quant_catalog *catalog = subject.chosen.catalog.get();
    return catalog ? choose_model(catalog, text) : ModelChoice{text, ""};
}

// What the catalog says that a variant was made from; an empty path if it says nothing.
ModelChoice base_of(const EvalSubject &subject, const ModelChoice &variant) {
    if (variant.name.empty()) return {};
    StringHandle name;
    quant_catalog *catalog = subject.chosen.catalog.get();
    const quant_status status = quant_catalog_base(catalog, variant.name.c_str(), Out(name));
    if (status == QUANT_ERR_NOT_FOUND) return {};
    check(status);
    return choose_model(catalog, text_or_empty(name));
}

void choose_base(EvalSubject &subject, const EvalOptions &options) {
    if (!options.base_logits.empty()) {
        subject.base_logits = options.base_logits;
        return;
    }
    if (!options.base.empty()) {
        subject.base = choose(subject, options.base);
        return;
    }
    subject.base = base_of(subject, subject.chosen.model);
    if (subject.base.path.empty() && subject.has_against()) subject.base = base_of(subject, subject.against);
}

void choose_text(EvalSubject &subject, const EvalOptions &options) {
    subject.text_path = options.tasks.empty() ? options.text : options.tasks;
    // The tokens that logits are of are the ones to score.
    if (subject.text_path.empty() && !subject.base_logits.empty()) return;
    if (subject.text_path.empty()) {
        if (!subject.chosen.catalog) usage_error("--text is needed where there is no catalog");
        StringHandle path;
        int32_t own = 0;
        check(quant_catalog_eval_text(subject.chosen.catalog.get(), subject.chosen.model.title().c_str(), Out(path),
                                      &own),
              "Give one with --text FILE.");
        subject.text_path = text_or_empty(path);
        subject.text_is_foreign = own == 0;
    }
    subject.text_name = std::filesystem::path(subject.text_path).filename().string();
}

} // namespace

EvalSubject choose_eval_subject(const EvalOptions &options) {
    EvalSubject subject;
    subject.chosen = choose_recorded(options.model);
    if (!options.against.empty()) subject.against = choose(subject, options.against);
    subject.of_weights = options.of_weights();
    choose_base(subject, options);
    choose_text(subject, options);
    subject.model = open_model(subject.chosen.model.path, options.open);
    subject.adapters = OpenedAdapters(subject.model.get(), options.adapters);
    if (subject.has_against()) subject.against_model = open_model(subject.against.path, options.open);
    if (!subject.base.path.empty()) subject.base_model = open_model(subject.base.path, options.open);
    return subject;
}

} // namespace quantctl
