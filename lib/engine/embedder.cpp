// All texts are tokenized and checked before any is run. Then they go through the forward pass in batches of as
// many tokens as it takes, several short ones together. Of a model whose tokens see only what is before them a long
// text goes in pieces, so that what is held at a time does not grow with it and a caller can stop in between.
#include "engine/embedder.h"

#include "base/error.h"
#include "model/forward.h"
#include "model/kv_cache.h"

#include <algorithm>
#include <cmath>
#include <memory>

namespace quant {

namespace {

/// Texts run together at most: each has pages of keys and values of its own, used or not.
constexpr size_t most_together = 32;

/// A text while it is run.
struct Text {
    std::vector<int32_t> tokens;
    size_t done = 0;
    std::unique_ptr<KvCache> cache;
    std::vector<double> sum; ///< Of its states, for the mean.
    Embedding embedding;
};

/// The next tokens of a text, and where their states are in the batch.
struct Piece {
    Text *text;
    size_t first, tokens;
};

size_t special_behind(const TokenizerSpec &spec, const TokenizeOptions &options) {
    if (!options.add_special) return 0;
    return spec.suffix_ids.empty() ? spec.add_eos && spec.eos : spec.suffix_ids.size();
}

Text read_text(const Model &model, const EmbeddingInput &input, size_t number, const EmbeddingOptions &options) {
    const Hyperparameters &h = model.hyperparameters();
    Text text;
    if (input.is_tokens) text.tokens.assign(input.tokens.begin(), input.tokens.end());
    else text.tokens = model.tokenizer().encode(input.text, options.text);
    if (text.tokens.empty()) fail(QUANT_ERR_ARGUMENT, "text {} has no tokens: there is nothing to embed", number);
    for (const int32_t id : text.tokens)
        if (id < 0 || static_cast<uint32_t>(id) >= h.vocabulary)
            fail(QUANT_ERR_ARGUMENT, "text {}: token {} is outside the vocabulary of {}", number, id, h.vocabulary);
    const size_t most = h.embedding_context, count = text.tokens.size();
    if (count > most) {
        const size_t behind = input.is_tokens ? 0 : special_behind(model.tokenizer().spec(), options.text);
        if (!options.truncate || most <= behind)
            fail(QUANT_ERR_LIMIT, "text {} has {} tokens, but embeddings of this model take {} at most", number, count, most);
        const auto end = text.tokens.end() - static_cast<ptrdiff_t>(behind);
        text.tokens.erase(text.tokens.begin() + static_cast<ptrdiff_t>(most - behind), end);
    }
    text.embedding.tokens = static_cast<uint32_t>(text.tokens.size());
    text.embedding.tokens_cut = static_cast<uint32_t>(count - text.tokens.size());
    return text;
}

class Run {
public:
    Run(const Model &model, const EmbeddingOptions &options)
        : model_(model), h_(model.hyperparameters()), options_(options),
          pooling_(options.pooling == QUANT_POOLING_DEFAULT ? h_.pooling : options.pooling),
          dimensions_(options.dimensions ? options.dimensions : h_.embedding),
          forward_(model, default_pool(), options.activations) {}

    void add(Text &text, Progress &progress) {
        text.cache = take_cache();
        for (size_t begin = 0; begin < text.tokens.size();) {
            const size_t left = text.tokens.size() - begin, room = Forward::batch - std::min(Forward::batch, tokens_);
            if (room == 0 || pieces_.size() == most_together || (!h_.style.causal && left > room && tokens_ > 0)) {
                flush(progress);
                continue;
            }
            const size_t count = h_.style.causal ? std::min(left, room) : left;
            pieces_.push_back({&text, tokens_, count});
            begin += count, tokens_ += count;
        }
    }

