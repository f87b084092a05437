// On a logarithmic axis a loss of 0 has no place: such points stand on the lower edge,
// half a decade below the least of the others, and are drawn hollow.
#include "plot_scatter.h"

#include "markup.h"
#include "plot_axis.h"
#include "plot_labels.h"

#include <algorithm>
#include <limits>

namespace quantctl {

namespace {

constexpr double height = 380, left = 56, right = chart_width - 12, top = 30, bottom = height - 46;
constexpr double radius = 4.5, cap = 3, tick_gap = 6, baseline = 4;
constexpr size_t label_limit = 18;
constexpr double smallest_loss = 1e-12; // Below it is rounding.

class Drawing {
public:
    explicit Drawing(const Scatter &chart)
        : chart_(chart), unit_(byte_unit(largest_bytes())), x_(x_axis()), y_(y_axis()) {}

    DrawnChart draw(const char *style) {
        svg_.open("svg", {{"xmlns", "http://www.w3.org/2000/svg"},
                          {"class", "chart"},
                          {"viewBox", "0 0 " + coordinate(chart_width) + " " + coordinate(height)},
                          {"role", "img"},
                          {"aria-label", chart_.title}});
        svg_.element("title", chart_.title);
        if (*style) {
            svg_.open("style").trusted(style).close();
            svg_.leaf("rect", {{"class", "paper"}, {"width", chart_width}, {"height", height}});
        }
        axes();
        if (chart_.join_front) front_line();
        const std::vector<Label> labels = placed_labels();
        for (const Label &label : labels) leader(label);
        for (const ScatterPoint &p : chart_.points) error_bar(p);
        for (const ScatterPoint &p : chart_.points) point(p);
        DrawnChart out;
        for (const Label &label : labels) {
            if (!label.placed) out.unlabelled++;
            else svg_.element("text", label.text,
                              {{"class", "label"}, {"x", label.box.left}, {"y", label.box.bottom - baseline}});
        }
        svg_.close();
        out.svg = svg_.str();
        return out;
    }

private:
    uint64_t largest_bytes() const {
        uint64_t largest = 1;
        for (const ScatterPoint &p : chart_.points) largest = std::max(largest, p.bytes);
        return largest;
    }

    Axis x_axis() const {
        double low = std::numeric_limits<double>::infinity(), high = 0;
        for (const ScatterPoint &p : chart_.points) {
            const double size = static_cast<double>(p.bytes) / unit_.bytes;
            low = std::min(low, size), high = std::max(high, size);
        }
        return Axis::linear(chart_.points.empty() ? 0 : low, high);
    }

    Axis y_axis() const {
        double low = std::numeric_limits<double>::infinity(), high = 0;
        bool hollow = false;
        for (const ScatterPoint &p : chart_.points) {
            if (chart_.logarithmic && p.value < smallest_loss) {
                hollow = true;
                continue;
            }
            const double error = std::isfinite(p.error) ? p.error : 0;
            low = std::min(low, chart_.logarithmic ? std::max(p.value - error, p.value / 2) : p.value - error);
            high = std::max(high, p.value + error);
        }
        if (!std::isfinite(low)) low = 0.1, high = 1;
        if (!chart_.logarithmic) return Axis::linear(0, high);
        return Axis::logarithmic(hollow ? low / 3 : low, high);
    }

    double x(const ScatterPoint &p) const {
        return left + (right - left) * x_.place(static_cast<double>(p.bytes) / unit_.bytes);
    }
    double y(double value) const { return bottom - (bottom - top) * y_.place(value); }

