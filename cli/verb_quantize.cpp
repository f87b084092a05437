// quantctl quantize.
#include "quantizing.h"
#include "numbers.h"
#include "verb.h"

namespace quantctl {

Action add_quantize(CLI::App &app) {
    auto o = std::make_shared<QuantizeChoice>();
    app.add_option("MODEL", o->model, "A name of the catalog, a GGUF file, or a Hugging Face folder")->required();
    app.add_option("TYPE", o->type, "What to make of it, such as Q4_K_M; see quantctl types");
    app.add_option("--target-size", o->target.size, "Instead of TYPE: the best file of at most this size, such as 4.2G")
        ->type_name("SIZE");
    add_real(app, "--target-bpw", o->target.bits_per_weight, 0, 64, "Instead of TYPE: at most so many bits per weight");
    add_real(app, "--max-kld", o->target.max_kld, 0, 100,
             "Instead of TYPE: the smallest file whose predicted mean KL divergence is at most this");
    app.add_flag("--plan-only", o->target.plan_only,
                 "Show the plan for the target and write it to --output FILE (plan.json); quantize nothing");
    app.add_option("--plan", o->target.plan_file, "Instead of TYPE: carry out a plan that --plan-only wrote")
        ->type_name("FILE");
    add_plan_options(app, *o);
    app.add_option("--output", o->output, "Write the file here, instead of into the catalog's folder")
        ->type_name("FILE");
    add_method_options(app, *o);
    app.add_flag("--no-eval", o->no_eval, "Do not measure what a target or a plan made");
    app.add_flag("--json", o->as_json, "Print a JSON document");
    return [o] { quantize(*o); };
}

} // namespace quantctl