    void flush(Progress &progress) {
        if (pieces_.empty()) return;
        states_.resize(std::max(states_.size(), tokens_ * h_.embedding));
        std::vector<SequenceRun> sequences;
        for (const Piece &p : pieces_)
            sequences.push_back({p.text->cache.get(), std::span(p.text->tokens).subspan(p.text->done, p.tokens),
                                 static_cast<uint32_t>(p.text->done), 0, nullptr,
                                 states_.data() + p.first * h_.embedding});
        forward_.run(sequences);
        for (const Piece &p : pieces_) pool(*p.text, states_.data() + p.first * h_.embedding, p.tokens);
        progress.advance(tokens_);
        pieces_.clear(), tokens_ = 0;
    }

private:
    void pool(Text &text, const float *states, size_t tokens) {
        const size_t width = h_.embedding;
        if (pooling_ == QUANT_POOLING_NONE)
            for (size_t t = 0; t < tokens; t++) keep(text, states + t * width);
        if (pooling_ == QUANT_POOLING_CLS && text.done == 0) keep(text, states);
        if (pooling_ == QUANT_POOLING_MEAN) {
            text.sum.resize(width);
            for (size_t i = 0; i < tokens * width; i++) text.sum[i % width] += static_cast<double>(states[i]);
        }
        text.done += tokens;
        if (text.done < text.tokens.size()) return;
        if (pooling_ == QUANT_POOLING_LAST) keep(text, states + (tokens - 1) * width);
        if (pooling_ == QUANT_POOLING_MEAN) {
            std::vector<float> mean(width);
            for (size_t i = 0; i < width; i++) mean[i] = static_cast<float>(text.sum[i] / static_cast<double>(text.done));
            keep(text, mean.data());
        }
        caches_.push_back(std::move(text.cache));
    }

    /// A row of the text's embedding, cut and normalized.
    void keep(Text &text, const float *row) const {
        Embedding &e = text.embedding;
        e.rows++, e.dimensions = dimensions_;
        double squares = 0;
        for (size_t i = 0; i < dimensions_; i++) squares += static_cast<double>(row[i]) * static_cast<double>(row[i]);
        if (!std::isfinite(squares))
            fail(QUANT_ERR_MODEL, "{}: what the model makes of a text is not finite", model_.file().metadata().name());
        const double factor = options_.normalize && squares > 0 ? 1 / std::sqrt(squares) : 1;
        for (size_t i = 0; i < dimensions_; i++) e.values.push_back(static_cast<float>(row[i] * factor));
    }

    std::unique_ptr<KvCache> take_cache() {
        if (caches_.empty()) return std::make_unique<KvCache>(h_, h_.embedding_context);
        auto cache = std::move(caches_.back());
        caches_.pop_back();
        return cache;
    }

    const Model &model_;
    const Hyperparameters &h_;
    const EmbeddingOptions &options_;
    const quant_pooling pooling_;
    const uint32_t dimensions_;
    Forward forward_;
    std::vector<Piece> pieces_;
    size_t tokens_ = 0; ///< Of the pieces.
    std::vector<float> states_;
    std::vector<std::unique_ptr<KvCache>> caches_; ///< Of texts that are done.
};

void check(const Model &model, const EmbeddingOptions &options) {
    const uint32_t width = model.hyperparameters().embedding;
    if (options.pooling < QUANT_POOLING_DEFAULT || options.pooling > QUANT_POOLING_CLS)
        fail(QUANT_ERR_ARGUMENT, "pooling {} is none", static_cast<int>(options.pooling));
    if (options.dimensions > width)
        fail(QUANT_ERR_ARGUMENT, "{} dimensions: the model's embeddings have {}", options.dimensions, width);
}

} // namespace

std::vector<Embedding> embed_texts(const Model &model, std::span<const EmbeddingInput> inputs,
                                   const EmbeddingOptions &options, Progress &progress) {
    check(model, options);
    std::vector<Text> texts;
    uint64_t tokens = 0;
    for (size_t i = 0; i < inputs.size(); i++) {
        texts.push_back(read_text(model, inputs[i], i, options));
        tokens += texts.back().tokens.size();
    }
    progress.begin("embedding", tokens);
    Run run(model, options);
    for (Text &text : texts) run.add(text, progress);
    run.flush(progress);
    progress.finish();
    std::vector<Embedding> out;
    for (Text &text : texts) out.push_back(std::move(text.embedding));
    return out;
}

} // namespace quant
