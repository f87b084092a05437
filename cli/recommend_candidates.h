// What recommend chooses among: the variants there are, and those that could be made,
// each with what it needs and what it loses, measured or predicted.
#pragma once

#include "measured_model.h"

#include <cstdint>
#include <string>
#include <vector>

namespace quantctl {

enum class Knowledge { unknown, base, measured, predicted };

/// "measured", "predicted", "base" or "unknown".
const char *words_of(Knowledge knowledge);

struct Candidate {
    std::string name, type;      ///< "kjv-5m:Q4_K_M", "Q4_K_M"; name "" for one that is to be made.
    std::string command;         ///< To make it, or to run it where it is there.
    uint64_t bytes = 0, needed_bytes = 0;
    double bits_per_weight = NAN;
    double loss = NAN, speed = NAN; ///< Mean divergence; tokens generated a second.
    Knowledge loss_is = Knowledge::unknown, speed_is = Knowledge::unknown;
    bool exists = false;         ///< Its file is there.
};

/// What running a model takes besides its file.
struct RunningCost {
    uint32_t context = 0;
    uint64_t kv_bytes = 0, overhead_bytes = 0;
};

/// `context` 0: 4096 tokens, or the model's own where that is shorter.
RunningCost running_cost(const std::string &path, uint32_t context);

/// The variant that losses are told against: the one they were measured against, or the
/// largest that was not made from another. "" if there is none.
std::string base_name(const MeasuredModel &model);

/// Those in the catalog and those that could be made of `base_path` ("": none), the one
/// that loses least first. `source` is what a user calls the model.
std::vector<Candidate> candidates_of(const MeasuredModel &model, const std::string &source,
                                     const std::string &base_path, const RunningCost &cost);

} // namespace quantctl
