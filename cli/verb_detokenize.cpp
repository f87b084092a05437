// quantctl detokenize: token ids to exactly the bytes they stand for.
#include "failure.h"
#include "local_file.h"
#include "model_choice.h"
#include "numbers.h"
#include "output.h"
#include "verb.h"

namespace quantctl {

namespace {

struct DetokenizeOptions {
    std::string model, ids;
    bool skip_special = false;
};

void detokenize(const DetokenizeOptions &options) {
    const std::vector<int32_t> ids = parse_ids("IDS", options.ids == "-" ? read_file("-") : options.ids);
    TokenizerHandle tokenizer;
    check(quant_tokenizer_open(Out(tokenizer), path_of_model(options.model).c_str()));
    StringHandle text;
    size_t bytes = 0;
    check(quant_detokenize(tokenizer.get(), ids.data(), ids.size(), options.skip_special ? QUANT_TEXT_SKIP_SPECIAL : 0,
                           Out(text), &bytes));
    put(std::string_view(text.get(), bytes));
    if (stdout_is_terminal()) put("\n");
}

} // namespace

Action add_detokenize(CLI::App &app) {
    auto o = std::make_shared<DetokenizeOptions>();
    app.add_option("MODEL", o->model, "A name of the catalog, a model, or a tokenizer file")->required();
    app.add_option("IDS", o->ids, "1,2,3 or a JSON array; - for standard input")->required();
    app.add_flag("--skip-special", o->skip_special, "Leave special tokens out");
    return [o] { detokenize(*o); };
}

} // namespace quantctl
