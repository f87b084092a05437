// Error feedback: the factorization by its definition, and the output error of what is
// encoded against that of the weighted search, on inputs that calibration did not see.
#include "machine/worker_pool.h"
#include "encoding/grid_cells.h"
#include "model/forward.h"
#include "quantize/calibrated_encoder.h"
#include "quantize/feedback.h"
#include "quantize/plan.h"
#include "test_support.h"

#include <cmath>
#include <random>

using namespace quant;
using test::require_error;

namespace {

std::vector<float> normals(size_t n, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    std::vector<float> out(n);
    for (float &v : out) v = normal(random);
    return out;
}

// Inputs whose neighbours are correlated, of widely different size.
std::vector<float> inputs(size_t tokens, size_t n, unsigned seed) {
    std::vector<float> x = normals(tokens * n, seed);
    for (size_t t = 0; t < tokens; t++)
        for (size_t i = 1; i < n; i++) x[t * n + i] = 0.9f * x[t * n + i - 1] + 0.45f * x[t * n + i];
    for (size_t i = 0; i < tokens * n; i++) x[i] *= 1 + static_cast<float>(i % n % 7);
    return x;
}

InputMoments moments_of(const std::vector<float> &train, const std::vector<float> &held, size_t n) {
    InputMoments m;
    m.train = m.held = m.train_drift = m.held_drift = SecondMoments(n);
    m.train.add(train.data(), train.size() / n, default_pool());
    m.held.add(held.data(), held.size() / n, default_pool());
    m.train.finish(), m.held.finish();
    return m;
}

double output_error(const EncodingTraits &e, const std::vector<float> &weights, const std::vector<std::byte> &bytes,
                    size_t n, const std::vector<float> &x) {
    std::vector<float> decoded(weights.size());
    decode_matrix(e, bytes, weights.size() / n, n, decoded);
    double sum = 0;
    for (size_t r = 0; r < weights.size(); r += n)
        for (size_t t = 0; t < x.size(); t += n) {
            double y = 0;
            for (size_t i = 0; i < n; i++) y += (weights[r + i] - decoded[r + i]) * double{x[t + i]};
            sum += y * y;
        }
    return sum;
}

} // namespace

TEST_CASE("second moments are sums of products, and their factors give them back") {
    const size_t n = 37, tokens = 101;
    const std::vector<float> x = inputs(tokens, n, 1), y = inputs(tokens, n, 2);
    SecondMoments m(n), product(n);
    m.add(x.data(), 60, default_pool());
    m.add(x.data() + 60 * n, tokens - 60, default_pool());
    m.finish();
    product.add_product(y.data(), x.data(), tokens, default_pool());
    REQUIRE(m.tokens() == tokens);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            double sum = 0, other = 0;
            for (size_t t = 0; t < tokens; t++) sum += double{x[t * n + i]} * x[t * n + j], other += double{y[t * n + i]} * x[t * n + j];
            REQUIRE(m.row(i)[j] == Approx(sum).epsilon(1e-4).margin(1e-2));
            REQUIRE(product.row(i)[j] == Approx(other).epsilon(1e-4).margin(1e-2));
        }
    const Curvature c = factor(m.values(), n, 0.01, 0, default_pool());
    for (size_t i = 0; i < n; i++)
        for (size_t j = i; j < n; j++) {
            double sum = 0;
            for (size_t k = j; k < n; k++)
                sum += (k == i ? 1.0 : c.t_row(i)[k]) * c.d[k] * (k == j ? 1.0 : c.t_row(j)[k]);
            const double expected = m.row(i)[j] + (i == j ? 0.01 * m.mean_diagonal() : 0);
            REQUIRE(sum == Approx(expected).epsilon(1e-4).margin(1e-2));
        }
    std::vector<float> v(n), back(n);
    for (size_t i = 0; i < n; i++) v[i] = static_cast<float>(i) - 10;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) back[j] += v[i] * c.h_row(i)[j];
    c.solve(back.data());
    for (size_t i = 0; i < n; i++) REQUIRE(back[i] == Approx(v[i]).margin(0.02));
}

TEST_CASE("moments of nothing, of equal columns and of NaN") {
    const SecondMoments nothing(8);
    REQUIRE(factor(nothing.values(), 8, 0.01, 0, default_pool()).d[3] > 0);
    std::vector<float> ones(8 * 8, 1.0f);
    REQUIRE(factor(ones, 8, 0, 0, default_pool()).d[0] > 0); // Singular: damped until it is not.
    ones[9] = NAN;
    require_error(QUANT_ERR_ARGUMENT, {"not finite"}, [&] { factor(ones, 8, 0.01, 0, default_pool()); });
}

TEST_CASE("feedback lowers the output error of every encoding it serves") {
    const size_t n = 256, rows = 8;
    const std::vector<float> weights = normals(rows * n, 3), train = inputs(2048, n, 4), held = inputs(64, n, 5);
    const InputMoments moments = moments_of(train, inputs(256, n, 6), n);
    for (const EncodingTraits &e : encodings()) {
        if (!find_grid_layout(e.id) && !find_grid_cells(e.id)) continue;
        INFO(e.name);
        const auto error = [&](quant_method method) {
            return output_error(e, weights,
                                encode_calibrated(e, method, weights, rows, n, moments, default_pool()).bytes, n, held);
        };
        const double feedback = error(QUANT_METHOD_FEEDBACK), best = error(QUANT_METHOD_BEST);
        const double importance = error(QUANT_METHOD_IMPORTANCE);
        REQUIRE(feedback < 0.75 * importance);
        REQUIRE(best < 0.75 * importance);
    }
}

