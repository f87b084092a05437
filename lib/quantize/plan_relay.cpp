// What a plan does not quantize anew: blocks of the source that are laid out again as the output has them.
#include "quantize/plan.h"

#include "base/error.h"
#include "encoding/relay.h"
#include "machine/worker_pool.h"
#include "quantize/plan_output.h"

#include <algorithm>
#include <atomic>

namespace quant {

namespace {

// Rows worked on at a time; heads, whose rows GGUF interleaves, are divisors of it.
constexpr uint64_t rows_together = 256;

bool is_quantized(const ModelTensor &t) { return t.source && t.source->encoding && !t.source->encoding->is_float(); }

} // namespace

/// A matrix that the source has in floats, though it is quantized.
bool Plan::stays_float(const PlannedTensor &planned) const {
    const ModelTensor &t = *planned.source;
    if (!options_.keep_floats || !t.role || !role_traits(t.role->role).quantizes() || is_quantized(t) || !t.source) return false;
    return std::any_of(source_->tensors().begin(), source_->tensors().end(), is_quantized);
}

// What is quantized in the source is something else in the output.
bool Plan::loses(const PlannedTensor &planned) const {
    if (!is_quantized(*planned.source) || planned.relaid) return false;
    if (!format_) return !planned.copied;
    return !planned.copied || planned.encoding != QUANT_F32;
}

bool Plan::relays(const PlannedTensor &planned) const {
    const ModelTensor &t = *planned.source;
    if (planned.copied || !adapters_.empty() || !is_quantized(t) || t.is_vector()) return false;
    const bool direct = format_ && t.turned; // By the stored rows, as long as nothing else is in them.
    if (t.turned && !direct) return false;
    const EncodingTraits &from = *t.source->encoding, &to = planned.traits();
    if (!may_relay(from, to) || t.cols() % to.block_weights != 0 || t.source->cols() != t.cols()) return false;
    const auto ordered = [&](uint64_t m) { return t.stored(m).columns != nullptr; };
    for (uint64_t m = 0; m < t.matrices(); m++) {
        if (t.stored(m).encoding != t.source->encoding) return false;
        if (ordered(m) && !(format_ && format_->keeps_order() && from.id == to.id)) return false;
        if (!relays_matrix(planned, m)) return false;
    }
    return true;
}

bool Plan::relays_matrix(const PlannedTensor &planned, uint64_t matrix) const {
    const ModelTensor &t = *planned.source;
    const EncodingTraits &from = *t.source->encoding, &to = planned.traits();
    const uint64_t rows = t.matrix_rows(), cols = t.cols(), from_bytes = encoded_bytes(from, 1, cols), to_bytes = encoded_bytes(to, 1, cols);
    // Where the whole matrix decides, it is made.
    const bool of_all = format_ && format_->decides_by_all();
    if (!of_all && from.id == to.id) return true;
    std::vector<std::byte> whole(of_all ? rows * to_bytes : 0);
    std::atomic<bool> good = true;
    default_pool().parallel_for(rows, rows_together, [&](size_t begin, size_t end, unsigned) {
        thread_local std::vector<std::byte> in; // Fresh memory each time would cost as much as the work.
        in.resize((end - begin) * from_bytes);
        if (!good) return;
        source_->encoded_rows(t, matrix * rows + begin, end - begin, in.data());
        for (uint64_t r = begin; r < end && good; r++) {
            std::byte *to_row = whole.empty() ? nullptr : whole.data() + r * to_bytes;
            if (!relay(from, in.data() + (r - begin) * from_bytes, to, to_row, cols)) good = false;
        }
    });
    return good && (!of_all || format_->holds({to, whole, rows, cols}));
}

void Plan::relay_rows(size_t number, PlanOutput &out, Progress &progress) {
    PlannedTensor &planned = tensors_[number];
    const ModelTensor &t = *planned.source;
    const EncodingTraits &from = *t.source->encoding, &to = planned.traits();
    const uint64_t cols = t.cols(), from_bytes = encoded_bytes(from, 1, cols), to_bytes = encoded_bytes(to, 1, cols);
    const uint64_t slab = rows_together * 8;
    for (uint64_t first = 0; first < t.rows(); first += slab) {
        const uint64_t count = std::min(slab, t.rows() - first);
        default_pool().parallel_for(count, rows_together, [&](size_t begin, size_t end, unsigned) {
            thread_local std::vector<std::byte> in, made;
            in.resize((end - begin) * from_bytes), made.resize((end - begin) * to_bytes);
            source_->encoded_rows(t, first + begin, end - begin, in.data());
            for (uint64_t r = 0; r < end - begin; r++)
                if (!relay(from, in.data() + r * from_bytes, to, made.data() + r * to_bytes, cols))
                    fail(QUANT_ERR_INTERNAL, "{}: tensor {}: row {} cannot be laid out again", source_->name(), t.name,
                         first + begin + r);
            out.write(number, first + begin, end - begin, made);
        });
        out.begin_sync(number, first, count);
        progress.advance(count * cols);
    }
    planned.rmse = planned.relative = 0;
}

void Plan::require_exact() const {
    for (const PlannedTensor &planned : tensors_) {
        if (!loses(planned)) continue;
        const ModelTensor &t = *planned.source;
        std::string others;
        for (const EncodingTraits &e : encodings()) {
            PlannedTensor other = planned;
            other.encoding = e.id, other.variant = nullptr, other.copied = false;
            if (!format_ && e.in_gguf() && relays(other)) others += (others.empty() ? "" : ", ") + std::string(e.name);
        }
        fail(QUANT_ERR_ARGUMENT, "{}: tensor {} is {}{}, which cannot become {} without a change of its weights{}{}",
             source_->name(), t.source->name, t.source->type_name,
             t.stored(0).columns ? " with columns in another order" : "", planned.copied ? "16-bit floats" : planned.traits().name,
             others.empty() ? "" : "; it can become ", others);
    }
}

} // namespace quant
