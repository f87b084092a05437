// What is chosen for a cell, points and signs together, minimizes (u - v) M (u - v)ᵀ for
// an 8 x 8 matrix M: from left to right the conditional curvature of the cell, given the
// errors before it; later, with everything else fixed, the moments themselves about the
// cell's own optimum. Candidates are the points nearest by the diagonal of M; among them
// and their flips of one sign the whole form decides.
#include "quantize/grid_feedback.h"

#include "encoding/float16.h"
#include "kernel/ops.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numeric>

namespace quant {

namespace {

constexpr size_t cell = 8, block = 256, cells = block / cell;
/// Points of a half or a whole cell that the whole form is tried on.
constexpr size_t kept = 5;
/// Signs that are tried the other way round.
constexpr size_t tried_flips = 3;

using Vector8 = std::array<float, cell>;
using Matrix8 = std::array<Vector8, cell>;

float form(const Matrix8 &m, const Vector8 &e) {
    float sum = 0;
    for (size_t i = 0; i < cell; i++) {
        float dot = 0;
        for (size_t j = 0; j < cell; j++) dot += m[i][j] * e[j];
        sum += e[i] * dot;
    }
    return sum;
}

// x with m x = b, m symmetric and positive definite.
Vector8 solve(Matrix8 m, Vector8 b) {
    for (size_t i = 0; i < cell; i++)
        for (size_t j = i + 1; j < cell; j++) {
            const float factor = m[i][i] != 0 ? m[j][i] / m[i][i] : 0;
            for (size_t k = i; k < cell; k++) m[j][k] -= factor * m[i][k];
            b[j] -= factor * b[i];
        }
    for (size_t i = cell; i-- > 0;) {
        for (size_t k = i + 1; k < cell; k++) b[i] -= m[i][k] * b[k];
        b[i] = m[i][i] != 0 ? b[i] / m[i][i] : 0;
    }
    return b;
}

/// Points and signs of a cell; where points have signs of their own, `signs` says whether they
/// are shifted down.
struct CellChoice {
    std::array<uint32_t, 2> point{};
    uint32_t signs = 0;
};

class CellSearch {
public:
    explicit CellSearch(const GridCellLayout &layout) : layout_(layout), halves_(cell / layout.dims) {}

    Vector8 values(const CellChoice &c, float scale) const {
        Vector8 v;
        for (size_t i = 0; i < cell; i++) {
            const float level = layout_.point(c.point[i / layout_.dims])[i % layout_.dims];
            if (layout_.shift != 0) v[i] = scale * (level + shift_of(c.signs));
            else v[i] = c.signs >> i & 1 ? -scale * level : scale * level;
        }
        return v;
    }

    /// The best choice; of shifts only `shift` is one where all cells of a group share it.
    CellChoice best(const Matrix8 &m, const Vector8 &u, float scale, uint32_t shift) const {
        return layout_.shift != 0 ? best_shifted(m, u, scale, shift) : best_signed(m, u, scale);
    }

private:
    float shift_of(uint32_t down) const { return down ? -layout_.shift : layout_.shift; }

    CellChoice best_shifted(const Matrix8 &m, const Vector8 &u, float scale, uint32_t shift) const {
        CellChoice best;
        float least = INFINITY;
        for (const uint32_t down : {0u, 1u}) {
            if (layout_.shared_shift && down != shift) continue;
            Vector8 levels;
            for (size_t i = 0; i < cell; i++) levels[i] = u[i] - scale * shift_of(down);
            for (const uint32_t point : nearest(m, levels, scale, 0)) {
                const CellChoice c{{point, 0}, down};
                consider(m, u, scale, c, best, least);
            }
        }
        return best;
    }

