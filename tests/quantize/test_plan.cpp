#include "engine/session.h"
#include "quantize/plan.h"
#include "test_support.h"

#include <cmath>

using namespace quant;
using test::require_error;

namespace {

std::shared_ptr<const ModelFile> source(const char *name = "model/llama-3-rope") { return ModelFile::open(test::data(name)); }

std::vector<float> last_logits(const std::filesystem::path &path) {
    Session session(Model::open(path), 0);
    const std::vector<int32_t> ids = {506, 413, 266, 75, 67};
    std::vector<float> logits(512);
    session.run(ids, 1, logits.data());
    return logits;
}

double rms_difference(const std::vector<float> &a, const std::vector<float> &b) {
    double sum = 0;
    for (size_t i = 0; i < a.size(); i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return std::sqrt(sum / static_cast<double>(a.size()));
}

int cancel_late(void *user, const quant_progress *p) { return p->done > 0 && ++*static_cast<int *>(user) > 0; }

} // namespace

TEST_CASE("a plan knows the size of its file to the byte, and the file runs") {
    const test::ScratchFolder folder;
    const std::vector<float> base = last_logits(test::data("model/llama-3-rope"));
    double previous = 0;
    for (const char *type : {"BF16", "Q8_0", "Q6_K", "Q4_K_M", "Q2_K"}) {
        INFO(type);
        Plan plan(source(), {type, QUANT_METHOD_DEFAULT, {}});
        Progress progress;
        plan.run(folder / type, progress);
        REQUIRE(std::filesystem::file_size(folder / type) == plan.output_bytes());
        for (const PlannedTensor &t : plan.tensors()) REQUIRE(t.rmse >= 0);
        const auto written = ModelFile::open(folder / type);
        REQUIRE(written->type_name() == type);
        const double difference = rms_difference(last_logits(folder / type), base);
        REQUIRE(difference >= previous);
        if (std::string(type) == "BF16") REQUIRE(difference < 1e-3);
        previous = difference + 1e-9;
    }
}

TEST_CASE("a GGUF source gives the same file as the folder it came from") {
    const test::ScratchFolder folder;
    Progress progress;
    for (const char *from : {"model/llama-3-rope", "model/llama-3-rope.gguf"}) {
        Plan plan(source(from), {"Q5_K_M", QUANT_METHOD_DEFAULT, {}});
        REQUIRE_FALSE(plan.requantizes());
        plan.run(folder / (std::string(from).find("gguf") == std::string::npos ? "a" : "b"), progress);
    }
    const auto a = Container::open(folder / "a"), b = Container::open(folder / "b");
    for (const TensorInfo &t : a->tensors()) {
        INFO(t.name);
        if (t.name == "rope_freqs.weight") continue; // Computed here, stored there: equal but for rounding.
        const auto x = a->data(t), y = b->data(b->require(t.name));
        REQUIRE(std::equal(x.begin(), x.end(), y.begin(), y.end()));
    }
    REQUIRE(Plan(ModelFile::open(folder / "a"), {"Q4_0", QUANT_METHOD_DEFAULT, {}}).requantizes());
}

TEST_CASE("patterns override the mix, and say what is wrong with them") {
    const QuantizeOptions options{"Q4_K_M", QUANT_METHOD_DEFAULT, {{"ffn_(up|gate)", "q8_0"}, {"ffn_up", "Q2_K"}}};
    require_error(QUANT_ERR_ARGUMENT, {"ffn_up", "no matrix"}, [&] { Plan(source(), options); });
    const Plan plan(source(), {"Q4_K_M", QUANT_METHOD_DEFAULT, {{"ffn_(up|gate)", "q8_0"}}});
    for (const PlannedTensor &t : plan.tensors())
        if (t.source->name.find("ffn_up") != std::string::npos) REQUIRE(t.encoding == QUANT_Q8_0);
    const auto refuse = [](const char *pattern, const char *encoding, std::vector<std::string> words) {
        require_error(QUANT_ERR_ARGUMENT, words,
                      [&] { Plan(source(), {"Q4_K_M", QUANT_METHOD_DEFAULT, {{pattern, encoding}}}); });
    };
    refuse("(", "Q8_0", {"pattern", "("});
    refuse("ffn", "Q9", {"Q9", "Q8_0"});
    refuse("nothing_like_it", "Q8_0", {"nothing_like_it"});
    require_error(QUANT_ERR_LIMIT, {"steps"}, [] {
        Plan(source(), {"Q4_K_M", QUANT_METHOD_DEFAULT, {{"(.+)+[^a-z0-9_.]", "Q8_0"}}});
    });
}

TEST_CASE("a cancelled run leaves nothing") {
    const test::ScratchFolder folder;
    Plan plan(source(), {"Q4_K_M", QUANT_METHOD_DEFAULT, {}});
    int calls = 0;
    Progress progress(cancel_late, &calls);
    require_error(QUANT_ERR_CANCELLED, {}, [&] { plan.run(folder / "out.gguf", progress); });
    REQUIRE(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("a plan does not write over its own source") {
    const test::ScratchFolder folder;
    std::filesystem::copy_file(test::data("model/llama-3-rope.gguf"), folder / "m.gguf");
    Plan plan(ModelFile::open(folder / "m.gguf"), {"Q8_0", QUANT_METHOD_DEFAULT, {}});
    Progress progress;
    require_error(QUANT_ERR_ARGUMENT, {"source itself"}, [&] { plan.run(folder / "m.gguf", progress); });
}

TEST_CASE("token by token, a session's logits are those without rounding, and its panels are shared") {
    const test::ScratchFolder folder;
    Progress progress;
    for (const char *type : {"Q4_K_M", "Q8_0", "IQ4_XS", "Q2_K"}) {
        INFO(type);
        Plan(ModelFile::open(test::data("model/mixtral.gguf")), {type, QUANT_METHOD_ROUND}).run(folder / "q.gguf", progress);
        const auto model = Model::open(folder / "q.gguf");
        Session rounded(model, 32), exact(model, 32, Activations::f32);
        REQUIRE(&rounded.model() == model->with_panels().get());
        REQUIRE(&exact.model() == model.get());
        std::vector<float> a(model->hyperparameters().vocabulary), b(a.size());
        for (const int32_t id : {5, 77, 300, 12, 9}) {
            rounded.run(std::span(&id, 1), 1, a.data());
            exact.run(std::span(&id, 1), 1, b.data());
            double error = 0, size = 0;
            for (size_t i = 0; i < a.size(); i++) error += std::pow(a[i] - b[i], 2), size += std::pow(b[i], 2);
            REQUIRE(error < 1e-6 * size); // 8 bits would lose a hundred times as much.
        }
    }
}
