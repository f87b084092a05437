// Importance files in both formats, hostile ones too, and what they are used for.
#include "container/container.h"
#include "quantize/plan.h"
#include "test_support.h"

#include <cmath>
#include <cstring>

using namespace quant;
using test::require_error;

namespace {

Importance two_entries() {
    Importance out;
    out.entries["blk.0.attn_q.weight"] = {{1, 4, 9, 16}, {2}};
    out.entries["blk.0.ffn_gate_exps.weight"] = {{1, 2, 3, 4, 5, 6}, {1, 0, 2}};
    out.datasets = {"some.txt"};
    out.chunks = 3, out.chunk_tokens = 2;
    return out;
}

std::string text(int repeats) {
    std::string out;
    for (int i = 0; i < repeats; i++) out += "Line " + std::to_string(i) + " of a text that has no other use. ";
    return out;
}

} // namespace

TEST_CASE("importance comes back from both formats") {
    const test::ScratchFolder folder;
    const Importance given = two_entries();
    write_importance(given, ImportanceFormat::gguf, folder / "i.gguf");
    const Importance gguf = read_importance(folder / "i.gguf");
    REQUIRE(gguf.entries.size() == 2);
    REQUIRE(gguf.datasets == given.datasets);
    REQUIRE(gguf.chunks == 3);
    for (const auto &[name, e] : given.entries) {
        REQUIRE(gguf.entries.at(name).sums == e.sums);
        REQUIRE(gguf.entries.at(name).counts == e.counts);
    }
    REQUIRE(gguf.columns_of("blk.0.attn_q.weight", 4, 1) == std::vector<float>{0.5f, 2, 4.5f, 8});

    write_importance(given, ImportanceFormat::legacy, folder / "i.dat");
    const Importance legacy = read_importance(folder / "i.dat");
    REQUIRE(legacy.datasets == given.datasets);
    REQUIRE(legacy.columns_of("blk.0.attn_q.weight", 4, 1) == std::vector<float>{0.5f, 2, 4.5f, 8});
    // An expert that was never used counts as 1 throughout.
    REQUIRE(legacy.entries.at("blk.0.ffn_gate_exps.weight").sums == std::vector<float>{1, 2, 1, 1, 2.5f, 3});
}

TEST_CASE("the GGUF file has the names and shapes that other tools look for") {
    const test::ScratchFolder folder;
    write_importance(two_entries(), ImportanceFormat::gguf, folder / "i.gguf");
    const auto file = Container::open(folder / "i.gguf");
    REQUIRE(file->metadata().require_string("general.type") == "imatrix");
    REQUIRE(file->metadata().require_uint("imatrix.chunk_size") == 2);
    REQUIRE(file->require("blk.0.ffn_gate_exps.weight.in_sum2").shape == std::vector<uint64_t>{3, 2});
    REQUIRE(file->require("blk.0.ffn_gate_exps.weight.counts").shape == std::vector<uint64_t>{3, 1});
}

TEST_CASE("a legacy file cut anywhere, or with a wrong count, is refused by name") {
    const test::ScratchFolder folder;
    write_importance(two_entries(), ImportanceFormat::legacy, folder / "i.dat");
    const std::string whole = test::read_file(folder / "i.dat");
    const size_t end_of_entries = whole.size() - 8 - std::strlen("some.txt");
    for (size_t n = 1; n < whole.size(); n++) {
        if (n == end_of_entries) continue; // There the oldest files end.
        test::write_file(folder / "cut.dat", whole.substr(0, n));
        require_error(QUANT_ERR_TRUNCATED, {"cut.dat"}, [&] { read_importance(folder / "cut.dat"); });
    }
    for (const size_t at : {size_t{0}, size_t{4}, size_t{4 + 4 + 19 + 4}}) {
        for (const int32_t value : {-1, INT32_MIN, INT32_MAX}) {
            std::string bad = whole;
            std::memcpy(bad.data() + at, &value, sizeof value);
            test::write_file(folder / "bad.dat", bad);
            REQUIRE_THROWS_AS(read_importance(folder / "bad.dat"), Error);
        }
    }
    test::write_file(folder / "long.dat", whole + "x");
    require_error(QUANT_ERR_FORMAT, {"long.dat", "1 bytes follow"}, [&] { read_importance(folder / "long.dat"); });
}

TEST_CASE("statistics that cannot be this model's are refused with the tensor's name") {
    Importance importance = two_entries();
    importance.name = "i.gguf";
    require_error(QUANT_ERR_ARGUMENT, {"i.gguf", "blk.0.attn_q.weight", "4", "8", "another model"},
                  [&] { importance.columns_of("blk.0.attn_q.weight", 8, 1); });
    REQUIRE(importance.columns_of("blk.7.attn_q.weight", 8, 1).empty());
    for (const float bad : {-1.0f, NAN, INFINITY}) {
        importance.entries["blk.0.attn_q.weight"].sums[2] = bad;
        require_error(QUANT_ERR_ARGUMENT, {"blk.0.attn_q.weight"},
                      [&] { importance.columns_of("blk.0.attn_q.weight", 4, 1); });
    }
    importance.entries["blk.0.attn_q.weight"] = {{1, 2, 3, 4}, {0}};
    require_error(QUANT_ERR_ARGUMENT, {"blk.0.attn_q.weight", "never used"},
                  [&] { importance.columns_of("blk.0.attn_q.weight", 4, 1); });
}

