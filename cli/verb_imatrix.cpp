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

#include <map>

namespace quantctl {

namespace {

struct ImatrixOptions {
    std::string model, text, output, format = "auto";
    uint32_t context = 0;
    uint64_t tokens = 0;
    bool as_json = false;
};

const std::map<std::string, quant_importance_format> formats{{"gguf", QUANT_IMPORTANCE_GGUF},
                                                             {"dat", QUANT_IMPORTANCE_LEGACY},
                                                             {"moments", QUANT_IMPORTANCE_MOMENTS}};

// "auto" goes by the name of the file.
std::string format_of(const ImatrixOptions &options) {
    if (options.format != "auto") return options.format;
    return options.output.ends_with(".dat") ? "dat" : "gguf";
}

void imatrix(const ImatrixOptions &options) {
    const std::string path = path_of_model(options.model);
    const CalibrationText text = read_calibration_text(options.text, options.model);
    auto request = initialized(quant_importance_options_init);
    request.text = text.bytes.data();
    request.text_bytes = text.bytes.size();
    request.text_name = text.name.c_str();
    request.context_length = options.context;
    request.tokens = options.tokens;
    const std::string format = format_of(options);
    request.format = formats.at(format);
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
                           {"format", format}});
    print("The statistics of {} on {} are in {}\n", bold(harmless(options.model)), harmless(text.name),
          harmless(options.output));
    print("Use them: quantctl quantize {} TYPE {} {}\n", harmless(options.model),
          request.format == QUANT_IMPORTANCE_MOMENTS ? "--method best --moments" : "--imatrix", harmless(options.output));
}

} // namespace

Action add_imatrix(CLI::App &app) {
    std::vector<std::string> format_names{"auto"};
    for (const auto &[name, format] : formats) format_names.push_back(name);
    auto o = std::make_shared<ImatrixOptions>();
    app.add_option("MODEL", o->model, "A name of the catalog, a GGUF file, or a Hugging Face folder")->required();
    app.add_option("--output", o->output, "Write the statistics here")->required()->type_name("FILE");
    app.add_option("--text", o->text, "What to run (default: calibration.txt beside the model, else the shipped text)")
        ->type_name("FILE");
    add_count(app, "--ctx", o->context, 16, "Tokens in a sequence (default: 512, or the model's context if shorter)");
    add_count(app, "--tokens", o->tokens, 1, "At most so many tokens of the text (default: all)");
    app.add_option("--format", o->format, "gguf, dat (the older binary one), moments (whole second-moment matrices, for --method feedback "
                   "and best), or auto: gguf or dat by the name of the file")
        ->check(CLI::IsMember(format_names));
    app.add_flag("--json", o->as_json, "Print a JSON document");
    return [o] { imatrix(*o); };
}

} // namespace quantctl
