#include <quant/catalog.h>

#include "api/catalog_files.h"
#include "api/guard.h"
#include "api/handles.h"
#include "api/variant_name.h"
#include "base/leftovers.h"
#include "base/paths.h"

#include <cmath>
#include <limits>

using namespace quant;
using namespace quant::api;

namespace {

void give(char **out, const std::string &text) {
    if (out) *out = new_string(text);
}

MeasurementRecord measurement(const VariantRecord &v, const quant_eval_result &r, const char *text_name) {
    MeasurementRecord m{};
    m.variant_id = v.id;
    m.variant_digest = v.digest;
    m.text_name = text_name;
    m.text_sha256 = std::string(r.text_sha256, strnlen(r.text_sha256, sizeof r.text_sha256));
    m.activations = activations_name(checked_activations(r.activations));
    m.library_version = quant_version();
    m.context_length = r.context_length, m.chunks = r.chunks, m.tokens = r.tokens;
    m.ppl = r.ppl, m.ppl_se = r.ppl_se, m.base_ppl = r.base_ppl, m.base_ppl_se = r.base_ppl_se;
    m.ln_ratio = r.ln_ratio, m.ln_ratio_se = r.ln_ratio_se;
    m.kld_mean = r.kld_mean, m.kld_se = r.kld_se, m.kld_median = r.kld_median;
    m.kld_p99 = r.kld_p99, m.kld_p999 = r.kld_p999, m.kld_max = r.kld_max;
    m.top1 = r.top1, m.top1_se = r.top1_se, m.dp_mean = r.dp_mean, m.dp_rms = r.dp_rms, m.seconds = r.seconds;
    return m;
}

// What measuring a variant also told about its base: perplexity on the same tokens.
MeasurementRecord measurement_of_base(const MeasurementRecord &m, const VariantRecord &base) {
    constexpr double none = std::numeric_limits<double>::quiet_NaN();
    MeasurementRecord b = m;
    b.variant_id = base.id, b.variant_digest = base.digest;
    b.base_id = 0, b.base.clear(), b.base_digest.clear();
    b.ppl = m.base_ppl, b.ppl_se = m.base_ppl_se;
    for (double MeasurementRecord::*field :
         {&MeasurementRecord::base_ppl, &MeasurementRecord::base_ppl_se, &MeasurementRecord::ln_ratio,
          &MeasurementRecord::ln_ratio_se, &MeasurementRecord::kld_mean, &MeasurementRecord::kld_se,
          &MeasurementRecord::kld_median, &MeasurementRecord::kld_p99, &MeasurementRecord::kld_p999,
          &MeasurementRecord::kld_max, &MeasurementRecord::top1, &MeasurementRecord::top1_se,
          &MeasurementRecord::dp_mean, &MeasurementRecord::dp_rms, &MeasurementRecord::seconds})
        b.*field = none;
    return b;
}

} // namespace