    CellChoice best_signed(const Matrix8 &m, const Vector8 &u, float scale) const {
        Vector8 magnitudes;
        for (size_t i = 0; i < cell; i++) magnitudes[i] = std::fabs(u[i]);
        CellChoice base;
        for (size_t i = 0; i < cell; i++) base.signs |= (u[i] < 0 ? 1u : 0u) << i;
        std::array<std::array<uint32_t, kept>, 2> near{};
        for (size_t h = 0; h < halves_; h++) near[h] = nearest(m, magnitudes, scale, h * layout_.dims);
        const auto flips = cheapest_flips(m, u);
        const bool odd = layout_.even_signs && std::popcount(base.signs) % 2 != 0;
        CellChoice best = base;
        float least = INFINITY;
        for (size_t a = 0; a < kept; a++)
            for (size_t b = 0; b < (halves_ == 2 ? kept : 1); b++) {
                CellChoice c = base;
                c.point = {near[0][a], near[1][b]};
                if (!odd) consider(m, u, scale, c, best, least);
                if (layout_.even_signs && !odd) continue;
                for (const size_t i : flips) {
                    CellChoice flipped = c;
                    flipped.signs ^= 1u << i;
                    consider(m, u, scale, flipped, best, least);
                }
            }
        return best;
    }

    void consider(const Matrix8 &m, const Vector8 &u, float scale, const CellChoice &c, CellChoice &best,
                  float &least) const {
        Vector8 e = values(c, scale);
        for (size_t i = 0; i < cell; i++) e[i] = u[i] - e[i];
        const float cost = form(m, e);
        if (cost < least) least = cost, best = c;
    }

    // Where the other sign costs least, by the diagonal.
    static std::array<size_t, tried_flips> cheapest_flips(const Matrix8 &m, const Vector8 &u) {
        std::array<size_t, cell> order;
        std::iota(order.begin(), order.end(), size_t{0});
        std::partial_sort(order.begin(), order.begin() + tried_flips, order.end(), [&](size_t a, size_t b) {
            return m[a][a] * std::fabs(u[a]) < m[b][b] * std::fabs(u[b]);
        });
        std::array<size_t, tried_flips> out;
        std::copy_n(order.begin(), tried_flips, out.begin());
        return out;
    }

    // Points that lie nearest to `levels` from `first` on, by the diagonal.
    std::array<uint32_t, kept> nearest(const Matrix8 &m, const Vector8 &levels, float scale, size_t first) const {
        std::array<uint32_t, kept> out{};
        std::array<float, kept> cost;
        cost.fill(INFINITY);
        for (uint32_t p = 0; p < layout_.points; p++) {
            const float *point = layout_.point(p);
            float sum = 0;
            for (size_t i = 0; i < layout_.dims; i++) {
                const float e = levels[first + i] - scale * point[i];
                sum += m[first + i][first + i] * e * e;
            }
            if (!(sum < cost[kept - 1])) continue;
            size_t at = kept - 1;
            for (; at > 0 && sum < cost[at - 1]; at--) cost[at] = cost[at - 1], out[at] = out[at - 1];
            cost[at] = sum, out[at] = p;
        }
        return out;
    }

    const GridCellLayout &layout_;
    size_t halves_;
};

class CellRow {
public:
    CellRow(const EncodingTraits &encoding, const GridCellLayout &layout, const Curvature &curvature)
        : encoding_(encoding), layout_(layout), curvature_(curvature), search_(layout),
          blocks_(curvature.n / block), x_(curvature.n), value_(curvature.n), slope_(curvature.n), cells_(blocks_) {}

