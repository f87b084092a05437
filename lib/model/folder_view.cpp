#include "model/folder_view.h"

#include "base/error.h"
#include "container/checkpoint_parts.h"
#include "model/folder_config.h"
#include "model/rope_scaling.h"
#include "text/tokenizer_json_writer.h"

#include <cmath>
#include <cstring>

namespace quant {

namespace fs = std::filesystem;

namespace {

/// Rows of a stored tensor from `first` on, those of heads in the folder's order.
class TakenRows final : public MadeRows {
public:
    TakenRows(std::shared_ptr<const Container> from, const TensorInfo &stored, uint64_t first, uint64_t rows, uint32_t permuted_heads)
        : from_(std::move(from)), stored_(stored), first_(first), rows_(rows), heads_(permuted_heads) {}

    void write(uint64_t first, uint64_t count, std::byte *out) const override {
        if (heads_ == 0) return from_->copy_rows(stored_, first_ + first, count, out);
        const uint64_t row_bytes = encoded_bytes(*stored_.encoding, 1, stored_.cols()), head = rows_ / heads_;
        for (uint64_t r = first; r < first + count; r++, out += row_bytes) {
            const uint64_t in_head = r % head;
            from_->copy_rows(stored_, first_ + r - in_head + in_head % (head / 2) * 2 + in_head / (head / 2), 1, out);
        }
    }

private:
    std::shared_ptr<const Container> from_;
    const TensorInfo &stored_;
    uint64_t first_, rows_;
    uint32_t heads_;
};

/// A vector as floats: the elements of heads in the folder's order, and of norms that folders keep less one, less one.
class TakenVector final : public MadeRows {
public:
    explicit TakenVector(std::vector<float> values) : values_(std::move(values)) {}
    void write(uint64_t, uint64_t, std::byte *out) const override { std::memcpy(out, values_.data(), values_.size() * sizeof(float)); }

private:
    std::vector<float> values_;
};

class ViewMaker {
public:
    ViewMaker(const ModelFile &gguf, const Architecture &architecture, CheckpointBuilder &builder)
        : gguf_(gguf), architecture_(architecture), builder_(builder) {}

    void add_all() {
        std::map<std::string, const TensorInfo *> fused;
        for (const TensorInfo &t : gguf_.container().tensors()) builder_.take(t.name);
        for (const ModelTensor &t : gguf_.tensors()) {
            if (!t.role) fail(QUANT_ERR_UNSUPPORTED, "{}: tensor {}: folders of \"{}\" have none of that kind", gguf_.metadata().name(),
                              t.name, architecture_.model_type);
            const RoleTraits &traits = role_traits(t.role->role);
            const bool in_config = t.role->role == Role::rope_divisors || t.role->role == Role::rope_short_divisors ||
                                   t.role->role == Role::rope_long_divisors;
            if (!in_config) add(t, traits, architecture_.name_of(traits), fused);
        }
    }

private:
    [[noreturn]] void no_name(const ModelTensor &t) const {
        fail(QUANT_ERR_UNSUPPORTED, "{}: tensor {} has no name in folders of \"{}\"", gguf_.metadata().name(), t.name,
             architecture_.model_type);
    }

    void add(const ModelTensor &t, const RoleTraits &traits, const RoleName &name, std::map<std::string, const TensorInfo *> &fused) {
        const std::string_view pattern = name.hugging_face_name;
        const uint32_t layer = t.role->layer;
        if (pattern.empty() || t.turned) no_name(t);
        const uint32_t heads = permuted_heads(t.role->role, gguf_.hyperparameters(), architecture_);
        if (traits.kind == RoleKind::vector) return add_vector(t, traits, hugging_face_tensor_name(pattern, layer), heads);
        if (pattern.find('#') != std::string_view::npos) {
            for (uint32_t e = 0; e < t.matrices(); e++)
                add_rows(hugging_face_tensor_name(pattern, layer, e), *t.source, e * t.matrix_rows(), t.matrix_rows(), heads);
            return;
        }
        const std::string own = hugging_face_tensor_name(pattern, layer);
        if (name.fusion == Fusion::none) {
            if (t.shape.size() != 2) no_name(t);
            return add_rows(own, *t.source, 0, t.rows(), heads);
        }
        // The same rows follow each other in both, in a tensor that several roles share.
        const auto [place, is_first] = fused.emplace(own, t.source);
        if (!t.fused || place->second != t.source || heads != 0) no_name(t);
        if (is_first) add_rows(own, *t.source, 0, t.source->rows(), 0);
    }

    void add_rows(const std::string &name, const TensorInfo &stored, uint64_t first, uint64_t rows, uint32_t heads) {
        if (first == 0 && rows == stored.rows() && heads == 0) return builder_.rename(stored, name);
        builder_.add(name, rows, stored.cols(), *stored.encoding,
                     std::make_unique<TakenRows>(gguf_.container_pointer(), stored, first, rows, heads));
    }

    void add_vector(const ModelTensor &t, const RoleTraits &traits, const std::string &name, uint32_t heads) {
        if (t.shape.size() != 1) no_name(t);
        const bool less_one = architecture_.norms_less_one && traits.is_norm();
        if (!less_one && heads == 0) return builder_.rename(*t.source, name);
        std::vector<float> stored(t.elements()), values(t.elements());
        gguf_.decode_rows(t, 0, 1, stored.data());
        for (uint64_t i = 0; i < values.size(); i++) values[folder_row(values.size(), heads, i)] = stored[i] - (less_one ? 1.0f : 0.0f);
        builder_.add(name, t.shape, encoding_traits(QUANT_F32), std::make_unique<TakenVector>(std::move(values)));
    }

