// quantctl plot: what the variants of a model lose, to look at. It reads the catalog
// alone, so that it needs no model and takes no time.
#include "failure.h"
#include "json_fields.h"
#include "local_file.h"
#include "measured_model.h"
#include "model_choice.h"
#include "plot_page.h"
#include "plot_style.h"
#include "verb.h"

#include <strings.h>

namespace quantctl {

namespace {

struct PlotOptions {
    std::string model, output, svg, variant;
    bool as_json = false;
};

bool has_errors(const json::object &document) {
    for (const json::object *row : rows_of(document, "recipe"))
        if (number_of(member(*row, "relative")) > 0) return true;
    return false;
}

json::object shown_document(quant_catalog *catalog, const std::string &name) {
    StringHandle text;
    // A variant whose file has gone cannot be shown, but the others can be plotted.
    if (quant_catalog_show(catalog, name.c_str(), Out(text)) != QUANT_OK) return {};
    return parse_document(text.get());
}

// The variant whose tensors are shown, and what the catalog knows of it.
struct Shown {
    std::string name;
    json::object document;
};

Shown named_variant(quant_catalog *catalog, const MeasuredModel &model, const std::string &wanted) {
    std::string names;
    for (const MeasuredVariant &v : model.variants) {
        for (const std::string &name : {v.name, v.label})
            if (::strcasecmp(name.c_str(), wanted.c_str()) == 0) return {v.name, shown_document(catalog, v.name)};
        names += (names.empty() ? "" : ", ") + v.label;
    }
    throw Failure(exit_not_found, fmt::format("--variant: {} has no variant \"{}\"", model.name, wanted),
                  "Its variants are " + names + ".");
}

// Of those on the front that tell errors, the one that loses least.
Shown best_variant(quant_catalog *catalog, const MeasuredModel &model) {
    std::vector<const MeasuredVariant *> front;
    for (const MeasuredVariant *v : model.measured())
        if (v->on_front) front.push_back(v);
    for (auto v = front.rbegin(); v != front.rend(); ++v) { // Smallest first, so that the least loss is last.
        json::object document = shown_document(catalog, (*v)->name);
        if (has_errors(document)) return {(*v)->name, std::move(document)};
    }
    return {};
}

void write_whole(const std::string &path, const std::string &text) {
    OutputFile file(path);
    file.write(text);
    file.commit();
}

std::string default_output(const PlotOptions &options, const std::string &model) {
    if (!options.output.empty() || !options.svg.empty() || options.as_json) return options.output;
    std::string name;
    for (const char c : model) {
        const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           c == '-' || c == '_' || (c == '.' && !name.empty());
        name += plain ? c : '_';
    }
    return name + ".html";
}

json::object variant_numbers(const MeasuredVariant &v) {
    const Measurement &m = v.chosen;
    return {{"name", v.name},
            {"variant", v.label},
            {"type", v.type},
            {"method", v.method},
            {"bytes", v.bytes},
            {"bits_per_weight", number_or_null(v.bits_per_weight)},
            {"measured", v.measured},
            {"on_front", v.on_front},
            {"ppl", number_or_null(m.ppl)},
            {"ppl_se", number_or_null(m.ppl_se)},
            {"kld_mean", number_or_null(m.kld)},
            {"kld_se", number_or_null(m.kld_se)},
            {"kld_p999", number_or_null(m.kld_p999)},
            {"top1", number_or_null(m.top1)},
            {"decode_per_second", number_or_null(v.decode_per_second)},
            {"prefill_per_second", number_or_null(v.prefill_per_second)}};
}

json::object document_of(const MeasuredModel &model, const std::string &shown, const std::string &html,
                         const std::string &svg) {
    json::array variants;
    for (const MeasuredVariant &v : model.variants) variants.push_back(variant_numbers(v));
    const auto path_or_null = [](const std::string &path) {
        return path.empty() ? json::value(nullptr) : json::value(path);
    };
    return {{"schema_version", schema_version},
            {"model", model.name},
            {"measured",
             {{"text", model.text},
              {"text_sha256", model.group.text_sha256},
              {"base", model.base},
              {"base_digest", model.group.base_digest},
              {"ctx", model.group.context},
              {"tokens", model.group.tokens},
              {"activations", model.group.activations},
              {"first_date", model.first_date},
              {"last_date", model.last_date}}},
            {"left_out", left_out_sentence(model)},
            {"shown", path_or_null(shown)},
            {"html", path_or_null(html)},
            {"svg", path_or_null(svg)},
            {"variants", std::move(variants)}};
}

void tell(const MeasuredModel &model, const std::string &html, const std::string &svg) {
    size_t measured = 0;
    std::string front;
    for (const MeasuredVariant *v : model.measured()) {
        measured++;
        if (v->on_front) front += (front.empty() ? "" : ", ") + v->label;
    }
    print("{}\n", bold(harmless(model.name)));
    print("  measured  {} of {} variants, on {}\n", measured, model.variants.size(), harmless(model.text));
    print("  front     {}\n", harmless(front));
    if (const std::string left_out = left_out_sentence(model); !left_out.empty()) print("  {}\n", harmless(left_out));
    for (const std::string &path : {html, svg})
        if (!path.empty()) print("{} is written.\n", harmless(path));
}

void plot(const PlotOptions &options) {
    const CatalogHandle catalog = open_catalog();
    const MeasuredModel model = measured_model(catalog.get(), options.model);
    if (!model.has_group)
        throw Failure(exit_not_found, fmt::format("no variant of {} has been measured against its base", model.name),
                      fmt::format("To begin: quantctl quantize {0} Q4_K_M && quantctl eval {0}:Q4_K_M", model.name));
    const Shown shown = options.variant.empty() ? best_variant(catalog.get(), model)
                                                : named_variant(catalog.get(), model, options.variant);
    const std::string html = default_output(options, model.name);
    if (!html.empty())
        write_whole(html,
                    plot_page(model, shown.name, draw_heat_map(shown.document, shown.name + ": error by tensor")));
    if (!options.svg.empty()) write_whole(options.svg, draw_scatter(loss_scatter(model), chart_style).svg);
    if (options.as_json) return print_json(document_of(model, shown.name, html, options.svg));
    tell(model, html, options.svg);
}

} // namespace

Action add_plot(CLI::App &app) {
    auto o = std::make_shared<PlotOptions>();
    app.add_option("MODEL", o->model, "A model of the catalog")->required();
    app.add_option("--output", o->output, "The page (default: MODEL.html here, unless --svg or --json is given)")
        ->type_name("FILE.html");
    app.add_option("--svg", o->svg, "Write the chart of loss against size as a picture")->type_name("FILE.svg");
    app.add_option("--variant", o->variant,
                   "Show the tensors of this one (default: what loses least of the best for their size)")
        ->type_name("NAME");
    app.add_flag("--json", o->as_json, "Print the numbers as a JSON document");
    return [o] { plot(*o); };
}

} // namespace quantctl