    void encode(const float *target, const FeedbackOptions &options, std::byte *out) {
        std::copy_n(target, curvature_.n, x_.begin());
        for (size_t b = 0; b < blocks_; b++) {
            std::byte *to = out + b * encoding_.block_bytes;
            encoding_.encode(x_.data() + b * block, curvature_.d.data() + b * block, to, 1, QUANT_METHOD_FEEDBACK);
            layout_.unpack(to, cells_[b]);
            for (size_t c = 0; c < cells; c++) round_cell(b, c, target);
        }
        std::fill(slope_.begin(), slope_.end(), 0.0f);
        for (size_t i = 0; i < curvature_.n; i++)
            vector_ops().axpy(target[i] - value_[i], curvature_.h_row(i), slope_.data(), curvature_.n);
        for (int pass = 0; pass < options.scale_passes; pass++) {
            bool changed = false;
            for (int sweep = 0; sweep < options.code_sweeps; sweep++)
                for (size_t b = 0; b < blocks_; b++)
                    for (size_t c = 0; c < cells; c++) changed |= improve_cell(b, c);
            for (size_t b = 0; b < blocks_; b++) changed |= settle_shifts(b) | settle_scales(b) | refit_factor(b);
            if (!changed) break;
        }
        for (size_t b = 0; b < blocks_; b++) layout_.pack(cells_[b], out + b * encoding_.block_bytes);
    }

private:
    float scale_of(size_t b, size_t c) const {
        return cells_[b].d * layout_.multiple(cells_[b].scale[c * cell / layout_.group]);
    }
    void store(size_t b, size_t c, const CellChoice &choice) {
        cells_[b].point[c] = choice.point;
        cells_[b].signs[c] = choice.signs;
    }

    // (I + T) D (I + T)ᵀ of the cell's own columns.
    Matrix8 conditional(size_t first) const {
        Matrix8 m{};
        for (size_t i = 0; i < cell; i++)
            for (size_t j = 0; j < cell; j++)
                for (size_t k = std::max(i, j); k < cell; k++) {
                    const float ti = i == k ? 1 : curvature_.t_row(first + i)[first + k];
                    const float tj = j == k ? 1 : curvature_.t_row(first + j)[first + k];
                    m[i][j] += ti * curvature_.d[first + k] * tj;
                }
        return m;
    }

    Matrix8 moments(size_t first) const {
        Matrix8 m;
        for (size_t i = 0; i < cell; i++) std::copy_n(curvature_.h_row(first + i) + first, cell, m[i].begin());
        return m;
    }

    void round_cell(size_t b, size_t c, const float *target) {
        const size_t first = b * block + c * cell;
        // x holds what errors before the cell want. The form's optimum differs from it by what
        // the errors that the optimum itself makes inside the cell would want.
        Vector8 u;
        for (size_t k = 0; k < cell; k++) {
            u[k] = x_[first + k];
            for (size_t j = 0; j < k; j++)
                u[k] += (target[first + j] - u[j]) * curvature_.t_row(first + j)[first + k];
        }
        const CellChoice choice = search_.best(conditional(first), u, scale_of(b, c), cells_[b].signs[c]);
        store(b, c, choice);
        const Vector8 v = search_.values(choice, scale_of(b, c));
        for (size_t i = 0; i < cell; i++) {
            value_[first + i] = v[i];
            const float error = target[first + i] - v[i];
            const size_t at = first + i + 1;
            vector_ops().axpy(error, curvature_.t_row(first + i) + at, x_.data() + at, curvature_.n - at);
        }
    }

    // The encoded weight i becomes v.
    void move(size_t i, float v) {
        if (v == value_[i]) return;
        vector_ops().axpy(value_[i] - v, curvature_.h_row(i), slope_.data(), curvature_.n);
        value_[i] = v;
    }

    bool improve_cell(size_t b, size_t c) {
        const size_t first = b * block + c * cell;
        const float scale = scale_of(b, c);
        if (scale == 0) return false;
        const Matrix8 m = moments(first);
        Vector8 g, e;
        std::copy_n(slope_.data() + first, cell, g.begin());
        const Vector8 step = solve(m, g);
        Vector8 u;
        for (size_t i = 0; i < cell; i++) u[i] = value_[first + i] + step[i];
        const CellChoice choice = search_.best(m, u, scale, cells_[b].signs[c]);
        const Vector8 v = search_.values(choice, scale);
        for (size_t i = 0; i < cell; i++) e[i] = u[i] - v[i];
        if (!(form(m, e) < form(m, step) * 0.9999f)) return false;
        store(b, c, choice);
        for (size_t i = 0; i < cell; i++) move(first + i, v[i]);
        return true;
    }

