#include "timing.h"

#include "failure.h"
#include "output.h"
#include "progress_bar.h"

namespace quantctl {

quant_bench_result timed(const quant_model *model, quant_bench_options options) {
    ProgressBar bar("timing", "");
    options.progress = ProgressBar::report;
    options.user = &bar;
    auto result = sized<quant_bench_result>();
    const quant_status status = quant_bench(model, &options, &result);
    bar.erase();
    check(status);
    return result;
}

std::string speed_words(const quant_bench_result &result) {
    return fmt::format("prompt {:.0f} tok/s, generation {:.1f} tok/s", result.prefill_per_second,
                       result.decode_per_second);
}

} // namespace quantctl
