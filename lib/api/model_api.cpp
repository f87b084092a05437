#include <quant/model.h>

#include "api/guard.h"
#include "api/handles.h"
#include "api/render.h"
#include "machine/worker_pool.h"
#include "model/architecture.h"
#include "model/kv_cache.h"

using namespace quant;
using namespace quant::api;

namespace {

quant_open_options default_open_options() {
    quant_open_options o{};
    o.size = sizeof o;
    return o;
}

} // namespace

extern "C" {

void quant_open_options_init(quant_open_options *options, size_t size) {
    init_struct(options, size, default_open_options());
}

quant_status quant_model_open(quant_model **out, const char *path, const quant_open_options *options) {
    return guarded([&] {
        require(out, "out");
        *out = nullptr;
        require(path, "path");
        const quant_open_options o = read_struct(options, default_open_options(), "options");
        constexpr uint32_t known = QUANT_OPEN_PREFAULT | QUANT_OPEN_LENDABLE;
        if ((o.flags & ~known) != 0) fail(QUANT_ERR_ARGUMENT, "options.flags is {:#x}; known are {:#x}", o.flags, known);
        ModelOptions model_options;
        model_options.packs = o.pack_cache ? parse_pack_limit(o.pack_cache, "pack_cache") : usual_pack_limit();
        model_options.prefault = (o.flags & QUANT_OPEN_PREFAULT) != 0;
        Progress progress(o.progress, o.user);
        model_options.progress = &progress;
        model_options.lendable = (o.flags & QUANT_OPEN_LENDABLE) != 0;
        if (o.numa) settle_numa(o.numa);
        *out = new quant_model(Model::open(path, model_options));
    });
}

void quant_model_free(quant_model *model) { delete model; }

quant_status quant_model_get_info(const quant_model *model, quant_model_info *info) {
    return guarded([&] {
        require(model, "model");
        const ModelFile &file = model->model->file();
        std::call_once(model->type_name_found, [&] { model->type_name = file.type_name(); });
        const Hyperparameters &h = file.hyperparameters();
        quant_model_info value{};
        value.name = file.name().c_str();
        value.architecture = h.architecture.c_str();
        value.type_name = model->type_name.c_str();
        value.parameters = file.parameters();
        value.file_bytes = file.container().file_bytes();
        value.bits_per_weight = file.bits_per_weight();
        value.context_length = h.context;
        value.vocabulary_size = h.vocabulary;
        value.embedding_length = h.embedding;
        value.layers = h.layers;
        value.heads = h.heads;
        value.kv_heads = h.kv_heads;
        value.has_chat_template = !model->model->chat_template().empty();
        value.kv_bytes_per_token = kv_bytes_per_token(h, generating_kv_types);
        value.generates = h.style.causal;
        value.pooling = h.pooling;
        value.embedding_context_length = h.embedding_context;
        write_struct(info, value, "info");
    });
}

int32_t quant_architecture_generates(const char *architecture) {
    if (!architecture) return 0;
    for (const Architecture &known : architectures())
        if (std::string_view(known.name) == architecture) return known.style.causal;
    return 0;
}

const quant_tokenizer *quant_model_tokenizer(const quant_model *model) {
    // Throws Error: a model that opens late may not open.
    const auto find = [&] {
        const std::shared_ptr<const Model> &open = model->model;
        std::call_once(model->tokenizer_found, [&] { model->tokenizer = {open->tokenizer_pointer()}; });
    };
    if (!model || guarded(find) != QUANT_OK) return nullptr;
    return &model->tokenizer;
}

quant_status quant_model_render_chat(const quant_model *model, const quant_render_options *options, char **out_text) {
    return guarded([&] {
        require(model, "model"), require(options, "options"), require(out_text, "out_text");
        *out_text = new_string(model->model->render_chat(
            template_input(read_struct(options, default_render_options(), "options"))));
    });
}

} // extern "C"