    void axes() {
        svg_.element("text", chart_.value_words, {{"class", "axis"}, {"x", 4.0}, {"y", 16.0}});
        for (const Tick &tick : y_.ticks()) {
            const double at = y(tick.value);
            svg_.leaf("line", {{"class", "grid"}, {"x1", left}, {"x2", right}, {"y1", at}, {"y2", at}});
            svg_.element("text", tick.label,
                         {{"class", "tick"}, {"x", left - tick_gap}, {"y", at + baseline}, {"text-anchor", "end"}});
        }
        for (const Tick &tick : x_.ticks()) {
            const double at = left + (right - left) * x_.place(tick.value);
            svg_.leaf("line", {{"class", "grid"}, {"x1", at}, {"x2", at}, {"y1", top}, {"y2", bottom}});
            svg_.element("text", tick.label,
                         {{"class", "tick"}, {"x", at}, {"y", bottom + 16}, {"text-anchor", "middle"}});
        }
        svg_.leaf("path", {{"class", "frame"},
                           {"d", "M" + coordinate(left) + " " + coordinate(top) + "V" + coordinate(bottom) + "H" +
                                     coordinate(right)}});
        svg_.element("text", std::string("size of the file, ") + unit_.name,
                     {{"class", "axis"}, {"x", right}, {"y", height - 8}, {"text-anchor", "end"}});
    }

    std::vector<const ScatterPoint *> front_points() const {
        std::vector<const ScatterPoint *> front;
        for (const ScatterPoint &p : chart_.points)
            if (p.on_front) front.push_back(&p);
        std::sort(front.begin(), front.end(), [](auto *a, auto *b) { return a->bytes < b->bytes; });
        return front;
    }

    void front_line() {
        std::string line;
        for (const ScatterPoint *p : front_points())
            line += (line.empty() ? "" : " ") + coordinate(x(*p)) + "," + coordinate(y(p->value));
        svg_.leaf("polyline", {{"class", "front-line"}, {"points", line}});
    }

    std::vector<Label> placed_labels() const {
        std::vector<Box> taken;
        std::vector<Label> labels;
        for (const bool front : {true, false}) {
            for (const ScatterPoint &p : chart_.points) {
                const double px = x(p), py = y(p.value);
                if (front) taken.push_back({px - radius, py - radius, px + radius, py + radius});
                if (p.on_front == front) labels.push_back({shortened(p.label, label_limit), px, py});
            }
        }
        std::vector<Line> lines;
        const std::vector<const ScatterPoint *> front = front_points();
        for (size_t i = 1; chart_.join_front && i < front.size(); i++)
            lines.push_back({x(*front[i - 1]), y(front[i - 1]->value), x(*front[i]), y(front[i]->value)});
        place_labels(labels, {left + 2, top - 8, right, bottom - 1}, std::move(taken), std::move(lines));
        return labels;
    }

    void leader(const Label &label) {
        if (!label.placed || !label.leader) return;
        const Line &line = label.line;
        svg_.leaf("line", {{"class", "leader"}, {"x1", line.x1}, {"y1", line.y1}, {"x2", line.x2}, {"y2", line.y2}});
    }

    void error_bar(const ScatterPoint &p) {
        if (!std::isfinite(p.error) || p.error <= 0) return;
        const std::string px = coordinate(x(p)), l = coordinate(x(p) - cap), r = coordinate(x(p) + cap);
        const std::string low = coordinate(y(p.value - p.error)), high = coordinate(y(p.value + p.error));
        svg_.leaf("path", {{"class", p.on_front ? "bar" : "bar dim"},
                           {"d", "M" + px + " " + low + "V" + high + "M" + l + " " + low + "H" + r + "M" + l + " " +
                                     high + "H" + r}});
    }

    void point(const ScatterPoint &p) {
        const bool hollow = chart_.logarithmic && p.value < smallest_loss;
        const char *kind = p.on_front ? (hollow ? "point front hollow" : "point front")
                                      : (hollow ? "point dim hollow" : "point dim");
        svg_.open("circle", {{"class", kind}, {"cx", x(p)}, {"cy", y(p.value)}, {"r", radius}});
        svg_.element("title", p.title).close();
    }

    const Scatter &chart_;
    ByteUnit unit_;
    Axis x_, y_;
    Markup svg_;
};

} // namespace

ByteUnit byte_unit(uint64_t largest) {
    if (largest >= 1'000'000'000) return {"GB", 1e9};
    if (largest >= 1'000'000) return {"MB", 1e6};
    return {"kB", 1e3};
}

DrawnChart draw_scatter(const Scatter &chart, const char *style) { return Drawing(chart).draw(style); }

} // namespace quantctl
