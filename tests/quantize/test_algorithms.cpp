// What GPTQ's and AWQ's own code make of a matrix, and what is made of it here in the same kind of blocks:
// the error of its output is no more.
#include "encoding/float16.h"
#include "encoding/group_blocks.h"
#include "golden_logits.h"
#include "machine/worker_pool.h"
#include "quantize/calibrated_encoder.h"

using namespace quant;

namespace {

constexpr size_t n = 256; ///< Rows, and columns.

std::vector<float> halves_of(const std::filesystem::path &file) {
    std::vector<float> out;
    for (const uint16_t v : test::read_array<uint16_t>(file)) out.push_back(f32_from_f16(v));
    return out;
}

struct Problem {
    std::vector<float> weights, inputs;
    json::value golden;

    explicit Problem(const std::filesystem::path &folder)
        : weights(halves_of(folder / "W.f16")), inputs(halves_of(folder / "X.f16")),
          golden(json::parse(test::read_file(folder / "golden.json"), "golden.json")) {}

    double reference(const std::string &name) const { return golden.at("cases").at(name).at("output_mse").to_number<double>(); }

    // By all inputs, in two parts.
    InputMoments moments() const {
        InputMoments m;
        m.train = m.held = SecondMoments(n);
        const size_t tokens = inputs.size() / n, half = tokens / 2;
        m.train.add(inputs.data(), half, default_pool()), m.held.add(inputs.data() + half * n, tokens - half, default_pool());
        m.train.finish(), m.held.finish();
        return m;
    }

    double error(const EncodingTraits &encoding, const std::vector<std::byte> &bytes) const {
        std::vector<float> back(weights.size());
        decode_matrix(encoding, bytes, n, n, back);
        for (size_t i = 0; i < back.size(); i++) back[i] -= weights[i];
        double sum = 0;
        for (size_t t = 0; t < inputs.size(); t += n)
            for (size_t r = 0; r < n; r++) {
                double y = 0;
                for (size_t c = 0; c < n; c++) y += double{back[r * n + c]} * inputs[t + c];
                sum += y * y;
            }
        return sum / static_cast<double>(inputs.size());
    }

    double error_of(const EncodingTraits &encoding) const {
        return error(encoding, encode_calibrated(encoding, QUANT_METHOD_FEEDBACK, weights, n, n, moments(), default_pool()).bytes);
    }
};

void require_zero_points_in_middle(const EncodingTraits &encoding, const std::vector<std::byte> &bytes) {
    const GroupForm form = group_form(encoding.id);
    std::vector<uint8_t> codes(form.group);
    for (size_t at = 0; at < bytes.size(); at += encoding.block_bytes) {
        float d = 0, zero = 0;
        load_group(form, bytes.data() + at, d, zero, codes.data());
        REQUIRE(zero == static_cast<float>(1 << (form.bits - 1)));
    }
}

} // namespace

TEST_CASE("the output error is no more than that of GPTQ's own code") {
    const auto folder = test::shared("fixtures/algo/gptq");
    if (folder.empty()) {
        WARN("no fixtures");
        return;
    }
    const Problem problem(folder);
    const double symmetric = problem.error_of(*symmetric_encoding(QUANT_INT4_G128)),
                 free = problem.error_of(encoding_traits(QUANT_INT4_G128));
    for (const char *name : {"sym", "sym_actorder", "sym_actorder_static_groups"}) {
        INFO(name);
        CHECK(symmetric <= problem.reference(name));
    }
    CHECK(free <= problem.reference("asym"));
}

TEST_CASE("the output error is no more than that of AWQ's own code") {
    const auto folder = test::shared("fixtures/algo/awq");
    if (folder.empty()) {
        WARN("no fixtures");
        return;
    }
    const Problem problem(folder);
    const double error = problem.error_of(encoding_traits(QUANT_INT4_G128));
    CHECK(error <= problem.reference("duo"));
    CHECK(error <= problem.reference("activation_only"));
}

TEST_CASE("symmetric groups keep their zero points in the middle, by every method") {
    for (const quant_encoding id : {QUANT_INT2_G32, QUANT_INT3_G64, QUANT_INT4_G128, QUANT_INT8_G128}) {
        const EncodingTraits &encoding = *symmetric_encoding(id);
        INFO(encoding.name);
        std::vector<float> weights(4 * n), inputs(300 * n);
        uint32_t seed = 1;
        for (float &v : weights) v = 0.7f + static_cast<float>((seed = seed * 1664525 + 1013904223) >> 8) * 0x1p-24f; // All above zero.
        for (float &v : inputs) v = static_cast<float>(static_cast<int32_t>(seed = seed * 1664525 + 1013904223)) * 0x1p-31f;
        for (const quant_method method : {QUANT_METHOD_ROUND, QUANT_METHOD_SEARCH}) {
            std::vector<std::byte> bytes(encoded_bytes(encoding, 4, n));
            encode_matrix(encoding, method, weights, {}, 4, n, bytes);
            require_zero_points_in_middle(encoding, bytes);
        }
        InputMoments m;
        m.train = m.held = SecondMoments(n);
        m.train.add(inputs.data(), 300, default_pool()), m.train.finish(), m.held.finish();
        require_zero_points_in_middle(
            encoding, encode_calibrated(encoding, QUANT_METHOD_FEEDBACK, weights, 4, n, m, default_pool()).bytes);
    }
    REQUIRE(symmetric_encoding(QUANT_AFFINE4_G32) == nullptr);
    REQUIRE(symmetric_encoding(QUANT_Q4_0) == nullptr);
}
