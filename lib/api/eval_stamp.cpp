// What was measured on a variant, and how it was made, in the variant's own file, so that
// it travels with it. Other software passes over the keys.
#include "api/catalog_service.h"
#include "base/error.h"
#include "catalog/catalog_rows.h"
#include "container/gguf_rewrite.h"
#include "container/stamp_keys.h"
#include "kernel/activations.h"

#include <quant/version.h>

#include <cmath>
#include <cstring>

namespace quant::api {

namespace {

// Appends keys below one prefix; what is not known is left out.
class Stamper {
public:
    Stamper(Metadata &metadata, std::string_view prefix) : metadata_(metadata), prefix_(prefix) {}

    void text(const char *key, const std::string &value) {
        if (!value.empty()) metadata_.set(prefix_ + key, MetadataValue(value));
    }
    void number(const char *key, double value) {
        if (std::isfinite(value)) metadata_.set(prefix_ + key, MetadataValue(value));
    }
    void count(const char *key, uint64_t value) { metadata_.set(prefix_ + key, MetadataValue(value)); }

private:
    Metadata &metadata_;
    std::string prefix_;
};

struct RealKey {
    const char *key;
    double quant_eval_result::*member;
};
constexpr RealKey real_keys[] = {
    {"ppl", &quant_eval_result::ppl},           {"ppl_se", &quant_eval_result::ppl_se},
    {"base_ppl", &quant_eval_result::base_ppl}, {"base_ppl_se", &quant_eval_result::base_ppl_se},
    {"ln_ratio", &quant_eval_result::ln_ratio}, {"ln_ratio_se", &quant_eval_result::ln_ratio_se},
    {"kld_mean", &quant_eval_result::kld_mean}, {"kld_se", &quant_eval_result::kld_se},
    {"kld_median", &quant_eval_result::kld_median}, {"kld_p99", &quant_eval_result::kld_p99},
    {"kld_p999", &quant_eval_result::kld_p999}, {"kld_max", &quant_eval_result::kld_max},
    {"top1", &quant_eval_result::top1},         {"top1_se", &quant_eval_result::top1_se},
    {"dp_mean", &quant_eval_result::dp_mean},   {"dp_rms", &quant_eval_result::dp_rms},
};

struct BaseOfStamp {
    std::string name, digest;
};

void stamp_measurement(Metadata &metadata, const BaseOfStamp &base, const std::string &text_name,
                       const quant_eval_result &r) {
    erase_keys_below(metadata, eval_stamp_prefix);
    Stamper stamp(metadata, eval_stamp_prefix);
    stamp.text("base", base.name);
    stamp.text("base_digest", base.digest);
    stamp.text("text", text_name);
    stamp.text("text_sha256", std::string(r.text_sha256, strnlen(r.text_sha256, sizeof r.text_sha256)));
    stamp.count("context_length", r.context_length);
    stamp.count("chunks", r.chunks);
    stamp.count("tokens", r.tokens);
    for (const RealKey &k : real_keys) stamp.number(k.key, r.*k.member);
    stamp.text("activations", activations_name(checked_activations(r.activations)));
    stamp.text("library_version", quant_version());
    stamp.text("date", rows::now());
}

// Keys that the file has of its own and that the catalog does not know stay.
void stamp_recipe(Metadata &metadata, Catalog &catalog, const VariantRecord &v) {
    if (v.base_id == 0) return;
    Stamper stamp(metadata, recipe_stamp_prefix);
    stamp.text("type", v.type);
    stamp.text("method", v.method);
    stamp.text("calibration_sha256", v.calibration);
    stamp.text("adapters", v.adapters);
    if (v.predicted_kld >= 0) stamp.number("predicted_kld", v.predicted_kld);
    stamp.text("base", v.base);
    stamp.text("base_digest", catalog.load(v.base_id).digest);
    stamp.text("library_version", v.library_version);
}

} // namespace

void stamp_eval(Catalog &catalog, const std::string &text, const std::string &base, const std::string &text_name,
                const quant_eval_result &result, Progress &progress) {
    const Resolved subject = resolve(catalog, text);
    std::optional<VariantRecord> variant;
    if (subject.variant) variant = catalog.load(subject.variant->id);
    // A new digest must not make a stranger's bytes look like those that were recorded.
    if (variant && !unchanged(*variant))
        fail(QUANT_ERR_VERIFY, "{}: the file is not as it was recorded, so that it is not stamped: import it again",
             subject.path.string());
    BaseOfStamp of;
    if (!base.empty()) {
        const Resolved r = resolve(catalog, base);
        of = {r.name.empty() ? r.path.filename().string() : r.name, content_digest(catalog, base, progress)};
    }
    const RewrittenFile file = rewrite_gguf_metadata(
        subject.path,
        [&](Metadata &metadata) {
            stamp_measurement(metadata, of, text_name, result);
            if (variant) stamp_recipe(metadata, catalog, *variant);
        },
        progress);
    if (variant) catalog.replace_file(variant->id, file_record(file.path, file.bytes, file.sha256));
}

} // namespace quant::api
