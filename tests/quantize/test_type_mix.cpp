#include "model/file_type.h"
#include "quantize/type_mix.h"
#include "test_support.h"

#include <map>

using namespace quant;
using test::require_error;

namespace {

TensorPlace place(Role role, uint32_t layer, uint32_t layers = 32, uint32_t group = 4) {
    return {role, layer, layers, group, false, false, false, 0, 0};
}

// How many layers of 32 get which encoding.
std::map<quant_encoding, int> layers_by_encoding(const char *mix, Role role, uint32_t group = 4) {
    std::map<quant_encoding, int> count;
    for (uint32_t i = 0; i < 32; i++) count[mix_encoding(require_type_mix(mix), place(role, i, 32, group))]++;
    return count;
}

using Counts = std::map<quant_encoding, int>;

} // namespace

TEST_CASE("the mixes give a 32-layer model what their names are known for") {
    REQUIRE(layers_by_encoding("Q4_K_M", Role::attention_v) == Counts{{QUANT_Q4_K, 16}, {QUANT_Q6_K, 16}});
    REQUIRE(layers_by_encoding("Q4_K_M", Role::ffn_down) == Counts{{QUANT_Q4_K, 16}, {QUANT_Q6_K, 16}});
    REQUIRE(layers_by_encoding("Q4_K_M", Role::attention_q) == Counts{{QUANT_Q4_K, 32}});
    REQUIRE(layers_by_encoding("Q4_K_S", Role::attention_v) == Counts{{QUANT_Q4_K, 28}, {QUANT_Q5_K, 4}});
    REQUIRE(layers_by_encoding("Q4_K_S", Role::ffn_down) == Counts{{QUANT_Q4_K, 28}, {QUANT_Q5_K, 4}});
    REQUIRE(layers_by_encoding("Q5_K_M", Role::ffn_down) == Counts{{QUANT_Q5_K, 16}, {QUANT_Q6_K, 16}});
    REQUIRE(layers_by_encoding("Q3_K_M", Role::ffn_down) == Counts{{QUANT_Q4_K, 30}, {QUANT_Q5_K, 2}});
    REQUIRE(layers_by_encoding("Q3_K_M", Role::attention_v) == Counts{{QUANT_Q4_K, 30}, {QUANT_Q5_K, 2}});
    REQUIRE(layers_by_encoding("Q3_K_M", Role::attention_output) == Counts{{QUANT_Q4_K, 32}});
    REQUIRE(layers_by_encoding("Q3_K_L", Role::ffn_down) == Counts{{QUANT_Q5_K, 32}});
    REQUIRE(layers_by_encoding("Q3_K_S", Role::ffn_down) == Counts{{QUANT_Q3_K, 32}});
    REQUIRE(layers_by_encoding("Q2_K", Role::attention_v, 4) == Counts{{QUANT_Q4_K, 32}});
    REQUIRE(layers_by_encoding("Q2_K", Role::attention_v, 1) == Counts{{QUANT_Q3_K, 32}});
    REQUIRE(layers_by_encoding("Q2_K", Role::ffn_down) == Counts{{QUANT_Q3_K, 32}});
    REQUIRE(layers_by_encoding("IQ4_XS", Role::attention_v, 4) == Counts{{QUANT_Q5_K, 32}});
    REQUIRE(layers_by_encoding("IQ4_XS", Role::ffn_down) == Counts{{QUANT_IQ4_XS, 28}, {QUANT_Q5_K, 4}});
    REQUIRE(layers_by_encoding("Q6_K", Role::ffn_down) == Counts{{QUANT_Q6_K, 32}});
}

TEST_CASE("80 layers with grouped heads get 5 bits for their values where others get 3 or 4") {
    const auto values = [](const char *mix, uint32_t layer, uint32_t group, uint32_t layers = 80) {
        return mix_encoding(require_type_mix(mix), place(Role::attention_v, layer, layers, group));
    };
    REQUIRE(values("Q4_K_S", 40, 8) == QUANT_Q5_K);
    REQUIRE(values("Q3_K_S", 40, 8) == QUANT_Q5_K);
    REQUIRE(values("Q2_K", 40, 8) == QUANT_Q5_K);
    REQUIRE(values("Q4_K_S", 40, 1) == QUANT_Q4_K);
    REQUIRE(values("Q4_K_S", 40, 8, 64) == QUANT_Q4_K);
    REQUIRE(values("Q4_K_M", 0, 8) == QUANT_Q6_K);
    REQUIRE(values("IQ2_XXS", 40, 8) == QUANT_Q4_K);
    REQUIRE(values("Q4_0", 40, 8) == QUANT_Q4_0);
}