    // Gain of moving columns first .. first + n along `direction` (n values): a = dHd, f = G d.
    struct Along {
        double a = 0, f = 0;
    };
    Along along(size_t first, size_t n, const float *direction) const {
        Along out;
        for (size_t i = 0; i < n; i++)
            out.a += double{direction[i]} * vector_ops().dot(curvature_.h_row(first + i) + first, direction, n);
        out.f = vector_ops().dot(slope_.data() + first, direction, n);
        return out;
    }

    // The other way, for all cells that share a shift.
    bool settle_shifts(size_t b) {
        if (!layout_.shared_shift) return false;
        bool changed = false;
        std::array<float, block> ones; // As many as there are in the largest group.
        ones.fill(1);
        for (size_t g = 0; g < block / layout_.group; g++) {
            const size_t first = b * block + g * layout_.group, first_cell = g * layout_.group / cell;
            uint32_t &down = cells_[b].signs[first_cell];
            const float by = (down ? 2 : -2) * layout_.shift * scale_of(b, first_cell);
            const Along way = along(first, layout_.group, ones.data());
            if (!(double{by} * by * way.a - 2 * by * way.f < 0)) continue;
            for (size_t i = first; i < first + layout_.group; i++) move(i, value_[i] + by);
            const uint32_t other = down ^ 1;
            for (size_t c = 0; c < layout_.group / cell; c++) cells_[b].signs[first_cell + c] = other;
            changed = true;
        }
        return changed;
    }

    bool settle_scales(size_t b) {
        bool changed = false;
        for (size_t g = 0; g < block / layout_.group; g++) {
            const size_t first = b * block + g * layout_.group;
            int &code = cells_[b].scale[g];
            const Along way = along(first, layout_.group, value_.data() + first);
            double best = 0;
            int to = code;
            for (int k = std::max(0, code - 1); k <= std::min(layout_.scale_top, code + 1); k++) {
                const double step = layout_.multiple(k) / layout_.multiple(code) - 1;
                const double cost = step * step * way.a - 2 * step * way.f;
                if (cost < best) best = cost, to = k;
            }
            if (to == code) continue;
            scale_values(first, layout_.group, layout_.multiple(to) / layout_.multiple(code));
            code = to;
            changed = true;
        }
        return changed;
    }

    bool refit_factor(size_t b) {
        float &d = cells_[b].d;
        const Along way = along(b * block, block, value_.data() + b * block);
        if (d == 0 || !(way.a > 0)) return false;
        const float to = f32_from_f16(f16_from_f32(static_cast<float>(d * (1 + way.f / way.a))));
        const double step = to / d - 1;
        if (!std::isfinite(to) || to <= 0 || !(step * step * way.a - 2 * step * way.f < 0)) return false;
        scale_values(b * block, block, to / d);
        d = to;
        return true;
    }

    void scale_values(size_t first, size_t n, float factor) {
        for (size_t i = first; i < first + n; i++) move(i, value_[i] * factor);
    }

    const EncodingTraits &encoding_;
    const GridCellLayout &layout_;
    const Curvature &curvature_;
    CellSearch search_;
    size_t blocks_;
    std::vector<float> x_, value_, slope_;
    std::vector<GridCells> cells_;
};

} // namespace

void encode_cells_with_feedback(const EncodingTraits &encoding, const GridCellLayout &layout,
                                const Curvature &curvature, std::span<const float> targets, size_t rows,
                                const FeedbackOptions &options, std::span<std::byte> out) {
    CellRow row(encoding, layout, curvature);
    const size_t row_bytes = curvature.n / block * encoding.block_bytes;
    for (size_t r = 0; r < rows; r++) row.encode(targets.data() + r * curvature.n, options, out.data() + r * row_bytes);
}

} // namespace quant
