// Which tokens go to which experts, and mixtures that do not hold together.
#include "model/expert_routes.h"
#include "model/model.h"
#include "model_test_support.h"

#include <cmath>

using namespace quant;
using test::copy_model;
using test::replace_in;
using test::require_error;

TEST_CASE("a token goes to the experts of its largest logits, of equal ones to the first") {
    const std::vector<float> logits{1, 3, 2, 0, /**/ 5, 5, 5, 5};
    const auto routes = route_tokens(logits, 2, {4, 2});
    REQUIRE(routes[0].tokens == std::vector<uint32_t>{1});
    REQUIRE(routes[1].tokens == std::vector<uint32_t>{0, 1});
    REQUIRE(routes[2].tokens == std::vector<uint32_t>{0});
    REQUIRE(routes[3].tokens.empty());
    REQUIRE(routes[1].weights[0] == Approx(std::exp(1.0) / (std::exp(1.0) + 1)));
    REQUIRE(routes[1].weights[0] + routes[2].weights[0] == Approx(1));
    REQUIRE(routes[1].weights[1] == Approx(0.5));
}

TEST_CASE("weights of the experts used are shares of all where the model says so") {
    const auto routes = route_tokens(std::vector<float>{0, 0, 0, 0}, 1, {.experts = 4, .used = 2, .sum_to_one = false});
    REQUIRE(routes[0].weights[0] == Approx(0.25));
    REQUIRE(routes[1].weights[0] == Approx(0.25));
}

TEST_CASE("a bias chooses experts and does not weigh them") {
    const ExpertRouting routing{.experts = 4, .used = 2, .sigmoid = true, .scale = 2.5f};
    const std::vector<float> logits{2, 1, 0, -1}, bias{0, 0, 0, 3};
    const auto routes = route_tokens(logits, 1, routing, bias);
    REQUIRE(routes[0].tokens.size() == 1);
    REQUIRE(routes[1].tokens.empty());
    REQUIRE(routes[3].tokens.size() == 1);
    const auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
    REQUIRE(routes[0].weights[0] == Approx(2.5 * sigmoid(2) / (sigmoid(2) + sigmoid(-1))));
    REQUIRE(routes[3].weights[0] == Approx(2.5 * sigmoid(-1) / (sigmoid(2) + sigmoid(-1))));
}

TEST_CASE("only experts of the best groups are chosen") {
    ExpertRouting routing{.experts = 6, .used = 2, .sum_to_one = false, .groups = 3, .groups_used = 1};
    // The best expert is in the first group; the best two together are in the second.
    const std::vector<float> logits{5, 0, 4, 3, 1, 1};
    auto routes = route_tokens(logits, 1, routing);
    REQUIRE(routes[0].tokens.size() == 1);
    REQUIRE(routes[1].tokens.size() == 1);
    double sum = 0;
    for (const float l : logits) sum += std::exp(static_cast<double>(l));
    REQUIRE(routes[1].weights[0] == Approx(1 / sum));
    routing.sigmoid = true;
    const std::vector<float> bias(6, 0.0f);
    routes = route_tokens(std::vector<float>{2, -9, 1, 1, 0, 0}, 1, routing, bias);
    REQUIRE(routes[2].tokens.size() == 1);
    REQUIRE(routes[3].tokens.size() == 1);
    routing.groups_used = 2;
    routes = route_tokens(std::vector<float>{2, -9, 1, 1, 0, 0}, 1, routing, bias);
    REQUIRE(routes[0].tokens.empty());
}

TEST_CASE("logits that are not numbers break no order") {
    const auto routes = route_tokens(std::vector<float>{NAN, 1, NAN, 0}, 1, {4, 2});
    REQUIRE(routes[1].tokens.size() == 1);
    REQUIRE(routes[3].tokens.size() == 1);
}

TEST_CASE("a mixture that does not hold together is refused by name") {
    const struct {
        const char *from, *to;
        quant_status status;
        std::vector<std::string> words;
    } cases[] = {
        {"\"num_experts\": 8", "\"num_experts\": 9", QUANT_ERR_NOT_FOUND, {"experts.8.gate_proj"}},
        {"\"num_experts\": 8", "\"num_experts\": 7", QUANT_ERR_MODEL, {"blk.0.ffn_gate_inp.weight", "8, 256", "7, 256"}},
        {"\"num_experts\": 8", "\"num_experts\": 99999", QUANT_ERR_MODEL, {"expert_count", "99999"}},
        {"\"num_experts_per_tok\": 3", "\"num_experts_per_tok\": 9", QUANT_ERR_MODEL, {"expert_used_count", "9"}},
        {"\"num_experts_per_tok\": 3", "\"num_experts_per_tok\": 0", QUANT_ERR_MODEL, {"expert_used_count", "0"}},
        {"\"moe_intermediate_size\": 128", "\"moe_intermediate_size\": 64", QUANT_ERR_MODEL, {"ffn_gate_exps", "8, 128, 256", "8, 64, 256"}},
        {"\"mlp_only_layers\": []", "\"mlp_only_layers\": [1]", QUANT_ERR_UNSUPPORTED, {"mlp_only_layers"}},
        {"\"decoder_sparse_step\": 1", "\"decoder_sparse_step\": 2", QUANT_ERR_UNSUPPORTED, {"decoder_sparse_step"}},
    };
    for (const auto &c : cases) {
        INFO(c.to);
        const test::ScratchFolder folder;
        copy_model("qwen3-moe", folder);
        replace_in(folder / "config.json", c.from, c.to);
        require_error(c.status, c.words, [&] { Model::open(folder.path()); });
    }
    // One expert's matrix under another name, of the same length.
    const test::ScratchFolder folder;
    copy_model("qwen3-moe", folder);
    replace_in(folder / "model.safetensors", "layers.1.mlp.experts.5.up_proj", "layers.1.mlp.experts.5.up_prox");
    require_error(QUANT_ERR_NOT_FOUND, {"layers.1.mlp.experts.5.up_proj.weight"}, [&] { Model::open(folder.path()); });
}
