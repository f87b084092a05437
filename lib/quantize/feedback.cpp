// A row has its errors E = target - encoded, and G = E H, the slope of its
// output error, which every accepted change keeps up to date. A change of the weights
// by v costs vHvᵀ - 2 G·v, so all steps below know exactly what they gain.
#include "quantize/feedback.h"

#include "encoding/float16.h"
#include "kernel/kernel_table.h"
#include "kernel/ops.h"

#include <algorithm>
#include <cmath>

namespace quant {

namespace {

/// Rows whose scales are fitted side by side.
constexpr size_t rows_together = 16;

class Row {
public:
    /// `error` and `slope` are of the curvature's size.
    Row(const EncodingTraits &encoding, const GridLayout &layout, const Curvature &curvature, float *error, float *slope)
        : encoding_(encoding), layout_(layout), curvature_(curvature), blocks_(curvature.n / layout.block),
          error_(error), slope_(slope), x_(curvature.n), grids_(blocks_) {}

    void begin(const float *target) {
        target_ = target;
        std::copy_n(target, curvature_.n, x_.begin());
    }

    /// The targets of block b as errors so far have moved them.
    const float *moved(size_t b) const { return x_.data() + b * layout_.block; }

    /// Codes of block b one by one on the scales of `fitted`, each error spread over what
    /// is still to come.
    void round(size_t b, const std::byte *fitted) {
        layout_.unpack(fitted, grids_[b]);
        for (size_t at = 0; at < layout_.block; at++) round_one(grids_[b], b * layout_.block + at, at);
    }

    /// All blocks are rounded, and the slope is of the errors: improve, and write them.
    void finish(const FeedbackOptions &options, std::byte *out) {
        sweep_codes(options.code_sweeps);
        for (int pass = 0; pass < options.scale_passes; pass++) {
            bool changed = false;
            for (size_t b = 0; b < blocks_; b++) changed |= settle_groups(b) | refit_factors(b);
            changed |= sweep_codes(options.code_sweeps);
            if (!changed) break;
        }
        for (size_t b = 0; b < blocks_; b++) layout_.pack(grids_[b], out + b * encoding_.block_bytes);
    }

private:
    float scale_of(const BlockGrid &g, size_t group) const { return g.d * static_cast<float>(g.scale[group]); }
    float minimum_of(const BlockGrid &g, size_t group) const { return g.dmin * static_cast<float>(g.minimum[group]); }

    void round_one(BlockGrid &grid, size_t i, size_t at) {
        const size_t group = at / layout_.width();
        const float scale = scale_of(grid, group), minimum = minimum_of(grid, group);
        grid.code[at] = static_cast<uint8_t>(scale != 0 ? layout_.nearest((x_[i] + minimum) / scale) : 0);
        error_[i] = target_[i] - (scale * layout_.level(grid.code[at]) - minimum);
        const size_t after = curvature_.n - i - 1;
        if (error_[i] != 0) vector_ops().axpy(error_[i], curvature_.t_row(i) + i + 1, x_.data() + i + 1, after);
    }

    // The encoded weight i grows by `by`.
    void move(size_t i, float by) {
        error_[i] -= by;
        vector_ops().axpy(-by, curvature_.h_row(i), slope_, curvature_.n);
    }

    // Each code to the level that is best with all others fixed.
    bool sweep_codes(int sweeps) {
        bool any = false;
        for (int sweep = 0; sweep < sweeps; sweep++) {
            bool changed = false;
            for (size_t b = 0; b < blocks_; b++)
                for (size_t at = 0; at < layout_.block; at++) changed |= improve_code(grids_[b], b * layout_.block + at, at);
            any |= changed;
            if (!changed) break;
        }
        return any;
    }

