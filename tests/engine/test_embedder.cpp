// Embeddings against the reference library, of an encoder in a folder and in GGUF, and of models that generate.
#include "base/json.h"
#include "engine/embedder.h"
#include "engine/session.h"
#include "quantize/plan.h"
#include "test_support.h"

#include <algorithm>
#include <cmath>

using namespace quant;

namespace {

struct Golden {
    std::string text;
    std::vector<int32_t> ids;
    std::vector<float> mean, cls, last;
};

std::vector<float> floats_of(const json::array &a) {
    std::vector<float> out;
    for (const json::value &v : a) out.push_back(static_cast<float>(v.to_number<double>()));
    return out;
}

std::vector<Golden> goldens() {
    const json::value document = json::parse(test::read_file(test::data("model/bert-tiny/golden.json")), "golden.json");
    std::vector<Golden> out;
    for (const json::value &v : document.at("cases").as_array()) {
        const json::Reader c(v, "case");
        Golden g{c.require_string("text"), {}, floats_of(c.require_array("mean")), floats_of(c.require_array("cls")),
                 floats_of(c.require_array("last"))};
        for (const json::value &id : c.require_array("ids")) g.ids.push_back(static_cast<int32_t>(id.as_int64()));
        out.push_back(std::move(g));
    }
    REQUIRE(out.size() > 10);
    return out;
}

double cosine(const std::vector<float> &a, const std::vector<float> &b) {
    REQUIRE(a.size() == b.size());
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < a.size(); i++) {
        const double x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
        ab += x * y, aa += x * x, bb += y * y;
    }
    return ab / std::sqrt(aa * bb);
}

void require_close(const std::vector<float> &a, const std::vector<float> &b) {
    REQUIRE(a.size() == b.size());
    for (size_t i = 0; i < a.size(); i++) REQUIRE(std::abs(a[i] - b[i]) < 2e-5f);
}

std::vector<Embedding> embed(const Model &model, const std::vector<std::string> &texts, const EmbeddingOptions &options) {
    std::vector<EmbeddingInput> inputs;
    for (const std::string &text : texts) inputs.push_back({text, {}, false});
    Progress progress;
    return embed_texts(model, inputs, options, progress);
}

EmbeddingOptions plain(quant_pooling pooling) {
    EmbeddingOptions options;
    options.pooling = pooling, options.normalize = false;
    options.activations = Activations::f32; // Else weights in BF16 have theirs rounded, too.
    return options;
}

void require_golden(const Model &model, double least_cosine) {
    std::vector<std::string> texts;
    const std::vector<Golden> all = goldens();
    for (const Golden &g : all) texts.push_back(g.text);
    const struct {
        quant_pooling pooling;
        std::vector<float> Golden::*expected;
    } ways[] = {{QUANT_POOLING_DEFAULT, &Golden::mean}, {QUANT_POOLING_MEAN, &Golden::mean}, {QUANT_POOLING_CLS, &Golden::cls},
                {QUANT_POOLING_LAST, &Golden::last}};
    for (const auto &way : ways) {
        const std::vector<Embedding> got = embed(model, texts, plain(way.pooling));
        for (size_t i = 0; i < all.size(); i++) {
            INFO("text " << all[i].text << " pooling " << way.pooling);
            REQUIRE(got[i].tokens == all[i].ids.size());
            REQUIRE(got[i].rows == 1);
            if (least_cosine == 1) require_close(got[i].values, all[i].*way.expected);
            else REQUIRE(cosine(got[i].values, all[i].*way.expected) > least_cosine);
        }
    }
}

/// The tiny encoder as a GGUF file of that type.
std::filesystem::path quantized(const test::ScratchFolder &folder, const std::string &type) {
    QuantizeOptions options;
    options.type = type;
    const auto path = folder / (type + ".gguf");
    Progress progress;
    Plan(ModelFile::open(test::data("model/bert-tiny")), options).run(path.string(), progress);
    return path;
}

} // namespace

TEST_CASE("an encoder's tokens and embeddings are those of the reference library") {
    const auto model = Model::open(test::data("model/bert-tiny"));
    REQUIRE(model->hyperparameters().pooling == QUANT_POOLING_MEAN);
    REQUIRE(model->hyperparameters().embedding_context == 128);
    for (const Golden &g : goldens()) REQUIRE(model->tokenizer().encode(g.text, {}) == g.ids);
    require_golden(*model, 1);
}

TEST_CASE("batches make no difference to an embedding") {
    const auto model = Model::open(test::data("model/bert-tiny"));
    std::vector<std::string> texts;
    for (int round = 0; round < 20; round++)
        for (const Golden &g : goldens()) texts.push_back(g.text);
    const std::vector<Embedding> together = embed(*model, texts, plain(QUANT_POOLING_MEAN));
    for (size_t i = 0; i < texts.size(); i += 7)
        require_close(embed(*model, {texts[i]}, plain(QUANT_POOLING_MEAN))[0].values, together[i].values);
}

TEST_CASE("embeddings are cut, then normalized; without pooling each token has one") {
    const auto model = Model::open(test::data("model/bert-tiny"));
    const Golden g = goldens()[0];
    EmbeddingOptions options;
    options.dimensions = 8;
    const Embedding cut = embed(*model, {g.text}, options)[0];
    REQUIRE(cut.dimensions == 8);
    double squares = 0;
    for (const float v : cut.values) squares += static_cast<double>(v) * static_cast<double>(v);
    REQUIRE(squares == Approx(1).margin(1e-6));
    REQUIRE(cosine(cut.values, {g.mean.begin(), g.mean.begin() + 8}) > 0.999999);
    const Embedding rows = embed(*model, {g.text}, plain(QUANT_POOLING_NONE))[0];
    REQUIRE(rows.rows == g.ids.size());
    require_close({rows.values.begin(), rows.values.begin() + 32}, g.cls);
    require_close({rows.values.end() - 32, rows.values.end()}, g.last);
}

