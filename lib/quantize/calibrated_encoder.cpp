#include "quantize/calibrated_encoder.h"

#include "encoding/group_blocks.h"
#include "kernel/kernel_table.h"
#include "kernel/ops.h"
#include "quantize/feedback.h"
#include "quantize/grid_feedback.h"

#include <algorithm>
#include <numeric>

namespace quant {

namespace {

/// Of the mean of the diagonal; below what rounding to half precision does.
constexpr double damping = 0.01;
/// Rows that choices are compared on.
constexpr size_t sampled_rows = 96;

struct Matrix {
    std::span<const float> weights; ///< rows x cols.
    size_t rows, cols;
    const float *row(size_t r) const { return weights.data() + r * cols; }
};

class Encoder {
public:
    Encoder(const EncodingTraits &encoding, size_t cols, WorkerPool &pool)
        : encoding_(encoding), layout_(layout_of(encoding)), cells_(find_grid_cells(encoding.id)),
          row_bytes_(encoded_bytes(encoding, 1, cols)), pool_(pool) {}

    std::vector<std::byte> by_importance(const Matrix &m, std::span<const float> importance) const {
        std::vector<std::byte> out(m.rows * row_bytes_);
        each_rows(m, [&](size_t begin, size_t end) {
            encode_matrix(encoding_, QUANT_METHOD_IMPORTANCE, m.weights.subspan(begin * m.cols, (end - begin) * m.cols),
                          importance, end - begin, m.cols, rows_of(out, begin, end));
        });
        return out;
    }

    /// Whether its blocks can be taken apart.
    bool serves_feedback() const { return layout_ || cells_; }

    std::vector<std::byte> by_feedback(const Matrix &m, const Curvature &curvature, const SecondMoments &drift,
                                       float share) const {
        std::vector<std::byte> out(m.rows * row_bytes_);
        each_rows(m, [&](size_t begin, size_t end) {
            std::vector<float> targets(m.row(begin), m.row(begin) + (end - begin) * m.cols);
            if (share != 0)
                for (size_t r = begin; r < end; r++) undo_drift(m, r, curvature, drift, share, targets.data() + (r - begin) * m.cols);
            if (layout_)
                encode_with_feedback(encoding_, *layout_, curvature, targets, end - begin, {}, rows_of(out, begin, end));
            else
                encode_cells_with_feedback(encoding_, *cells_, curvature, targets, end - begin, {},
                                           rows_of(out, begin, end));
        });
        return out;
    }

    // E |W b - V x|² over the inputs, less what does not depend on V: with E = W - V,
    // sum of e H eᵀ + 2 e (drift)ᵀ wᵀ.
    double output_error(const Matrix &m, const std::vector<std::byte> &bytes, const SecondMoments &moments,
                        const SecondMoments &drift) const {
        std::vector<double> partial(pool_.size());
        pool_.parallel_for(m.rows, 16, [&](size_t begin, size_t end, unsigned worker) {
            const size_t rows = end - begin;
            const float *w = m.row(begin);
            std::vector<float> e(rows * m.cols), product(rows * m.cols);
            encoding_.decode(bytes.data() + begin * row_bytes_, e.data(), rows * (m.cols / encoding_.block_weights));
            for (size_t i = 0; i < e.size(); i++) e[i] = w[i] - e[i];
            // e times the transpose of a square matrix, and the sum of what that is times `by`.
            const auto form = [&](const SecondMoments &square, const float *by) {
                kernel::active_table().gemm({square.row(0), m.cols, m.cols, e.data(), m.cols, rows, m.cols,
                                             product.data(), m.cols, false});
                double sum = 0;
                for (size_t r = 0; r < rows; r++)
                    sum += vector_ops().dot(product.data() + r * m.cols, by + r * m.cols, m.cols);
                return sum;
            };
            partial[worker] += form(moments, e.data());
            if (drift.size() != 0) partial[worker] += 2 * form(drift, w);
        });
        return std::accumulate(partial.begin(), partial.end(), 0.0);
    }

private:
    static const GridLayout *layout_of(const EncodingTraits &encoding) {
        const GridLayout *group = find_group_layout(encoding);
        return group ? group : find_grid_layout(encoding.id);
    }
    template <class Body>
    void each_rows(const Matrix &m, const Body &body) const {
        pool_.parallel_for(m.rows, 16, [&](size_t begin, size_t end, unsigned) { body(begin, end); });
    }
    std::span<std::byte> rows_of(std::vector<std::byte> &out, size_t begin, size_t end) const {
        return std::span(out).subspan(begin * row_bytes_, (end - begin) * row_bytes_);
    }
    // The target moves by w P H^-1, P being the drift: what makes W' x nearest to W b.
    static void undo_drift(const Matrix &m, size_t r, const Curvature &curvature, const SecondMoments &drift, float share,
                           float *target) {
        std::vector<float> v(m.cols);
        for (size_t i = 0; i < m.cols; i++) vector_ops().axpy(m.row(r)[i], drift.row(i), v.data(), m.cols);
        curvature.solve(v.data());
        vector_ops().axpy(share, v.data(), target, m.cols);
    }

