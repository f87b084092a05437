#include <quant/evaluate.h>

#include "api/guard.h"
#include "api/handles.h"
#include "eval/perplexity.h"
#include "eval/speed.h"

using namespace quant;
using namespace quant::api;

namespace {

quant_eval_options default_eval_options() {
    quant_eval_options o{};
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
    return o;
}

} // namespace

extern "C" {

void quant_eval_options_init(quant_eval_options *options) {
    if (options) *options = default_eval_options();
}

quant_status quant_evaluate(const quant_model *model, const quant_model *base, const quant_eval_options *options,
                            quant_eval_result *result) {
    return guarded([&] {
        require(model, "model"), require(options, "options"), require(result, "result");
        const quant_eval_options o = read_struct(options, default_eval_options(), "options");
        write_struct(result, evaluate(model->model, base ? base->model : nullptr, o), "result");
    });
}

void quant_bench_options_init(quant_bench_options *options) {
    if (options) *options = default_bench_options();
}

quant_status quant_bench(const quant_model *model, const quant_bench_options *options, quant_bench_result *result) {
    return guarded([&] {
        require(model, "model"), require(result, "result");
        write_struct(result, measure_speed(model->model, read_struct(options, default_bench_options(), "options")),
                     "result");
    });
}

} // extern "C"
