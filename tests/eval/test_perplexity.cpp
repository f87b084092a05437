#include "eval/perplexity.h"
#include "eval/speed.h"
#include "model/forward.h"
#include "quantize/plan.h"
#include "eval_test_support.h"
#include "test_support.h"

#include <cmath>

using namespace quant;
using test::eval_options;
using test::long_text;
using test::require_error;

TEST_CASE("a model does not diverge from itself, and its perplexity is plain arithmetic") {
    const auto model = Model::open(test::data("model/llama-3-rope"));
    const std::string text = long_text();
    const quant_eval_result r = evaluate(model, model, eval_options(text, 64, 3));
    REQUIRE(r.tokens == 3 * 31);
    REQUIRE(r.kld_mean == Approx(0).margin(1e-6));
    REQUIRE(r.top1 == 1);
    REQUIRE(r.ln_ratio == 0);
    REQUIRE(r.ppl == r.base_ppl);

    // The same by hand: BOS first, second half scored.
    std::vector<int32_t> ids = model->tokenizer().encode(text, {true, false});
    double loss = 0;
    for (int chunk = 0; chunk < 3; chunk++) {
        std::vector<int32_t> c(ids.begin() + chunk * 64, ids.begin() + chunk * 64 + 64);
        c[0] = *model->tokenizer().spec().bos;
        KvCache cache(model->hyperparameters(), 64);
        Forward forward(*model, default_pool());
        std::vector<float> logits(64 * 512);
        forward.run(cache, c, 0, 64, logits.data());
        for (int i = 32; i < 63; i++) {
            double sum = 0;
            for (int v = 0; v < 512; v++) sum += std::exp(double{logits[static_cast<size_t>(i * 512 + v)]});
            loss -= logits[static_cast<size_t>(i * 512 + c[static_cast<size_t>(i) + 1])] - std::log(sum);
        }
    }
    REQUIRE(r.ppl == Approx(std::exp(loss / 93)).epsilon(1e-5));
}

TEST_CASE("fewer bits diverge more") {
    const test::ScratchFolder folder;
    const auto base = Model::open(test::data("model/llama-3-rope"));
    const std::string text = long_text();
    double previous = 0;
    for (const char *type : {"Q8_0", "Q5_K_S", "Q2_K"}) {
        Plan plan(ModelFile::open(test::data("model/llama-3-rope")), {type, QUANT_METHOD_DEFAULT, {}});
        Progress progress;
        plan.run(folder / type, progress);
        const quant_eval_result r = evaluate(Model::open(folder / type), base, eval_options(text, 64, 4));
        REQUIRE(r.kld_mean > previous);
        REQUIRE(r.kld_max >= r.kld_p999);
        REQUIRE(r.kld_p99 >= r.kld_median);
        previous = r.kld_mean;
    }
}

TEST_CASE("rounded activations add to the divergence of quantized weights alone") {
    const test::ScratchFolder folder;
    const auto base = Model::open(test::data("model/llama-3-rope"));
    Plan plan(ModelFile::open(test::data("model/llama-3-rope")), {"Q8_0", QUANT_METHOD_DEFAULT, {}});
    Progress progress;
    plan.run(folder / "Q8_0.gguf", progress);
    const auto model = Model::open(folder / "Q8_0.gguf");
    const std::string text = long_text();
    quant_eval_options o = eval_options(text, 64, 4);
    const quant_eval_result f32 = evaluate(model, base, o);
    o.activations = QUANT_ACTIVATIONS_INT8;
    const quant_eval_result int8 = evaluate(model, base, o);
    REQUIRE(int8.activations == QUANT_ACTIVATIONS_INT8);
    REQUIRE(int8.kld_mean > 1.2 * f32.kld_mean);
    REQUIRE(int8.base_ppl == f32.base_ppl); // Its weights are floats.
    o.activations = static_cast<quant_activations>(2);
    require_error(QUANT_ERR_ARGUMENT, {"activations 2"}, [&] { evaluate(model, base, o); });
}

TEST_CASE("without a base, what is measured against it is NaN") {
    const auto model = Model::open(test::data("model/llama-3-rope"));
    const std::string text = long_text();
    const quant_eval_result r = evaluate(model, nullptr, eval_options(text, 64, 2));
    REQUIRE(std::isfinite(r.ppl));
    for (const double v : {r.base_ppl, r.kld_mean, r.kld_max, r.top1, r.ln_ratio, r.dp_rms}) REQUIRE(std::isnan(v));
}

