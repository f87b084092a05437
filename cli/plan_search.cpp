#include "plan_search.h"

#include "calibration.h"
#include "failure.h"
#include "interrupt.h"
#include "numbers.h"
#include "output.h"
#include "owned_handles.h"
#include "progress_bar.h"
#include "size_words.h"

#include <boost/json.hpp>

namespace quantctl {

std::string search_plan(const std::string &path, const std::string &model, const TargetOptions &options,
                        quant_method method, const std::string &calibration) {
    auto target = initialized(quant_target_init);
    if (!options.size.empty()) target.file_bytes = parse_size("--target-size", options.size);
    target.bits_per_weight = options.bits_per_weight;
    target.max_kld = options.max_kld;
    target.method = method;
    const CalibrationText text = read_calibration_text(calibration, model);
    target.text = text.bytes.data();
    target.text_bytes = text.bytes.size();
    ProgressBar bar("planning", "");
    target.progress = ProgressBar::report;
    target.user = &bar;
    const interrupt::Cooperative cooperative;
    StringHandle document;
    const quant_status status = quant_plan_search(path.c_str(), &target, Out(document));
    bar.erase();
    if (status == QUANT_ERR_CANCELLED) throw Failure(interrupt::exit_code(), "interrupted; nothing was written");
    check(status);
    return text_or_empty(document);
}

void print_plan(const std::string &text, const std::string &title) {
    const json::value document = boost::json::parse(text);
    const json::object &plan = document.as_object();
    print("{} to {}\n", bold(harmless(title)), harmless(std::string(plan.at("type").as_string())));
    print("  size            {} ({} bytes)\n", human_bytes(plan.at("file_bytes").to_number<uint64_t>()),
          grouped(plan.at("file_bytes").to_number<uint64_t>()));
    print("  predicted KLD   {}\n", fixed_or_dash(plan.at("predicted_kld").to_number<double>(), 6));
    Table table({{"TENSOR", Table::left}, {"ENCODING", Table::left}, {"BYTES", Table::right}, {"KLD", Table::right},
                 {"SENSITIVITY", Table::right}}, 2);
    for (const json::value &v : plan.at("tensors").as_array()) {
        const json::object &t = v.as_object();
        table.add({harmless(std::string(t.at("name").as_string())), std::string(t.at("encoding").as_string()),
                   grouped(t.at("bytes").to_number<uint64_t>()), fixed_or_dash(t.at("kld").to_number<double>(), 6),
                   fixed_or_dash(t.at("sensitivity").to_number<double>(), 3)});
    }
    table.print();
}

} // namespace quantctl
