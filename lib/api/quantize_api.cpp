#include <quant/quantize.h>

#include "api/guard.h"
#include "api/handles.h"
#include "api/plan_document.h"
#include "base/progress.h"

using namespace quant;
using namespace quant::api;

namespace {

quant_quantize_options default_quantize_options() {
    quant_quantize_options o{};
    o.size = sizeof o;
    return o;
}

quant_target default_target() {
    quant_target t{};
    t.size = sizeof t;
    t.tokens = 4096;
    return t;
}

quant_importance_options default_importance_options() {
    quant_importance_options o{};
    o.size = sizeof o;
    return o;
}

QuantizeOptions read_options(const quant_quantize_options &given) {
    QuantizeOptions o;
    if (given.plan_json) {
        if (given.type) fail(QUANT_ERR_ARGUMENT, "both options.type and options.plan_json are given");
        read_plan_document(given.plan_json, o);
    } else {
        require(given.type, "options.type");
        o.type = given.type;
    }
    o.method = given.method;
    if (given.importance_path) o.importance_path = given.importance_path;
    if (given.calibration_bytes != 0) require(given.calibration_text, "options.calibration_text");
    if (given.calibration_text) o.calibration_text.assign(given.calibration_text, given.calibration_bytes);
    o.calibration_tokens = given.calibration_tokens;
    if (given.moments_path) o.moments_path = given.moments_path;
    o.keep_floats = given.keep_floats != 0, o.exact = given.exact != 0;
    for (size_t i = 0; i < given.adapter_count; i++) {
        require(given.adapters, "options.adapters");
        require(given.adapters[i].path, "the path of an adapter");
        o.adapters.emplace_back(given.adapters[i].path, given.adapters[i].scale);
    }
    for (size_t i = 0; i < given.override_count; i++) {
        require(given.overrides, "options.overrides");
        require(given.overrides[i].pattern, "an override's pattern");
        require(given.overrides[i].encoding, "an override's encoding");
        o.overrides.emplace_back(given.overrides[i].pattern, given.overrides[i].encoding);
    }
    return o;
}

} // namespace

extern "C" {

size_t quant_type_count(void) { return type_mixes().size(); }

quant_status quant_type_get(size_t index, quant_type_info *info) {
    return guarded([&] {
        if (index >= type_mixes().size())
            fail(QUANT_ERR_ARGUMENT, "there is no type {}: there are {}", index, type_mixes().size());
        const TypeMix &m = type_mixes()[index];
        write_struct(info,
                     {sizeof *info, m.name, m.summary, m.encoding, encoding_traits(m.encoding).bits_per_weight()},
                     "info");
    });
}

size_t quant_checkpoint_type_count(void) { return checkpoint_kinds().size(); }

quant_status quant_checkpoint_type_get(size_t index, quant_checkpoint_type *type) {
    return guarded([&] {
        const auto kinds = checkpoint_kinds();
        if (index >= kinds.size())
            fail(QUANT_ERR_ARGUMENT, "there is no kind of checkpoint {}: there are {}", index, kinds.size());
        const CheckpointKind &k = kinds[index];
        write_struct(type, {sizeof *type, k.name, k.form, k.summary}, "type");
    });
}

void quant_quantize_options_init(quant_quantize_options *options, size_t size) {
    init_struct(options, size, default_quantize_options());
}

void quant_importance_options_init(quant_importance_options *options, size_t size) {
    init_struct(options, size, default_importance_options());
}

quant_status quant_importance_gather(const char *path, const quant_importance_options *options, const char *output) {
    return guarded([&] {
        require(path, "path"), require(options, "options"), require(output, "output");
        const auto o = read_struct(options, default_importance_options(), "options");
        require(o.text, "options.text");
        if (o.format < QUANT_IMPORTANCE_GGUF || o.format > QUANT_IMPORTANCE_MOMENTS)
            fail(QUANT_ERR_ARGUMENT, "options.format {}: expected one of quant_importance_format",
                 static_cast<int>(o.format));
        Progress progress(o.progress, o.user);
        const std::string_view text(o.text, o.text_bytes);
        const std::string name = o.text_name ? o.text_name : "";
        if (o.format == QUANT_IMPORTANCE_MOMENTS)
            return write_moments_of(path, text, name, o.context_length, o.tokens, output, progress);
        write_importance_of(path, text, name, o.context_length, o.tokens, static_cast<ImportanceFormat>(o.format),
                            output, progress);
    });
}

void quant_target_init(quant_target *target, size_t size) {
    init_struct(target, size, default_target());
}

quant_status quant_plan_search(const char *path, const quant_target *target, char **out_json) {
    return guarded([&] {
        require(path, "path"), require(target, "target"), require(out_json, "out_json");
        *out_json = nullptr;
        const quant_target t = read_struct(target, default_target(), "target");
        require(t.text, "target.text");
        *out_json = new_string(search_plan(path, t));
    });
}

quant_status quant_plan_new(quant_plan **out, const char *path, const quant_quantize_options *options) {
    return guarded([&] {
        require(out, "out");
        *out = nullptr;
        require(path, "path"), require(options, "options");
        const QuantizeOptions o = read_options(read_struct(options, default_quantize_options(), "options"));
        if (o.assignment.empty()) Plan::require_type(o.type); // A wrong name is told before any file is read.
        auto plan = std::make_unique<quant_plan>(quant_plan{Plan(ModelFile::open(path), o), {}});
        for (const PlannedTensor &t : plan->plan.tensors())
            plan->source_types.push_back(t.source->source ? t.source->source->type_name : "none");
        *out = plan.release();
    });
}

void quant_plan_free(quant_plan *plan) { delete plan; }

quant_status quant_plan_get_summary(const quant_plan *plan, quant_plan_summary *summary) {
    return guarded([&] {
        require(plan, "plan");
        const Plan &p = plan->plan;
        write_struct(summary,
                     {sizeof *summary, p.type().c_str(), p.tensors().size(), p.parameters(),
                      p.source().container().file_bytes(), p.output_bytes(), p.bits_per_weight(), p.fallbacks(),
                      p.requantizes(), p.predicted_kld(), p.relaid(), p.makes_folder()},
                     "summary");
    });
}

quant_status quant_plan_get_tensor(const quant_plan *plan, size_t index, quant_plan_tensor *tensor) {
    return guarded([&] {
        require(plan, "plan");
        const auto &tensors = plan->plan.tensors();
        if (index >= tensors.size())
            fail(QUANT_ERR_ARGUMENT, "there is no tensor {}: there are {}", index, tensors.size());
        const PlannedTensor &t = tensors[index];
        quant_plan_tensor value{};
        value.name = t.source->name.c_str();
        value.source_name = t.source->source ? t.source->source->name.c_str() : "";
        value.source_type = plan->source_types[index].c_str();
        value.dims = static_cast<uint32_t>(std::min(t.source->shape.size(), std::size(value.shape)));
        std::copy_n(t.source->shape.begin(), value.dims, value.shape);
        value.encoding = t.encoding;
        value.fallback = t.fallback;
        value.method = t.method;
        value.bytes = t.bytes;
        value.rmse = t.rmse;
        value.relative = t.relative;
        value.relaid = t.relaid;
        write_struct(tensor, value, "tensor");
    });
}

quant_status quant_plan_run(quant_plan *plan, const char *output, quant_progress_fn progress, void *user) {
    return guarded([&] {
        require(plan, "plan"), require(output, "output");
        Progress p(progress, user);
        plan->plan.run(output, p);
    });
}

} // extern "C"
