#include "model/model.h"

#include "base/error.h"
#include "base/log.h"
#include "machine/huge_map.h"

namespace quant {

std::shared_ptr<const Model> Model::open(const std::filesystem::path &path, const ModelOptions &options) {
    std::shared_ptr<Model> model(new Model);
    model->paneled_ = std::make_shared<Paneled>();
    if (options.lendable) model->lendable_ = std::make_shared<LendableFiles>();
    const FileSource &disk = model->lendable_ ? *model->lendable_ : FileSource::disk();
    model->file_ = ModelFile::open(path, options.files ? *options.files : disk);
    model->borrowed_ = options.pack;
    model->packs_ = options.packs;
    if (options.prefault) model->prefault(options.progress);
    if (!options.lendable) (void)model->tokenizer();
    model->embedding_ = model->pack(Role::token_embedding, 0);
    model->output_ = model->pack(Role::output, 0);
    model->output_norm_ = model->vector(Role::output_norm, 0);
    model->embedding_norm_ = {model->vector(Role::embedding_norm, 0), model->vector(Role::embedding_norm_bias, 0)};
    model->positions_ = model->positions_with_type();
    for (uint32_t i = 0; i < model->hyperparameters().layers; i++) {
        Layer layer;
        layer.attention_norm = model->vector(Role::attention_norm, i);
        layer.ffn_norm = model->vector(Role::ffn_norm, i);
        layer.attention_output_norm = {model->vector(Role::attention_output_norm, i),
                                       model->vector(Role::attention_output_norm_bias, i)};
        layer.output_norm = {model->vector(Role::layer_output_norm, i), model->vector(Role::layer_output_norm_bias, i)};
        layer.q = model->linear(Role::attention_q, Role::attention_q_bias, i);
        layer.k = model->linear(Role::attention_k, Role::attention_k_bias, i);
        layer.v = model->linear(Role::attention_v, Role::attention_v_bias, i);
        layer.attention_output = model->linear(Role::attention_output, Role::attention_output_bias, i);
        layer.q_norm = model->vector(Role::attention_q_norm, i);
        layer.k_norm = model->vector(Role::attention_k_norm, i);
        layer.ffn.gate = model->linear(Role::ffn_gate, Role::ffn_gate_bias, i);
        layer.ffn.up = model->linear(Role::ffn_up, Role::ffn_up_bias, i);
        layer.ffn.down = model->linear(Role::ffn_down, Role::ffn_down_bias, i);
        layer.router.weight = model->pack(Role::router, i);
        layer.experts = model->experts(i);
        model->layers_.push_back(std::move(layer));
    }
    model->rope_frequencies_ = quant::rope_frequencies(model->hyperparameters().rope);
    return model;
}

const std::shared_ptr<const Tokenizer> &Model::tokenizer_pointer() const {
    std::call_once(tokenizer_->made, [&] { tokenizer_->tokenizer = Tokenizer::create(file_->tokenizer()); });
    return tokenizer_->tokenizer;
}

void Model::prefault(Progress *progress) const {
    const Container &container = file_->container();
    Progress silent;
    Progress &told = progress ? *progress : silent;
    uint64_t bytes = 0;
    for (const TensorInfo &t : container.tensors()) bytes += container.data(t).size();
    told.begin("reading " + file_->name(), bytes);
    for (const TensorInfo &t : container.tensors()) {
        const std::span<const std::byte> data = container.data(t);
        populate({&data, 1}, default_pool());
        told.advance(data.size());
    }
    told.finish();
}

std::vector<PanelMatrix> Model::matrices() {
    std::vector<PanelMatrix> out;
    const auto add = [&](Role role, uint32_t layer, PackedMatrix &matrix) {
        const ModelTensor *tensor = file_->find(role, layer);
        out.push_back({tensor ? tensor->name : "", &matrix});
    };
    // Rows that are only looked up need none.
    if (output_)
        add(Role::output, 0, output_);
    else
        add(Role::token_embedding, 0, embedding_);
    for (uint32_t i = 0; i < layers_.size(); i++) {
        Layer &l = layers_[i];
        add(Role::attention_q, i, l.q.weight), add(Role::attention_k, i, l.k.weight);
        add(Role::attention_v, i, l.v.weight), add(Role::attention_output, i, l.attention_output.weight);
        add(Role::ffn_gate, i, l.ffn.gate.weight), add(Role::ffn_up, i, l.ffn.up.weight);
        add(Role::ffn_down, i, l.ffn.down.weight);
        for (FeedForward &expert : l.experts) {
            add(Role::expert_gate, i, expert.gate.weight), add(Role::expert_up, i, expert.up.weight);
            add(Role::expert_down, i, expert.down.weight);
        }
    }
    return out;
}

std::optional<PackPlace> Model::pack_place() const {
    if (packs_ == 0) return std::nullopt;
    const auto origin = origin_of(file_->container().files());
    if (!origin) {
        log(QUANT_LOG_INFO, "{}: its files changed just now, so no pack is looked for", file_->name());
        return std::nullopt;
    }
    try {
        return PackPlace{PackCache::of_user(packs_), *origin};
    } catch (const Error &e) {
        log(QUANT_LOG_WARNING, "no packs are kept: {}", e.what());
        return std::nullopt;
    }
}

std::shared_ptr<const Model> Model::with_panels() const {
    if (!paneled_) return shared_from_this();
    const std::lock_guard lock(paneled_->mutex);
    if (paneled_->model) return paneled_->model;
    std::shared_ptr<Model> out(new Model(*this));
    out->paneled_ = nullptr;
    const std::string &name = file_->metadata().name();
    const std::vector<PanelMatrix> matrices = out->matrices();
    const auto there = [&] {
        if (borrowed_ && borrow_panels(matrices, name, default_pool(), *borrowed_)) return true;
        const std::optional<PackPlace> place = pack_place();
        const PackPlace *packs = place ? &*place : nullptr;
        if (lendable_ && lend_panels(matrices, name, default_pool(), packs, paneled_->lent)) return true;
        return add_panels(matrices, name, default_pool(), packs);
    };
    if (!there()) return shared_from_this();
    paneled_->model = out;
    return out;
}

std::span<const LendableFiles::Opened> Model::lent_files() const {
    if (!lendable_ || !paneled_) fail(QUANT_ERR_ARGUMENT, "{}: was not opened to be lent", file_->name());
    return lendable_->opened();
}

LentModel Model::lend() const {
    const std::span<const LendableFiles::Opened> files = lent_files();
    (void)with_panels();
    const std::lock_guard lock(paneled_->mutex);
    return {files, paneled_->lent.pack ? &paneled_->lent : nullptr};
}

std::shared_ptr<const Model> Model::with_matrix(Role role, uint32_t layer, PackedMatrix matrix) const {
    std::shared_ptr<Model> out(new Model(*this));
    out->paneled_ = std::make_shared<Paneled>();
    out->packs_ = 0; // The files do not tell what it is.
    out->lendable_ = nullptr, out->borrowed_ = nullptr;
    const auto place = [&]() -> PackedMatrix & {
        if (role == Role::token_embedding) return out->embedding_;
        if (role == Role::output) return out->output_;
        Layer &l = out->layers_.at(layer);
        const std::pair<Role, Linear *> linears[] = {
            {Role::attention_q, &l.q},       {Role::attention_k, &l.k},     {Role::attention_v, &l.v},
            {Role::attention_output, &l.attention_output}, {Role::ffn_gate, &l.ffn.gate}, {Role::ffn_up, &l.ffn.up},
            {Role::ffn_down, &l.ffn.down}};
        for (const auto &[r, linear] : linears)
            if (r == role) return linear->weight;
        fail(QUANT_ERR_INTERNAL, "role {} has no matrix", static_cast<int>(role));
    };
    if (role_traits(role).kind != RoleKind::experts) {
        place() = std::move(matrix);
        return out;
    }
    std::vector<FeedForward> &experts = out->layers_.at(layer).experts;
    const uint64_t rows = matrix.rows() / std::max<size_t>(1, experts.size());
    for (size_t e = 0; e < experts.size(); e++) (experts[e].*expert_member(role)).weight = matrix.slice(e * rows, rows);
    return out;
}

Linear FeedForward::*expert_member(Role role) {
    switch (role) {
    case Role::expert_gate:
        return &FeedForward::gate;
    case Role::expert_up:
        return &FeedForward::up;
    case Role::expert_down:
        return &FeedForward::down;
    default:
        fail(QUANT_ERR_INTERNAL, "role {} is no expert's", static_cast<int>(role));
    }
}

PackedMatrix borrow_matrix(const ModelFile &file, const ModelTensor &tensor, uint64_t matrix) {
    return PackedMatrix::pack(*tensor.source->encoding, tensor.matrix_rows(), tensor.cols(),
                              file.matrix_bytes(tensor, matrix), file.container_pointer());
}

PackedMatrix Model::pack(Role role, uint32_t layer) const {
    const ModelTensor *tensor = file_->find(role, layer);
    return tensor ? borrow_matrix(*file_, *tensor, 0) : PackedMatrix();
}

std::vector<FeedForward> Model::experts(uint32_t layer) const {
    std::vector<FeedForward> out(hyperparameters().experts);
    for (const Role role : {Role::expert_gate, Role::expert_up, Role::expert_down}) {
        const ModelTensor *tensor = file_->find(role, layer);
        for (size_t e = 0; tensor && e < out.size(); e++)
            (out[e].*expert_member(role)).weight = borrow_matrix(*file_, *tensor, e);
    }
    return out;
}

// Straight from the source, in its own order of rows, as pack() takes the weights.
std::vector<float> Model::vector(Role role, uint32_t layer) const {
    const ModelTensor *tensor = file_->find(role, layer);
    return tensor ? file_->container().decode(*tensor->source) : std::vector<float>();
}

Linear Model::linear(Role weight, Role bias, uint32_t layer) const {
    return {pack(weight, layer), vector(bias, layer)};
}

// The sum of size(matrix) over what a token's pass uses.
template <class Size>
double Model::of_a_token(const Size &size) const {
    double sum = hyperparameters().style.causal ? size(output()) : 0, experts = 0;
    for (const Layer &l : layers_) {
        for (const Linear *linear : {&l.q, &l.k, &l.v, &l.attention_output, &l.ffn.gate, &l.ffn.up, &l.ffn.down})
            sum += size(linear->weight);
        for (const FeedForward &expert : l.experts)
            for (const Linear *linear : {&expert.gate, &expert.up, &expert.down}) experts += size(linear->weight);
    }
    const Hyperparameters &h = hyperparameters();
    return sum + (h.experts == 0 ? 0 : experts * h.experts_used / h.experts);
}

double Model::bytes_per_token() const {
    return of_a_token([](const PackedMatrix &m) { return static_cast<double>(m.encoded_size()); });
}

double Model::products_per_token() const {
    return of_a_token([](const PackedMatrix &m) { return static_cast<double>(m.rows()) * static_cast<double>(m.cols()); });
}

// Texts are all of the first type, so that its row is part of each position's.
std::vector<float> Model::positions_with_type() const {
    const Hyperparameters &h = hyperparameters();
    if (!h.style.learned_positions) return {};
    std::vector<float> out = vector(Role::position_embedding, 0);
    const std::vector<float> types = vector(Role::token_types, 0);
    if (types.empty()) return out;
    for (size_t i = 0; i < out.size(); i++) out[i] += types[i % h.embedding];
    return out;
}

void Model::require_causal(std::string_view what) const {
    if (hyperparameters().style.causal) return;
    fail(QUANT_ERR_UNSUPPORTED, "{}: a model of architecture {} makes embeddings of texts; it cannot {}",
         file_->metadata().name(), hyperparameters().architecture, what);
}

std::string Model::render_chat(TemplateInput input) const {
    const TokenizerSpec &spec = tokenizer().spec();
    if (spec.chat_template.empty())
        fail(QUANT_ERR_NOT_FOUND, "{}: the model has no chat template", file_->metadata().name());
    if (input.bos_token.empty() && spec.bos) input.bos_token = spec.tokens[static_cast<size_t>(*spec.bos)];
    if (input.eos_token.empty() && spec.eos) input.eos_token = spec.tokens[static_cast<size_t>(*spec.eos)];
    return ChatTemplate(spec.chat_template, file_->name() + " chat template").render(input);
}

} // namespace quant
