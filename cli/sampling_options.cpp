#include "sampling_options.h"

#include "failure.h"
#include "numbers.h"

#include <limits>

namespace quantctl {

namespace {

quant_logit_bias parse_bias(const std::string &text) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
        usage_error("--logit-bias: expected ID=BIAS, such as 17=-100, found \"{}\"", text);
    const uint64_t id = parse_count("--logit-bias", text.substr(0, equals), 0, std::numeric_limits<int32_t>::max());
    return {static_cast<int32_t>(id),
            static_cast<float>(parse_real("--logit-bias", text.substr(equals + 1), -100, 100))};
}

void add_penalties(CLI::App &app, SamplingOptions &o) {
    constexpr double any = std::numeric_limits<double>::infinity();
    add_real(app, "--repeat-penalty", o.values.repeat_penalty, 0, any, "Against repetition; 1: off");
    add_real(app, "--presence-penalty", o.values.presence_penalty, -2, 2,
             "Taken from the logits of tokens that are there already, -2 to 2 (0)");
    add_real(app, "--frequency-penalty", o.values.frequency_penalty, -2, 2, "The same for each time they are (0)");
    add_count(app, "--repeat-last-n", o.values.repeat_last_n, 0, "Recent tokens that count as repeated; 0: none (64)");
    app.add_option_function<std::vector<std::string>>(
           "--logit-bias",
           [&o](const std::vector<std::string> &texts) {
               for (const std::string &text : texts) o.biases.push_back(parse_bias(text));
           },
           "Added to the logit of a token, -100 to 100; -100 forbids it; repeat for more")
        ->type_name("ID=BIAS")
        ->allow_extra_args(false);
}

} // namespace

void add_sampling_options(CLI::App &app, SamplingOptions &o) {
    constexpr double any = std::numeric_limits<double>::infinity();
    quant_sampling &s = o.values;
    add_real(app, "--temp", s.temperature, 0, any, "Temperature; 0 takes the likeliest token (0.8)");
    add_count(app, "--top-k", s.top_k, 0, "Keep the k likeliest; 0: all (40)");
    add_real(app, "--typical-p", s.typical_p, 0, 1, "Keep those nearest to the expected surprise; 1: all (1)");
    add_real(app, "--top-p", s.top_p, 0, 1, "Keep the likeliest whose sum reaches p (0.95)");
    add_real(app, "--min-p", s.min_p, 0, 1, "Drop what is less likely than p times the likeliest (0.05)");
    add_count(app, "--mirostat", s.mirostat, 0, "Keep surprise at a level instead, by version 1 or 2; 0: off (0)", 2);
    add_real(app, "--mirostat-tau", s.mirostat_tau, 0, 100, "The level, in bits a token (5)");
    add_real(app, "--mirostat-eta", s.mirostat_eta, 0, 1, "How fast it is corrected (0.1)");
    add_penalties(app, o);
    add_count(app, "--seed", s.seed, 0, "The same seed gives the same text; 0: a random one (0)");
}

} // namespace quantctl
