#include "model/model.h"

#include "base/error.h"
#include "base/log.h"
#include "machine/huge_buffer.h"
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
        visit_vectors(layer, [&](Role role, std::vector<float> &v) { v = model->vector(role, i); });
        visit_matrices(layer, [&](Role role, Linear &linear) {
            linear.weight = model->pack(role, i);
            linear.of = RoleOfTensor{role, i};
        });
        layer.router.weight = model->pack(Role::router, i);
        layer.latent.key = borrow_heads(*model->file_, Role::latent_key, i), layer.latent.value = borrow_heads(*model->file_, Role::latent_value, i);
        layer.experts = borrow_experts(*model->file_, i);
        model->layers_.push_back(std::move(layer));
    }
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
    for (const TensorInfo &t : container.tensors()) bytes += t.made ? 0 : container.data(t).size();
    told.begin("reading " + file_->name(), bytes);
    for (const TensorInfo &t : container.tensors()) {
        if (t.made) continue;
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
        visit_matrices(l, [&](Role role, Linear &linear) { add(role, i, linear.weight); });
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
        PackedMatrix *found = nullptr;
        visit_matrices(l, [&](Role r, Linear &linear) { found = r == role ? &linear.weight : found; });
        if (found) return *found;
        fail(QUANT_ERR_INTERNAL, "role {} has no matrix", static_cast<int>(role));
    };
    if (role_traits(role).kind == RoleKind::heads) {
        LatentLayer &l = out->layers_.at(layer).latent;
        std::vector<PackedMatrix> &heads = role == Role::latent_key ? l.key : l.value;
        const uint64_t rows = matrix.rows() / std::max<size_t>(1, heads.size());
        for (size_t i = 0; i < heads.size(); i++) heads[i] = matrix.slice(i * rows, rows);
        return out;
    }
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

namespace {

// Rows that are made need memory of their own.
PackedMatrix make_matrix(const ModelFile &file, const ModelTensor &tensor, uint64_t matrix) {
    const TensorInfo &source = tensor.parts.empty() ? *tensor.source : *tensor.parts[matrix];
    const uint64_t rows = tensor.matrix_rows(), row_bytes = encoded_bytes(*source.encoding, 1, tensor.cols());
    const auto memory = std::make_shared<HugeBuffer>(encoded_bytes(*source.encoding, rows, tensor.cols()));
    default_pool().parallel_for(rows, 32, [&](size_t begin, size_t end, unsigned) {
        file.copy_rows(tensor, matrix, begin, end - begin, memory->bytes().data() + begin * row_bytes);
    });
    return PackedMatrix::pack(*source.encoding, rows, tensor.cols(), memory->bytes(), memory)
        .with_columns(source.columns);
}

// Blocks along columns do not become blocks along rows: what is no float becomes one of 32 bits.
PackedMatrix turn_matrix(const ModelFile &file, const ModelTensor &tensor, uint64_t matrix) {
    const EncodingTraits &stored = *tensor.source->encoding;
    const EncodingTraits &encoding = stored.is_float() ? stored : encoding_traits(QUANT_F32);
    const uint64_t rows = tensor.matrix_rows(), cols = tensor.cols();
    std::vector<float> floats(rows * cols);
    file.decode_rows(tensor, matrix * rows, rows, floats.data());
    const auto bytes = std::make_shared<std::vector<std::byte>>(encoded_bytes(encoding, rows, cols));
    encode_matrix(encoding, QUANT_METHOD_ROUND, floats, {}, rows, cols, *bytes);
    return PackedMatrix::pack(encoding, rows, cols, *bytes, bytes);
}

} // namespace

PackedMatrix borrow_matrix(const ModelFile &file, const ModelTensor &tensor, uint64_t matrix) {
    if (tensor.turned) return turn_matrix(file, tensor, matrix);
    if (tensor.source->made || !tensor.view.contiguous()) return make_matrix(file, tensor, matrix);
    return PackedMatrix::pack(*tensor.source->encoding, tensor.matrix_rows(), tensor.cols(),
                              file.matrix_bytes(tensor, matrix), file.container_pointer());
}

std::vector<float> Model::vector(Role role, uint32_t layer) const { return source_vector(*file_, role, layer); }

PackedMatrix Model::pack(Role role, uint32_t layer) const {
    const ModelTensor *tensor = file_->find(role, layer);
    return tensor ? borrow_matrix(*file_, *tensor, 0) : PackedMatrix();
}

// In the source's own order of rows, as pack() takes the weights.
std::vector<float> source_vector(const ModelFile &file, Role role, uint32_t layer) {
    const ModelTensor *tensor = file.find(role, layer);
    if (!tensor) return {};
    std::vector<float> out(tensor->elements());
    file.decode_rows(*tensor, 0, tensor->rows(), out.data(), RowOrder::source);
    return out;
}

std::vector<FeedForward> borrow_experts(const ModelFile &file, uint32_t layer) {
    const std::pair<Role, Role> roles[] = {{Role::expert_gate, Role::expert_gate_bias},
                                           {Role::expert_up, Role::expert_up_bias},
                                           {Role::expert_down, Role::expert_down_bias}};
    std::vector<FeedForward> out(file.hyperparameters().mixes(layer) ? file.hyperparameters().experts : 0);
    for (const auto &[role, bias_role] : roles) {
        const ModelTensor *tensor = file.find(role, layer);
        const std::vector<float> biases = source_vector(file, bias_role, layer);
        const size_t width = out.empty() ? 0 : biases.size() / out.size();
        for (size_t e = 0; tensor && e < out.size(); e++) {
            Linear &linear = out[e].*expert_member(role);
            linear.weight = borrow_matrix(file, *tensor, e);
            linear.bias.assign(biases.data() + e * width, biases.data() + (e + 1) * width);
        }
    }
    return out;
}

std::vector<PackedMatrix> borrow_heads(const ModelFile &file, Role role, uint32_t layer) {
    std::vector<PackedMatrix> out;
    const ModelTensor *tensor = file.find(role, layer);
    for (uint64_t i = 0; tensor && i < tensor->matrices(); i++) out.push_back(borrow_matrix(file, *tensor, i));
    return out;
}

// The sum of size(matrix) over what a token's pass uses.
template <class Size>
double Model::of_a_token(const Size &size) const {
    double sum = hyperparameters().style.causal ? size(output()) : 0, experts = 0;
    for (const Layer &l : layers_) {
        visit_matrices(l, [&](Role, const Linear &linear) { sum += size(linear.weight); });
        for (const std::vector<PackedMatrix> *heads : {&l.latent.key, &l.latent.value})
            for (const PackedMatrix &matrix : *heads) sum += size(matrix);
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
