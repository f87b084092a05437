#include "quantize/checkpoint_output.h"

#include "base/error.h"

#include <algorithm>

namespace quant {

namespace {

std::string_view dtype_of(const EncodingTraits &e) { return e.id == QUANT_F32 ? "F32" : e.id == QUANT_F16 ? "F16" : "BF16"; }

const EncodingTraits &float_encoding(std::string_view dtype) {
    return encoding_traits(dtype == "F32" ? QUANT_F32 : dtype == "F16" ? QUANT_F16 : QUANT_BF16);
}

bool is_embedding(Role role) { return role == Role::token_embedding || role == Role::position_embedding || role == Role::token_types; }

// Linears that an output may leave in floats; embeddings are none.
bool is_linear(const TensorInfo &stored, const ModelTensor *of) {
    return stored.shape.size() == 2 && stored.name.ends_with(".weight") && (!of || !of->role || !is_embedding(of->role->role));
}

std::string module_of(const TensorInfo &stored) {
    return stored.name.substr(0, stored.name.size() - std::string_view(".weight").size());
}

// Each row of the stored matrix is one row of one of these.
bool covers(const TensorInfo &stored, std::span<const size_t> tensors, std::span<const PlannedTensor> planned) {
    uint64_t rows = 0;
    for (const size_t i : tensors) {
        const ModelTensor &t = *planned[i].source;
        if (t.turned) return false;
        for (uint64_t m = 0; m < t.matrices(); m++) rows += &t.stored(m) == &stored ? t.matrix_rows() : 0;
    }
    return rows == stored.rows();
}

} // namespace

namespace {

bool is_of_floats(const CheckpointFormat &format) { return format.name().starts_with("safetensors"); }

std::string usual_dtype(const ModelFile &source) {
    // GGUF has vectors in F32, whatever they were.
    const EncodingTraits *of_vectors = nullptr;
    for (const TensorInfo &t : source.container().tensors()) {
        if (!t.encoding || !t.encoding->is_float() || t.made) continue;
        if (t.shape.size() > 1) return std::string(dtype_of(*t.encoding));
        if (!of_vectors && t.encoding->id != QUANT_F32) of_vectors = t.encoding;
    }
    return of_vectors ? std::string(dtype_of(*of_vectors)) : "BF16";
}

} // namespace

std::string float_dtype_of(const ModelFile &source, const CheckpointFormat &format, bool exact) {
    const bool has_own = !format.float_dtype().empty() && (!exact || is_of_floats(format));
    return has_own ? std::string(format.float_dtype()) : usual_dtype(source);
}

CheckpointLayout::CheckpointLayout(const ModelFile &source, const CheckpointFormat &format, std::span<PlannedTensor> planned,
                                   bool exact)
    : format_(format), float_dtype_(float_dtype_of(source, format, exact)) {
    std::map<const TensorInfo *, std::vector<size_t>> of;
    for (size_t i = 0; i < planned.size(); i++) {
        const ModelTensor &t = *planned[i].source;
        for (uint64_t m = 0; t.source && m < std::max<size_t>(1, t.parts.size()); m++) of[&t.stored(m)].push_back(i);
    }
    const std::string &dtype = float_dtype_, usual = usual_dtype(source);
    for (const TensorInfo &stored : source.container().tensors()) {
        std::vector<size_t> tensors = of[&stored];
        const PlannedTensor *first = tensors.empty() ? nullptr : &planned[tensors[0]];
        if (first && !first->copied) {
            add_linear(stored, std::move(tensors), planned);
            continue;
        }
        if (is_linear(stored, first ? first->source : nullptr)) kept_.push_back(module_of(stored));
        if (!stored.encoding) add_copy(stored, stored.type_name, nullptr);
        else if (!stored.encoding->is_float())
            add_copy(stored, first && first->encoding == QUANT_F32 ? "F32" : dtype,
                     first && first->encoding == QUANT_F32 ? &float_encoding("F32") : &float_encoding(dtype));
        else if (is_of_floats(format) || dtype_of(*stored.encoding) == usual)
            add_copy(stored, dtype, &float_encoding(dtype));
        else add_copy(stored, stored.type_name, nullptr); // What is kept finer than most stays so.
    }
    // Where embeddings serve as output, readers have a module of that name nonetheless.
    if (!format.takes_embeddings() && std::find(kept_.begin(), kept_.end(), "lm_head") == kept_.end()) kept_.push_back("lm_head");
}

void CheckpointLayout::add_linear(const TensorInfo &stored, std::vector<size_t> tensors, std::span<PlannedTensor> planned) {
    const PlannedTensor &first = planned[tensors[0]];
    Linear linear{&stored, &first.traits(), module_of(stored), pieces_.size(), false, first.relaid, std::move(tensors)};
    linear.direct = format_.shares_scales() || !covers(stored, linear.tensors, planned);
    if (linear.direct) direct_.insert(linear.tensors.begin(), linear.tensors.end());
    const bool ordered = first.relaid && stored.columns != nullptr;
    for (const CheckpointPiece &p : format_.pieces(linear.module, stored.rows(), stored.cols(), ordered))
        pieces_.push_back({p.name, p.dtype, p.shape, p.bytes()});
    linears_.push_back(std::move(linear));
}

void CheckpointLayout::add_copy(const TensorInfo &stored, std::string dtype, const EncodingTraits *becomes) {
    const uint64_t bytes = becomes ? encoded_bytes(*becomes, stored.rows(), stored.cols()) : stored.bytes;
    copies_.push_back({&stored, becomes, pieces_.size()});
    pieces_.push_back({stored.name, std::move(dtype), stored.shape, bytes});
}

} // namespace quant
