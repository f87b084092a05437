// quantctl convert: into another format, exactly where the numbers allow it.
#include "quantizing.h"
#include "failure.h"
#include "model_choice.h"
#include "local_file.h"
#include "verb.h"

#include <algorithm>

namespace quantctl {

namespace {

void convert(QuantizeChoice choice) {
    if (choice.name.empty()) {
        const size_t colon = choice.type.rfind("gguf:", 0) == 0 ? std::string("gguf:").size() : 0;
        std::string type = choice.type.substr(colon);
        std::replace(type.begin(), type.end(), ':', '-');
        choice.name = name_after(choice.output, type);
    }
    quantize(std::move(choice));
}

} // namespace

Action add_convert(CLI::App &app) {
    auto o = std::make_shared<QuantizeChoice>();
    auto allowed = std::make_shared<bool>(false);
    o->keep_floats = true;
    app.add_option("IN", o->model, "A name of the catalog, a GGUF file, or a Hugging Face folder")->required();
    app.add_option("OUT", o->output, "The file, or the folder, to write; a folder is never replaced")->required();
    app.add_option("--to", o->type,
                   "gguf:Q4_K_M and the like, gptq:4:128, awq, mlx:4:64, w4a16, w8a8, fp8, fp8-block, mxfp4, nvfp4, nf4, "
                   "bitnet, safetensors:bf16; see quantctl types")
        ->type_name("FORMAT")
        ->required();
    app.add_flag("--allow-requantize", *allowed, "Quantize anew what IN has quantized otherwise; losses add up");
    app.add_option("--name", o->name, "Record it as this (default: OUT's name, without type and ending)")
        ->type_name("MODEL[:VARIANT]");
    add_plan_options(app, *o);
    add_method_options(app, *o);
    app.add_flag("--json", o->as_json, "Print a JSON document");
    return [o, allowed] {
        o->exact = !*allowed;
        convert(*o);
    };
}

} // namespace quantctl
