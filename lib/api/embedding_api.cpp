#include <quant/embedding.h>

#include "api/guard.h"
#include "api/handles.h"
#include "engine/embedder.h"

using namespace quant;
using namespace quant::api;

struct quant_embeddings {
    std::vector<Embedding> all;
};

namespace {

constexpr uint32_t known_flags = QUANT_TEXT_ADD_SPECIAL | QUANT_TEXT_PARSE_SPECIAL;

quant_embedding_options default_embedding_options() {
    quant_embedding_options o{};
    o.size = sizeof o;
    o.normalize = 1;
    o.text_flags = known_flags;
    o.activations = QUANT_ACTIVATIONS_INT8;
    return o;
}

EmbeddingInput read_input(const quant_embedding_input &input, size_t number) {
    if ((input.text != nullptr) == (input.tokens != nullptr))
        fail(QUANT_ERR_ARGUMENT, "inputs[{}]: expected a text or tokens, and one of them only", number);
    if (input.text) return {{input.text, input.text_bytes}, {}, false};
    return {{}, {input.tokens, input.token_count}, true};
}

EmbeddingOptions read_options(const quant_embedding_options &o) {
    if ((o.text_flags & ~known_flags) != 0)
        fail(QUANT_ERR_ARGUMENT, "options.text_flags {:#x}: expected QUANT_TEXT_ADD_SPECIAL and QUANT_TEXT_PARSE_SPECIAL only",
             o.text_flags);
    EmbeddingOptions out;
    out.pooling = o.pooling;
    out.normalize = o.normalize != 0, out.truncate = o.truncate != 0;
    out.dimensions = o.dimensions;
    out.text = {(o.text_flags & QUANT_TEXT_ADD_SPECIAL) != 0, (o.text_flags & QUANT_TEXT_PARSE_SPECIAL) != 0};
    out.activations = for_generating(checked_activations(o.activations));
    return out;
}

} // namespace

extern "C" {

void quant_embedding_options_init(quant_embedding_options *options, size_t size) {
    init_struct(options, size, default_embedding_options());
}

quant_status quant_model_embed(quant_embeddings **out, const quant_model *model, const quant_embedding_input *inputs,
                               size_t count, const quant_embedding_options *options) {
    return guarded([&] {
        require(out, "out");
        *out = nullptr;
        require(model, "model"), require(inputs, "inputs");
        if (count == 0) fail(QUANT_ERR_ARGUMENT, "count is 0: expected at least one input");
        const quant_embedding_options o = read_struct(options, default_embedding_options(), "options");
        const EmbeddingOptions how = read_options(o);
        std::vector<EmbeddingInput> texts;
        for (size_t i = 0; i < count; i++) texts.push_back(read_input(inputs[i], i));
        Progress progress(o.progress, o.user);
        *out = new quant_embeddings{embed_texts(*model->model, texts, how, progress)};
    });
}

void quant_embeddings_free(quant_embeddings *embeddings) { delete embeddings; }

size_t quant_embeddings_count(const quant_embeddings *embeddings) { return embeddings ? embeddings->all.size() : 0; }

quant_status quant_embeddings_get(const quant_embeddings *embeddings, size_t index, quant_embedding *out) {
    return guarded([&] {
        require(embeddings, "embeddings");
        if (index >= embeddings->all.size())
            fail(QUANT_ERR_ARGUMENT, "index {}: there are {} embeddings", index, embeddings->all.size());
        const Embedding &e = embeddings->all[index];
        quant_embedding value{};
        value.values = e.values.data();
        value.rows = e.rows;
        value.dimensions = e.dimensions;
        value.tokens = e.tokens;
        value.tokens_cut = e.tokens_cut;
        write_struct(out, value, "out");
    });
}

} // extern "C"