TEST_CASE("the mixes of codebooks give more bits where their names promise it") {
    for (const char *mix : {"IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ2_M"})
        REQUIRE(layers_by_encoding(mix, Role::attention_v, 8) == Counts{{QUANT_Q4_K, 32}});
    REQUIRE(layers_by_encoding("IQ2_XXS", Role::attention_v, 1) == Counts{{QUANT_Q2_K, 32}});
    REQUIRE(layers_by_encoding("IQ2_M", Role::attention_v, 1) == Counts{{QUANT_IQ3_S, 32}});
    REQUIRE(layers_by_encoding("IQ1_S", Role::attention_output) == Counts{{QUANT_IQ2_XXS, 32}});
    REQUIRE(layers_by_encoding("IQ2_XS", Role::attention_output) == Counts{{QUANT_IQ2_XS, 32}});
    REQUIRE(layers_by_encoding("IQ1_M", Role::ffn_down) == Counts{{QUANT_IQ1_M, 28}, {QUANT_Q2_K, 4}});
    REQUIRE(layers_by_encoding("IQ2_S", Role::ffn_down) == Counts{{QUANT_IQ2_XS, 28}, {QUANT_IQ3_S, 4}});
    REQUIRE(layers_by_encoding("IQ2_M", Role::ffn_up) == Counts{{QUANT_IQ2_S, 32}});
    REQUIRE(layers_by_encoding("IQ3_XS", Role::ffn_gate) == Counts{{QUANT_IQ3_XXS, 24}, {QUANT_IQ3_S, 8}});
    REQUIRE(layers_by_encoding("IQ3_XS", Role::attention_q) == Counts{{QUANT_IQ3_XXS, 32}});
    REQUIRE(layers_by_encoding("IQ3_XXS", Role::attention_k) == Counts{{QUANT_IQ2_S, 32}});
    REQUIRE(layers_by_encoding("IQ3_S", Role::attention_v, 1) == Counts{{QUANT_IQ3_S, 32}});
    REQUIRE(layers_by_encoding("IQ3_M", Role::ffn_down) == Counts{{QUANT_IQ3_S, 28}, {QUANT_Q4_K, 4}});
    REQUIRE(layers_by_encoding("Q2_K_S", Role::ffn_down) == Counts{{QUANT_Q2_K, 28}, {QUANT_Q4_K, 4}});
    REQUIRE(layers_by_encoding("TQ2_0", Role::attention_v) == Counts{{QUANT_TQ2_0, 32}});

    const auto embedding = [](const char *mix) {
        return mix_encoding(require_type_mix(mix), place(Role::token_embedding, 0));
    };
    REQUIRE(embedding("IQ1_S") == QUANT_Q2_K);
    REQUIRE(embedding("IQ2_M") == QUANT_IQ3_S);
    REQUIRE(embedding("IQ3_XXS") == QUANT_IQ3_S);
    REQUIRE(embedding("TQ1_0") == QUANT_Q4_K);
    REQUIRE(embedding("Q2_0") == QUANT_Q4_K);
    REQUIRE(embedding("Q1_0") == QUANT_Q1_0);
}

TEST_CASE("what is known of the inputs decides for some mixes") {
    const auto with = [](const char *mix, Role role, uint32_t layer, bool has_importance) {
        TensorPlace p = place(role, layer, 32, 1);
        p.has_importance = has_importance;
        return mix_encoding(require_type_mix(mix), p);
    };
    REQUIRE(with("IQ3_XXS", Role::attention_v, 9, false) == QUANT_IQ3_S);
    REQUIRE(with("IQ3_XXS", Role::attention_v, 9, true) == QUANT_IQ3_XXS);
    REQUIRE(with("IQ3_XXS", Role::ffn_down, 0, false) == QUANT_Q4_K);
    REQUIRE(with("IQ3_XXS", Role::ffn_down, 9, false) == QUANT_Q3_K);
    REQUIRE(with("IQ3_XXS", Role::ffn_down, 0, true) == QUANT_IQ3_XXS);
    REQUIRE(with("IQ4_XS", Role::ffn_down, 0, true) == QUANT_IQ4_XS);
    REQUIRE(with("Q4_0", Role::ffn_down, 3, true) == QUANT_Q4_1);
    REQUIRE(with("Q4_0", Role::ffn_down, 4, true) == QUANT_Q4_0);
    REQUIRE(with("Q4_0", Role::ffn_down, 3, false) == QUANT_Q4_0);
    REQUIRE(with("Q5_0", Role::ffn_down, 0, true) == QUANT_Q5_1);
}

