#include "plot_labels.h"

#include <algorithm>
#include <limits>

namespace quantctl {

namespace {

constexpr double gap = 6, far_step = 14, side_room = 3; ///< side_room: between two words in a line.
constexpr double line_crossing = 25, box_crossing = 40;
constexpr int rings = 12;

// Characters of UTF-8; one that is not ASCII is taken to be twice as wide.
size_t columns(const std::string &text) {
    size_t count = 0;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x80) count++;
        else if (byte >= 0xc0) count += 2;
    }
    return count;
}

struct Direction {
    double x, y;
};
/// The best first: beside, then at the corners, then above and below, then between these.
constexpr Direction directions[] = {{1, 0},     {0.8, -0.8}, {0.8, 0.8}, {-1, 0},     {-0.8, -0.8}, {-0.8, 0.8},
                                    {0, -1},    {0, 1},      {1, -0.4},  {1, 0.4},    {-1, -0.4},   {-1, 0.4},
                                    {0.4, -1},  {0.4, 1},    {-0.4, -1}, {-0.4, 1}};

// The box of a text whose nearest edge is `distance` from the point.
Box box_at(const Label &label, const Direction &d, double distance) {
    const double width = static_cast<double>(columns(label.text)) * label_character;
    const double x = label.x + d.x * distance, y = label.y + d.y * distance;
    const double left = d.x > 0 ? x : d.x < 0 ? x - width : x - width / 2;
    const double top = d.y > 0 ? y : d.y < 0 ? y - label_height : y - label_height / 2;
    return {left, top, left + width, top + label_height};
}

bool is_free(const Box &box, const Box &frame, const std::vector<Box> &taken) {
    const Box wide{box.left - side_room, box.top, box.right + side_room, box.bottom};
    return box.within(frame) &&
           std::none_of(taken.begin(), taken.end(), [&](const Box &other) { return wide.overlaps(other); });
}

Line leader_of(const Label &label, const Box &box) {
    return {label.x, label.y, std::clamp(label.x, box.left, box.right), std::clamp(label.y, box.top, box.bottom)};
}

bool holds(const Box &box, double x, double y) {
    return x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;
}

// How little one would like the label there: far away, across lines, or with a leader
// across other things.
double dislike(const Label &label, const Box &box, double distance, const std::vector<Box> &taken,
               const std::vector<Line> &lines) {
    double sum = distance;
    for (const Line &line : lines)
        if (line.crosses(box)) sum += line_crossing;
    if (distance <= gap) return sum;
    const Line leader = leader_of(label, box);
    for (const Box &other : taken)
        if (!holds(other, label.x, label.y) && leader.crosses(other)) sum += box_crossing;
    return sum;
}

} // namespace

std::string shortened(const std::string &text, size_t limit) {
    size_t count = 0, cut = 0;
    for (size_t i = 0; i < text.size(); i++) {
        if ((static_cast<unsigned char>(text[i]) & 0xc0) == 0x80) continue;
        if (count + 1 == limit) cut = i;
        if (++count > limit) return text.substr(0, cut) + "\u2026";
    }
    return text;
}

// Clips the line by each pair of edges; something is left if it crosses.
bool Line::crosses(const Box &box) const {
    double from = 0, to = 1;
    const double spans[2][4] = {{x1, x2 - x1, box.left, box.right}, {y1, y2 - y1, box.top, box.bottom}};
    for (const auto &[start, length, low, high] : spans) {
        if (length == 0) {
            if (start <= low || start >= high) return false;
            continue;
        }
        const double a = (low - start) / length, b = (high - start) / length;
        from = std::max(from, std::min(a, b)), to = std::min(to, std::max(a, b));
    }
    return from < to;
}

void place_labels(std::vector<Label> &labels, const Box &frame, std::vector<Box> taken, std::vector<Line> lines) {
    for (Label &label : labels) {
        double least = std::numeric_limits<double>::infinity();
        for (int ring = 0; ring < rings && gap + ring * far_step < least; ring++) {
            const double distance = gap + ring * far_step;
            for (const Direction &d : directions) {
                const Box box = box_at(label, d, distance);
                if (!is_free(box, frame, taken)) continue;
                const double cost = dislike(label, box, distance, taken, lines);
                if (cost >= least) continue;
                least = cost;
                label.placed = true, label.box = box, label.leader = ring > 0;
            }
        }
        if (!label.placed) continue;
        taken.push_back(label.box);
        label.line = leader_of(label, label.box);
        if (label.leader) lines.push_back(label.line);
    }
}

} // namespace quantctl
