// Sizes in a chart are units of its viewBox, which is 400 wide. On a phone of 360 pixels
// a unit is some 0.8 of a pixel, so that text of 13 units is 10.7 pixels there; on a wide
// screen the same text is made smaller in units, to stay that of the page.
#include "plot_style.h"

namespace quantctl {

// Colours are plain values, since not every reader of SVG knows variables.
const char *const chart_style = R"css(
.chart { display: block; width: 100%; height: auto; }
.chart text { fill: #4d5866; font: 14px system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; }
.chart .label, .chart .role {
  fill: #1c2430; font: 13px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace;
}
.chart .label { paint-order: stroke; stroke: #ffffff; stroke-width: 3px; stroke-linejoin: round; }
.chart .paper { fill: #ffffff; }
.chart .grid { stroke: #dde2e8; stroke-width: 1; }
.chart .frame { fill: none; stroke: #4d5866; stroke-width: 1; }
.chart .front-line { fill: none; stroke: #0b5fa5; stroke-width: 2; stroke-linejoin: round; opacity: .6; }
.chart .leader { stroke: #4d5866; stroke-width: .8; }
.chart .bar { fill: none; stroke: #0b5fa5; stroke-width: 1.2; }
.chart .bar.dim { stroke: #7d92a8; opacity: .7; }
.chart .point.front { fill: #0b5fa5; stroke: #0b5fa5; }
.chart .point.dim { fill: #7d92a8; stroke: #7d92a8; opacity: .6; }
.chart .point.hollow { fill: #ffffff; stroke-width: 2; }
.chart .cell, .chart .shade { fill: #b3400e; }
@media screen and (prefers-color-scheme: dark) {
  .chart text { fill: #a3afbd; }
  .chart .label, .chart .role { fill: #e8edf3; }
  .chart .label { stroke: #12171d; }
  .chart .paper, .chart .point.hollow { fill: #12171d; }
  .chart .grid { stroke: #2b333d; }
  .chart .frame, .chart .leader { stroke: #a3afbd; }
  .chart .front-line, .chart .bar, .chart .point.front { stroke: #6cb6ff; }
  .chart .point.front:not(.hollow) { fill: #6cb6ff; }
  .chart .bar.dim, .chart .point.dim { stroke: #7f8fa1; }
  .chart .cell, .chart .shade { fill: #ff8a4c; }
}
@media print {
  .chart * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
)css";

const char *const page_style = R"css(
:root { color-scheme: light dark; --ink: #1c2430; --pale: #5b6675; --line: #dde2e8; --paper: #ffffff; --row: #f4f6f9; }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 1rem; max-width: 48rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; overflow-wrap: anywhere;
}
h1 { font-size: 1.5rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.15rem; line-height: 1.3; margin: 2rem 0 .5rem; }
p { margin: .5rem 0; }
p.note, footer { color: var(--pale); font-size: .875rem; }
figure { margin: 0; max-width: 40rem; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 6px; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; white-space: nowrap; }
th, td { padding: .35rem .6rem; text-align: right; }
th:first-child, td:first-child, th:nth-child(2), td:nth-child(2) { text-align: left; }
th { color: var(--pale); font-weight: 600; border-bottom: 1px solid var(--line); }
tbody tr:nth-child(even) { background: var(--row); }
tr.front td:first-child { font-weight: 700; }
code { font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .85em; }
@media (min-width: 44rem) {
  .chart text { font-size: 10px; }
  .chart .label, .chart .role { font-size: 9.5px; }
}
@media screen and (prefers-color-scheme: dark) {
  :root { --ink: #e8edf3; --pale: #a3afbd; --line: #2b333d; --paper: #12171d; --row: #1a212a; }
}
@page { margin: 1.5cm; }
@media print {
  :root { color-scheme: light; --ink: #000; --pale: #333; --line: #999; --paper: #fff; --row: #fff; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  figure { max-width: 11cm; break-inside: avoid; }
  h2 { break-after: avoid; }
  .scroll { overflow: visible; border: 0; }
  table { font-size: 7.5pt; }
  th, td { padding: .15rem .3rem; }
  tr { break-inside: avoid; }
  .chart text { font-size: 10px; }
}
)css";

} // namespace quantctl
