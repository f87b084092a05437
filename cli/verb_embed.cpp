// quantctl embed: texts to embeddings, one a line or as JSON.
#include "failure.h"
#include "local_file.h"
#include "model_opening.h"
#include "numbers.h"
#include "output.h"
#include "owned_handles.h"
#include "progress_bar.h"
#include "verb.h"

#include <algorithm>
#include <iterator>
#include <map>

namespace quantctl {

namespace {

struct EmbedOptions {
    std::string model, file, pooling = "default";
    std::string text; ///< The first.
    std::vector<std::string> texts;
    bool from_file = false, no_normalize = false, no_special = false, truncate = false, as_json = false;
    uint32_t dimensions = 0;
    OpenChoice open;
};

const std::map<std::string, quant_pooling> poolings = {{"default", QUANT_POOLING_DEFAULT},
                                                       {"none", QUANT_POOLING_NONE},
                                                       {"mean", QUANT_POOLING_MEAN},
                                                       {"last", QUANT_POOLING_LAST},
                                                       {"cls", QUANT_POOLING_CLS}};

/// The lines of a file, the empty ones left out.
std::vector<std::string> lines_of(const std::string &text) {
    std::vector<std::string> out;
    for (size_t at = 0; at < text.size();) {
        const size_t end = std::min(text.find('\n', at), text.size());
        std::string line = text.substr(at, end - at);
        if (line.ends_with('\r')) line.pop_back();
        if (!line.empty()) out.push_back(std::move(line));
        at = end + 1;
    }
    return out;
}

json::array numbers_of(const float *values, size_t count) {
    json::array out;
    for (size_t i = 0; i < count; i++) out.push_back(values[i]);
    return out;
}

json::object document_of(const quant_embedding &e, const std::string &text) {
    json::array rows;
    for (uint32_t r = 0; r < e.rows; r++)
        rows.push_back(numbers_of(e.values + static_cast<size_t>(r) * e.dimensions, e.dimensions));
    return {{"text", text}, {"tokens", e.tokens}, {"tokens_cut", e.tokens_cut}, {"embeddings", std::move(rows)}};
}

void put_lines(const quant_embedding &e) {
    std::string line;
    for (uint32_t r = 0; r < e.rows; r++) {
        line.clear();
        for (uint32_t d = 0; d < e.dimensions; d++)
            fmt::format_to(std::back_inserter(line), "{}{}", d ? " " : "", e.values[static_cast<size_t>(r) * e.dimensions + d]);
        put(line + "\n");
    }
}

void embed(const EmbedOptions &o) {
    if (o.from_file == !o.texts.empty()) usage_error("embed: expected texts, or --file F, and not both");
    const std::vector<std::string> texts = o.from_file ? lines_of(read_file(o.file)) : o.texts;
    if (texts.empty()) usage_error("embed: the file has no text");
    const ModelHandle model = open_model(path_of_model(o.model), o.open);
    std::vector<quant_embedding_input> inputs;
    for (const std::string &text : texts) inputs.push_back({text.data(), text.size(), nullptr, 0});
    auto options = initialized(quant_embedding_options_init);
    options.pooling = poolings.at(o.pooling);
    options.normalize = !o.no_normalize;
    options.dimensions = o.dimensions;
    options.truncate = o.truncate;
    if (o.no_special) options.text_flags = 0;
    EmbeddingsHandle embeddings;
    {
        ProgressBar bar("embedding", " tokens", 1);
        options.progress = ProgressBar::report, options.user = &bar;
        check(quant_model_embed(Out(embeddings), model.get(), inputs.data(), inputs.size(), &options));
    }
    json::array all;
    for (size_t i = 0; i < texts.size(); i++) {
        auto e = sized<quant_embedding>();
        check(quant_embeddings_get(embeddings.get(), i, &e));
        if (e.tokens_cut) warn("text {} lost its last {} tokens", i, e.tokens_cut);
        if (o.as_json) all.push_back(document_of(e, texts[i]));
        else put_lines(e);
    }
    if (o.as_json) print_json(json::object{{"schema_version", schema_version}, {"model", o.model}, {"texts", std::move(all)}});
}

} // namespace

Action add_embed(CLI::App &app) {
    auto o = std::make_shared<EmbedOptions>();
    app.add_option("MODEL", o->model, "A name of the catalog, or a model")->required();
    CLI::Option *text = app.add_option("TEXT", o->text, "Texts, any number of them");
    app.allow_extras(); // As texts: an option of many would take "[a,b]" for two.
    CLI::Option *file = app.add_option("--file", o->file, "A text on each line of this file; - for standard input")->type_name("F");
    app.add_option("--pooling", o->pooling, "How states become an embedding: default, none, mean, last or cls")
        ->check(CLI::IsMember({"default", "none", "mean", "last", "cls"}))
        ->type_name("HOW");
    add_count(app, "--dimensions", o->dimensions, 1, "Keep only the first N, for models trained so");
    app.add_flag("--no-normalize", o->no_normalize, "Leave the length of embeddings as it is");
    app.add_flag("--no-special", o->no_special, "Add no special tokens, and take those in the text as text");
    app.add_flag("--truncate", o->truncate, "Cut off the end of texts that are too long, with a warning");
    add_open_options(app, o->open);
    app.add_flag("--json", o->as_json, "One JSON document");
    return [o, file, text, &app] {
        o->from_file = file->count() > 0;
        if (text->count()) o->texts = {o->text};
        for (const std::string &more : app.remaining()) {
            if (more.starts_with("--")) usage_error("embed: there is no option {}", more);
            o->texts.push_back(more);
        }
        embed(*o);
    };
}

} // namespace quantctl
