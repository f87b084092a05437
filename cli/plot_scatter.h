// A chart of points over a size in bytes: loss, or speed. Inline SVG, for a page or a
// file of its own.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace quantctl {

/// All charts are this wide, in the units of their viewBox.
inline constexpr double chart_width = 400;

struct ScatterPoint {
    std::string label, title; ///< Beside the point, and what a pointer on it is told.
    uint64_t bytes = 0;
    double value = 0, error = NAN; ///< error NaN: no bar.
    bool on_front = false;
};

struct Scatter {
    std::string title, value_words; ///< value_words: what the vertical axis counts.
    bool logarithmic = false;
    bool join_front = false;        ///< A line through the points of the front.
    std::vector<ScatterPoint> points;
};

struct DrawnChart {
    std::string svg;
    size_t unlabelled = 0; ///< Points for whose label there was no room.
};

/// `style` is put into the SVG: for a file of its own; "" within a page that has it.
DrawnChart draw_scatter(const Scatter &chart, const char *style);

/// "MB" and 1e6, for sizes up to `largest`.
struct ByteUnit {
    const char *name;
    double bytes;
};
ByteUnit byte_unit(uint64_t largest);

} // namespace quantctl
