// Second moments in a file: the sums themselves, what is made with them, and files that
// do not fit.
#include "quantize/moments_file.h"
#include "quantize/plan.h"
#include "test_support.h"

#include <cmath>
#include <cstring>

using namespace quant;
using test::require_error;

namespace {

std::filesystem::path model_path() { return test::data("model/llama-3-rope"); }

void write_both(const test::ScratchFolder &folder) {
    Progress progress;
    write_moments_of(model_path(), test::numbered_lines(800), "text", 64, 2048, folder / "m.gguf", progress);
    write_importance_of(model_path(), test::numbered_lines(800), "text", 64, 2048, ImportanceFormat::gguf, folder / "i.gguf", progress);
}

Plan make_plan(quant_method method, const std::filesystem::path &moments, const char *type = "Q3_K_S") {
    QuantizeOptions options{type, method};
    options.moments_path = moments.string();
    return Plan(ModelFile::open(model_path()), options);
}

} // namespace

TEST_CASE("the diagonals of both parts add up to the sums of squares of an importance file") {
    const test::ScratchFolder folder;
    write_both(folder);
    const Importance importance = read_importance(folder / "i.gguf");
    const MomentsFile file(folder / "m.gguf");
    const auto model = ModelFile::open(model_path());
    size_t seen = 0;
    for (const ModelTensor &tensor : model->tensors()) {
        const auto entry = importance.entries.find(tensor.name);
        if (entry == importance.entries.end()) continue;
        INFO(tensor.name);
        const InputMoments inputs = file.of(tensor, 0, *model);
        REQUIRE_FALSE(inputs.has_drift());
        REQUIRE(inputs.held.tokens() == 4 * 64);
        REQUIRE(inputs.train.tokens() == 28 * 64);
        const size_t n = tensor.cols();
        for (size_t i = 0; i < n; i++) {
            const double both = double{inputs.train.row(i)[i]} + inputs.held.row(i)[i];
            REQUIRE(both == Approx(entry->second.sums[i]).epsilon(1e-3));
            for (size_t j = 0; j < i; j++) REQUIRE(inputs.train.row(i)[j] == inputs.train.row(j)[i]);
        }
        // Products of two columns, not only squares.
        double off = 0;
        for (size_t i = 1; i < n; i++) off += std::abs(inputs.train.row(i)[i - 1]);
        REQUIRE(off > 0);
        seen++;
    }
    REQUIRE(seen == 7 * model->hyperparameters().layers);
}

TEST_CASE("best and feedback can do without the text") {
    const test::ScratchFolder folder;
    write_both(folder);
    const MomentsFile file(folder / "m.gguf");
    for (const quant_method method : {QUANT_METHOD_FEEDBACK, QUANT_METHOD_BEST}) {
        Plan plan = make_plan(method, folder / "m.gguf");
        Progress progress;
        plan.run(folder / "out.gguf", progress);
        REQUIRE(std::filesystem::file_size(folder / "out.gguf") == plan.output_bytes());
        size_t feedback = 0;
        for (const PlannedTensor &t : plan.tensors()) feedback += t.method == QUANT_METHOD_FEEDBACK;
        REQUIRE(feedback >= 10);

        // What was written has less output error than what the search makes.
        Plan search(ModelFile::open(model_path()), {"Q3_K_S", QUANT_METHOD_SEARCH});
        search.run(folder / "search.gguf", progress);
        const auto error = [&](const char *name) {
            const auto made = Container::open(folder / name);
            double sum = 0;
            for (const PlannedTensor &t : plan.tensors()) {
                if (t.method != QUANT_METHOD_FEEDBACK) continue;
                const size_t rows = t.source->rows(), cols = t.source->cols();
                const SecondMoments held = file.of(*t.source, 0, plan.source()).held;
                std::vector<float> e = made->decode(made->require(t.source->name)), before(e.size());
                plan.source().decode_rows(*t.source, 0, rows, before.data());
                for (size_t i = 0; i < e.size(); i++) e[i] -= before[i];
                for (size_t r = 0; r < rows; r++)
                    for (size_t i = 0; i < cols; i++)
                        for (size_t j = 0; j < cols; j++) sum += double{e[r * cols + i]} * held.row(i)[j] * e[r * cols + j];
            }
            return sum;
        };
        REQUIRE(error("out.gguf") < 0.9 * error("search.gguf"));
    }
}

TEST_CASE("a file of moments that does not serve is refused, and nothing is written") {
    const test::ScratchFolder folder;
    write_both(folder);
    require_error(QUANT_ERR_ARGUMENT, {"search", "second moments"}, [&] { make_plan(QUANT_METHOD_SEARCH, folder / "m.gguf"); });
    require_error(QUANT_ERR_FORMAT, {"i.gguf", "general.type", "second-moments"},
                  [&] { make_plan(QUANT_METHOD_BEST, folder / "i.gguf"); });
    QuantizeOptions both{"Q3_K_S", QUANT_METHOD_BEST};
    both.moments_path = (folder / "m.gguf").string(), both.calibration_text = test::numbered_lines(800);
    require_error(QUANT_ERR_ARGUMENT, {"one of them"}, [&] { Plan(ModelFile::open(model_path()), both); });

    const auto good = Container::open(folder / "m.gguf");
    const auto rewrite = [&](const char *name, const auto &change) {
        std::vector<TensorPlan> plan;
        std::vector<std::vector<float>> values;
        for (const TensorInfo &t : good->tensors()) plan.push_back({t.name, t.shape, QUANT_F32}), values.push_back(good->decode(t));
        Metadata metadata = good->metadata();
        change(metadata, plan, values);
        GgufWriter writer(folder / name, metadata, plan);
        for (const auto &v : values) writer.add(std::as_bytes(std::span(v)));
        writer.commit();
    };
    rewrite("renamed.gguf", [](Metadata &, auto &plan, auto &) { plan[3].name = "blk.7.attn_q.weight.moments"; });
    require_error(QUANT_ERR_ARGUMENT, {"renamed.gguf", "another model"},
                  [&] { make_plan(QUANT_METHOD_BEST, folder / "renamed.gguf"); });
    rewrite("short.gguf", [](Metadata &, auto &plan, auto &values) {
        plan[0].shape[0]--, values[0].pop_back();
    });
    require_error(QUANT_ERR_ARGUMENT, {"short.gguf", "columns"}, [&] { make_plan(QUANT_METHOD_BEST, folder / "short.gguf"); });
    rewrite("later.gguf", [](Metadata &m, auto &, auto &) { m.set("quant.moments.version", uint32_t{2}); });
    require_error(QUANT_ERR_UNSUPPORTED, {"later.gguf", "version"}, [&] { make_plan(QUANT_METHOD_BEST, folder / "later.gguf"); });
    rewrite("nan.gguf", [](Metadata &, auto &, auto &values) { values[0][5] = NAN; });
    Plan plan = make_plan(QUANT_METHOD_BEST, folder / "nan.gguf");
    Progress progress;
    require_error(QUANT_ERR_FORMAT, {"nan.gguf", "blk.0.", "not finite"}, [&] { plan.run(folder / "out.gguf", progress); });
    REQUIRE_FALSE(std::filesystem::exists(folder / "out.gguf"));
}
