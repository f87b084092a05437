// Files of base logits: layout by hand, round trips, and what must be refused.
#include "eval/base_logits.h"
#include "eval/perplexity.h"
#include "eval/token_statistics.h"
#include "eval_test_support.h"
#include "quantize/plan.h"
#include "test_support.h"

#include <cmath>
#include <cstring>

using namespace quant;
using test::eval_options;
using test::require_error;

namespace {

// Two chunks of 4 tokens, so one scored position each, with a vocabulary of 3.
struct Small {
    test::ScratchFolder folder;
    std::filesystem::path path = folder / "small.kld";
    const std::vector<int32_t> tokens = {0, 1, 2, 0, 1, 1, 2, 2};
    const std::vector<float> logits[2] = {{3, 1, -20}, {0.5f, 0.5f, 0.5f}};

    Small() {
        BaseLogitsWriter writer(path, 4, 3, tokens);
        for (const auto &row : logits) writer.add(row.data());
        REQUIRE_FALSE(std::filesystem::exists(path));
        writer.commit();
    }
    // The file with `bytes` at `offset`.
    std::filesystem::path with(size_t offset, const std::string &bytes) const {
        std::string all = test::read_file(path);
        all.replace(offset, bytes.size(), bytes);
        test::write_file(folder / "changed.kld", all);
        return folder / "changed.kld";
    }
};

template <class T>
std::string bytes_of(T value) {
    std::string out(sizeof value, '\0');
    std::memcpy(out.data(), &value, sizeof value);
    return out;
}

} // namespace

TEST_CASE("base logits lie in the file as llama-perplexity has them") {
    const Small s;
    const std::string all = test::read_file(s.path);
    REQUIRE(all.size() == 8 + 3 * 4 + 8 * 4 + 2 * (4 + 4) * 2);
    REQUIRE(all.substr(0, 8) == "_logits_");
    REQUIRE(all.substr(8, 12) == bytes_of(4) + bytes_of(3) + bytes_of(2));
    REQUIRE(all.substr(20, 8) == bytes_of(0) + bytes_of(1));
    float step, minimum;
    std::memcpy(&step, all.data() + 52, 4), std::memcpy(&minimum, all.data() + 56, 4);
    REQUIRE(step == Approx(16.0 / 65535));
    const double log_sum = std::log(std::exp(3.0) + std::exp(1.0) + std::exp(-20.0));
    REQUIRE(minimum == Approx(3 - 16 - log_sum)); // The third lies 23 below the first: out of range.
    uint16_t codes[4];
    std::memcpy(codes, all.data() + 60, 8);
    REQUIRE(codes[0] == 65535);
    REQUIRE(std::abs(codes[1] - 65535 * 14 / 16) <= 1);
    REQUIRE(codes[2] == 0);
    REQUIRE(all.substr(68, 4) == bytes_of(0.0f)); // All equal: no range.
}

TEST_CASE("base logits come back to a step's accuracy, and what was cut off is untold") {
    const Small s;
    BaseLogitsReader reader(s.path);
    REQUIRE(reader.tokens() == s.tokens);
    std::vector<float> row(3);
    reader.load(0);
    reader.decode(0, row.data());
    const double log_sum = std::log(std::exp(3.0) + std::exp(1.0));
    REQUIRE(row[0] == Approx(3 - log_sum).margin(1.5e-4));
    REQUIRE(row[1] == Approx(1 - log_sum).margin(1.5e-4));
    REQUIRE(row[2] == untold);
    REQUIRE(reader.log_probability(0, 2) == Approx(3 - 16 - log_sum));
    reader.load(1);
    reader.decode(0, row.data());
    for (const float p : row) REQUIRE(p == Approx(-std::log(3.0)));
}

TEST_CASE("a stored row is taken as it is") {
    // Probabilities 0.6 and 0.3; 0.1 was not told.
    const std::vector<float> stored = {std::log(0.6f), std::log(0.3f), untold};
    const std::vector<float> q = {std::log(0.5f) + 2, std::log(0.25f) + 2, std::log(0.25f) + 2};
    BaseRow base{stored.data(), true, -9.5};
    const TokenScore score = score_token(q.data(), base, 3, 2);
    REQUIRE(score.base_log_probability == -9.5);
    REQUIRE(score.log_probability == Approx(std::log(0.25)));
    REQUIRE(score.divergence == Approx(0.6 * std::log(0.6 / 0.5) + 0.3 * std::log(0.3 / 0.25)).epsilon(1e-5));
    REQUIRE(score.same_top);
}

