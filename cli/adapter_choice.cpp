#include "adapter_choice.h"

#include "failure.h"
#include "model_choice.h"
#include "numbers.h"

namespace quantctl {

namespace {

constexpr double most_scale = 1000;

} // namespace

AdapterChoice parse_adapter(const std::string &text) {
    const size_t colon = text.rfind(':');
    if (colon == std::string::npos || is_path(text)) return {text};
    const double scale = parse_real("the scale of " + text, text.substr(colon + 1), -most_scale, most_scale);
    return {text.substr(0, colon), static_cast<float>(scale)};
}

CLI::Option *add_adapter_option(CLI::App &app, std::vector<AdapterChoice> &choices, const std::string &description) {
    const auto take = [&choices](const std::vector<std::string> &words) {
        choices.clear();
        for (const std::string &word : words) choices.push_back(parse_adapter(word));
    };
    return app.add_option_function<std::vector<std::string>>("--adapter", take, description)
        ->type_name("PATH[:SCALE]")
        ->allow_extra_args(false);
}

boost::json::array adapters_json(const std::vector<AdapterChoice> &choices) {
    boost::json::array out;
    for (const AdapterChoice &c : choices) out.push_back(boost::json::object{{"path", c.path}, {"scale", c.scale}});
    return out;
}

OpenedAdapters::OpenedAdapters(const quant_model *model, const std::vector<AdapterChoice> &choices) {
    for (const AdapterChoice &c : choices) {
        AdapterHandle adapter;
        check(quant_adapter_open(Out(adapter), model, c.path.c_str()));
        uses_.push_back({adapter.get(), c.scale});
        adapters_.push_back(std::move(adapter));
    }
}

} // namespace quantctl
