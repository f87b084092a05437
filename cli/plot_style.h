// The texts of the page that are not data.
#pragma once

namespace quantctl {

/// CSS of the charts, for the page and for an SVG file alike.
extern const char *const chart_style;

/// CSS of the page around them.
extern const char *const page_style;

} // namespace quantctl