TEST_CASE("gathered statistics are the mean squares of what goes in, and importance lowers the weighted error") {
    const test::ScratchFolder folder;
    const auto path = test::data("model/llama-3-rope");
    Progress progress;
    write_importance_of(path, text(400), "text", 64, 1024, ImportanceFormat::gguf, folder / "i.gguf", progress);
    const Importance importance = read_importance(folder / "i.gguf");
    const auto model = Model::open(path);
    REQUIRE(importance.entries.size() == 7 * model->hyperparameters().layers);
    REQUIRE(importance.chunks == 16);
    // The first layer's input by hand: RMS-normalized embeddings, times the norm's weight.
    const auto sequences = calibration_sequences(model->tokenizer(), text(400), 64, 1024, 1);
    const size_t n = model->hyperparameters().embedding;
    std::vector<double> squares(n);
    for (const auto &sequence : sequences)
        for (const int32_t id : sequence) {
            std::vector<float> x(n);
            model->embedding().decode_row(static_cast<uint64_t>(id), x.data());
            double sum = 0;
            for (const float v : x) sum += double{v} * v;
            const double scale = 1 / std::sqrt(sum / static_cast<double>(n) + model->hyperparameters().norm_epsilon);
            for (size_t i = 0; i < n; i++) squares[i] += std::pow(x[i] * scale * model->layers()[0].attention_norm[i], 2);
        }
    const std::vector<float> columns = importance.columns_of("blk.0.attn_q.weight", n, 1);
    for (size_t i = 0; i < n; i++) REQUIRE(columns[i] == Approx(squares[i] / 1024).epsilon(1e-3));

    const auto weighted = [&](const Plan &plan, const std::string &file) {
        const auto made = Container::open(folder / file);
        double sum = 0;
        for (const PlannedTensor &t : plan.tensors()) {
            const std::vector<float> w = importance.columns_of(t.source->name, t.source->cols(), 1);
            if (w.empty()) continue;
            const std::vector<float> now = made->decode(made->require(t.source->name));
            std::vector<float> before(now.size());
            plan.source().decode_rows(*t.source, 0, t.source->rows(), before.data());
            for (size_t i = 0; i < now.size(); i++) sum += w[i % w.size()] * std::pow(double{now[i]} - before[i], 2);
        }
        return sum;
    };
    const auto source = ModelFile::open(path);
    Plan search(source, {"Q4_K_S", QUANT_METHOD_SEARCH});
    search.run(folder / "search.gguf", progress);
    QuantizeOptions with_file{"Q4_K_S"};
    with_file.importance_path = (folder / "i.gguf").string();
    Plan by_file(source, with_file);
    by_file.run(folder / "file.gguf", progress);
    REQUIRE(by_file.method() == QUANT_METHOD_IMPORTANCE);
    REQUIRE(weighted(by_file, "file.gguf") < 0.97 * weighted(search, "search.gguf"));
    // The same text gives the same file as its statistics do.
    QuantizeOptions options{"Q4_K_S", QUANT_METHOD_IMPORTANCE};
    options.calibration_text = text(400);
    Plan by_text(source, options);
    by_text.run(folder / "text.gguf", progress);
    REQUIRE(weighted(by_text, "text.gguf") == Approx(weighted(by_file, "file.gguf")).epsilon(0.02));
}

TEST_CASE("a method gets what it needs and nothing that it would ignore") {
    const auto source = ModelFile::open(test::data("model/llama-3-rope"));
    const auto plan = [&](quant_method method, const std::string &file, const std::string &calibration) {
        QuantizeOptions options{"Q4_0", method};
        options.importance_path = file;
        options.calibration_text = calibration;
        return Plan(source, options);
    };
    for (const quant_method method : {QUANT_METHOD_IMPORTANCE, QUANT_METHOD_FEEDBACK, QUANT_METHOD_BEST})
        require_error(QUANT_ERR_ARGUMENT, {"needs"}, [&] { plan(method, "", ""); });
    for (const quant_method method : {QUANT_METHOD_ROUND, QUANT_METHOD_SEARCH})
        require_error(QUANT_ERR_ARGUMENT, {"neither"}, [&] { plan(method, "", "text"); });
    require_error(QUANT_ERR_NOT_FOUND, {"no-such"}, [&] { plan(QUANT_METHOD_DEFAULT, "no-such", ""); });
    const test::ScratchFolder folder;
    Importance foreign;
    foreign.entries["blk.0.other.weight"] = {{1}, {1}};
    write_importance(foreign, ImportanceFormat::gguf, folder / "i.gguf");
    require_error(QUANT_ERR_ARGUMENT, {"i.gguf", "another model"},
                  [&] { plan(QUANT_METHOD_DEFAULT, (folder / "i.gguf").string(), ""); });
    require_error(QUANT_ERR_ARGUMENT, {"tokens", "expected at least"}, [&] {
        Progress progress;
        plan(QUANT_METHOD_BEST, "", "too short").run(folder / "out.gguf", progress);
    });
    REQUIRE_FALSE(std::filesystem::exists(folder / "out.gguf"));
}

TEST_CASE("statistics of another model are refused even where its widths are this one's") {
    const test::ScratchFolder folder;
    Progress progress;
    write_importance_of(test::data("model/llama-3-rope"), text(400), "text", 64, 1024, ImportanceFormat::gguf,
                        folder / "i.gguf", progress);
    QuantizeOptions options{"Q4_0", QUANT_METHOD_IMPORTANCE};
    options.importance_path = (folder / "i.gguf").string();
    require_error(QUANT_ERR_ARGUMENT, {"i.gguf", "ffn_", "another model"},
                  [&] { Plan(ModelFile::open(test::data("model/mixtral.gguf")), options); });
}
