#include "api/plan_document.h"

#include "api/variant_name.h"
#include "base/error.h"
#include "base/json.h"
#include "eval/sensitivity.h"
#include "quantize/budget.h"

#include <algorithm>
#include <cmath>

namespace quant::api {

namespace {

constexpr const char *document_name = "the plan";
constexpr uint64_t document_version = 1;
constexpr uint64_t error_rows = 32, gguf_alignment = 32;

/// What is left of search's divergence by each method, as measured on the two models of
/// docs/quality.md; a prediction is scaled by it, a measurement corrects it.
double typical_share(quant_method method) {
    switch (method) {
    case QUANT_METHOD_ROUND:
        return 1.3;
    case QUANT_METHOD_FEEDBACK:
    case QUANT_METHOD_BEST:
        return 0.55;
    default:
        return 1;
    }
}

// `fixed_bytes` is the file without its matrices, `vector_bytes` the part of it that counts
// as weights.
Budget budget_of(const quant_target &t, const ModelFile &file, uint64_t fixed_bytes, uint64_t vector_bytes) {
    const int given = (t.file_bytes != 0) + (t.bits_per_weight != 0) + (t.max_kld != 0);
    if (given != 1) fail(QUANT_ERR_ARGUMENT, "expected one of a size, bits per weight and a divergence, found {}", given);
    Budget budget{t.file_bytes, 0, t.max_kld};
    if (t.bits_per_weight != 0) {
        if (!(t.bits_per_weight > 0 && t.bits_per_weight <= 64))
            fail(QUANT_ERR_ARGUMENT, "{} bits per weight: expected more than 0 and at most 64", t.bits_per_weight);
        budget.file_bytes = fixed_bytes - vector_bytes + static_cast<uint64_t>(t.bits_per_weight / 8 * static_cast<double>(file.parameters()));
    }
    if (t.max_kld != 0 && !(t.max_kld > 0 && std::isfinite(t.max_kld)))
        fail(QUANT_ERR_ARGUMENT, "a divergence of {}: expected a positive number", t.max_kld);
    return budget;
}

Sensitivities sensitivities(const std::string &path, const quant_target &t) {
    const auto model = Model::open(path);
    Progress progress(t.progress, t.user);
    const auto sequences = calibration_sequences(model->tokenizer(), {t.text, t.text_bytes},
                                                 calibration_context(model->hyperparameters(), 0), t.tokens, 1);
    return measure_sensitivities(model, sequences, progress);
}

uint64_t padded(uint64_t bytes) { return (bytes + gguf_alignment - 1) / gguf_alignment * gguf_alignment; }

std::vector<Choice> choices_of(const ModelFile &file, const std::vector<Sensitivity> &known, double scale) {
    std::vector<Choice> out;
    for (const ModelTensor &tensor : file.tensors()) {
        if (!tensor.role || !role_traits(tensor.role->role).quantizes() || !tensor.source) continue;
        const auto s = std::find_if(known.begin(), known.end(), [&](const auto &k) { return k.tensor == tensor.name; });
        if (s == known.end())
            fail(QUANT_ERR_INTERNAL, "the sensitivity of tensor {} was not measured", tensor.name);
        Choice choice{tensor.name, {}, 0};
        for (const quant_encoding id : candidate_encodings(tensor.cols())) {
            const EncodingTraits &e = encoding_traits(id);
            choice.candidates.push_back({id, padded(encoded_bytes(e, tensor.rows(), tensor.cols())),
                                         scale * s->kld_per_error * relative_error(file, tensor, e, error_rows)});
        }
        out.push_back(std::move(choice));
    }
    return out;
}

QuantizeOptions options_of(const std::vector<Choice> &choices) {
    QuantizeOptions options;
    options.type = document_name;
    for (const Choice &c : choices) options.assignment.emplace_back(c.tensor, c.candidates[c.chosen].encoding);
    return options;
}

} // namespace

std::string search_plan(const std::string &path, const quant_target &t) {
    const auto file = ModelFile::open(path);
    // A target that makes no sense is told before anything is measured.
    budget_of(t, *file, 0, 0);
    const Sensitivities measured = sensitivities(path, t);
    const std::vector<Sensitivity> &known = measured.matrices;
    std::vector<Choice> choices = choices_of(*file, known, typical_share(t.method));
    const Plan first(file, options_of(choices));
    const uint64_t fixed = first.output_bytes() - chosen_bytes(choices);
    const uint64_t vectors = first.tensor_bytes() - std::min(first.tensor_bytes(), chosen_bytes(choices));
    Budget budget = budget_of(t, *file, fixed, vectors);
    budget.activation_kld = measured.activation_kld;
    choose_within(choices, fixed, budget);
    const Plan plan(file, options_of(choices));

    json::array tensors;
    for (const Choice &c : choices) {
        const Candidate &k = c.candidates[c.chosen];
        const auto s = std::find_if(known.begin(), known.end(), [&](const auto &v) { return v.tensor == c.tensor; });
        tensors.push_back(json::object{{"name", c.tensor}, {"encoding", encoding_traits(k.encoding).name},
                                       {"bytes", k.bytes}, {"kld", k.kld}, {"sensitivity", s->kld_per_error}});
    }
    return json::serialize(json::object{{"schema_version", document_version},
                                        {"kind", "libquant plan"},
                                        {"model", file->name()},
                                        {"type", fmt::format("{:.2f}bpw", plan.bits_per_weight())},
                                        {"bits_per_weight", plan.bits_per_weight()},
                                        {"file_bytes", plan.output_bytes()},
                                        {"predicted_kld", chosen_kld(choices) + measured.activation_kld},
                                        {"activation_kld", measured.activation_kld},
                                        {"tensors", std::move(tensors)}});
}

void read_plan_document(std::string_view text, QuantizeOptions &options) {
    const json::value value = json::parse(text, document_name);
    const json::Reader document(value, document_name);
    if (document.get_string("kind", "") != "libquant plan")
        fail(QUANT_ERR_FORMAT, "{}: key kind: expected \"libquant plan\"", document_name);
    if (document.require_uint("schema_version") != document_version)
        fail(QUANT_ERR_FORMAT, "{}: key schema_version: expected {}", document_name, document_version);
    options.type = document.require_string("type");
    if (!is_plan_type(options.type))
        fail(QUANT_ERR_FORMAT, "{}: key type is \"{}\", expected bits per weight such as \"4.25bpw\"", document_name,
             printable(options.type));
    options.predicted_kld = document.get_number("predicted_kld", -1);
    for (const json::value &t : document.require_array("tensors")) {
        const json::Reader tensor(t, document_name);
        options.assignment.emplace_back(tensor.require_string("name"),
                                        encoding_named(tensor.require_string("encoding"), QUANT_ERR_ARGUMENT).id);
    }
    if (options.assignment.empty()) fail(QUANT_ERR_FORMAT, "{}: key tensors: expected at least one", document_name);
}

} // namespace quant::api
