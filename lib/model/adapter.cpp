#include "model/adapter.h"

#include "base/error.h"
#include "base/join.h"
#include "kernel/ops.h"
#include "model/peft_config.h"

#include <algorithm>
#include <cmath>

namespace quant {

namespace fs = std::filesystem;

struct Adapter::Halves {
    const TensorInfo *a = nullptr, *b = nullptr;
    std::string module; ///< As the adapter calls what both belong to.
};

namespace {

constexpr std::string_view config_name = "adapter_config.json", tensors_name = "adapter_model.safetensors";
constexpr std::string_view peft_prefix = "base_model.model.";

std::pair<Role, uint32_t> key_of(RoleOfTensor of) { return {of.role, of.layer}; }

// By the names that a base's matrices have in folders, without ".weight". Parts of fused matrices have none.
std::map<std::string, RoleOfTensor, std::less<>> modules_of(const Hyperparameters &h) {
    std::map<std::string, RoleOfTensor, std::less<>> out;
    for (const Architecture &architecture : architectures()) {
        if (h.architecture != architecture.name) continue;
        for (const RoleTraits &traits : role_table()) {
            const RoleName name = architecture.name_of(traits);
            const std::string_view pattern = name.hugging_face_name;
            if (traits.kind == RoleKind::experts || name.fusion != Fusion::none || !pattern.ends_with(".weight")) continue;
            for (uint32_t layer = 0; layer < (traits.per_layer() ? h.layers : 1); layer++) {
                std::string module = hugging_face_tensor_name(pattern, layer);
                module.resize(module.size() - std::string_view(".weight").size());
                out.emplace(std::move(module), RoleOfTensor{traits.role, layer});
            }
        }
    }
    return out;
}

// The name without `suffix`, where it ends so.
std::optional<std::string_view> without(std::string_view name, std::string_view suffix) {
    if (!name.ends_with(suffix)) return std::nullopt;
    return name.substr(0, name.size() - suffix.size());
}

// A matrix that the pass multiplies with, as it is. The output matrix may be the embedding, too.
bool takes_adapters(const ModelFile &base, RoleOfTensor of) {
    const Role role = of.role;
    if (role_traits(role).kind != RoleKind::matrix || role == Role::token_embedding) return false;
    return role == Role::output || base.find(role, of.layer) != nullptr;
}

} // namespace

std::shared_ptr<const Adapter> Adapter::open(std::shared_ptr<const ModelFile> base, const fs::path &path) {
    std::shared_ptr<Adapter> out(new Adapter);
    out->base_ = std::move(base);
    out->path_ = path, out->name_ = printable(path.string(), 4096);
    const fs::path folder = path.filename() == tensors_name ? path.parent_path() : path;
    std::error_code ignored;
    if (!out->base_->hyperparameters().style.causal)
        fail(QUANT_ERR_UNSUPPORTED, "{}: a model of architecture {} takes no adapters", out->base_->metadata().name(),
             out->base_->hyperparameters().architecture);
    if (fs::exists(folder / config_name, ignored) || path.filename() == tensors_name) {
        out->read_peft(folder.empty() ? "." : folder);
        return out;
    }
    if (fs::is_directory(path, ignored))
        fail(QUANT_ERR_NOT_FOUND, "{}: no {} in this folder: expected a PEFT adapter", out->name_, config_name);
    const auto container = Container::open(path);
    if (container->kind() != ContainerKind::gguf)
        fail(QUANT_ERR_UNSUPPORTED, "{}: expected a GGUF adapter, or the folder of {} and {}", out->name_, config_name,
             tensors_name);
    out->read_gguf(container);
    return out;
}

void Adapter::read_peft(const fs::path &folder) {
    const PeftConfig config(folder / config_name);
    const auto container = Container::open(folder / tensors_name);
    files_ = {folder / config_name};
    files_.insert(files_.end(), container->files().begin(), container->files().end());
    const auto modules = modules_of(base_->hyperparameters());
    Gathered gathered;
    for (const TensorInfo &tensor : container->tensors()) {
        std::string_view name = tensor.name;
        if (name.starts_with(peft_prefix)) name.remove_prefix(peft_prefix.size());
        const auto a = without(name, ".lora_A.weight"), b = without(name, ".lora_B.weight");
        if (!a && !b)
            fail(QUANT_ERR_UNSUPPORTED,
                 "{}: tensor {} is no factor of a matrix: expected names that end with .lora_A.weight "
                 "or .lora_B.weight",
                 name_, printable(tensor.name));
        const auto found = modules.find(a ? *a : *b);
        if (found == modules.end())
            fail(QUANT_ERR_UNSUPPORTED, "{}: tensor {}: {} has no matrix {} that takes an adapter", name_,
                 printable(tensor.name), base_->name(), printable(a ? *a : *b));
        gather(gathered, found->second, tensor, b.has_value());
        gathered[key_of(found->second)].module = found->first;
    }
    for (const auto &[key, halves] : gathered) {
        const uint64_t rank = config.rank_of(halves.module);
        if (halves.a && !halves.a->shape.empty() && halves.a->shape[0] != rank)
            fail(QUANT_ERR_FORMAT, "{}: tensor {}: shape [{}], but {} says that its rank is {}", name_,
                 printable(halves.a->name), joined(halves.a->shape, ", "), config_name, rank);
        add_pair(*container, {key.first, key.second}, halves, config.factor_of(halves.module), false);
    }
    if (pairs_.empty()) fail(QUANT_ERR_FORMAT, "{}: there is no tensor in it", name_);
}

void Adapter::read_gguf(const std::shared_ptr<const Container> &container) {
    const Metadata &metadata = container->metadata();
    is_gguf_ = true, files_ = container->files();
    if (const auto type = metadata.find_string("general.type"); type != "adapter")
        fail(QUANT_ERR_FORMAT, "{}: key general.type is \"{}\": expected \"adapter\"", name_,
             printable(type.value_or("")));
    if (const std::string type = metadata.require_string("adapter.type"); type != "lora")
        fail(QUANT_ERR_UNSUPPORTED, "{}: key adapter.type is \"{}\": expected \"lora\"", name_, printable(type));
    const std::string architecture = metadata.require_string("general.architecture");
    if (architecture != base_->hyperparameters().architecture)
        fail(QUANT_ERR_ARGUMENT, "{}: is for a model of architecture {}, but {} is of {}", name_,
             printable(architecture), base_->name(), base_->hyperparameters().architecture);
    for (const auto &[key, value] : metadata.entries())
        if (key.starts_with("adapter.") && key != "adapter.type" && key != "adapter.lora.alpha" &&
            key != "adapter.lora.task_name" && key != "adapter.lora.prompt_prefix")
            fail(QUANT_ERR_UNSUPPORTED, "{}: key {} asks for what this version does not do", name_, printable(key));
    const double alpha = metadata.require_number("adapter.lora.alpha");
    if (!(alpha > 0 && alpha <= most_adapter_alpha))
        fail(QUANT_ERR_FORMAT, "{}: key adapter.lora.alpha: {} is no sound alpha, expected over 0 to {}", name_, alpha,
             most_adapter_alpha);
    Gathered gathered;
    for (const TensorInfo &tensor : container->tensors()) {
        const auto a = without(tensor.name, ".lora_a"), b = without(tensor.name, ".lora_b");
        const auto of = a || b ? role_of_gguf_name(a ? *a : *b) : std::nullopt;
        if (!of)
            fail(QUANT_ERR_UNSUPPORTED,
                 "{}: tensor {} is no factor of a matrix that takes an adapter: expected names such as "
                 "blk.0.attn_q.weight.lora_a",
                 name_, printable(tensor.name));
        gather(gathered, *of, tensor, b.has_value());
    }
    for (const auto &[key, halves] : gathered) {
        const bool has_rank = halves.a && !halves.a->shape.empty() && halves.a->shape[0] != 0;
        add_pair(*container, {key.first, key.second}, halves,
                 has_rank ? alpha / static_cast<double>(halves.a->shape[0]) : 1, true);
    }
    if (pairs_.empty()) fail(QUANT_ERR_FORMAT, "{}: there is no tensor in it", name_);
}

void Adapter::gather(Gathered &gathered, RoleOfTensor of, const TensorInfo &tensor, bool is_b) const {
    const std::string of_what = gguf_tensor_name(of.role, of.layer);
    if (role_traits(of.role).kind == RoleKind::experts)
        fail(QUANT_ERR_UNSUPPORTED, "{}: tensor {}: adapters of a mixture's experts are not supported", name_,
             printable(tensor.name));
    if (!takes_adapters(*base_, of))
        fail(QUANT_ERR_UNSUPPORTED,
             "{}: tensor {}: {} of {} takes no adapter: expected a matrix of attention, of the "
             "feed-forward block, or the output's",
             name_, printable(tensor.name), of_what, base_->name());
    Halves &halves = gathered[key_of(of)];
    const TensorInfo *&half = is_b ? halves.b : halves.a;
    if (half)
        fail(QUANT_ERR_FORMAT, "{}: tensors {} and {} are both the same factor of {}", name_, printable(half->name),
             printable(tensor.name), of_what);
    half = &tensor;
}

std::vector<float> Adapter::decode(const Container &container, const TensorInfo &tensor) const {
    std::vector<float> out = container.decode(tensor);
    const auto bad = std::find_if(out.begin(), out.end(), [](float v) { return !std::isfinite(v); });
    if (bad != out.end())
        fail(QUANT_ERR_FORMAT, "{}: tensor {}: row {} holds a number that is not finite", name_, printable(tensor.name),
             static_cast<uint64_t>(bad - out.begin()) / tensor.cols());
    return out;
}

void Adapter::add_pair(const Container &container, RoleOfTensor of, const Halves &halves, double factor,
                       bool gguf_order) {
    const TensorInfo *there = halves.a ? halves.a : halves.b;
    if (!halves.a || !halves.b)
        fail(QUANT_ERR_FORMAT, "{}: tensor {} is there, but the other factor of {} is missing", name_,
             printable(there->name), gguf_tensor_name(of.role, of.layer));
    const std::vector<uint64_t> shape = expected_shape(of.role, base_->hyperparameters());
    const uint64_t rows = shape[0], cols = shape[1], rank = halves.a->shape.empty() ? 0 : halves.a->shape[0];
    const auto require_shape = [&](const TensorInfo &tensor, uint64_t height, uint64_t width) {
        if (rank != 0 && rank <= most_adapter_rank && tensor.shape == std::vector<uint64_t>{height, width}) return;
        fail(QUANT_ERR_MODEL,
             "{}: tensor {}: shape [{}], expected [{}, {}] with a rank of 1 to {} for {}, which is {} x {} "
             "in {}",
             name_, printable(tensor.name), joined(tensor.shape, ", "), height, width, most_adapter_rank,
             gguf_tensor_name(of.role, of.layer), rows, cols, base_->name());
    };
    require_shape(*halves.a, rank, cols);
    require_shape(*halves.b, rows, rank);
    AdapterPair pair{rank, static_cast<float>(factor), decode(container, *halves.a), std::vector<float>(rank * rows)};
    const std::vector<float> b = decode(container, *halves.b);
    const Hyperparameters &h = base_->hyperparameters();
    const uint32_t heads = permuted_heads(of.role, h, require_architecture(h.architecture, name_));
    const bool base_in_gguf_order = base_->container().kind() == ContainerKind::gguf;
    for (uint64_t r = 0; r < rows; r++) {
        // Row r of one kind of file is row `other` of the other: `from` in the adapter, `to` in the base.
        const uint64_t other = folder_row(rows, heads, r);
        const uint64_t from = gguf_order ? r : other, to = base_in_gguf_order ? r : other;
        for (uint64_t i = 0; i < rank; i++) pair.b[i * rows + to] = b[from * rank + i];
    }
    pairs_.emplace(key_of(of), std::move(pair));
}

const AdapterPair *Adapter::find(RoleOfTensor of) const {
    const auto found = pairs_.find(key_of(of));
    return found == pairs_.end() ? nullptr : &found->second;
}

uint64_t Adapter::rank() const {
    uint64_t most = 0;
    for (const auto &[key, pair] : pairs_) most = std::max(most, pair.rank);
    return most;
}

uint64_t Adapter::parameters() const {
    uint64_t sum = 0;
    for (const auto &[key, pair] : pairs_) sum += pair.a.size() + pair.b.size();
    return sum;
}

AdapterSet checked_adapters(AdapterSet set, const ModelFile &base) {
    for (size_t i = 0; i < set.size(); i++) {
        const auto &[adapter, scale] = set[i];
        if (&adapter->base() != &base)
            fail(QUANT_ERR_ARGUMENT, "adapter {} was opened for another model, {}", adapter->name(),
                 adapter->base().name());
        if (!(std::fabs(scale) <= most_adapter_scale))
            fail(QUANT_ERR_ARGUMENT, "adapter {}: scale {}: expected -{} to {}", adapter->name(), scale,
                 most_adapter_scale, most_adapter_scale);
        for (size_t j = 0; j < i; j++)
            if (set[j].adapter == adapter) fail(QUANT_ERR_ARGUMENT, "adapter {} is named twice", adapter->name());
    }
    std::erase_if(set, [](const AttachedAdapter &a) { return a.scale == 0; });
    return set;
}

std::shared_ptr<const ModelFile> with_merged(std::shared_ptr<const ModelFile> base, AdapterSet set) {
    set = checked_adapters(std::move(set), *base);
    for (const AttachedAdapter &a : set)
        if (a.adapter->find({Role::output, 0}) && !base->find(Role::output, 0))
            fail(QUANT_ERR_UNSUPPORTED,
                 "adapter {}: changes the output matrix, which {} shares with its embedding: it can be "
                 "attached, but not merged",
                 a.adapter->name(), base->name());
    return base->with_rows([set](const ModelTensor &tensor, uint64_t first, uint64_t count, float *rows, RowOrder order) {
        if (!tensor.role) return;
        const uint64_t height = tensor.rows(), cols = tensor.cols();
        for (const auto &[adapter, scale] : set) {
            const AdapterPair *pair = adapter->find(*tensor.role);
            if (!pair) continue;
            for (uint64_t r = 0; r < count; r++) {
                const uint32_t heads = order == RowOrder::gguf ? tensor.permute_heads : 0;
                const uint64_t row = folder_row(height, heads, first + r);
                for (uint64_t i = 0; i < pair->rank; i++)
                    vector_ops().axpy(scale * pair->factor * pair->b[i * height + row], pair->a.data() + i * cols,
                                      rows + r * cols, cols);
            }
        }
    });
}

} // namespace quant
