#include "api/catalog_service.h"
#include "base/json.h"

#include <algorithm>
#include <cmath>

namespace quant::api {

namespace {

// JSON has no infinity either.
json::value number(double v) { return std::isfinite(v) ? json::value(v) : json::value(nullptr); }
json::value known(double v) { return v < 0 ? json::value(nullptr) : number(v); }

json::array recipe_json(const VariantRecord &v) {
    json::array out;
    for (const RecipeRecord &r : v.recipe)
        out.push_back(json::object{{"tensor", r.tensor}, {"shape", r.shape}, {"encoding", r.encoding},
                                   {"method", r.method}, {"bytes", r.bytes}, {"rmse", known(r.rmse)},
                                   {"relative", known(r.relative)}});
    return out;
}

json::array measurements_json(const std::vector<MeasurementRecord> &measurements) {
    json::array out;
    for (const MeasurementRecord &m : measurements)
        out.push_back(json::object{
            {"date", m.created}, {"base", m.base}, {"base_digest", m.base_digest}, {"variant_digest", m.variant_digest},
            {"text", m.text_name}, {"text_sha256", m.text_sha256}, {"activations", m.activations}, {"library_version", m.library_version},
            {"ctx", m.context_length}, {"chunks", m.chunks}, {"tokens", m.tokens}, {"ppl", number(m.ppl)},
            {"ppl_se", number(m.ppl_se)}, {"base_ppl", number(m.base_ppl)}, {"base_ppl_se", number(m.base_ppl_se)},
            {"ln_ratio", number(m.ln_ratio)}, {"ln_ratio_se", number(m.ln_ratio_se)}, {"kld_mean", number(m.kld_mean)},
            {"kld_se", number(m.kld_se)}, {"kld_median", number(m.kld_median)}, {"kld_p99", number(m.kld_p99)},
            {"kld_p999", number(m.kld_p999)}, {"kld_max", number(m.kld_max)}, {"top1", number(m.top1)},
            {"top1_se", number(m.top1_se)}, {"dp_mean", number(m.dp_mean)}, {"dp_rms", number(m.dp_rms)},
            {"seconds", number(m.seconds)}});
    return out;
}

json::array speeds_json(const std::vector<SpeedRecord> &speeds) {
    json::array out;
    for (const SpeedRecord &s : speeds)
        out.push_back(json::object{{"date", s.created}, {"cpu", s.machine.cpu}, {"cores", s.machine.cores},
                                   {"memory_bytes", s.machine.memory_bytes}, {"machine", s.machine.fingerprint},
                                   {"tier", s.machine.tier}, {"threads", s.threads},
                                   {"prefill_per_second", number(s.prefill_per_second)},
                                   {"decode_per_second", number(s.decode_per_second)},
                                   {"library_version", s.library_version}});
    return out;
}

json::array files_json(const VariantRecord &v) {
    json::array out;
    for (const FileRecord &f : v.files)
        out.push_back(json::object{{"path", f.path}, {"bytes", f.bytes}, {"sha256", f.sha256}});
    return out;
}

// All but files and recipe.
json::object variant_json(const VariantRecord &v, const std::vector<MeasurementRecord> &measurements,
                          const std::vector<SpeedRecord> &speeds) {
    const auto latest = [&](double MeasurementRecord::*value) {
        return measurements.empty() ? json::value(nullptr) : number(measurements.front().*value);
    };
    const auto here = std::find_if(speeds.begin(), speeds.end(), [](const SpeedRecord &s) {
        return s.machine.fingerprint == this_machine().fingerprint;
    });
    const auto speed = [&](double SpeedRecord::*value) {
        return here == speeds.end() ? json::value(nullptr) : number((*here).*value);
    };
    return {
        {"name", v.name()},
        {"model", v.model},
        {"variant", v.variant},
        {"architecture", v.architecture},
        {"path", v.path},
        {"file_missing", file_missing(v)},
        {"parameters", v.parameters},
        {"bytes", v.bytes},
        {"bits_per_weight", number(v.bits_per_weight)},
        {"digest", v.digest},
        {"base", v.base},
        {"ppl", latest(&MeasurementRecord::ppl)},
        {"ppl_se", latest(&MeasurementRecord::ppl_se)},
        {"kld_mean", latest(&MeasurementRecord::kld_mean)},
        {"kld_se", latest(&MeasurementRecord::kld_se)},
        {"top1", latest(&MeasurementRecord::top1)},
        {"decode_per_second", speed(&SpeedRecord::decode_per_second)},
        {"prefill_per_second", speed(&SpeedRecord::prefill_per_second)},
        {"provenance", json::object{{"base", v.base}, {"type", v.type}, {"method", v.method},
                                    {"calibration_sha256", v.calibration.empty() ? json::value(nullptr)
                                                                                 : json::value(v.calibration)},
                                    {"predicted_kld", v.predicted_kld < 0 ? json::value(nullptr)
                                                                          : json::value(v.predicted_kld)},
                                    {"adapters", v.adapters.empty() ? json::value(json::array())
                                                                    : json::parse(v.adapters, "the catalog's adapters")},
                                    {"made_by_library", v.owned || !v.type.empty()},
                                    {"library_version", v.library_version}, {"date", v.created}}},
        {"measurements", measurements_json(measurements)},
        {"speeds", speeds_json(speeds)},
    };
}

} // namespace

std::string show_json(Catalog &catalog, const std::string &name) {
    const Resolved resolved = resolve(catalog, name);
    const VariantRecord v =
        catalog.load(resolved.variant ? resolved.variant->id
                                      : require_variant(catalog, resolved.name.empty() ? name : resolved.name).id);
    json::object out{{"schema_version", 1}};
    const json::object fields = variant_json(v, catalog.measurements(v.id), catalog.speeds(v.id));
    out.insert(fields.begin(), fields.end());
    out["files"] = files_json(v);
    out["recipe"] = recipe_json(v);
    return json::serialize(out);
}

std::string show_model_json(Catalog &catalog, const std::string &name) {
    const std::string model = model_of(catalog, name);
    json::array variants;
    for (const VariantSummary &s : catalog.list(model, this_machine().fingerprint))
        variants.push_back(
            variant_json(s.variant, catalog.measurements(s.variant.id), catalog.speeds(s.variant.id)));
    return json::serialize(json::object{{"schema_version", 1},
                                        {"model", model},
                                        {"machine", this_machine().fingerprint},
                                        {"variants", std::move(variants)}});
}

} // namespace quant::api