    const ModelFile &gguf_;
    const Architecture &architecture_;
    CheckpointBuilder &builder_;
};

std::map<std::string, std::string> texts_of(const ModelFile &gguf, const Architecture &architecture) {
    TokenizerFiles tokenizer = write_tokenizer_files(gguf.tokenizer(), gguf.hyperparameters().context);
    return {{"config.json", json::serialize(folder_config(gguf, architecture))},
            {"tokenizer.json", std::move(tokenizer.tokenizer)},
            {"tokenizer_config.json", std::move(tokenizer.config)},
            {"generation_config.json", std::move(tokenizer.generation)}};
}

// Numbers of a config are decimals of floats.
bool near(double a, double b) { return std::abs(a - b) <= 1e-5 * std::max(std::abs(a), std::abs(b)); }

bool same(const RopeParameters &a, const RopeParameters &b) {
    return near(a.base, b.base) && a.dims == b.dims && same_divisors(a.divisors, b.divisors) && same_divisors(a.long_divisors, b.long_divisors) &&
           near(a.magnitude, b.magnitude) && (a.long_divisors.empty() || a.long_from == b.long_from);
}

bool same(const LayerAttention &a, const LayerAttention &b) {
    return a.window == b.window && a.rotated == b.rotated && a.local_rope == b.local_rope && a.convolves == b.convolves;
}

} // namespace

MadeFiles::MadeFiles(fs::path folder, std::map<std::string, std::string> texts)
    : folder_(std::move(folder)), texts_(std::move(texts)) {}

bool MadeFiles::has_file(const fs::path &path) const {
    return path.parent_path() == folder_ && texts_.contains(path.filename().string());
}

std::shared_ptr<const MappedFile> MadeFiles::map(const fs::path &path) const {
    if (!has_file(path)) fail(QUANT_ERR_NOT_FOUND, "{}: there is no such file", shown(path));
    const std::string &text = texts_.at(path.filename().string());
    return MappedFile::borrow(path, std::as_bytes(std::span(text)), shared_from_this());
}

std::vector<fs::path> MadeFiles::list(const fs::path &, size_t) const {
    std::vector<fs::path> out;
    for (const auto &[name, text] : texts_) out.push_back(folder_ / name);
    return out;
}

FolderView view_as_folder(const ModelFile &gguf) {
    const Architecture &architecture = folder_architecture(gguf);
    const json::object nothing;
    const json::Reader config(nothing, gguf.metadata().name());
    CheckpointBuilder builder(gguf.container_pointer(), config);
    ViewMaker(gguf, architecture, builder).add_all();
    return {builder.finish(ContainerKind::safetensors),
            std::make_shared<MadeFiles>(gguf.container().path(), texts_of(gguf, architecture))};
}

void require_same_model(const ModelFile &gguf, const ModelFile &folder) {
    const Hyperparameters &a = gguf.hyperparameters(), &b = folder.hyperparameters();
    const auto differs = [&](const char *what) {
        fail(QUANT_ERR_UNSUPPORTED, "{}: a folder cannot say what this file says of {}", gguf.metadata().name(), what);
    };
    if (a.layers != b.layers || a.embedding != b.embedding || a.heads != b.heads || a.kv_heads != b.kv_heads ||
        a.head_dim != b.head_dim || a.vocabulary != b.vocabulary || a.context != b.context)
        differs("its sizes");
    if (!near(a.norm_epsilon, b.norm_epsilon)) differs("its norms");
    if (a.attention.size() != b.attention.size() ||
        !std::equal(a.attention.begin(), a.attention.end(), b.attention.begin(), [](const auto &x, const auto &y) { return same(x, y); }))
        differs("what layers attend to");
    if (!near(a.attention_scale, b.attention_scale) || !near(a.embedding_scale, b.embedding_scale) ||
        !near(a.residual_scale, b.residual_scale) || !near(a.logit_divisor, b.logit_divisor) || !near(a.attention_cap, b.attention_cap) ||
        !near(a.logit_cap, b.logit_cap))
        differs("its scales");
    if (a.experts != b.experts || a.experts_used != b.experts_used || a.expert_feed_forward != b.expert_feed_forward ||
        a.expert_weights_sum_to_one != b.expert_weights_sum_to_one || a.expert_sigmoid != b.expert_sigmoid ||
        !near(a.expert_weights_scale, b.expert_weights_scale) || a.dense_layers != b.dense_layers ||
        a.shared_feed_forward != b.shared_feed_forward || a.expert_groups != b.expert_groups)
        differs("its experts");
    if (!same(a.rope, b.rope) || !same(a.local_rope, b.local_rope)) differs("how positions rotate");
    const TokenizerSpec &s = gguf.tokenizer(), &t = folder.tokenizer();
    if (s.model != t.model || s.pre != t.pre || s.ignore_merges != t.ignore_merges || s.add_bos != t.add_bos || s.add_eos != t.add_eos ||
        s.add_space_prefix != t.add_space_prefix || s.bos != t.bos || s.eos != t.eos || s.chat_template != t.chat_template)
        differs("its tokenizer");
}

} // namespace quant