TEST_CASE("what cannot be measured is refused with both numbers") {
    const auto model = Model::open(test::data("model/llama-3-rope"));
    const auto other = Model::open(test::data("model/llama-f16-sharded"));
    const std::string text = long_text();
    require_error(QUANT_ERR_ARGUMENT, {"fewer than one chunk", "512"}, [&] { evaluate(model, nullptr, eval_options("short", 0, 0)); });
    require_error(QUANT_ERR_ARGUMENT, {"512", "352"}, [&] { evaluate(model, other, eval_options(text, 64, 1)); });
    require_error(QUANT_ERR_ARGUMENT, {"1024", "512"}, [&] { evaluate(model, nullptr, eval_options(text, 1024, 1)); });
}

TEST_CASE("what is no usual text is scored or refused in a sentence") {
    const auto model = Model::open(test::data("model/llama-3-rope"));
    std::string odd;
    for (int i = 0; i < 60; i++) odd += std::string("\xff\xfe\x00 caf\xc3 line\r\n\t\xf0\x9f\x98\x80", 20);
    REQUIRE(std::isfinite(evaluate(model, nullptr, eval_options(odd, 32, 2)).ppl));
    require_error(QUANT_ERR_ARGUMENT, {"empty"}, [&] { evaluate(model, nullptr, eval_options("", 32, 0)); });
    quant_eval_options none = eval_options(odd, 32, 1);
    none.text = nullptr;
    require_error(QUANT_ERR_ARGUMENT, {"no text"}, [&] { evaluate(model, nullptr, none); });
}

TEST_CASE("comparing runs both on the same tokens, and each result is as it would be alone") {
    const test::ScratchFolder folder;
    const auto base = Model::open(test::data("model/llama-3-rope"));
    std::shared_ptr<const Model> made[2];
    for (int i = 0; i < 2; i++) {
        const char *type = i == 0 ? "Q8_0" : "Q2_K";
        Plan plan(ModelFile::open(test::data("model/llama-3-rope")), {type, QUANT_METHOD_DEFAULT, {}});
        Progress progress;
        plan.run(folder / type, progress);
        made[i] = Model::open(folder / type);
    }
    const std::string text = long_text();
    const quant_eval_options o = eval_options(text, 64, 4);
    const Compared c = compare(made[0], made[1], base, o);
    const quant_eval_result alone[2] = {evaluate(made[0], base, o), evaluate(made[1], base, o)};
    REQUIRE(c.model.kld_mean == alone[0].kld_mean);
    REQUIRE(c.against.kld_mean == alone[1].kld_mean);
    REQUIRE(c.against.ppl == alone[1].ppl);
    REQUIRE(c.comparison.kld_difference == Approx(alone[0].kld_mean - alone[1].kld_mean));
    REQUIRE(c.comparison.kld_ratio == Approx(alone[0].kld_mean / alone[1].kld_mean));
    REQUIRE(c.comparison.ln_ratio == Approx(std::log(alone[0].ppl / alone[1].ppl)));
    REQUIRE(c.comparison.verdict == QUANT_VERDICT_MODEL);
    REQUIRE(compare(made[1], made[0], base, o).comparison.verdict == QUANT_VERDICT_AGAINST);
    REQUIRE(c.comparison.closer > 0.9);
    const Compared same = compare(made[0], made[0], base, o);
    REQUIRE(same.comparison.verdict == QUANT_VERDICT_UNDECIDED);
    REQUIRE(same.comparison.closer == 0);
    REQUIRE(same.comparison.farther == 0);
}

TEST_CASE("speeds are positive and ordered") {
    quant_bench_options o{};
    o.size = sizeof o;
    o.prompt_tokens = 600, o.decode_tokens = 4, o.rounds = 3, o.sequences = 2;
    const quant_bench_result r = measure_speed(Model::open(test::data("model/llama-3-rope")), o);
    REQUIRE(r.prefill_low > 0);
    REQUIRE(r.prefill_low <= r.prefill_per_second);
    REQUIRE(r.decode_per_second <= r.decode_high);
    REQUIRE(r.threads >= 1);
    o.rounds = 0;
    require_error(QUANT_ERR_ARGUMENT, {"rounds"}, [&] { measure_speed(Model::open(test::data("model/llama-3-rope")), o); });
}
