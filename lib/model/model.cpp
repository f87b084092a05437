#include "model/model.h"

#include "base/error.h"

namespace quant {

std::shared_ptr<const Model> Model::open(const std::filesystem::path &path) {
    std::shared_ptr<Model> model(new Model);
    model->file_ = ModelFile::open(path);
    model->tokenizer_ = Tokenizer::create(model->file_->tokenizer());
    model->embedding_ = model->pack(Role::token_embedding, 0);
    model->output_ = model->pack(Role::output, 0);
    model->output_norm_ = model->vector(Role::output_norm, 0);
    for (uint32_t i = 0; i < model->hyperparameters().layers; i++) {
        Layer layer;
        layer.attention_norm = model->vector(Role::attention_norm, i);
        layer.ffn_norm = model->vector(Role::ffn_norm, i);
        layer.q = model->linear(Role::attention_q, Role::attention_q_bias, i);
        layer.k = model->linear(Role::attention_k, Role::attention_k_bias, i);
        layer.v = model->linear(Role::attention_v, Role::attention_v_bias, i);
        layer.attention_output = model->linear(Role::attention_output, Role::attention_output_bias, i);
        layer.gate = model->linear(Role::ffn_gate, Role::ffn_gate_bias, i);
        layer.up = model->linear(Role::ffn_up, Role::ffn_up_bias, i);
        layer.down = model->linear(Role::ffn_down, Role::ffn_down_bias, i);
        model->layers_.push_back(std::move(layer));
    }
    model->rope_frequencies_ = quant::rope_frequencies(model->hyperparameters().rope);
    return model;
}

std::shared_ptr<const Model> Model::with_matrix(Role role, uint32_t layer, PackedMatrix matrix) const {
    std::shared_ptr<Model> out(new Model(*this));
    const auto place = [&]() -> PackedMatrix & {
        if (role == Role::token_embedding) return out->embedding_;
        if (role == Role::output) return out->output_;
        Layer &l = out->layers_.at(layer);
        constexpr std::pair<Role, Linear Layer::*> linears[] = {
            {Role::attention_q, &Layer::q},   {Role::attention_k, &Layer::k},
            {Role::attention_v, &Layer::v},   {Role::attention_output, &Layer::attention_output},
            {Role::ffn_gate, &Layer::gate},   {Role::ffn_up, &Layer::up},
            {Role::ffn_down, &Layer::down}};
        for (const auto &[r, linear] : linears)
            if (r == role) return (l.*linear).weight;
        fail(QUANT_ERR_INTERNAL, "role {} has no matrix", static_cast<int>(role));
    };
    place() = std::move(matrix);
    return out;
}

PackedMatrix Model::pack(Role role, uint32_t layer) const {
    const ModelTensor *tensor = file_->find(role, layer);
    if (!tensor) return {};
    const std::shared_ptr<const Container> &container = file_->container_pointer();
    return PackedMatrix::pack(*tensor->source->encoding, tensor->rows(), tensor->cols(),
                              container->data(*tensor->source), container);
}

// Straight from the source, in its own order of rows, as pack() takes the weights.
std::vector<float> Model::vector(Role role, uint32_t layer) const {
    const ModelTensor *tensor = file_->find(role, layer);
    return tensor ? file_->container().decode(*tensor->source) : std::vector<float>();
}

Linear Model::linear(Role weight, Role bias, uint32_t layer) const {
    return {pack(weight, layer), vector(bias, layer)};
}

std::string Model::render_chat(TemplateInput input) const {
    const TokenizerSpec &spec = tokenizer_->spec();
    if (spec.chat_template.empty())
        fail(QUANT_ERR_NOT_FOUND, "{}: the model has no chat template", file_->metadata().name());
    if (input.bos_token.empty() && spec.bos) input.bos_token = spec.tokens[static_cast<size_t>(*spec.bos)];
    if (input.eos_token.empty() && spec.eos) input.eos_token = spec.tokens[static_cast<size_t>(*spec.eos)];
    return ChatTemplate(spec.chat_template, file_->name() + " chat template").render(input);
}

} // namespace quant