TEST_CASE("models of experts keep their small tensors in more bits") {
    const auto of_8 = [](const char *mix, Role role, bool expert = false) {
        TensorPlace p = place(role, 9, 32, 1);
        p.experts = 8;
        p.expert = expert;
        return mix_encoding(require_type_mix(mix), p);
    };
    REQUIRE(of_8("IQ2_XS", Role::attention_v) == QUANT_Q4_K);
    REQUIRE(of_8("IQ2_XS", Role::attention_k) == QUANT_Q4_K);
    REQUIRE(of_8("IQ2_XS", Role::attention_output) == QUANT_Q5_K);
    REQUIRE(of_8("Q4_K_M", Role::attention_v) == QUANT_Q8_0);
    REQUIRE(of_8("IQ3_M", Role::attention_k) == QUANT_Q8_0);
    REQUIRE(of_8("IQ3_S", Role::attention_output) == QUANT_Q5_K);
    REQUIRE(of_8("Q3_K_L", Role::attention_output) == QUANT_Q3_K);
    REQUIRE(of_8("F16", Role::attention_v) == QUANT_F16);
    REQUIRE(of_8("MXFP4_MOE", Role::ffn_up, true) == QUANT_MXFP4);
    REQUIRE(of_8("MXFP4_MOE", Role::ffn_up) == QUANT_Q8_0);
    REQUIRE(of_8("MXFP4_MOE", Role::token_embedding) == QUANT_Q8_0);
}

TEST_CASE("the smallest mixes give the output 5 bits, and 8 where its rows are uneven") {
    TensorPlace output = place(Role::output, 0);
    for (const char *mix : {"IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ2_M", "IQ3_XXS"}) {
        output.cols = 2048;
        REQUIRE(mix_encoding(require_type_mix(mix), output) == QUANT_Q5_K);
        output.cols = 576;
        REQUIRE(mix_encoding(require_type_mix(mix), output) == QUANT_Q8_0);
    }
    for (const char *mix : {"IQ3_XS", "IQ3_S", "IQ3_M", "TQ1_0", "Q2_0", "Q2_K_S"})
        REQUIRE(mix_encoding(require_type_mix(mix), output) == QUANT_Q6_K);
}

TEST_CASE("the output gets 6 bits, also where the embedding serves as output") {
    TensorPlace tied = place(Role::token_embedding, 0);
    REQUIRE(mix_encoding(require_type_mix("Q4_K_M"), tied) == QUANT_Q4_K);
    tied.serves_as_output = true;
    for (const char *mix : {"Q2_K", "Q4_0", "Q4_K_M", "Q5_1", "IQ4_XS"}) {
        REQUIRE(mix_encoding(require_type_mix(mix), tied) == QUANT_Q6_K);
        REQUIRE(mix_encoding(require_type_mix(mix), place(Role::output, 0)) == QUANT_Q6_K);
    }
    REQUIRE(mix_encoding(require_type_mix("Q8_0"), tied) == QUANT_Q8_0);
    REQUIRE(mix_encoding(require_type_mix("F16"), tied) == QUANT_F16);
}

TEST_CASE("rows that are no multiple of 256 get the known substitutes") {
    REQUIRE(fit_encoding(QUANT_Q4_K, 512) == QUANT_Q4_K);
    REQUIRE(fit_encoding(QUANT_Q2_K, 576) == QUANT_IQ4_NL);
    REQUIRE(fit_encoding(QUANT_Q3_K, 576) == QUANT_IQ4_NL);
    REQUIRE(fit_encoding(QUANT_Q4_K, 576) == QUANT_Q5_0);
    REQUIRE(fit_encoding(QUANT_Q5_K, 576) == QUANT_Q5_1);
    REQUIRE(fit_encoding(QUANT_Q6_K, 576) == QUANT_Q8_0);
    REQUIRE(fit_encoding(QUANT_IQ4_XS, 576) == QUANT_IQ4_NL);
    for (const quant_encoding e : {QUANT_IQ1_S, QUANT_IQ1_M, QUANT_IQ2_XXS, QUANT_IQ2_XS, QUANT_IQ2_S, QUANT_IQ3_XXS,
                                   QUANT_IQ3_S})
        REQUIRE(fit_encoding(e, 576) == QUANT_IQ4_NL);
    REQUIRE(fit_encoding(QUANT_TQ1_0, 576) == QUANT_Q4_0);
    REQUIRE(fit_encoding(QUANT_TQ2_0, 576) == QUANT_Q4_0);
    REQUIRE(fit_encoding(QUANT_Q2_0, 576) == QUANT_Q2_0);
    REQUIRE(fit_encoding(QUANT_Q2_0, 96) == QUANT_Q4_0);
    REQUIRE(fit_encoding(QUANT_Q1_0, 576) == QUANT_Q4_0);
    REQUIRE(fit_encoding(QUANT_IQ2_XS, 40) == QUANT_F16);
    REQUIRE(fit_encoding(QUANT_MXFP4, 40) == QUANT_F16);
    REQUIRE(fit_encoding(QUANT_Q4_0, 40) == QUANT_F16);
    REQUIRE(fit_encoding(QUANT_BF16, 40) == QUANT_BF16);
}

TEST_CASE("names are found in any case, and a wrong one lists the right ones") {
    REQUIRE(std::string(require_type_mix("q4_k_m").name) == "Q4_K_M");
    require_error(QUANT_ERR_NOT_FOUND, {"Q4_K_X", "Q4_K_M", "IQ4_XS"}, [] { require_type_mix("Q4_K_X"); });
    for (const TypeMix &m : type_mixes()) REQUIRE(file_type_number(m.name));
}
