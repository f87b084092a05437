#include "sampling_options.h"

#include "failure.h"
#include "numbers.h"
#include "sampling_fields.h"

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

} // namespace

void add_sampling_options(CLI::App &app, SamplingOptions &o) {
    for (const SamplingField &field : sampling_fields()) {
        const auto set = [&o, &field](const std::string &text) { set_value(o.values, field, field.option, text); };
        app.add_option_function<std::string>(field.option, set, field.help)->type_name(is_real(field) ? "X" : "N");
    }
    app.add_option_function<std::vector<std::string>>(
           "--logit-bias",
           [&o](const std::vector<std::string> &texts) {
               for (const std::string &text : texts) o.biases.push_back(parse_bias(text));
           },
           "Added to the logit of a token, -100 to 100; -100 forbids it; repeat for more")
        ->type_name("ID=BIAS")
        ->allow_extra_args(false);
}

} // namespace quantctl
