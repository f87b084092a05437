// Encoding with a codebook: a super-block of 256 weights in cells of 8, some of which
// share a scale, d times a small whole number.
//
// Each cell is searched once through its whole book, for the curve of its gain over all
// scales (gain_curve.h). Sums of these say for each group what any scale gains, so that
// common factors can be tried by the dozen, each with the best scale code for every
// group. The choices that win are read from the cells' curves in the end.
#pragma once

#include "encoding/gain_curve.h"
#include "encoding/grid_book.h"
#include "encoding/grid_cells.h"
#include "encoding/super_block.h"

#include <cstring>
#include <type_traits>
#include <vector>

namespace quant {

inline constexpr size_t cell = 8, cells = super_block / cell;
inline constexpr size_t curve_corners = 20;

/// The points of a cell; the second where points have 4 coordinates.
using CellPoints = std::array<uint32_t, 2>;

/// What a super-block stores, whatever the layout. A point is the place in the book; flags
/// are the 8 signs of a cell (a bit set is a minus), or in IQ1 one bit, the shift's sign.
template <size_t Groups> struct GridCodes {
    float d = 0;
    std::array<int, Groups> scale{};
    std::array<CellPoints, cells> point{};
    std::array<uint32_t, cells> flags{};
};

/// Nibble `i` of a field of half-bytes, the low one of each byte first.
inline int nibble(const std::byte *field, size_t i) { return load_byte(field + i / 2) >> (i % 2 * 4) & 15; }
inline void add_nibble(std::byte *field, size_t i, int value) {
    field[i / 2] |= static_cast<std::byte>(value << (i % 2 * 4));
}

/// Sums of a cell's weights with all points of a book. With `flip` one of the weights
/// is to get the sign that is not its own: the one that loses least, for each point.
template <class Book>
PointGains<Book::points> point_gains(const Book &book, const float *wx, const float *w, bool flip) {
    PointGains<Book::points> out;
    for (size_t j = 0; j < out.steps; j++) {
        LaneFloats a = {}, b = {}, least;
        for (size_t i = 0; i < Book::dims; i++) {
            LaneFloats level;
            std::memcpy(&level, book.column[i].data() + j * lanes, sizeof level);
            const LaneFloats part = wx[i] * level;
            a += part;
            b += w[i] * level * level;
            least = i == 0 ? part : part < least ? part : least;
        }
        out.a[j] = flip ? a - 2 * least : a;
        out.b[j] = b;
    }
    return out;
}

/// Scales between which a group's curves are drawn.
struct ScaleRange {
    float low, high;
};

/// A group's curve made ready to be asked often, at scales not far apart.
template <class Curve> class GroupGain {
public:
    explicit GroupGain(const Curve &curve) : curve_(curve), wanted_(curve.best_scale()) {
        for (size_t i = 0; i + 1 < curve.size; i++) until_[i] = 2 * tie(curve.corner[i], curve.corner[i + 1]);
    }
    /// The scale of the largest gain.
    float wanted() const { return wanted_; }

    const Corner &at(float scale) {
        while (at_ > 0 && scale < until_[at_ - 1]) at_--;
        while (at_ + 1 < curve_.size && scale >= until_[at_]) at_++;
        return curve_.corner[at_];
    }

private:
    Curve curve_;
    std::array<float, Curve::most> until_; ///< The scale from which the next corner is better.
    float wanted_;
    size_t at_ = 0;
};

/// Of all groups of a super-block.
template <class Kind> using GroupGains = std::vector<GroupGain<typename Kind::Curve>>;

/// The gain that a common factor brings with the best scale code for every group; looked
/// for among those about the scale that the group would like most.
template <class Kind> float settle_codes(GroupGains<Kind> &gains, float d, std::array<int, Kind::groups> &codes) {
    constexpr int radius = 2;
    float total = 0;
    for (size_t g = 0; g < Kind::groups; g++) {
        const int centre = Kind::code_near(std::min(gains[g].wanted() / d, 64.0f));
        const int last = std::clamp(centre + radius, 0, Kind::top);
        float most = -INFINITY;
        for (int code = std::clamp(centre - radius, 0, Kind::top); code <= last; code++) {
            const float s = d * Kind::multiple(code), gain = gains[g].at(s).gain(s);
            if (gain > most) most = gain, codes[g] = code;
        }
        total += most;
    }
    return total;
}

/// The common factor that is best for the choices which (d, codes) lead to.
template <class Kind> float refit_factor(GroupGains<Kind> &gains, float d, const std::array<int, Kind::groups> &codes) {
    float a = 0, b = 0;
    for (size_t g = 0; g < Kind::groups; g++) {
        const float m = Kind::multiple(codes[g]);
        const Corner &c = gains[g].at(d * m);
        a += m * c.a;
        b += m * m * c.b;
    }
    return a > 0 && b > 0 ? a / b : d;
}

/// Common factor and scale codes for given curves. Trials let the group that wants the
/// largest scale have from `narrow` to `wide` times as much.
template <class Kind> void choose_scales(const SuperFrame &f, GroupGains<Kind> &gains, GridCodes<Kind::groups> &out) {
    constexpr int trials = 40;
    constexpr float narrow = 0.6f, wide = 1.5f;
    float most = 0, best = 0;
    for (const auto &gain : gains) most = std::max(most, gain.wanted());
    const auto consider = [&](float d) {
        if (!(d > 0)) return;
        std::array<int, Kind::groups> codes;
        const float gain = settle_codes<Kind>(gains, d, codes);
        if (gain > best) best = gain, out.d = d, out.scale = codes;
    };
    for (int t = 0; t < trials; t++) {
        const float stretch = narrow + (wide - narrow) * static_cast<float>(t) / static_cast<float>(trials - 1);
        consider(f.half(most / Kind::multiple(Kind::top) * stretch));
    }
    for (int pass = 0; pass < 6; pass++) {
        const float before = best;
        consider(f.half(refit_factor<Kind>(gains, out.d, out.scale)));
        for (const int step : {-1, 1}) consider(f.half_beside(out.d, step));
        if (!(best > before)) break;
    }
}

/// Cells and codes of a whole super-block. A Kind is an encoding:
///   groups, top              how many scales there are, and their largest code
///   multiple(c), code_near(s) what a scale code stands for, and the code nearest to that
///   reach()                  the largest level
///   narrow, wide             scales worth drawing: times the largest weight over reach()
///   Cell, draw()             the curves of 8 weights
///   Curve, curve()           the curve of a group, from its cells
///   read()                   what the cells of a group choose at a scale
///   bytes, pack(), unpack()  the layout
///   decode_cell()            8 weights
template <class Kind> struct GridSearch {
    static constexpr size_t width = super_block / Kind::groups, group_cells = width / cell;
    using Codes = GridCodes<Kind::groups>;

    const SuperFrame &f;
    std::array<typename Kind::Cell, cells> cell_of;

    explicit GridSearch(const SuperFrame &frame) : f(frame) {}

    void draw(size_t g, const ScaleRange &range) {
        for (size_t c = g * group_cells; c < (g + 1) * group_cells; c++)
            Kind::draw(f.x.data() + c * cell, f.w.data() + c * cell, range, cell_of[c]);
    }
    float largest(size_t g) const { return std::abs(extreme<width>(f.x.data() + g * width)); }

    void read_choices(Codes &out) {
        for (size_t g = 0; g < Kind::groups; g++)
            Kind::read(f, cell_of.data(), g, out.d * Kind::multiple(out.scale[g]), out);
    }

    /// Scales from the extremes: the largest weight of a group on the largest level.
    Codes round() {
        Codes out;
        float most = 0;
        for (size_t g = 0; g < Kind::groups; g++) most = std::max(most, largest(g));
        out.d = f.half(most / (Kind::reach() * Kind::multiple(Kind::top)));
        for (size_t g = 0; g < Kind::groups && out.d > 0; g++) {
            while (out.scale[g] < Kind::top &&
                   out.d * Kind::reach() * (Kind::multiple(out.scale[g]) + Kind::multiple(out.scale[g] + 1)) / 2 <
                       largest(g))
                out.scale[g]++;
            const float s = out.d * Kind::multiple(out.scale[g]);
            draw(g, {s, s});
        }
        if (out.d > 0) read_choices(out);
        return out;
    }

    Codes search() {
        GroupGains<Kind> gains;
        gains.reserve(Kind::groups);
        for (size_t g = 0; g < Kind::groups; g++) {
            const float unit = largest(g) / Kind::reach();
            draw(g, {unit * Kind::narrow, unit * Kind::wide});
            gains.emplace_back(Kind::curve(cell_of.data() + g * group_cells));
        }
        Codes out;
        choose_scales<Kind>(f, gains, out);
        if (out.d > 0) read_choices(out);
        return out;
    }
};

template <class Kind> void decode_grid(const std::byte *in, float *out, size_t blocks) {
    constexpr size_t group_cells = cells / Kind::groups;
    typename Kind::Codes codes;
    for (; blocks-- != 0; in += Kind::bytes) {
        Kind::unpack(in, codes);
        for (size_t c = 0; c < cells; c++, out += cell)
            Kind::decode_cell(codes.d * Kind::multiple(codes.scale[c / group_cells]), codes.point[c], codes.flags[c], out);
    }
}

template <class Kind>
void encode_grid(const float *in, const float *importance, std::byte *out, size_t blocks, quant_method method) {
    const auto search = [](const SuperFrame &f, std::byte *to) { Kind::pack(f, GridSearch<Kind>(f).search(), to); };
    const auto round = [](const SuperFrame &f, std::byte *to) { Kind::pack(f, GridSearch<Kind>(f).round(), to); };
    encode_blocks<super_block, Kind::bytes>(in, importance, out, blocks, method, search, round, decode_grid<Kind>);
}

/// Codes to cells and back, and bytes from cells.
template <class Kind> void unpack_cells(const std::byte *in, GridCells &cells_out) {
    typename Kind::Codes codes;
    Kind::unpack(in, codes);
    cells_out.d = codes.d;
    std::copy(codes.scale.begin(), codes.scale.end(), cells_out.scale.begin());
    cells_out.point = codes.point;
    cells_out.signs = codes.flags;
}

template <class Kind> void pack_cells(const GridCells &in, std::byte *out) {
    std::array<float, super_block> ones;
    ones.fill(1);
    typename Kind::Codes codes;
    codes.d = in.d;
    std::copy_n(in.scale.begin(), codes.scale.size(), codes.scale.begin());
    codes.point = in.point;
    codes.flags = in.signs;
    Kind::pack(SuperFrame(ones.data(), nullptr), codes, out); // A frame that scales by 1.
}

/// What a layout says of its cells beside their numbers.
struct CellTraits {
    bool even_signs = false;
    float shift = 0;
    bool shared_shift = false;
};

template <class Kind> GridCellLayout cell_layout(quant_encoding encoding, const CellTraits &traits) {
    using Book = std::remove_cvref_t<decltype(Kind::book())>;
    return {encoding, Kind::width, Book::dims, Book::points, traits.even_signs, traits.shift, traits.shared_shift,
            Kind::top, Kind::multiple, [](uint32_t code) { return Kind::book().point[code].data(); },
            unpack_cells<Kind>, pack_cells<Kind>};
}

} // namespace quant