TEST_CASE("best falls back to importance where feedback does harm") {
    // Correlations of the training inputs that the held-out ones do not have.
    const size_t n = 256, rows = 8;
    const std::vector<float> weights = normals(rows * n, 7);
    std::vector<float> train = normals(40 * n, 8);
    const InputMoments moments = moments_of(train, normals(4096 * n, 9), n);
    const EncodingTraits &e = encoding_traits(QUANT_Q4_0);
    const auto best = encode_calibrated(e, QUANT_METHOD_BEST, weights, rows, n, moments, default_pool());
    REQUIRE(best.held_error <= best.held_importance);
    const std::vector<float> fresh = normals(256 * n, 10);
    const auto importance = encode_calibrated(e, QUANT_METHOD_IMPORTANCE, weights, rows, n, moments, default_pool());
    REQUIRE(output_error(e, weights, best.bytes, n, fresh) <= 1.03 * output_error(e, weights, importance.bytes, n, fresh));
}

namespace {

// Mean squares of what goes into the matrix that makes logits.
std::vector<float> logit_inputs(const std::filesystem::path &path) {
    const auto model = Model::open(path);
    const size_t n = model->hyperparameters().embedding;
    std::vector<float> sums(n);
    Forward forward(*model, default_pool());
    forward.observe([&](const ObservedInput &in) {
        if (in.role != Role::output) return;
        for (size_t i = 0; i < in.tokens * n; i++) sums[i % n] += in.x[i] * in.x[i];
    });
    std::vector<float> logits(64 * model->hyperparameters().vocabulary);
    for (const auto &sequence : calibration_sequences(model->tokenizer(), test::numbered_lines(800), 64, 2048, 1)) {
        KvCache cache(model->hyperparameters(), 64);
        forward.run(cache, sequence, 0, sequence.size(), logits.data());
    }
    return sums;
}

// Sum of squared errors of a matrix, each column weighted.
double weighted_error(const ModelFile &source, const std::filesystem::path &made, Role role,
                      const std::vector<float> &weights) {
    const ModelTensor &tensor = *source.find(role, 0);
    const auto file = Container::open(made);
    const std::vector<float> after = file->decode(file->require(tensor.name));
    std::vector<float> before(after.size());
    source.decode_rows(tensor, 0, tensor.rows(), before.data());
    double sum = 0;
    for (size_t i = 0; i < after.size(); i++)
        sum += weights[i % weights.size()] * (double{after[i]} - before[i]) * (double{after[i]} - before[i]);
    return sum;
}

} // namespace

TEST_CASE("with calibration embeddings get the longer search, and the matrix that makes logits its inputs' weights") {
    const test::ScratchFolder folder;
    const auto path = test::data("model/qwen3-moe");
    const auto source = ModelFile::open(path);
    REQUIRE(source->find(Role::output, 0) != nullptr);
    Progress progress;
    QuantizeOptions options{"Q4_0", QUANT_METHOD_SEARCH};
    options.overrides = {{"token_embd.weight", "Q3_K"}, {"output.weight", "Q3_K"}};
    Plan(source, options).run(folder / "search.gguf", progress);
    options.method = QUANT_METHOD_BEST;
    options.calibration_text = test::numbered_lines(800);
    options.calibration_tokens = 8 * 512;
    Plan plan(source, options);
    plan.run(folder / "best.gguf", progress);

    const std::vector<float> ones(source->hyperparameters().embedding, 1.0f), inputs = logit_inputs(path);
    const auto error = [&](const char *name, Role role, const std::vector<float> &weights) {
        return weighted_error(*source, folder / name, role, weights);
    };
    REQUIRE(error("best.gguf", Role::token_embedding, ones) < error("search.gguf", Role::token_embedding, ones));
    REQUIRE(error("best.gguf", Role::output, inputs) < 0.99 * error("search.gguf", Role::output, inputs));
    for (const PlannedTensor &t : plan.tensors()) {
        if (t.source->role->role == Role::token_embedding) REQUIRE(t.method == QUANT_METHOD_SEARCH);
        if (t.source->role->role == Role::output) REQUIRE(t.method == QUANT_METHOD_IMPORTANCE);
    }
}

TEST_CASE("a plan with feedback calibrates layer after layer and says what it did") {
    const test::ScratchFolder folder;
    QuantizeOptions options{"Q3_K_S", QUANT_METHOD_BEST};
    options.calibration_text = test::numbered_lines(800);
    Plan plan(ModelFile::open(test::data("model/llama-3-rope")), options);
    Progress progress;
    const uint64_t expected = plan.output_bytes();
    plan.run(folder / "out.gguf", progress);
    REQUIRE(std::filesystem::file_size(folder / "out.gguf") == expected);
    size_t feedback = 0;
    for (const PlannedTensor &t : plan.tensors()) {
        REQUIRE(t.rmse >= 0);
        feedback += t.method == QUANT_METHOD_FEEDBACK;
        if (t.source->shape.size() == 1) REQUIRE(t.method == QUANT_METHOD_ROUND);
    }
    REQUIRE(feedback >= 10);
}
