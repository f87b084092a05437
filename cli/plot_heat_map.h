// Relative error of each tensor of a variant, from its recipe: a row for each role, a
// column for each layer.
#pragma once

#include "output.h"

#include <string>

namespace quantctl {

struct HeatMap {
    std::string svg;      ///< "" where the recipe tells no error.
    size_t tensors = 0;   ///< Drawn.
    size_t unchanged = 0; ///< Without an error, so not drawn.
    double largest = 0;   ///< Relative error of the darkest cell.
    std::string worst;    ///< Its tensor.
};

/// From a document of quant_catalog_show().
HeatMap draw_heat_map(const json::object &document, const std::string &title);

} // namespace quantctl