    bool improve_code(BlockGrid &grid, size_t i, size_t at) {
        const size_t group = at / layout_.width();
        const float scale = scale_of(grid, group);
        if (scale == 0) return false;
        const float level = layout_.level(grid.code[at]);
        const float wanted = level + slope_[i] / curvature_.h_row(i)[i] / scale;
        const int code = layout_.nearest(wanted);
        if (code == grid.code[at]) return false;
        const float by = scale * (layout_.level(code) - level);
        if (!(by * by * curvature_.h_row(i)[i] - 2 * by * slope_[i] < 0)) return false;
        grid.code[at] = static_cast<uint8_t>(code);
        move(i, by);
        return true;
    }

    // aHbᵀ over columns first .. first + n, for a and b given there.
    float form(size_t first, size_t n, const float *a, const float *b) const {
        float sum = 0;
        for (size_t i = 0; i < n; i++)
            if (a[i] != 0) sum += a[i] * vector_ops().dot(curvature_.h_row(first + i) + first, b, n);
        return sum;
    }

    // Scale and minimum codes of each group to their best neighbours, both together.
    bool settle_groups(size_t b) {
        if (layout_.scale_low == layout_.scale_high && layout_.minimum_low == layout_.minimum_high) return false;
        bool changed = false;
        for (size_t group = 0; group < layout_.groups; group++) changed |= settle_group(b, group);
        return changed;
    }

    bool settle_group(size_t b, size_t group) {
        constexpr int radius = 2;
        BlockGrid &grid = grids_[b];
        const size_t width = layout_.width(), first = b * layout_.block + group * width;
        float level[most_block_weights], one[most_block_weights];
        for (size_t i = 0; i < width; i++)
            level[i] = layout_.level(grid.code[group * width + i]) * grid.d, one[i] = -grid.dmin;
        const bool minimum = layout_.has_minimum() && grid.dmin != 0;
        const float *slope = slope_ + first;
        const float a = form(first, width, level, level), f = vector_ops().dot(slope, level, width);
        const float c = minimum ? form(first, width, one, one) : 0, m = minimum ? form(first, width, level, one) : 0;
        const float g = minimum ? vector_ops().dot(slope, one, width) : 0;
        float best = 0;
        int best_scale = 0, best_minimum = 0;
        for (int s = -radius; s <= radius; s++)
            for (int n = minimum ? -radius : 0; n <= (minimum ? radius : 0); n++) {
                if (grid.scale[group] + s < layout_.scale_low || grid.scale[group] + s > layout_.scale_high ||
                    grid.minimum[group] + n < layout_.minimum_low || grid.minimum[group] + n > layout_.minimum_high)
                    continue;
                const auto fs = static_cast<float>(s), fn = static_cast<float>(n);
                const float cost = fs * fs * a + 2 * fs * fn * m + fn * fn * c - 2 * (fs * f + fn * g);
                if (cost < best * 1.0001f - 1e-30f) best = cost, best_scale = s, best_minimum = n;
            }
        if (best_scale == 0 && best_minimum == 0) return false;
        grid.scale[group] += best_scale, grid.minimum[group] += best_minimum;
        for (size_t i = 0; i < width; i++)
            move(first + i, static_cast<float>(best_scale) * level[i] + static_cast<float>(best_minimum) * one[i]);
        return true;
    }

