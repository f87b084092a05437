#include "model/file_type.h"
#include "quantize/type_mix.h"
#include "test_support.h"

#include <map>

using namespace quant;
using test::require_error;

namespace {

TensorPlace place(Role role, uint32_t layer, uint32_t layers = 32, uint32_t group = 4) {
    return {role, layer, layers, group, false};
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
    REQUIRE(fit_encoding(QUANT_Q4_0, 40) == QUANT_F16);
    REQUIRE(fit_encoding(QUANT_BF16, 40) == QUANT_BF16);
}

TEST_CASE("names are found in any case, and a wrong one lists the right ones") {
    REQUIRE(std::string(require_type_mix("q4_k_m").name) == "Q4_K_M");
    require_error(QUANT_ERR_NOT_FOUND, {"Q4_K_X", "Q4_K_M", "IQ4_XS"}, [] { require_type_mix("Q4_K_X"); });
    for (const TypeMix &m : type_mixes()) REQUIRE(file_type_number(m.name));
}
