// The page of quantctl plot: charts, what was measured, and a table of all numbers, in
// one HTML file that needs nothing else.
#pragma once

#include "measured_model.h"
#include "output.h"
#include "plot_heat_map.h"
#include "plot_scatter.h"

#include <string>

namespace quantctl {

/// Loss against bytes for the variants measured alike.
Scatter loss_scatter(const MeasuredModel &model);

/// Tokens generated a second against bytes, for those timed on this machine.
Scatter speed_scatter(const MeasuredModel &model);

/// `shown`: the variant whose tensors the heat map shows; `tensors` its map.
std::string plot_page(const MeasuredModel &model, const std::string &shown, const HeatMap &tensors);

/// What the measurements were: text, base, context, dates; one sentence.
std::string measured_how(const MeasuredModel &model);

} // namespace quantctl
