// quantctl tokenize: text to a JSON array of token ids.
#include "failure.h"
#include "local_file.h"
#include "model_choice.h"
#include "output.h"
#include "verb.h"

namespace quantctl {

namespace {

struct TokenizeOptions {
    std::string model, file, text;
    bool from_file = false, from_text = false, no_special = false, as_json = false;
};

std::vector<int32_t> ids_of(const quant_tokenizer *tokenizer, const std::string &text, uint32_t flags) {
    // A token is seldom shorter than a byte, so that once is nearly always enough.
    std::vector<int32_t> ids(text.size() + 16);
    size_t count = 0;
    quant_status status = quant_tokenize(tokenizer, text.data(), text.size(), flags, ids.data(), ids.size(), &count);
    if (status == QUANT_ERR_LIMIT && count > ids.size()) {
        ids.resize(count);
        status = quant_tokenize(tokenizer, text.data(), text.size(), flags, ids.data(), ids.size(), &count);
    }
    check(status);
    ids.resize(count);
    return ids;
}

void tokenize(const TokenizeOptions &options) {
    if (options.from_file == options.from_text) usage_error("tokenize: expected one of --file F and --text T");
    const std::string text = options.from_file ? read_file(options.file) : options.text;
    TokenizerHandle tokenizer;
    check(quant_tokenizer_open(Out(tokenizer), path_of_model(options.model).c_str()));
    const uint32_t flags = options.no_special ? 0 : QUANT_TEXT_ADD_SPECIAL | QUANT_TEXT_PARSE_SPECIAL;
    std::string line = "[";
    for (const int32_t id : ids_of(tokenizer.get(), text, flags)) {
        if (line.size() > 1) line += ", ";
        line += fmt::format_int(id).str();
    }
    put(line + "]\n");
}

} // namespace

Action add_tokenize(CLI::App &app) {
    auto o = std::make_shared<TokenizeOptions>();
    app.add_option("MODEL", o->model, "A name of the catalog, a model, or a tokenizer file")->required();
    CLI::Option *file = app.add_option("--file", o->file, "Text from this file; - for standard input")->type_name("F");
    CLI::Option *text = app.add_option("--text", o->text, "Text")->type_name("T");
    app.add_flag("--no-special", o->no_special, "Add no special tokens, and take those in the text as text");
    app.add_flag("--json", o->as_json, "Accepted for uniformity: the output is JSON anyway");
    return [o, file, text] {
        o->from_file = file->count() > 0;
        o->from_text = text->count() > 0;
        tokenize(*o);
    };
}

} // namespace quantctl
