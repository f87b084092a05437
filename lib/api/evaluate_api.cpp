#include <quant/evaluate.h>

#include "api/adapter_list.h"
#include "api/guard.h"
#include "api/handles.h"
#include "eval/choice_tasks.h"
#include "eval/perplexity.h"
#include "eval/speed.h"

using namespace quant;
using namespace quant::api;

namespace {

quant_eval_options default_eval_options() {
    quant_eval_options o{};
    o.size = sizeof o;
    o.activations = QUANT_ACTIVATIONS_INT8;
    o.key_type = o.value_type = QUANT_F32;
    return o;
}

quant_task_options default_task_options() {
    quant_task_options o{};
    o.size = sizeof o;
    o.activations = QUANT_ACTIVATIONS_INT8;
    return o;
}

quant_bench_options default_bench_options() {
    quant_bench_options o{};
    o.size = sizeof o;
    o.prompt_tokens = 256;
    o.decode_tokens = 32;
    o.rounds = 3;
    o.sequences = 1;
    o.key_type = generating_kv_types.keys;
    o.value_type = generating_kv_types.values;
    return o;
}

// Before long work, so that its results have somewhere to go.
template <class T>
void check_result(const T *result, const char *name) {
    require(result, name);
    check_size<T>(result->size, name, "set it to sizeof the struct first");
}

} // namespace

extern "C" {

void quant_eval_options_init(quant_eval_options *options, size_t size) {
    init_struct(options, size, default_eval_options());
}

quant_status quant_evaluate(const quant_model *model, const quant_model *base, const quant_eval_options *options,
                            quant_eval_result *result) {
    return guarded([&] {
        require(model, "model"), require(options, "options"), check_result(result, "result");
        const quant_eval_options o = read_struct(options, default_eval_options(), "options");
        const AdapterSet adapters = adapters_of(o.adapters, o.adapter_count, "options.adapters");
        write_struct(result, evaluate(model->model, base ? base->model.get() : nullptr, o, adapters), "result");
    });
}

quant_status quant_compare(const quant_model *model, const quant_model *against, const quant_model *base,
                           const quant_eval_options *options, quant_eval_result *model_result,
                           quant_eval_result *against_result, quant_comparison *comparison) {
    return guarded([&] {
        require(model, "model"), require(against, "against"), require(options, "options");
        check_result(model_result, "model_result"), check_result(against_result, "against_result");
        check_result(comparison, "comparison");
        const quant_eval_options o = read_struct(options, default_eval_options(), "options");
        const AdapterSet adapters = adapters_of(o.adapters, o.adapter_count, "options.adapters");
        const Compared c = compare(model->model, against->model, base ? base->model.get() : nullptr, o, adapters);
        write_struct(model_result, c.model, "model_result");
        write_struct(against_result, c.against, "against_result");
        write_struct(comparison, c.comparison, "comparison");
    });
}

void quant_task_options_init(quant_task_options *options, size_t size) {
    init_struct(options, size, default_task_options());
}

quant_status quant_evaluate_tasks(const quant_model *model, const quant_model *base, const quant_task_options *options,
                                  quant_task_result *result) {
    return guarded([&] {
        require(model, "model"), require(options, "options"), check_result(result, "result");
        const quant_task_options o = read_struct(options, default_task_options(), "options");
        write_struct(result, evaluate_tasks(model->model, base ? base->model.get() : nullptr, o), "result");
    });
}

void quant_bench_options_init(quant_bench_options *options, size_t size) {
    init_struct(options, size, default_bench_options());
}

quant_status quant_bench(const quant_model *model, const quant_bench_options *options, quant_bench_result *result) {
    return guarded([&] {
        require(model, "model"), require(result, "result");
        write_struct(result, measure_speed(model->model, read_struct(options, default_bench_options(), "options")),
                     "result");
    });
}

} // extern "C"
