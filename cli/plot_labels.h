// Puts labels beside points so that none covers another, a point, or the frame.
#pragma once

#include <string>
#include <vector>

namespace quantctl {

struct Box {
    double left, top, right, bottom;
    bool overlaps(const Box &other) const {
        return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
    }
    bool within(const Box &other) const {
        return left >= other.left && right <= other.right && top >= other.top && bottom <= other.bottom;
    }
};

struct Line {
    double x1, y1, x2, y2;
    bool crosses(const Box &box) const;
};

/// A label for the point (x, y). Its text is in a font whose characters are all of one
/// width.
struct Label {
    std::string text;
    double x = 0, y = 0;
    bool placed = false; ///< There was room.
    Box box{};           ///< Of the text.
    bool leader = false; ///< It stands apart, and wants a line to its point:
    Line line{};
};

inline constexpr double label_font = 13, label_height = 14, label_character = 0.61 * label_font;

/// At most `limit` characters, the last one "…" if there were more.
std::string shortened(const std::string &text, size_t limit);

/// Place the labels in their order, the important first. `taken` is what must stay
/// visible besides, `lines` what had better.
void place_labels(std::vector<Label> &labels, const Box &frame, std::vector<Box> taken, std::vector<Line> lines);

} // namespace quantctl
