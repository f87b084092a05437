// What a verb is. Each verb_*.cpp declares its options on a subcommand and returns
// what to do once the command line has been read; main.cpp holds the table.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>

namespace quantctl {

using Action = std::function<void()>;

struct Verb {
    const char *name;
    const char *group;
    const char *summary;
    const char *example; ///< Without "quantctl ".
    Action (*add)(CLI::App &app);
};

Action add_bench(CLI::App &app);
Action add_convert(CLI::App &app);
Action add_decode(CLI::App &app);
Action add_detokenize(CLI::App &app);
Action add_doctor(CLI::App &app);
Action add_embed(CLI::App &app);
Action add_encode(CLI::App &app);
Action add_eval(CLI::App &app);
Action add_imatrix(CLI::App &app);
Action add_import(CLI::App &app);
Action add_list(CLI::App &app);
Action add_logits(CLI::App &app);
Action add_merge(CLI::App &app);
Action add_pin(CLI::App &app);
Action add_plot(CLI::App &app);
Action add_ps(CLI::App &app);
Action add_quantize(CLI::App &app);
Action add_recommend(CLI::App &app);
Action add_render(CLI::App &app);
Action add_rm(CLI::App &app);
Action add_run(CLI::App &app);
Action add_serve(CLI::App &app);
Action add_show(CLI::App &app);
Action add_stop(CLI::App &app);
Action add_tensor(CLI::App &app);
Action add_tensors(CLI::App &app);
Action add_tokenize(CLI::App &app);
Action add_types(CLI::App &app);

} // namespace quantctl
