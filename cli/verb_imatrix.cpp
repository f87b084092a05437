// quantctl imatrix: run a text through a model and keep how large what goes into each
// matrix is, in a file that llama.cpp's tools read as well.
#include "calibration.h"
#include "failure.h"
#include "interrupt.h"
#include "model_choice.h"
#include "numbers.h"
#include "output.h"
#include "progress_bar.h"
#include "verb.h"

namespace quantctl {

namespace {

struct Options {
    std::string model, text, output, format = "auto";
    uint32_t context = 0;
    uint64_t tokens = 0;
    bool as_json = false;
};

quant_importance_format format_of(const Options &options) {
    if (options.format == "gguf") return QUANT_IMPORTANCE_GGUF;
    if (options.format == "dat") return QUANT_IMPORTANCE_LEGACY;
    if (options.format == "moments") return QUANT_IMPORTANCE_MOMENTS;
    return options.output.ends_with(".dat") ? QUANT_IMPORTANCE_LEGACY : QUANT_IMPORTANCE_GGUF;
}

const char *format_name(quant_importance_format format) {
    return format == QUANT_IMPORTANCE_GGUF ? "gguf" : format == QUANT_IMPORTANCE_LEGACY ? "dat" : "moments";
}

void imatrix(const Options &options) {
    const std::string path = path_of_model(options.model);
    const CalibrationText text = read_calibration_text(options.text, options.model);
    auto request = initialized(quant_importance_options_init);
    request.text = text.bytes.data();
    request.text_bytes = text.bytes.size();
    request.text_name = text.name.c_str();
    request.context_length = options.context;
    request.tokens = options.tokens;
    request.format = format_of(options);
    ProgressBar bar("gathering", "");
    request.progress = ProgressBar::report;
    request.user = &bar;
    const interrupt::Cooperative cooperative;
    const quant_status status = quant_importance_gather(path.c_str(), &request, options.output.c_str());
    bar.erase();
    if (status == QUANT_ERR_CANCELLED) throw Failure(interrupt::exit_code(), "interrupted; nothing was written");
    check(status);
    if (options.as_json)
        return print_json({{"schema_version", schema_version},
                           {"model", path},
                           {"text", text.path},
                           {"output", options.output},
                           {"format", format_name(request.format)}});
    print("The statistics of {} on {} are in {}\n", bold(harmless(options.model)), harmless(text.name),
          harmless(options.output));
    print("Use them: quantctl quantize {} TYPE {} {}\n", harmless(options.model),
          request.format == QUANT_IMPORTANCE_MOMENTS ? "--method best --moments" : "--imatrix", harmless(options.output));
}

} // namespace

Action add_imatrix(CLI::App &app) {
    auto o = std::make_shared<Options>();
    app.add_option("MODEL", o->model, "A name of the catalog, a GGUF file, or a Hugging Face folder")->required();
    app.add_option("--output", o->output, "Write the statistics here")->required()->type_name("FILE");
    app.add_option("--text", o->text, "What to run (default: calibration.txt beside the model, else the shipped text)")
        ->type_name("FILE");
    add_count(app, "--ctx", o->context, 16, "Tokens in a sequence (default: 512, or the model's context if shorter)");
    add_count(app, "--tokens", o->tokens, 1, "At most so many tokens of the text (default: all)");
    app.add_option("--format", o->format, "gguf, dat (the older binary one), moments (whole second-moment matrices, for --method feedback and "
                   "best), or auto: gguf or dat by the name of the file")
        ->check(CLI::IsMember({"auto", "gguf", "dat", "moments"}));
    app.add_flag("--json", o->as_json, "Print a JSON document");
    return [o] { imatrix(*o); };
}

} // namespace quantctl