    const EncodingTraits &encoding_;
    const GridLayout *layout_;
    const GridCellLayout *cells_;
    size_t row_bytes_;
    WorkerPool &pool_;
};

std::vector<float> diagonal(const SecondMoments &a, const SecondMoments &b) {
    std::vector<float> out(a.size());
    for (size_t i = 0; i < out.size(); i++) out[i] = a.row(i)[i] + b.row(i)[i];
    return out;
}

SecondMoments sum(const SecondMoments &a, const SecondMoments &b) {
    SecondMoments out = a;
    out.add(b);
    return out;
}

std::vector<float> sample(const Matrix &m, size_t count) {
    std::vector<float> out;
    for (size_t i = 0; i < count; i++) {
        const float *row = m.row(i * m.rows / count);
        out.insert(out.end(), row, row + m.cols);
    }
    return out;
}

struct Comparison {
    bool feedback_wins = true;
    FeedbackChoice choice = usual_choice;
    double error = 0, importance_error = 0;
};

// Correlations first, then how much of the drift to undo; each trial must beat the best so far.
Comparison compare_choices(const Encoder &encoder, const Matrix &m, const InputMoments &inputs, WorkerPool &pool) {
    const auto held_error = [&](const std::vector<std::byte> &bytes) {
        return encoder.output_error(m, bytes, inputs.held, inputs.held_drift);
    };
    Comparison out;
    out.importance_error = out.error = held_error(encoder.by_importance(m, diagonal(inputs.train, inputs.train)));
    out.feedback_wins = false;
    const float usual_drift = inputs.has_drift() ? usual_choice.drift : 0;
    std::shared_ptr<const Curvature> best_curvature;
    for (const float shrink : {0.0f, 0.05f, 0.2f, 0.5f}) {
        const auto curvature = inputs.curvature(false, damping, shrink, pool);
        const double error = held_error(encoder.by_feedback(m, *curvature, inputs.train_drift, usual_drift));
        const bool better = error < out.error;
        if (better) out.error = error, out.choice = {shrink, usual_drift}, out.feedback_wins = true;
        if (better || !best_curvature) best_curvature = curvature;
        if (!better && out.feedback_wins) break;
    }
    if (!inputs.has_drift()) return out;
    for (const float drift : {0.5f, 0.0f}) {
        const double error = held_error(encoder.by_feedback(m, *best_curvature, inputs.train_drift, drift));
        if (!(error < out.error)) continue;
        out.error = error, out.choice.drift = drift, out.feedback_wins = true;
    }
    return out;
}

} // namespace

CalibratedMatrix encode_calibrated(const EncodingTraits &encoding, quant_method method, std::span<const float> weights,
                                   size_t rows, size_t cols, const InputMoments &inputs, WorkerPool &pool) {
    const Encoder encoder(encoding, cols, pool);
    const Matrix whole{weights, rows, cols};
    const bool possible = encoder.serves_feedback();
    CalibratedMatrix out{{}, QUANT_METHOD_IMPORTANCE, 0, 0, 0, 0};
    Comparison chosen;
    if (!inputs.has_drift()) chosen.choice.drift = 0;
    if (possible && method == QUANT_METHOD_BEST) {
        const size_t count = std::min(rows, sampled_rows);
        const std::vector<float> some = sample(whole, count);
        chosen = compare_choices(encoder, {some, count, cols}, inputs, pool);
    }
    out.held_error = chosen.error, out.held_importance = chosen.importance_error;
    if (!possible || !chosen.feedback_wins || method == QUANT_METHOD_IMPORTANCE) {
        out.bytes = encoder.by_importance(whole, diagonal(inputs.train, inputs.held));
        return out;
    }
    const auto curvature = inputs.curvature(true, damping, chosen.choice.shrink, pool);
    out.bytes = encoder.by_feedback(whole, *curvature, sum(inputs.train_drift, inputs.held_drift), chosen.choice.drift);
    out.method = QUANT_METHOD_FEEDBACK;
    out.shrink = chosen.choice.shrink, out.drift = chosen.choice.drift;
    return out;
}

} // namespace quant
