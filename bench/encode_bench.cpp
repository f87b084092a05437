// How fast encoders are on one core: million weights a second for each encoding and
// method over a matrix larger than the caches, and the error against plain rounding.
//
//   encode_bench [--rows R] [--cols C] [ENCODING ...]
//
// Time is that of the thread, so a busy machine disturbs little. Weights are random,
// Gaussian with a standard deviation that differs from row to row and a few outliers.
#include "base/error.h"
#include "encoding/encoding.h"

#include <fmt/format.h>
#include <time.h>

#include <cmath>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

using namespace quant;

namespace {

struct Options {
    uint64_t rows = 4096, cols = 4096;
    std::vector<std::string> encodings;
};

Options parse(int count, char **words) {
    Options out;
    for (int i = 1; i < count; i++) {
        const std::string word = words[i];
        const bool is_option = word.rfind("--", 0) == 0;
        if (is_option && i + 1 == count) fail(QUANT_ERR_ARGUMENT, "{} needs a value", word);
        if (word == "--rows") out.rows = std::strtoull(words[++i], nullptr, 10);
        else if (word == "--cols") out.cols = std::strtoull(words[++i], nullptr, 10);
        else if (is_option) fail(QUANT_ERR_ARGUMENT, "{} is no option", word);
        else out.encodings.push_back(word);
    }
    if (out.rows == 0 || out.cols == 0) fail(QUANT_ERR_ARGUMENT, "a matrix needs rows and columns");
    if (out.encodings.empty())
        for (const EncodingTraits &e : encodings())
            if (e.family != Family::floats) out.encodings.push_back(e.name);
    return out;
}

double thread_seconds() {
    timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

struct Matrix {
    uint64_t rows, cols;
    std::vector<float> weights, importance;

    Matrix(uint64_t r, uint64_t c) : rows(r), cols(c), weights(r * c), importance(c) {
        std::mt19937 random(1);
        std::normal_distribution<float> normal;
        std::lognormal_distribution<float> spread(0, 1.2f);
        for (float &w : importance) w = spread(random);
        // One long draw, cut at another place for each row: drawing all would take longest.
        std::vector<float> draw(c + 8191);
        for (float &v : draw) v = normal(random) * (random() % 200 == 0 ? 5.0f : 1.0f);
        for (uint64_t row = 0; row < r; row++) {
            const float deviation = 0.02f * spread(random);
            const auto from = draw.begin() + static_cast<ptrdiff_t>(random() % 8191);
            for (uint64_t col = 0; col < c; col++)
                weights[row * c + col] = deviation * from[static_cast<ptrdiff_t>(col)];
        }
    }
};

struct Result {
    double speed, rmse; ///< Million weights a second.
};

Result measure(const EncodingTraits &e, quant_method method, const Matrix &m) {
    std::vector<std::byte> bytes(encoded_bytes(e, m.rows, m.cols));
    std::vector<float> back(m.weights.size());
    const std::vector<float> none;
    const auto &importance = method == QUANT_METHOD_IMPORTANCE ? m.importance : none;
    const double begin = thread_seconds();
    encode_matrix(e, method, m.weights, importance, m.rows, m.cols, bytes);
    const double took = thread_seconds() - begin;
    decode_matrix(e, bytes, m.rows, m.cols, back);
    double sum = 0;
    for (size_t i = 0; i < back.size(); i++) sum += std::pow(double{m.weights[i]} - back[i], 2);
    const auto n = static_cast<double>(back.size());
    return {n / took * 1e-6, std::sqrt(sum / n)};
}

void run(const Options &options) {
    const Matrix matrix(options.rows, options.cols);
    fmt::print("{} rows of {} weights, one thread; million weights a second, rmse to that of round\n", options.rows,
               options.cols);
    fmt::print("{:8} {:>8} {:>15} {:>15}\n", "", "round", "search", "importance");
    for (const std::string &name : options.encodings) {
        const EncodingTraits &e = encoding_named(name, QUANT_ERR_ARGUMENT);
        const Result rounded = measure(e, QUANT_METHOD_ROUND, matrix);
        fmt::print("{:8} {:8.1f}", e.name, rounded.speed);
        for (const quant_method method : {QUANT_METHOD_SEARCH, QUANT_METHOD_IMPORTANCE}) {
            const Result r = measure(e, method, matrix);
            fmt::print(" {:8.1f} {:6.4f}", r.speed, r.rmse / rounded.rmse);
        }
        fmt::print("\n");
    }
}

} // namespace

int main(int count, char **words) {
    try {
        run(parse(count, words));
    } catch (const std::exception &e) {
        fmt::print(stderr, "encode_bench: {}\n", e.what());
        return 1;
    }
}