extern "C" {

quant_status quant_catalog_open(quant_catalog **out, const char *path) {
    return guarded([&] {
        require(out, "out");
        *out = nullptr;
        *out = new quant_catalog{Catalog(path ? std::filesystem::path(path) : data_home() / "catalog.db")};
    });
}

void quant_catalog_free(quant_catalog *catalog) { delete catalog; }

quant_status quant_catalog_resolve(quant_catalog *catalog, const char *text, char **out_path, char **out_name) {
    return guarded([&] {
        require(catalog, "catalog"), require(text, "text");
        const Resolved r = resolve(catalog->catalog, text);
        give(out_path, r.path.string());
        if (out_name) *out_name = r.name.empty() ? nullptr : new_string(r.name);
    });
}

quant_status quant_catalog_import(quant_catalog *catalog, const char *path, const char *name,
                                  quant_progress_fn progress, void *user, char **out_name) {
    return guarded([&] {
        require(catalog, "catalog"), require(path, "path");
        Progress p(progress, user);
        give(out_name, import_file(catalog->catalog, path, name ? name : "", p).name());
    });
}

quant_status quant_catalog_output_path(quant_catalog *catalog, const char *source, const char *type, char **out_path) {
    return guarded([&] {
        require(catalog, "catalog"), require(source, "source"), require(type, "type"), require(out_path, "out_path");
        *out_path = new_string(output_path(catalog->catalog, source, type).string());
    });
}

quant_status quant_catalog_add_variant(quant_catalog *catalog, const char *source, const quant_plan *plan,
                                       const char *output, quant_progress_fn progress, void *user, char **out_name) {
    return guarded([&] {
        require(catalog, "catalog"), require(source, "source"), require(plan, "plan"), require(output, "output");
        Progress p(progress, user);
        give(out_name, add_variant(catalog->catalog, "", source, plan->plan, output, p).name());
    });
}

quant_status quant_catalog_named_path(quant_catalog *catalog, const char *name, const char *type, char **out_path) {
    return guarded([&] {
        require(catalog, "catalog"), require(name, "name"), require(type, "type"), require(out_path, "out_path");
        *out_path = new_string(named_path(catalog->catalog, name, type).string());
    });
}

quant_status quant_catalog_add_named_variant(quant_catalog *catalog, const char *name, const char *source,
                                             const quant_plan *plan, const char *output, quant_progress_fn progress,
                                             void *user, char **out_name) {
    return guarded([&] {
        require(catalog, "catalog"), require(name, "name"), require(plan, "plan"), require(output, "output");
        require_name(name);
        Progress p(progress, user);
        give(out_name, add_variant(catalog->catalog, name, source ? source : "", plan->plan, output, p).name());
    });
}

quant_status quant_catalog_copy(quant_catalog *catalog, const char *source, const char *name, char **out_name) {
    return guarded([&] {
        require(catalog, "catalog"), require(source, "source"), require(name, "name");
        give(out_name, copy_variant(catalog->catalog, source, name).name());
    });
}

quant_status quant_catalog_adopt(quant_catalog *catalog, const char *path, const char *name,
                                 quant_progress_fn progress, void *user, char **out_name) {
    return guarded([&] {
        require(catalog, "catalog"), require(path, "path"), require(name, "name");
        Progress p(progress, user);
        give(out_name, adopt_file(catalog->catalog, path, name, p).name());
    });
}

quant_status quant_catalog_clean(quant_catalog *catalog, uint32_t *out_removed) {
    return guarded([&] {
        require(catalog, "catalog");
        const uint32_t removed = remove_leftovers(models_folder(catalog->catalog));
        if (out_removed) *out_removed = removed;
    });
}

quant_status quant_catalog_remove(quant_catalog *catalog, const char *name, uint32_t flags, uint32_t *out_removed) {
    return guarded([&] {
        require(catalog, "catalog"), require(name, "name");
        if (flags & ~uint32_t{QUANT_REMOVE_KEEP_FILE})
            fail(QUANT_ERR_ARGUMENT, "flags {:#x}: expected QUANT_REMOVE_KEEP_FILE only", flags);
        const uint32_t removed = remove_named(catalog->catalog, name, (flags & QUANT_REMOVE_KEEP_FILE) != 0);
        if (out_removed) *out_removed = removed;
    });
}

quant_status quant_catalog_eval_text(quant_catalog *catalog, const char *name_or_path, char **out_path,
                                     int32_t *out_own) {
    return guarded([&] {
        require(catalog, "catalog"), require(name_or_path, "name_or_path"), require(out_path, "out_path");
        bool own = false;
        *out_path = new_string(text_of(catalog->catalog, name_or_path, evaluation_text, own).string());
        if (out_own) *out_own = own;
    });
}

quant_status quant_catalog_calibration_text(quant_catalog *catalog, const char *name_or_path, char **out_path,
                                            int32_t *out_own) {
    return guarded([&] {
        require(catalog, "catalog"), require(name_or_path, "name_or_path"), require(out_path, "out_path");
        bool own = false;
        *out_path = new_string(text_of(catalog->catalog, name_or_path, calibration_text, own).string());
        if (out_own) *out_own = own;
    });
}

quant_status quant_catalog_base(quant_catalog *catalog, const char *name, char **out_name) {
    return guarded([&] {
        require(catalog, "catalog"), require(name, "name"), require(out_name, "out_name");
        const VariantRecord v = require_variant(catalog->catalog, name);
        if (v.base_id == 0) fail(QUANT_ERR_NOT_FOUND, "{} was not made from another variant", v.name());
        *out_name = new_string(v.base);
    });
}

quant_status quant_catalog_record_eval(quant_catalog *catalog, const char *name, const char *base,
                                       const char *text_name, const quant_eval_result *result) {
    return guarded([&] {
        require(catalog, "catalog"), require(name, "name"), require(text_name, "text_name");
        require(result, "result");
        const VariantRecord v = require_variant(catalog->catalog, name);
        MeasurementRecord m = measurement(v, read_struct(result, quant_eval_result{}, "result"), text_name);
        if (base) {
            const VariantRecord b = require_variant(catalog->catalog, base);
            m.base_id = b.id, m.base = b.name(), m.base_digest = b.digest;
            if (std::isfinite(m.base_ppl)) catalog->catalog.add_measurement(measurement_of_base(m, b));
        }
        catalog->catalog.add_measurement(m);
    });
}

quant_status quant_catalog_stamp(quant_catalog *catalog, const char *name_or_path, const char *base,
                                 const char *text_name, const quant_eval_result *result, quant_progress_fn progress,
                                 void *user) {
    return guarded([&] {
        require(catalog, "catalog"), require(name_or_path, "name_or_path"), require(text_name, "text_name");
        require(result, "result");
        Progress p(progress, user);
        stamp_eval(catalog->catalog, name_or_path, base ? base : "", text_name,
                   read_struct(result, quant_eval_result{}, "result"), p);
    });
}

quant_status quant_catalog_record_bench(quant_catalog *catalog, const char *name, const quant_bench_result *result) {
    return guarded([&] {
        require(catalog, "catalog"), require(name, "name"), require(result, "result");
        const quant_bench_result r = read_struct(result, quant_bench_result{}, "result");
        SpeedRecord s{};
        s.variant_id = require_variant(catalog->catalog, name).id;
        s.machine = this_machine();
        s.threads = r.threads;
        s.prefill_per_second = r.prefill_per_second;
        s.decode_per_second = r.decode_per_second;
        s.library_version = quant_version();
        catalog->catalog.add_speed(s);
    });
}

quant_status quant_catalog_list(quant_catalog *catalog, const char *filter, quant_variant_list **out) {
    return guarded([&] {
        require(catalog, "catalog"), require(out, "out");
        *out = nullptr;
        auto list = std::make_unique<quant_variant_list>();
        const std::string text = filter ? filter : "";
        const std::string model = text.substr(0, text.find(':'));
        const std::string only = text.find(':') == std::string::npos ? "" : require_variant(catalog->catalog, text).name();
        for (VariantSummary &s : catalog->catalog.list(model, this_machine().fingerprint)) {
            std::string name = s.variant.name();
            if (!only.empty() && name != only) continue;
            const bool missing = file_missing(s.variant);
            list->rows.push_back({std::move(s), std::move(name), missing});
        }
        if (list->rows.empty() && filter) require_variant(catalog->catalog, text);
        *out = list.release();
    });
}

size_t quant_variant_list_count(const quant_variant_list *list) { return list ? list->rows.size() : 0; }

quant_status quant_variant_list_get(const quant_variant_list *list, size_t index, quant_variant_info *info) {
    return guarded([&] {
        require(list, "list");
        if (index >= list->rows.size())
            fail(QUANT_ERR_ARGUMENT, "there is no variant {}: there are {}", index, list->rows.size());
        const quant_variant_list::Row &row = list->rows[index];
        const VariantSummary &s = row.summary;
        const VariantRecord &v = s.variant;
        quant_variant_info value{};
        value.name = row.name.c_str();
        value.model = v.model.c_str();
        value.variant = v.variant.c_str();
        value.architecture = v.architecture.c_str();
        value.base = v.base.c_str();
        value.path = v.path.c_str();
        value.file_missing = row.missing;
        value.parameters = v.parameters;
        value.bytes = v.bytes;
        value.bits_per_weight = v.bits_per_weight;
        value.ppl = s.ppl, value.ppl_se = s.ppl_se, value.kld_mean = s.kld_mean, value.kld_se = s.kld_se;
        value.top1 = s.top1;
        value.decode_per_second = s.decode_per_second, value.prefill_per_second = s.prefill_per_second;
        write_struct(info, value, "info");
    });
}

void quant_variant_list_free(quant_variant_list *list) { delete list; }

quant_status quant_catalog_show(quant_catalog *catalog, const char *name, char **out_json) {
    return guarded([&] {
        require(catalog, "catalog"), require(name, "name"), require(out_json, "out_json");
        *out_json = new_string(show_json(catalog->catalog, name));
    });
}

quant_status quant_catalog_show_model(quant_catalog *catalog, const char *name, char **out_json) {
    return guarded([&] {
        require(catalog, "catalog"), require(name, "name"), require(out_json, "out_json");
        *out_json = new_string(show_model_json(catalog->catalog, name));
    });
}

} // extern "C"
