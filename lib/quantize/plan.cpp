#include "quantize/plan.h"

#include "base/error.h"
#include "base/sha256.h"
#include "container/stamp_keys.h"
#include "model/file_type.h"
#include "model/gguf_tokenizer.h"
#include "quantize/checkpoint_output.h"
#include "text/name_pattern.h"

#include <algorithm>
#include <map>

namespace quant {

namespace {

constexpr uint32_t gguf_quantization_version = 2;

struct Override {
    NamePattern pattern;
    const EncodingTraits *encoding;
};

// The rules of mixes are the same for experts as for the one block of other models.
Role mix_role(Role role) {
    switch (role) {
    case Role::expert_gate:
    case Role::shared_gate:
        return Role::ffn_gate;
    case Role::expert_up:
    case Role::shared_up:
        return Role::ffn_up;
    case Role::expert_down:
    case Role::shared_down:
        return Role::ffn_down;
    default:
        return role;
    }
}

std::vector<Override> read_overrides(const QuantizeOptions &options) {
    std::vector<Override> out;
    for (const auto &[pattern, name] : options.overrides)
        out.push_back({NamePattern(pattern), &encoding_named(name, QUANT_ERR_ARGUMENT)});
    return out;
}

} // namespace

const char *method_name(quant_method method) {
    switch (method) {
    case QUANT_METHOD_ROUND:
        return "round";
    case QUANT_METHOD_SEARCH:
        return "search";
    case QUANT_METHOD_IMPORTANCE:
        return "importance";
    case QUANT_METHOD_FEEDBACK:
        return "feedback";
    case QUANT_METHOD_BEST:
        return "best";
    case QUANT_METHOD_DEFAULT:
        break;
    }
    return "default";
}

bool needs_calibration(quant_method method) {
    return method == QUANT_METHOD_FEEDBACK || method == QUANT_METHOD_BEST;
}

Plan::Plan(std::shared_ptr<const ModelFile> source, const QuantizeOptions &options)
    : source_(std::move(source)), mix_(nullptr), method_(options.method), options_(options) {
    read_type();
    if (method_ == QUANT_METHOD_DEFAULT)
        method_ = options.importance_path.empty() ? QUANT_METHOD_SEARCH : QUANT_METHOD_IMPORTANCE;
    if (method_ < QUANT_METHOD_ROUND || method_ > QUANT_METHOD_BEST)
        fail(QUANT_ERR_ARGUMENT, "method {} is none", static_cast<int>(method_));
    merge_adapters();
    read_statistics();
    const std::vector<Override> overrides = read_overrides(options);
    std::vector<bool> used(overrides.size());
    const bool tied = source_->find(Role::output, 0) == nullptr && source_->hyperparameters().style.causal;
    std::vector<const ModelTensor *> chosen;
    for (const ModelTensor &tensor : source_->tensors()) {
        PlannedTensor planned{};
        planned.source = &tensor;
        if (format_) choose_for_format(planned);
        else choose(planned, tied);
        const auto match = std::find_if(overrides.begin(), overrides.end(),
                                        [&](const Override &o) { return o.pattern.matches(tensor.name); });
        if (match != overrides.end() && tensor.role && role_traits(tensor.role->role).quantizes()) {
            used[static_cast<size_t>(match - overrides.begin())] = true;
            planned.encoding = match->encoding->id;
            planned.fallback = false;
            chosen.push_back(&tensor);
            if (tensor.cols() % match->encoding->block_weights != 0)
                fail(QUANT_ERR_ARGUMENT, "tensor {}: rows of {} weights cannot be {}, whose blocks have {}",
                     tensor.name, tensor.cols(), match->encoding->name, match->encoding->block_weights);
        }
        tensors_.push_back(planned);
    }
    if (!format_) agree_on_encodings(chosen);
    for (PlannedTensor &planned : tensors_) {
        const ModelTensor &tensor = *planned.source;
        planned.copied |= !format_ && stays(planned);
        planned.relaid = relays(planned);
        if (!planned.relaid && options_.exact) take_usual_encoding(planned);
        const bool rounds = planned.relaid || encoding_traits(planned.encoding).is_float();
        planned.method = rounds ? QUANT_METHOD_ROUND : method_;
        planned.bytes = planned.copied ? (tensor.source ? tensor.source->bytes : 0)
                                       : encoded_bytes(encoding_traits(planned.encoding), tensor.rows(), tensor.cols());
    }
    places_ = places();
    if (options_.exact) require_exact();
    if (format_) checkpoint_ = std::make_shared<CheckpointLayout>(*source_, *format_, tensors_, options_.exact);
    for (size_t i = 0; i < overrides.size(); i++)
        if (!used[i])
            fail(QUANT_ERR_ARGUMENT, "pattern \"{}\" matches no matrix of {}", printable(overrides[i].pattern.text()),
                 source_->name());
}

namespace {

constexpr std::string_view gguf_prefix = "gguf:";

const TypeMix &require_mix(std::string_view type) {
    if (type.starts_with(gguf_prefix)) return require_type_mix(type.substr(gguf_prefix.size()));
    try {
        return require_type_mix(type);
    } catch (const Error &e) {
        std::string kinds;
        for (const CheckpointKind &k : checkpoint_kinds()) kinds += (kinds.empty() ? "" : ", ") + std::string(k.form);
        fail(e.status(), "{}; and of folders: {}", e.what(), kinds);
    }
}

} // namespace

void Plan::require_type(std::string_view type) {
    if (type.starts_with(gguf_prefix) || !parse_checkpoint_format(type)) require_mix(type);
}

// A type mix, after "gguf:" or alone, or a checkpoint's format.
void Plan::read_type() {
    if (!options_.assignment.empty()) return;
    if (!options_.type.starts_with(gguf_prefix)) format_ = parse_checkpoint_format(options_.type);
    if (!format_) {
        mix_ = &require_mix(options_.type);
        options_.type = mix_->name;
        return;
    }
    options_.type = format_->name();
    if (source_->container().kind() != ContainerKind::safetensors) source_ = ModelFile::as_folder(*source_);
    if (!options_.adapters.empty())
        fail(QUANT_ERR_UNSUPPORTED, "adapters are merged into GGUF files only, not into {}", options_.type);
    if (!options_.overrides.empty())
        fail(QUANT_ERR_ARGUMENT, "matrices of {} cannot have types of their own", options_.type);
}

// Matrices of layers; all else is copied, as floats where it is not.
void Plan::choose_for_format(PlannedTensor &planned) const {
    const ModelTensor &t = *planned.source;
    planned.copied = true;
    planned.encoding = t.source && t.source->encoding && t.source->encoding->is_float() ? t.source->encoding->id
                                                                                        : QUANT_F32;
    if (!t.source || !t.source->encoding || !t.role || !role_traits(t.role->role).quantizes()) return;
    const Role role = t.role->role;
    const bool is_embedding = role == Role::token_embedding || role == Role::output;
    const bool is_table = role == Role::position_embedding || role == Role::token_types;
    const EncodingTraits *encoding = nullptr;
    const TensorInfo &stored = t.stored(0);
    if (!is_table && (!is_embedding || format_->takes_embeddings()) && !stays_float(planned)) {
        encoding = format_->encoding(stored.rows(), stored.cols());
        if (encoding && (stored.shape.size() != 2 || !stored.name.ends_with(".weight")))
            fail(QUANT_ERR_UNSUPPORTED, "{}: tensor {} holds matrices of several experts, for which {} has no layout",
                 source_->name(), stored.name, options_.type);
        planned.fallback = !encoding && !format_->name().starts_with("safetensors");
    }
    if (encoding) {
        planned.copied = false, planned.encoding = encoding->id, planned.variant = encoding;
    } else if (!t.source->encoding->is_float() && !options_.exact) {
        const std::string dtype = float_dtype_of(*source_, *format_, options_.exact);
        planned.encoding = dtype == "F32" ? QUANT_F32 : dtype == "F16" ? QUANT_F16 : QUANT_BF16;
    }
}

// Mixes want some matrices in a finer encoding than most, which may be none that a quantized one can be without a change.
void Plan::take_usual_encoding(PlannedTensor &planned) const {
    if (!mix_ || !loses(planned)) return;
    PlannedTensor usual = planned;
    usual.encoding = mix_->encoding;
    if (relays(usual)) usual.relaid = true, usual.fallback = false, planned = usual;
}

void Plan::merge_adapters() {
    for (const auto &[path, scale] : options_.adapters) adapters_.push_back({Adapter::open(source_, path), scale});
    adapters_ = checked_adapters(std::move(adapters_), *source_);
    if (!adapters_.empty()) source_ = with_merged(source_, adapters_);
}

// Where adapters are merged, a matrix that none changes and that keeps its encoding loses nothing.
bool Plan::stays(const PlannedTensor &planned) const {
    const ModelTensor &tensor = *planned.source;
    if (adapters_.empty() || !tensor.role || !tensor.source || tensor.permute_heads != 0 || !tensor.parts.empty() || tensor.fused)
        return false;
    if (tensor.source->made || tensor.turned || tensor.source->elements() != tensor.elements()) return false;
    return tensor.source->encoding && tensor.source->encoding->id == planned.encoding &&
           std::none_of(adapters_.begin(), adapters_.end(),
                        [&](const AttachedAdapter &a) { return a.adapter->find(*tensor.role) != nullptr; });
}

void Plan::agree_on_encodings(std::span<const ModelTensor *const> chosen) {
    std::map<std::string_view, PlannedTensor *> finest;
    const auto bits = [](const PlannedTensor &t) { return encoding_traits(t.encoding).bits_per_weight(); };
    for (PlannedTensor &t : tensors_) {
        if (!t.source->fused) continue;
        PlannedTensor *&best = finest[t.source->fused->name];
        if (!best || bits(t) > bits(*best)) best = &t;
    }
    for (PlannedTensor &t : tensors_) {
        if (!t.source->fused) continue;
        const PlannedTensor &best = *finest[t.source->fused->name];
        const bool asked = !mix_ || std::find(chosen.begin(), chosen.end(), t.source) != chosen.end();
        if (asked && t.encoding != best.encoding)
            fail(QUANT_ERR_ARGUMENT, "tensor {} cannot be {} where {} is {}: the file has both in {}", t.source->name,
                 encoding_traits(t.encoding).name, best.source->name, encoding_traits(best.encoding).name,
                 t.source->fused->name);
        t.encoding = best.encoding;
    }
}

std::vector<Plan::Place> Plan::places() const {
    std::vector<Place> out;
    std::map<std::string_view, size_t> fused;
    size_t next = 0;
    for (const PlannedTensor &t : tensors_) {
        if (!t.source->fused) {
            out.push_back({next++, 0});
            continue;
        }
        const auto [at, is_new] = fused.try_emplace(t.source->fused->name, next);
        next += is_new;
        out.push_back(
            {at->second, encoded_bytes(encoding_traits(t.encoding), t.source->fused->first_row, t.source->cols())});
    }
    return out;
}

// What was gathered of a fused tensor is true of each that is in it: they share their input.
void Plan::share_fused_entries() {
    std::vector<std::string> fused;
    for (const ModelTensor &t : source_->tensors()) {
        if (!t.fused || !importance_.entries.contains(t.fused->name)) continue;
        importance_.entries.try_emplace(t.name, importance_.entries.at(t.fused->name));
        fused.push_back(t.fused->name);
    }
    for (const std::string &name : fused)
        if (std::none_of(source_->tensors().begin(), source_->tensors().end(),
                         [&](const ModelTensor &t) { return t.name == name; }))
            importance_.entries.erase(name);
}

// What the method needs must be there, and nothing that it would ignore.
void Plan::read_statistics() {
    const bool has_file = !options_.importance_path.empty(), has_text = !options_.calibration_text.empty();
    const bool has_moments = !options_.moments_path.empty();
    if (has_moments && !needs_calibration(method_))
        fail(QUANT_ERR_ARGUMENT, "method {} uses no file of second moments", method_name(method_));
    if (method_ == QUANT_METHOD_IMPORTANCE && has_file == has_text)
        fail(QUANT_ERR_ARGUMENT, "method importance needs an importance file or a calibration text, and one of them only");
    if (needs_calibration(method_) && (has_text == has_moments || has_file))
        fail(QUANT_ERR_ARGUMENT, "method {} needs a calibration text or a file of second moments, one of them only, and "
             "no importance file", method_name(method_));
    if (method_ <= QUANT_METHOD_SEARCH && (has_file || has_text))
        fail(QUANT_ERR_ARGUMENT, "method {} uses neither an importance file nor a calibration text",
             method_name(method_));
    if (has_moments) {
        moments_ = std::make_shared<const MomentsFile>(options_.moments_path);
        moments_->require_fit(*source_);
    }
    if (!has_file) return;
    importance_ = read_importance(options_.importance_path);
    share_fused_entries();
    const auto used = [&](const ModelTensor &t) { return importance_.entries.contains(t.name); };
    if (std::none_of(source_->tensors().begin(), source_->tensors().end(), used))
        fail(QUANT_ERR_ARGUMENT, "{}: none of its {} tensors is one of {}: the statistics are of another model",
             importance_.name, importance_.entries.size(), source_->name());
    // Widths may be alike by chance; a layer or a matrix that is not there tells.
    for (const auto &[name, entry] : importance_.entries)
        if (std::none_of(source_->tensors().begin(), source_->tensors().end(),
                         [&name = name](const ModelTensor &t) { return t.name == name; }))
            fail(QUANT_ERR_ARGUMENT, "{}: tensor {} is there, but {} has none of that name: the statistics are of another "
                 "model", importance_.name, printable(name), source_->name());
    for (const ModelTensor &t : source_->tensors())
        if (t.role && role_traits(t.role->role).quantizes()) importance_.columns_of(t.name, t.cols(), t.matrices());
}

void Plan::choose(PlannedTensor &planned, bool output_is_tied) const {
    const ModelTensor &tensor = *planned.source;
    // What no role has is taken over as it is.
    if (!tensor.role && tensor.source) {
        planned.copied = true;
        planned.encoding = tensor.source->encoding ? tensor.source->encoding->id : QUANT_F32;
        if (!tensor.source->encoding)
            fail(QUANT_ERR_UNSUPPORTED, "{}: tensor {}: encoding {} is not supported", source_->metadata().name(),
                 tensor.name, tensor.source->type_name);
        return;
    }
    if (!tensor.role || !role_traits(tensor.role->role).quantizes()) {
        planned.encoding = QUANT_F32;
        return;
    }
    if (!mix_) return assign(planned);
    if (stays_float(planned)) {
        planned.encoding = tensor.source->encoding->id;
        return;
    }
    const Hyperparameters &h = source_->hyperparameters();
    const TensorPlace place{mix_role(tensor.role->role), tensor.role->layer, h.layers, h.heads / h.kv_heads,
                            tensor.role->role == Role::token_embedding && output_is_tied,
                            method_ >= QUANT_METHOD_IMPORTANCE, role_traits(tensor.role->role).kind == RoleKind::experts,
                            h.experts, tensor.cols()};
    const quant_encoding wanted = mix_encoding(*mix_, place);
    planned.encoding = fit_encoding(wanted, tensor.cols());
    planned.fallback = planned.encoding != wanted;
}

void Plan::assign(PlannedTensor &planned) const {
    const ModelTensor &tensor = *planned.source;
    const auto found = std::find_if(options_.assignment.begin(), options_.assignment.end(),
                                    [&](const auto &a) { return a.first == tensor.name; });
    if (found == options_.assignment.end())
        fail(QUANT_ERR_ARGUMENT, "the plan has no tensor {}, which {} has: it is another model's", tensor.name,
             source_->name());
    planned.encoding = found->second;
    const EncodingTraits &e = encoding_traits(planned.encoding);
    if (tensor.cols() % e.block_weights != 0)
        fail(QUANT_ERR_ARGUMENT, "tensor {}: rows of {} weights cannot be {}, whose blocks have {}", tensor.name,
             tensor.cols(), e.name, e.block_weights);
}

std::string Plan::calibration_digest() const {
    if (!options_.importance_path.empty()) return sha256_of_file(options_.importance_path);
    if (!options_.moments_path.empty()) return sha256_of_file(options_.moments_path);
    return options_.calibration_text.empty() ? "" : sha256_hex(options_.calibration_text);
}

uint64_t Plan::parameters() const { return source_->parameters(); }

uint64_t Plan::tensor_bytes() const {
    uint64_t sum = 0;
    for (const PlannedTensor &t : tensors_) sum += t.source->source ? t.bytes : 0;
    return sum;
}

uint64_t Plan::output_bytes() const {
    if (checkpoint_) return SafetensorsWriter::file_bytes(checkpoint_->pieces(), format_->files_format());
    return GgufWriter::file_bytes(output_metadata(), layout());
}

double Plan::bits_per_weight() const {
    return 8.0 * static_cast<double>(tensor_bytes()) / static_cast<double>(std::max<uint64_t>(1, parameters()));
}

uint32_t Plan::fallbacks() const {
    return static_cast<uint32_t>(
        std::count_if(tensors_.begin(), tensors_.end(), [](const PlannedTensor &t) { return t.fallback; }));
}

bool Plan::requantizes() const {
    return std::any_of(tensors_.begin(), tensors_.end(), [&](const PlannedTensor &t) { return loses(t); });
}

uint32_t Plan::relaid() const {
    return static_cast<uint32_t>(
        std::count_if(tensors_.begin(), tensors_.end(), [](const PlannedTensor &t) { return t.relaid; }));
}

Metadata Plan::output_metadata() const {
    Metadata out = source_->metadata();
    // A file of one part is written, whatever the source was.
    for (const char *key : {"split.no", "split.count", "split.tensors.count"}) out.erase(key);
    // What was measured on the source is not true of this file.
    for (const std::string_view prefix : {eval_stamp_prefix, recipe_stamp_prefix}) erase_keys_below(out, prefix);
    out.erase("general.file_type"); // A plan document's mixture has no number.
    if (const auto number = mix_ ? file_type_number(mix_->name) : std::nullopt) out.set("general.file_type", *number);
    out.set("general.quantization_version", gguf_quantization_version);
    if (source_->container().kind() == ContainerKind::safetensors) write_gguf_tokenizer(source_->tokenizer(), out);
    return out;
}

std::vector<TensorPlan> Plan::layout() const {
    std::vector<TensorPlan> plan;
    for (size_t i = 0; i < tensors_.size(); i++) {
        const ModelTensor &source = *tensors_[i].source;
        if (places_[i].tensor < plan.size()) continue; // With one before it.
        if (source.fused)
            plan.push_back({source.fused->name, {source.fused->rows, source.cols()}, tensors_[i].encoding});
        else
            plan.push_back({source.name, source.shape, tensors_[i].encoding});
    }
    return plan;
}

} // namespace quant
