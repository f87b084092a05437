// A model of the catalog as plot and recommend need it: its variants, each with the
// latest of those measurements that may be compared with one another. Losses compare
// only where base, text, tokens, context and activations were the same, so one such
// group is chosen, the one that covers most variants, and the rest is named.
#pragma once

#include "owned_handles.h"

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace quantctl {

/// What two measurements must share to be compared.
struct MeasurementGroup {
    std::string base_digest, text_sha256, activations;
    uint64_t context = 0, tokens = 0;
    auto operator<=>(const MeasurementGroup &) const = default;
};

/// Numbers that are not there are NaN.
struct Measurement {
    MeasurementGroup group;
    std::string base, text, date; ///< Names; RFC 3339.
    double ppl = NAN, ppl_se = NAN, base_ppl = NAN, base_ppl_se = NAN, kld = NAN, kld_se = NAN, kld_p999 = NAN,
           top1 = NAN;
};

struct MeasuredVariant {
    std::string name, label;  ///< "kjv-5m:Q4_K_M", "Q4_K_M".
    std::string type, method; ///< Asked for when it was made; "" for imports.
    std::string base, path;   ///< base "": it is one.
    bool file_missing = false;
    uint64_t bytes = 0;
    double bits_per_weight = NAN;
    double decode_per_second = NAN, prefill_per_second = NAN; ///< Latest on this machine.
    std::vector<Measurement> measurements;                    ///< Latest first; only those with a divergence.
    bool measured = false;                                    ///< In the chosen group.
    Measurement chosen;                                       ///< Its latest there; else all NaN.
    bool on_front = false;                                    ///< Nothing is as small and loses less.
};

struct MeasuredModel {
    std::string name;
    std::vector<MeasuredVariant> variants; ///< Largest first.
    bool has_group = false;
    MeasurementGroup group;
    std::string text, base;                ///< Of the group's latest measurement.
    std::string first_date, last_date;     ///< Of the chosen measurements.
    double base_ppl = NAN, base_ppl_se = NAN;

    std::vector<const MeasuredVariant *> measured() const; ///< Smallest first.
};

/// Throws Failure, exit code 3, where the catalog does not know the model.
MeasuredModel measured_model(quant_catalog *catalog, const std::string &name);

/// A sentence on the variants that have measurements of another group alone, and on
/// those that have none; "" if there are no such.
std::string left_out_sentence(const MeasuredModel &model);

} // namespace quantctl
