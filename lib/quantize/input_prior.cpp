#include "quantize/input_prior.h"

#include "encoding/matrix_error.h"

#include <algorithm>
#include <cmath>

namespace quant {

namespace {

std::vector<float> squares(const ModelFile &file, Role role, uint32_t layer) {
    const ModelTensor *tensor = file.find(role, layer);
    if (!tensor) return {};
    std::vector<float> values(tensor->elements());
    file.decode_rows(*tensor, 0, 1, values.data());
    for (float &v : values) v *= v;
    return values;
}

// Mean square of each output of a tensor's matrix, where inputs are independent and have mean
// squares `in`.
std::vector<float> output_squares(const ModelFile &file, Role weight, uint32_t layer, uint64_t matrix,
                                  const std::vector<float> &in, WorkerPool &pool) {
    const ModelTensor *tensor = file.find(weight, layer);
    if (!tensor || tensor->cols() != in.size()) return {};
    const uint64_t rows = tensor->matrix_rows();
    std::vector<float> out(rows);
    pool.parallel_for(rows, 16, [&](size_t begin, size_t end, unsigned) {
        std::vector<float> row(in.size());
        for (size_t r = begin; r < end; r++) {
            file.decode_rows(*tensor, matrix * rows + r, 1, row.data());
            out[r] = weighted_squares(row, in);
        }
    });
    return out;
}

void add_squares(std::vector<float> &sums, const std::vector<float> &squares) {
    for (size_t r = 0; r < std::min(sums.size(), squares.size()); r++) sums[r] += squares[r];
}

// E silu(z)² for z normal with that mean square, by the trapezoid rule over six deviations.
float silu_square(float mean_square) {
    constexpr int half = 24;
    constexpr double step = 6.0 / half;
    const double deviation = std::sqrt(double{mean_square});
    double sum = 0, weights = 0;
    for (int i = -half; i <= half; i++) {
        const double u = i * step, z = u * deviation, weight = std::exp(-u * u / 2), silu = z / (1 + std::exp(-z));
        sum += weight * silu * silu, weights += weight;
    }
    return static_cast<float>(sum / weights);
}

// An average of values over positions keeps their differences in size, if not their size.
std::vector<float> attention_prior(const ModelFile &file, uint32_t layer, WorkerPool &pool) {
    std::vector<float> values =
        output_squares(file, Role::attention_v, layer, 0, squares(file, Role::attention_norm, layer), pool);
    add_squares(values, squares(file, Role::attention_v_bias, layer));
    const Hyperparameters &h = file.hyperparameters();
    const size_t head = values.size() / h.kv_heads, group = h.heads / h.kv_heads;
    std::vector<float> out;
    for (uint32_t k = 0; k < h.kv_heads; k++)
        for (size_t copy = 0; copy < group; copy++)
            out.insert(out.end(), values.data() + k * head, values.data() + (k + 1) * head);
    return out;
}

// Of what a gated unit gives, its matrices being those of two roles.
std::vector<float> hidden_prior(const ModelFile &file, Role gate, Role up, uint32_t layer, uint64_t matrix,
                                WorkerPool &pool) {
    const std::vector<float> in = squares(file, Role::ffn_norm, layer);
    std::vector<float> out = output_squares(file, gate, layer, matrix, in, pool);
    std::vector<float> ups = output_squares(file, up, layer, matrix, in, pool);
    if (out.size() != ups.size()) return {};
    if (gate == Role::ffn_gate) {
        add_squares(out, squares(file, Role::ffn_gate_bias, layer));
        add_squares(ups, squares(file, Role::ffn_up_bias, layer));
    }
    for (size_t i = 0; i < out.size(); i++) out[i] = silu_square(out[i]) * ups[i];
    return out;
}

// A guess tells outliers, not small differences: what is below twice the typical value
// counts as that, and where nothing is above, nothing is known. The squared mean of roots is
// typical where a mean would be one outlier's.
std::vector<float> outliers(std::vector<float> values) {
    double roots = 0;
    for (const float v : values) roots += std::sqrt(double{v});
    const double root = roots / static_cast<double>(std::max<size_t>(1, values.size()));
    const auto floor = static_cast<float>(2 * root * root);
    if (std::all_of(values.begin(), values.end(), [&](float v) { return v <= floor; })) return {};
    for (float &v : values) v = std::max(v, floor);
    return values;
}

std::vector<float> prior(const ModelFile &file, const RoleOfTensor &place, uint64_t matrix, WorkerPool &pool) {
    switch (place.role) {
    case Role::attention_q:
    case Role::attention_k:
    case Role::attention_v:
    case Role::conv_in:
        return squares(file, Role::attention_norm, place.layer);
    case Role::attention_output:
        return attention_prior(file, place.layer, pool);
    case Role::ffn_down:
        return hidden_prior(file, Role::ffn_gate, Role::ffn_up, place.layer, 0, pool);
    case Role::expert_down:
        return hidden_prior(file, Role::expert_gate, Role::expert_up, place.layer, matrix, pool);
    default:
        return {};
    }
}

} // namespace

std::vector<float> input_prior(const ModelFile &file, const ModelTensor &tensor, uint64_t matrix, WorkerPool &pool) {
    if (!tensor.role) return {};
    std::vector<float> out = prior(file, *tensor.role, matrix, pool);
    // What is no guess of this matrix's inputs, or one of a broken model, is none.
    const auto usable = [](float v) { return std::isfinite(v) && v >= 0; };
    if (out.size() != tensor.cols() || !std::all_of(out.begin(), out.end(), usable)) return {};
    return outliers(std::move(out));
}

} // namespace quant