TEST_CASE("a file of base logits that is not sound is refused by what is wrong") {
    const Small s;
    const auto open = [](const std::filesystem::path &path) {
        return [path] {
            BaseLogitsReader reader(path);
            for (uint32_t c = 0; c < reader.chunks(); c++) reader.load(c);
        };
    };
    require_error(QUANT_ERR_FORMAT, {"_logits_"}, open(s.with(0, "GGUF")));
    for (const int bad : {0, -1, 3}) require_error(QUANT_ERR_FORMAT, {"tokens"}, open(s.with(8, bytes_of(bad))));
    require_error(QUANT_ERR_FORMAT, {"vocabulary"}, open(s.with(12, bytes_of(-3))));
    for (const int bad : {5, 1 << 30, INT32_MAX}) {
        require_error(QUANT_ERR_TRUNCATED, {"84"}, open(s.with(12, bytes_of(bad))));
        require_error(QUANT_ERR_TRUNCATED, {"84"}, open(s.with(16, bytes_of(bad))));
        if (bad > 5) require_error(QUANT_ERR_TRUNCATED, {"84"}, open(s.with(8, bytes_of(bad))));
    }
    require_error(QUANT_ERR_TRUNCATED, {"84"},
                  open(s.with(8, bytes_of(INT32_MAX) + bytes_of(INT32_MAX) + bytes_of(INT32_MAX))));
    require_error(QUANT_ERR_FORMAT, {"52", "84"}, open(s.with(16, bytes_of(1)))); // Longer than it says.
    for (const int bad : {3, -1}) require_error(QUANT_ERR_FORMAT, {"token 1"}, open(s.with(24, bytes_of(bad))));
    for (const float bad : {NAN, INFINITY, -1.0f, 1.0f})
        require_error(QUANT_ERR_FORMAT, {"row 0 of chunk 0"}, open(s.with(52, bytes_of(bad))));
    require_error(QUANT_ERR_FORMAT, {"row 0 of chunk 1"}, open(s.with(72, bytes_of(-INFINITY))));
    const std::string all = test::read_file(s.path);
    for (size_t n = 0; n < all.size(); n++) {
        test::write_file(s.folder / "cut.kld", all.substr(0, n));
        require_error(QUANT_ERR_TRUNCATED, {"cut.kld"}, open(s.folder / "cut.kld"));
    }
    require_error(QUANT_ERR_NOT_FOUND, {"none.kld"}, open(s.folder / "none.kld"));
    require_error(QUANT_ERR_ARGUMENT, {"regular file"}, open("/dev/zero"));
}

TEST_CASE("a saved base stands in for the base model") {
    const test::ScratchFolder folder;
    const auto base = Model::open(test::data("model/llama-3-rope"));
    Plan plan(ModelFile::open(test::data("model/llama-3-rope")), {"Q2_K", QUANT_METHOD_DEFAULT, {}});
    Progress progress;
    plan.run(folder / "q.gguf", progress);
    const auto model = Model::open(folder / "q.gguf");
    const std::string text = test::long_text(), saved = (folder / "base.kld").string();
    quant_eval_options o = eval_options(text, 64, 3);
    const quant_eval_result direct = evaluate(model, base, o);
    o.save_logits = saved.c_str();
    const quant_eval_result of_base = evaluate(base, nullptr, o);

    quant_eval_options from_file = eval_options(text, 0, 0);
    from_file.base_logits = saved.c_str();
    const quant_eval_result with_text = evaluate(model, nullptr, from_file);
    REQUIRE(with_text.chunks == 3);
    REQUIRE(with_text.ppl == direct.ppl);
    // Logits of random weights reach farther than the format's 16 nats, which therefore
    // finds the unlikely a little too likely. tests/cli has a real model.
    REQUIRE(with_text.base_ppl < of_base.ppl);
    REQUIRE(with_text.base_ppl > 0.8 * of_base.ppl);
    REQUIRE(with_text.kld_mean == Approx(direct.kld_mean).epsilon(0.02));
    REQUIRE(with_text.text_sha256 == std::string(direct.text_sha256));
    from_file.text = nullptr;
    const quant_eval_result alone = evaluate(model, nullptr, from_file);
    REQUIRE(alone.kld_mean == with_text.kld_mean);
    REQUIRE(std::string(alone.text_sha256).empty());
    from_file.chunks = 2;
    REQUIRE(evaluate(model, nullptr, from_file).chunks == 2);

    require_error(QUANT_ERR_ARGUMENT, {"one of them"}, [&] { evaluate(model, base, from_file); });
    from_file.context_length = 32;
    require_error(QUANT_ERR_ARGUMENT, {"64", "32"}, [&] { evaluate(model, nullptr, from_file); });
    quant_eval_options other = from_file;
    other.context_length = 0;
    const std::string other_text = "Another text. " + text;
    other.text = other_text.c_str(), other.text_bytes = other_text.size();
    require_error(QUANT_ERR_ARGUMENT, {"another text"}, [&] { evaluate(model, nullptr, other); });
    const std::string beginning = "A quantized model stores its weights in few bits"; // Cut between two words.
    other.text = beginning.c_str(), other.text_bytes = beginning.size();
    require_error(QUANT_ERR_ARGUMENT, {"192", "only"}, [&] { evaluate(model, nullptr, other); });
    require_error(QUANT_ERR_ARGUMENT, {"512", "352"}, [&] {
        evaluate(Model::open(test::data("model/llama-f16-sharded")), nullptr, other);
    });
}