TEST_CASE("a text that is too long is an error with both lengths, or loses its end where that is asked for") {
    const auto model = Model::open(test::data("model/bert-tiny"));
    std::string text;
    for (int i = 0; i < 130; i++) text += "bread ";
    test::require_error(QUANT_ERR_LIMIT, {"text 1", "132 tokens", "128"}, [&] { embed(*model, {"the", text}, {}); });
    EmbeddingOptions options = plain(QUANT_POOLING_NONE);
    options.truncate = true;
    const Embedding got = embed(*model, {text}, options)[0];
    REQUIRE(got.tokens == 128);
    REQUIRE(got.tokens_cut == 4);
    // The mark of the end stays: it is what the text of 126 words ends with.
    const Embedding same = embed(*model, {text.substr(0, 126 * 6)}, plain(QUANT_POOLING_NONE))[0];
    require_close(got.values, same.values);
}

TEST_CASE("what cannot be embedded is refused by name") {
    const auto model = Model::open(test::data("model/bert-tiny"));
    const auto with = [&](auto change, const std::vector<std::string> &words) {
        EmbeddingOptions options;
        change(options);
        test::require_error(QUANT_ERR_ARGUMENT, words, [&] { embed(*model, {"the"}, options); });
    };
    with([](EmbeddingOptions &o) { o.dimensions = 33; }, {"33", "32"});
    with([](EmbeddingOptions &o) { o.pooling = static_cast<quant_pooling>(9); }, {"9"});
    const std::vector<int32_t> ids{2, 162, 3};
    Progress progress;
    const EmbeddingInput inputs[] = {{{}, ids, true}, {{}, {}, true}};
    test::require_error(QUANT_ERR_ARGUMENT, {"text 0", "162"}, [&] { embed_texts(*model, {inputs, 1}, {}, progress); });
    test::require_error(QUANT_ERR_ARGUMENT, {"text 0", "no tokens"}, [&] { embed_texts(*model, {inputs + 1, 1}, {}, progress); });
}

TEST_CASE("a caller can stop between batches") {
    const auto model = Model::open(test::data("model/bert-tiny"));
    const std::vector<std::string> texts(200, "in the beginning god created the heaven and the earth");
    std::vector<EmbeddingInput> inputs;
    for (const std::string &text : texts) inputs.push_back({text, {}, false});
    int calls = 0;
    Progress progress([](void *user, const quant_progress *) { return ++*static_cast<int *>(user) >= 1 ? 1 : 0; }, &calls);
    test::require_error(QUANT_ERR_CANCELLED, {"embedding"}, [&] { embed_texts(*model, inputs, {}, progress); });
    REQUIRE(calls == 1);
}

TEST_CASE("an encoder written as GGUF has the same tokens and embeddings, quantized nearly the same") {
    const test::ScratchFolder folder;
    for (const auto &[type, least] : {std::pair("BF16", 0.999), std::pair("Q8_0", 0.995), std::pair("Q4_K_M", 0.97)}) {
        INFO(type);
        const auto model = Model::open(quantized(folder, type));
        REQUIRE(model->hyperparameters().pooling == QUANT_POOLING_MEAN);
        REQUIRE(model->hyperparameters().embedding_context == 128);
        for (const Golden &g : goldens()) REQUIRE(model->tokenizer().encode(g.text, {}) == g.ids);
        require_golden(*model, least);
    }
}

TEST_CASE("an encoder does not generate, and says so") {
    const auto model = Model::open(test::data("model/bert-tiny"));
    test::require_error(QUANT_ERR_UNSUPPORTED, {"bert", "embeddings"}, [&] { Session(model, 16); });
}

TEST_CASE("a model that generates embeds by its last token, long texts in pieces as short ones") {
    const auto model = Model::open(test::data("model/llama-3-rope"));
    const Hyperparameters &h = model->hyperparameters();
    std::vector<int32_t> ids;
    for (int i = 0; i < 500; i++) ids.push_back(i * 7 % static_cast<int>(h.vocabulary));
    KvCache cache(h, 1024);
    Forward forward(*model, default_pool());
    std::vector<float> states(ids.size() * h.embedding);
    for (size_t at = 0; at < ids.size(); at++) { // One token at a time, by the path of generation.
        const SequenceRun one{&cache, std::span(ids).subspan(at, 1), static_cast<uint32_t>(at), 0, nullptr,
                              states.data() + at * h.embedding};
        forward.run({&one, 1});
    }
    // What stands in front leaves no room for all of the text in the first batch.
    const EmbeddingInput inputs[] = {{{}, std::span(ids).first(100), true}, {{}, ids, true}};
    Progress progress;
    const auto run = [&](quant_pooling pooling) {
        return embed_texts(*model, inputs, plain(pooling), progress)[1].values;
    };
    const std::vector<float> last(states.end() - h.embedding, states.end());
    REQUIRE(cosine(run(QUANT_POOLING_DEFAULT), last) > 0.99999);
    REQUIRE(cosine(run(QUANT_POOLING_CLS), {states.begin(), states.begin() + h.embedding}) > 0.99999);
    std::vector<float> mean(h.embedding);
    for (size_t i = 0; i < states.size(); i++) mean[i % h.embedding] += states[i] / static_cast<float>(ids.size());
    REQUIRE(cosine(run(QUANT_POOLING_MEAN), mean) > 0.99999);
}
