#include "engine/sampling.h"
#include "test_support.h"

#include <cmath>

using namespace quant;
using test::require_error;

TEST_CASE("the defaults are in range") { check_sampling(default_sampling(), 1); }

TEST_CASE("values out of range are named, with the range") {
    const auto refused = [](const char *name, const char *range, auto set) {
        quant_sampling s = default_sampling();
        set(s);
        INFO(name);
        require_error(QUANT_ERR_ARGUMENT, {name, range}, [&] { check_sampling(s, 10); });
    };
    for (const float bad : {-1.0f, 101.0f, NAN, INFINITY}) {
        refused("temperature", "0 to 100", [&](auto &s) { s.temperature = bad; });
        refused("top_p", "over 0, to 1", [&](auto &s) { s.top_p = bad; });
        refused("min_p", "0 to 1", [&](auto &s) { s.min_p = bad; });
        refused("repeat_penalty", "over 0, to 100", [&](auto &s) { s.repeat_penalty = bad; });
        refused("typical_p", "over 0, to 1", [&](auto &s) { s.typical_p = bad; });
        refused("presence_penalty", "-2 to 2", [&](auto &s) { s.presence_penalty = 2.1f * bad; });
        refused("frequency_penalty", "-2 to 2", [&](auto &s) { s.frequency_penalty = 2.1f * bad; });
        refused("mirostat_tau", "over 0, to 100", [&](auto &s) { s.mirostat_tau = bad; });
        refused("mirostat_eta", "0 to 1", [&](auto &s) { s.mirostat_eta = bad; });
    }
    refused("top_p", "over 0", [](auto &s) { s.top_p = 0; });
    refused("repeat_penalty", "over 0", [](auto &s) { s.repeat_penalty = 0; });
    refused("mirostat", "0, 1 or 2", [](auto &s) { s.mirostat = 3; });
}

TEST_CASE("biases are of the vocabulary and in range") {
    const auto refused = [](quant_logit_bias bias, const std::vector<std::string> &words) {
        const quant_logit_bias biases[] = {{0, 1}, bias};
        quant_sampling s = default_sampling();
        s.logit_bias = biases, s.logit_bias_count = 2;
        require_error(QUANT_ERR_ARGUMENT, words, [&] { check_sampling(s, 10); });
    };
    refused({10, 1}, {"logit_bias", "token 10"});
    refused({-3, 1}, {"logit_bias", "token -3"});
    refused({7, 100.5f}, {"logit_bias", "token 7", "-100 to 100"});
    refused({7, NAN}, {"logit_bias", "token 7"});
    quant_sampling s = default_sampling();
    s.logit_bias_count = 1;
    require_error(QUANT_ERR_ARGUMENT, {"logit_bias", "NULL"}, [&] { check_sampling(s, 10); });
    const quant_logit_bias fine[] = {{9, -100}, {0, 100}};
    s.logit_bias = fine, s.logit_bias_count = 2;
    check_sampling(s, 10);
}
