// A cell's colour is one colour at an opacity that grows with the error, so that the
// map reads on light and dark paper alike.
#include "plot_heat_map.h"

#include "json_fields.h"
#include "markup.h"
#include "plot_axis.h"
#include "plot_labels.h"
#include "plot_scatter.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

namespace quantctl {

namespace {

constexpr size_t role_limit = 12;
constexpr double left = role_limit * label_character + 8, right = chart_width - 8, top = 24, row_height = 18;
constexpr double widest_cell = 36, cell_gap = 1, legend_height = 40, faintest = 0.06;
constexpr int no_layer = -1;

struct Cell {
    std::string tensor, encoding, method;
    double relative;
};

// "blk.3.ffn_down.weight" is ffn_down of layer 3; what is in no layer has the whole name.
struct Place {
    std::string role;
    int layer = no_layer;
};

Place place_of(std::string_view name) {
    if (name.ends_with(".weight")) name.remove_suffix(7);
    if (!name.starts_with("blk.")) return {std::string(name)};
    const std::string_view rest = name.substr(4);
    int layer = 0;
    const auto [stop, error] = std::from_chars(rest.data(), rest.data() + rest.size(), layer);
    const auto digits = static_cast<size_t>(stop - rest.data());
    if (error != std::errc{} || layer < 0 || digits >= rest.size() || rest[digits] != '.') return {std::string(name)};
    return {std::string(rest.substr(digits + 1)), layer};
}

struct Grid {
    std::vector<std::string> roles; ///< As the file has them.
    std::map<int, size_t> columns;  ///< Layer to its place.
    std::map<std::pair<size_t, int>, Cell> cells;
};

Grid read_grid(const json::object &document, HeatMap &map) {
    Grid grid;
    for (const json::object *row : rows_of(document, "recipe")) {
        const double relative = number_of(member(*row, "relative"));
        if (!(relative > 0) || !std::isfinite(relative)) {
            map.unchanged++;
            continue;
        }
        const Cell cell{text_of(member(*row, "tensor")), text_of(member(*row, "encoding")),
                        text_of(member(*row, "method")), relative};
        const Place place = place_of(cell.tensor);
        auto role = std::find(grid.roles.begin(), grid.roles.end(), place.role);
        if (role == grid.roles.end()) role = grid.roles.insert(role, place.role);
        grid.columns[place.layer] = 0;
        grid.cells[{static_cast<size_t>(role - grid.roles.begin()), place.layer}] = cell;
        if (relative > map.largest) map.largest = relative, map.worst = cell.tensor;
    }
    size_t next = 0;
    for (auto &[layer, column] : grid.columns) column = next++;
    map.tensors = grid.cells.size();
    return grid;
}

double shade(double share) { return faintest + (1 - faintest) * share; }

// Words for a layer wherever there is room for them.
void layer_labels(Markup &svg, const Grid &grid, double cell_width) {
    double free_from = 0;
    for (const auto &[layer, column] : grid.columns) {
        const std::string words = layer == no_layer ? "-" : fmt::format("{}", layer);
        const double middle = left + (static_cast<double>(column) + 0.5) * cell_width,
                     half = static_cast<double>(words.size()) * label_character / 2;
        if (middle - half < free_from) continue;
        svg.element("text", words, {{"class", "tick"}, {"x", middle}, {"y", top - 8}, {"text-anchor", "middle"}});
        free_from = middle + half + label_character;
    }
}

void legend(Markup &svg, double y, double largest) {
    constexpr int steps = 24;
    constexpr double step = 5;
    svg.element("text", "0", {{"class", "tick"}, {"x", left - 6}, {"y", y + 11}, {"text-anchor", "end"}});
    for (int i = 0; i < steps; i++)
        svg.leaf("rect", {{"class", "shade"}, {"x", left + i * step}, {"y", y}, {"width", step}, {"height", 14.0},
                          {"fill-opacity", shade((i + 0.5) / steps)}});
    svg.element("text", fmt::format("{:.3g} relative error", largest),
                {{"class", "tick"}, {"x", left + steps * step + 6}, {"y", y + 11}});
}

} // namespace

HeatMap draw_heat_map(const json::object &document, const std::string &title) {
    HeatMap map;
    const Grid grid = read_grid(document, map);
    if (grid.cells.empty()) return map;
    const double cell_width =
        std::min(widest_cell, (right - left) / static_cast<double>(std::max<size_t>(grid.columns.size(), 1)));
    const double gap = cell_width > 4 ? cell_gap : 0;
    const double below = top + static_cast<double>(grid.roles.size()) * row_height;
    Markup svg;
    svg.open("svg", {{"xmlns", "http://www.w3.org/2000/svg"},
                     {"class", "chart"},
                     {"viewBox", "0 0 " + coordinate(chart_width) + " " + coordinate(below + legend_height)},
                     {"role", "img"},
                     {"aria-label", title}});
    svg.element("title", title);
    layer_labels(svg, grid, cell_width);
    for (size_t i = 0; i < grid.roles.size(); i++)
        svg.element("text", shortened(grid.roles[i], role_limit),
                    {{"class", "role"}, {"x", left - 6}, {"y", top + static_cast<double>(i) * row_height + 13},
                     {"text-anchor", "end"}});
    for (const auto &[at, cell] : grid.cells) {
        const double column = static_cast<double>(grid.columns.at(at.second));
        svg.open("rect", {{"class", "cell"},
                          {"x", left + column * cell_width},
                          {"y", top + static_cast<double>(at.first) * row_height},
                          {"width", cell_width - gap},
                          {"height", row_height - cell_gap},
                          {"fill-opacity", shade(cell.relative / map.largest)}});
        svg.element("title", fmt::format("{}: {}, {}, relative error {:.4g}", cell.tensor, cell.encoding, cell.method,
                                         cell.relative))
            .close();
    }
    legend(svg, below + 14, map.largest);
    svg.close();
    map.svg = svg.str();
    return map;
}

} // namespace quantctl
