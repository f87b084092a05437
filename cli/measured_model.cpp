#include "measured_model.h"

#include "failure.h"
#include "json_fields.h"

#include <algorithm>
#include <limits>
#include <map>

namespace quantctl {

namespace {

Measurement read_measurement(const json::object &row) {
    Measurement m;
    m.group = {text_of(member(row, "base_digest")), text_of(member(row, "text_sha256")),
               text_of(member(row, "activations")), count_of(member(row, "ctx")), count_of(member(row, "tokens"))};
    m.base = text_of(member(row, "base"));
    m.text = text_of(member(row, "text"));
    m.date = text_of(member(row, "date"));
    const std::pair<const char *, double *> numbers[] = {
        {"ppl", &m.ppl},       {"ppl_se", &m.ppl_se}, {"base_ppl", &m.base_ppl}, {"base_ppl_se", &m.base_ppl_se},
        {"kld_mean", &m.kld},  {"kld_se", &m.kld_se}, {"kld_p999", &m.kld_p999}, {"top1", &m.top1}};
    for (const auto &[key, value] : numbers) *value = number_of(member(row, key));
    return m;
}

MeasuredVariant read_variant(const json::object &row) {
    MeasuredVariant v;
    v.name = text_of(member(row, "name"));
    v.label = text_of(member(row, "variant"));
    v.base = text_of(member(row, "base"));
    v.path = text_of(member(row, "path"));
    const json::value &missing = member(row, "file_missing");
    v.file_missing = missing.is_bool() && missing.get_bool();
    v.bytes = count_of(member(row, "bytes"));
    v.bits_per_weight = number_of(member(row, "bits_per_weight"));
    v.decode_per_second = number_of(member(row, "decode_per_second"));
    v.prefill_per_second = number_of(member(row, "prefill_per_second"));
    if (const json::value &provenance = member(row, "provenance"); provenance.is_object()) {
        v.type = text_of(member(provenance.get_object(), "type"));
        v.method = text_of(member(provenance.get_object(), "method"));
    }
    for (const json::object *m : rows_of(row, "measurements")) {
        Measurement measurement = read_measurement(*m);
        if (std::isfinite(measurement.kld)) v.measurements.push_back(std::move(measurement));
    }
    return v;
}

// The group of most variants; of several the one measured last.
void choose_group(MeasuredModel &model) {
    struct Count {
        size_t variants = 0;
        std::string last;
    };
    std::map<MeasurementGroup, Count> counts;
    for (const MeasuredVariant &v : model.variants) {
        std::vector<MeasurementGroup> seen;
        for (const Measurement &m : v.measurements) {
            Count &count = counts[m.group];
            count.last = std::max(count.last, m.date);
            if (std::find(seen.begin(), seen.end(), m.group) != seen.end()) continue;
            seen.push_back(m.group);
            count.variants++;
        }
    }
    const auto best = std::max_element(counts.begin(), counts.end(), [](const auto &a, const auto &b) {
        return std::tie(a.second.variants, a.second.last) < std::tie(b.second.variants, b.second.last);
    });
    if (best == counts.end()) return;
    model.has_group = true;
    model.group = best->first;
}

void take_group(MeasuredModel &model) {
    for (MeasuredVariant &v : model.variants) {
        const auto latest = std::find_if(v.measurements.begin(), v.measurements.end(),
                                         [&](const Measurement &m) { return m.group == model.group; });
        if (latest == v.measurements.end()) continue;
        v.measured = true;
        v.chosen = *latest;
        if (model.first_date.empty() || latest->date < model.first_date) model.first_date = latest->date;
        if (model.last_date.empty() || latest->date >= model.last_date) {
            model.last_date = latest->date;
            model.text = latest->text, model.base = latest->base;
            model.base_ppl = latest->base_ppl, model.base_ppl_se = latest->base_ppl_se;
        }
    }
}

// From the smallest up: a point is on the front if it loses less than all before it. Of
// equal sizes the one that loses least comes first.
void mark_front(MeasuredModel &model) {
    std::vector<MeasuredVariant *> order;
    for (MeasuredVariant &v : model.variants)
        if (v.measured) order.push_back(&v);
    std::sort(order.begin(), order.end(), [](const MeasuredVariant *a, const MeasuredVariant *b) {
        return std::tie(a->bytes, a->chosen.kld, a->name) < std::tie(b->bytes, b->chosen.kld, b->name);
    });
    double least = std::numeric_limits<double>::infinity();
    for (MeasuredVariant *v : order) {
        v->on_front = v->chosen.kld < least;
        least = std::min(least, v->chosen.kld);
    }
}

std::string joined(const std::vector<std::string> &words) {
    std::string out;
    for (const std::string &word : words) out += (out.empty() ? "" : ", ") + word;
    return out;
}

// How a measurement of another group differs from the chosen one, first difference first.
std::string difference(const Measurement &m, const MeasurementGroup &group) {
    if (m.group.text_sha256 != group.text_sha256) return "on " + m.text;
    if (m.group.base_digest != group.base_digest) return "against another base";
    if (m.group.context != group.context) return fmt::format("in contexts of {}", m.group.context);
    if (m.group.activations != group.activations) return "with activations in " + m.group.activations;
    return fmt::format("over {} tokens", m.group.tokens);
}

} // namespace

std::vector<const MeasuredVariant *> MeasuredModel::measured() const {
    std::vector<const MeasuredVariant *> out;
    for (const MeasuredVariant &v : variants)
        if (v.measured) out.push_back(&v);
    std::sort(out.begin(), out.end(), [](const MeasuredVariant *a, const MeasuredVariant *b) {
        return std::tie(a->bytes, a->name) < std::tie(b->bytes, b->name);
    });
    return out;
}

MeasuredModel measured_model(quant_catalog *catalog, const std::string &name) {
    StringHandle text;
    check(quant_catalog_show_model(catalog, name.c_str(), Out(text)));
    const json::object document = parse_document(text.get());
    MeasuredModel model;
    model.name = text_of(member(document, "model"));
    for (const json::object *row : rows_of(document, "variants")) model.variants.push_back(read_variant(*row));
    choose_group(model);
    if (model.has_group) take_group(model);
    mark_front(model);
    return model;
}

std::string left_out_sentence(const MeasuredModel &model) {
    std::vector<std::string> otherwise, never;
    for (const MeasuredVariant &v : model.variants) {
        if (v.measured) continue;
        if (!v.measurements.empty())
            otherwise.push_back(fmt::format("{} ({})", v.label, difference(v.measurements.front(), model.group)));
        else if (v.name != model.base)
            never.push_back(v.label);
    }
    std::string out;
    if (!otherwise.empty()) out = "Left out, since they were measured otherwise: " + joined(otherwise) + ".";
    if (!never.empty()) out += (out.empty() ? "" : " ") + ("Not measured yet: " + joined(never) + ".");
    return out;
}

} // namespace quantctl
