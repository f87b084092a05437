// Embeddings of texts, and what a model loses and how fast it is.
#pragma once

#include "sdk_model.h"

namespace quant_sdk {

/// Texts to embed together.
class Texts {
public:
    void add(const std::string &text) { texts_.push_back(text); }
    size_t count() const { return texts_.size(); }
#ifndef SWIG
    const std::vector<std::string> &all() const { return texts_; }
#endif

private:
    std::vector<std::string> texts_;
};

/// What texts became.
class Embeddings {
public:
    /// NULL on failure. `progress` may be NULL.
    static Embeddings *of(const Model &model, const Texts &texts, const quant_embedding_options &options,
                          ProgressSink *progress, Outcome &outcome) {
        quant_embeddings *handle = nullptr;
        const bool done = outcome.run([&] {
            std::vector<quant_embedding_input> inputs;
            for (const std::string &text : texts.all()) {
                quant_embedding_input input{};
                input.text = text.data();
                input.text_bytes = text.size();
                inputs.push_back(input);
            }
            quant_embedding_options given = options;
            given.progress = ProgressSink::of(progress);
            given.user = progress;
            return quant_model_embed(&handle, model.handle(), inputs.data(), inputs.size(), &given);
        });
        return done ? new Embeddings(handle) : nullptr;
    }
    ~Embeddings() { quant_embeddings_free(handle_); }
    Embeddings(const Embeddings &) = delete;
    Embeddings &operator=(const Embeddings &) = delete;

    size_t count() const { return quant_embeddings_count(handle_); }
    /// rows x dimensions floats.
    std::vector<float> values(size_t index, Outcome &outcome) const {
        const quant_embedding e = at(index, outcome);
        if (!e.values) return {};
        return {e.values, e.values + static_cast<size_t>(e.rows) * e.dimensions};
    }
    quant_embedding at(size_t index, Outcome &outcome) const {
        auto out = sized<quant_embedding>();
        if (!outcome.take(quant_embeddings_get(handle_, index, &out))) out.values = nullptr;
        return out;
    }

private:
    explicit Embeddings(quant_embeddings *handle) : handle_(handle) {}
    quant_embeddings *handle_;
};

/// Perplexity, and the divergence from `base`, which may be NULL.
inline quant_eval_result evaluate(const Model &model, const Model *base, const std::string &text,
                                  const quant_eval_options &options, ProgressSink *progress, Outcome &outcome) {
    quant_eval_options given = options;
    given.text = text.data();
    given.text_bytes = text.size();
    given.progress = ProgressSink::of(progress);
    given.user = progress;
    auto result = sized<quant_eval_result>();
    outcome.take(quant_evaluate(model.handle(), base ? base->handle() : nullptr, &given, &result));
    return result;
}

inline quant_bench_result bench(const Model &model, const quant_bench_options &options, ProgressSink *progress,
                                Outcome &outcome) {
    quant_bench_options given = options;
    given.progress = ProgressSink::of(progress);
    given.user = progress;
    auto result = sized<quant_bench_result>();
    outcome.take(quant_bench(model.handle(), &given, &result));
    return result;
}

} // namespace quant_sdk