    // d and dmin by least squares with all codes fixed, as half precision has them.
    bool refit_factors(size_t b) {
        BlockGrid &grid = grids_[b];
        const size_t n = layout_.block, first = b * n;
        float level[most_block_weights], one[most_block_weights];
        for (size_t i = 0; i < n; i++) {
            const size_t group = i / layout_.width();
            const auto minimum = static_cast<float>(grid.minimum[group]);
            level[i] = layout_.level(grid.code[i]) * static_cast<float>(grid.scale[group]);
            // A zero point is counted in steps of the scale, and moves with it.
            if (layout_.is_zero_point) level[i] -= minimum, one[i] = 0;
            else one[i] = -minimum;
        }
        const float *slope = slope_ + first;
        const double a = form(first, n, level, level), f = vector_ops().dot(slope, level, n);
        if (!(a > 0)) return false;
        double c = 0, m = 0, g = 0, by_minimum = 0;
        if (layout_.has_minimum() && !layout_.is_zero_point) {
            c = form(first, n, one, one), m = form(first, n, level, one), g = vector_ops().dot(slope, one, n);
            const double determinant = a * c - m * m;
            if (determinant > 1e-6 * a * c) by_minimum = (a * g - m * f) / determinant;
        }
        float dmin = nearest_half(static_cast<float>(grid.dmin + by_minimum));
        if (!layout_.signed_dmin) dmin = std::max(0.0f, dmin);
        const double minimum_step = layout_.is_zero_point ? 0 : dmin - grid.dmin;
        const float d = nearest_half(static_cast<float>(grid.d + (f - m * minimum_step) / a));
        const double scale_step = d - grid.d;
        const double cost = scale_step * scale_step * a + 2 * scale_step * minimum_step * m +
                            minimum_step * minimum_step * c - 2 * (scale_step * f + minimum_step * g);
        if (!std::isfinite(d) || !std::isfinite(dmin) || !(cost < 0) || (must_rise() && d < 0)) return false;
        grid.d = d, grid.dmin = layout_.is_zero_point ? d : dmin;
        for (size_t i = 0; i < n; i++) {
            const auto by = static_cast<float>(scale_step * level[i] + minimum_step * one[i]);
            if (by != 0) move(first + i, by);
        }
        return true;
    }

    // Signs are the codes' alone.
    bool must_rise() const { return layout_.scale_low == 0 || layout_.is_zero_point; }
    static float nearest_half(float v) { return f32_from_f16(f16_from_f32(v)); }

    const EncodingTraits &encoding_;
    const GridLayout &layout_;
    const Curvature &curvature_;
    size_t blocks_;
    const float *target_ = nullptr;
    float *error_, *slope_;
    std::vector<float> x_;
    std::vector<BlockGrid> grids_;
};

} // namespace

void encode_with_feedback(const EncodingTraits &encoding, const GridLayout &layout, const Curvature &curvature,
                          std::span<const float> targets, size_t rows, const FeedbackOptions &options,
                          std::span<std::byte> out) {
    const size_t n = curvature.n, block = layout.block, bytes = encoding.block_bytes, row_bytes = n / block * bytes;
    const size_t together = std::min(rows, rows_together);
    std::vector<float> errors(together * n), slopes(together * n);
    std::vector<Row> batch;
    for (size_t r = 0; r < together; r++)
        batch.emplace_back(encoding, layout, curvature, errors.data() + r * n, slopes.data() + r * n);
    std::vector<float> x(batch.size() * block), weights(batch.size() * block);
    std::vector<std::byte> fitted(batch.size() * bytes);
    for (size_t first = 0; first < rows; first += batch.size()) {
        const size_t count = std::min(batch.size(), rows - first);
        for (size_t r = 0; r < count; r++) batch[r].begin(targets.data() + (first + r) * n);
        for (size_t b = 0; b < n / block; b++) {
            // Scales by the conditional curvature, for all rows at once: the encoders work on
            // many groups side by side.
            for (size_t r = 0; r < count; r++) {
                std::copy_n(batch[r].moved(b), block, x.begin() + static_cast<ptrdiff_t>(r * block));
                std::copy_n(curvature.d.begin() + static_cast<ptrdiff_t>(b * block), block,
                            weights.begin() + static_cast<ptrdiff_t>(r * block));
            }
            encoding.encode(x.data(), weights.data(), fitted.data(), count, QUANT_METHOD_FEEDBACK);
            for (size_t r = 0; r < count; r++) batch[r].round(b, fitted.data() + r * bytes);
        }
        // The curvature is symmetric: its rows are its columns.
        kernel::active_table().gemm({curvature.h.data(), n, n, errors.data(), n, count, n, slopes.data(), n, false});
        for (size_t r = 0; r < count; r++) batch[r].finish(options, out.data() + (first + r) * row_bytes);
    }
}

} // namespace quant
