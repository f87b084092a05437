#include "plot_page.h"

#include "markup.h"
#include "plot_style.h"

#include <quant/status.h>

#include <algorithm>

namespace quantctl {

namespace {

std::string loss_words(double value, double se) {
    if (!std::isfinite(value)) return "-";
    return fmt::format("{:.6f}", value) + (std::isfinite(se) ? fmt::format(" ± {:.6f}", se) : "");
}

std::string ppl_words(double value, double se) {
    if (!std::isfinite(value)) return "-";
    return fmt::format("{:.4f}", value) + (std::isfinite(se) ? fmt::format(" ± {:.4f}", se) : "");
}

std::string point_title(const MeasuredVariant &v) {
    return fmt::format("{}: {}, mean KLD {}", v.name, human_bytes(v.bytes), loss_words(v.chosen.kld, v.chosen.kld_se));
}

std::string short_digest(const std::string &digest) { return digest.substr(0, 12); }

void figure(Markup &page, const std::string &svg, const std::string &note) {
    page.open("figure").trusted(svg);
    if (!note.empty()) page.open("figcaption").element("p", note, {{"class", "note"}}).close();
    page.close();
}

std::string unlabelled_words(size_t count) {
    if (count == 0) return "";
    return fmt::format(" {} {} no label, for lack of room; the table has {}.", count,
                       count == 1 ? "point bears" : "points bear", count == 1 ? "it" : "them");
}

void loss_section(Markup &page, const MeasuredModel &model) {
    const DrawnChart chart = draw_scatter(loss_scatter(model), "");
    page.element("h2", "Loss against size");
    figure(page, chart.svg,
           "Mean Kullback-Leibler divergence from the base, nats a token, with its standard error; lower and further "
           "left is better. The line joins the variants that no other beats in both; the paler ones are beaten." +
               unlabelled_words(chart.unlabelled));
    if (const std::string left_out = left_out_sentence(model); !left_out.empty())
        page.element("p", left_out, {{"class", "note"}});
}

void tensor_section(Markup &page, const std::string &shown, const HeatMap &map) {
    page.element("h2", "Error by tensor");
    if (map.svg.empty()) {
        page.element("p", shown.empty() ? "No variant has a recipe that tells the error of its tensors."
                                        : shown + " has no recipe that tells the error of its tensors.");
        return;
    }
    std::string note = fmt::format(
        "{}: error of the weights of each tensor, relative to their size (root mean square), as its recipe "
        "tells; a row is a role, a column a layer. The largest is {:.3g}, of {}.",
        shown, map.largest, map.worst);
    if (map.unchanged != 0) note += fmt::format(" {} tensors have none or tell none.", map.unchanged);
    figure(page, map.svg, note);
}

void speed_section(Markup &page, const MeasuredModel &model) {
    page.element("h2", "Speed against size");
    const Scatter scatter = speed_scatter(model);
    if (scatter.points.empty()) {
        page.element("p", "No variant has been timed on this machine.");
        return;
    }
    const DrawnChart chart = draw_scatter(scatter, "");
    figure(page, chart.svg,
           "Tokens generated a second on this machine, as timed last." + unlabelled_words(chart.unlabelled));
}

void table_row(Markup &page, const MeasuredModel &model, const MeasuredVariant &v) {
    const bool base = v.name == model.base;
    const double ppl = base ? model.base_ppl : v.chosen.ppl, ppl_se = base ? model.base_ppl_se : v.chosen.ppl_se;
    page.open("tr", {{"class", v.on_front ? "front" : "other"}});
    page.element("td", v.label + (base ? " (base)" : v.on_front ? " \u25cf" : ""));
    for (const std::string &cell :
         {v.method.empty() ? std::string("-") : v.method, fixed_or_dash(v.bits_per_weight, 2), human_bytes(v.bytes),
          ppl_words(ppl, ppl_se), loss_words(v.chosen.kld, v.chosen.kld_se), fixed_or_dash(v.chosen.kld_p999, 4),
          fixed_or_dash(v.chosen.top1, 2, 100), fixed_or_dash(v.prefill_per_second, 0),
          fixed_or_dash(v.decode_per_second, 1)})
        page.element("td", cell);
    page.close();
}

void table_section(Markup &page, const MeasuredModel &model) {
    page.element("h2", "All numbers");
    page.open("div", {{"class", "scroll"}, {"tabindex", "0"}, {"role", "region"}, {"aria-label", "All numbers"}});
    page.open("table").open("thead").open("tr");
    for (const char *heading : {"Type", "Method", "Bits/weight", "Size", "PPL", "Mean KLD", "99.9 % KLD", "Top-1 %",
                                "Prompt tok/s here", "Tok/s here"})
        page.element("th", heading, {{"scope", "col"}});
    page.close().close().open("tbody");
    for (const MeasuredVariant &v : model.variants) table_row(page, model, v);
    page.close().close().close();
    page.element("p", "\u25cf: no other variant is as small and loses less. -: not measured, or not measured alike.",
                 {{"class", "note"}});
}

} // namespace

Scatter loss_scatter(const MeasuredModel &model) {
    Scatter chart{model.name + ": loss against size", "mean KLD, nats a token (logarithmic)", true, true, {}};
    for (const MeasuredVariant *v : model.measured())
        chart.points.push_back({v->label, point_title(*v), v->bytes, v->chosen.kld, v->chosen.kld_se, v->on_front});
    return chart;
}

Scatter speed_scatter(const MeasuredModel &model) {
    Scatter chart{model.name + ": speed against size", "tokens generated a second", false, false, {}};
    for (const MeasuredVariant &v : model.variants)
        if (std::isfinite(v.decode_per_second) && v.decode_per_second >= 0)
            chart.points.push_back({v.label,
                                    fmt::format("{}: {}, {:.1f} tokens a second", v.name, human_bytes(v.bytes),
                                                v.decode_per_second),
                                    v.bytes, v.decode_per_second, NAN, v.on_front});
    return chart;
}

std::string measured_how(const MeasuredModel &model) {
    const std::string first = model.first_date.substr(0, 10), last = model.last_date.substr(0, 10);
    return fmt::format("Measured {} on {} (SHA-256 {}), {} tokens scored in contexts of {}, activations in {}, against "
                       "{} (SHA-256 {}), whose perplexity there is {}.",
                       first == last ? "on " + first : "from " + first + " to " + last, model.text,
                       short_digest(model.group.text_sha256), grouped(model.group.tokens), model.group.context,
                       model.group.activations, model.base, short_digest(model.group.base_digest),
                       ppl_words(model.base_ppl, model.base_ppl_se));
}

std::string plot_page(const MeasuredModel &model, const std::string &shown, const HeatMap &tensors) {
    Markup page;
    page.trusted("<!DOCTYPE html>\n").open("html", {{"lang", "en"}});
    page.open("head").leaf("meta", {{"charset", "utf-8"}});
    page.leaf("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
    page.element("title", model.name + ": what its variants lose");
    page.open("style").trusted(chart_style).trusted(page_style).close().close();
    page.open("body").open("main").element("h1", model.name);
    page.element("p", measured_how(model));
    loss_section(page, model);
    tensor_section(page, shown, tensors);
    speed_section(page, model);
    table_section(page, model);
    page.close().element("footer", fmt::format("quantctl {}, from the catalog of this machine.", quant_version()));
    page.close().close();
    return page.str();
}

} // namespace quantctl
