// Writes GGUF version 3. Everything before the tensors is serialized in memory first: its
// length and the encodings' block sizes give each offset and the size of the whole, so
// that file_bytes() is exact because it is the same computation.
#include "base/error.h"
#include "base/file.h"
#include "base/utf8.h"
#include "container/container_parts.h"
#include "container/gguf_format.h"

#include <algorithm>
#include <atomic>
#include <unordered_set>

namespace quant {

namespace {

struct Layout {
    std::string head;              ///< All bytes before the first tensor, padding included.
    std::vector<uint64_t> offsets; ///< Of each tensor, from the end of the head.
    std::vector<uint64_t> sizes;   ///< Of each tensor, without padding.
    uint64_t alignment = gguf::default_alignment;
    uint64_t total = 0;
};

using gguf::put;

void put_text(std::string &out, std::string_view text) {
    put<uint64_t>(out, text.size());
    out.append(text);
}

void put_array(std::string &out, const MetadataArray &array, unsigned depth, std::string_view key);

template <class T>
void put_value(std::string &out, const T &value, unsigned depth, std::string_view key) {
    if constexpr (std::is_same_v<T, std::string>)
        put_text(out, value);
    else if constexpr (std::is_same_v<T, MetadataArray>)
        put_array(out, value, depth + 1, key);
    else if constexpr (std::is_same_v<T, bool>)
        put<uint8_t>(out, value ? 1 : 0);
    else
        put(out, value);
}

void put_array(std::string &out, const MetadataArray &array, unsigned depth, std::string_view key) {
    if (depth > gguf::max_array_depth)
        fail(QUANT_ERR_ARGUMENT, "metadata key \"{}\": arrays nested deeper than {} levels", printable(key),
             gguf::max_array_depth);
    put<uint32_t>(out, static_cast<uint32_t>(array.elements.index()));
    put<uint64_t>(out, array.size());
    std::visit(
        [&](const auto &elements) {
            using T = typename std::decay_t<decltype(elements)>::value_type;
            for (const T &element : elements) put_value<T>(out, element, depth, key);
        },
        array.elements);
}

void check_key(std::string_view key) {
    if (key.empty() || key.size() > gguf::max_key_bytes || key.find('\0') != key.npos || !is_utf8(key))
        fail(QUANT_ERR_ARGUMENT, "metadata key \"{}\": expected 1 to {} bytes of text", printable(key),
             gguf::max_key_bytes);
}

// The keys of a split set would be untrue of the one file that is written.
bool describes_a_set(std::string_view key) {
    return key == gguf::split_part_key || key == gguf::split_count_key || key == gguf::split_tensors_key;
}

} // namespace

void put_gguf_metadata(std::string &out, const Metadata &metadata) {
    for (const auto &[key, value] : metadata.entries()) {
        if (describes_a_set(key)) continue;
        check_key(key);
        put_text(out, key);
        put<uint32_t>(out, static_cast<uint32_t>(value.index()));
        std::visit([&, &name = key](const auto &v) { put_value<std::decay_t<decltype(v)>>(out, v, 0, name); }, value);
    }
}

uint64_t count_gguf_keys(const Metadata &metadata) {
    const auto &entries = metadata.entries();
    return static_cast<uint64_t>(
        std::count_if(entries.begin(), entries.end(), [](const auto &e) { return !describes_a_set(e.first); }));
}

namespace {

void check_plan(const TensorPlan &tensor) {
    const std::string_view name = tensor.name;
    if (name.empty() || name.size() > gguf::max_written_name_bytes || name.find('\0') != name.npos || !is_utf8(name))
        fail(QUANT_ERR_ARGUMENT, "tensor \"{}\": expected a name of 1 to {} bytes of text", printable(name),
             gguf::max_written_name_bytes);
    if (tensor.shape.empty() || tensor.shape.size() > gguf::max_dims)
        fail(QUANT_ERR_ARGUMENT, "tensor \"{}\": expected 1 to {} dimensions, found {}", printable(name),
             gguf::max_dims, tensor.shape.size());
    if (std::find(tensor.shape.begin(), tensor.shape.end(), 0u) != tensor.shape.end())
        fail(QUANT_ERR_ARGUMENT, "tensor \"{}\": a dimension is 0", printable(name));
}

uint64_t planned_bytes(const TensorPlan &tensor) {
    check_plan(tensor);
    const EncodingTraits &e = encoding_traits(tensor.encoding);
    if (!e.in_gguf())
        fail(QUANT_ERR_ARGUMENT, "tensor \"{}\": GGUF files have no encoding {}", printable(tensor.name), e.name);
    if (tensor.shape.back() % e.block_weights != 0)
        fail(QUANT_ERR_ARGUMENT, "tensor \"{}\": a row of {} weights is no whole number of {} blocks of {}",
             printable(tensor.name), tensor.shape.back(), e.name, e.block_weights);
    const auto bytes = gguf::tensor_bytes(tensor.shape, e.block_weights, e.block_bytes);
    if (!bytes)
        fail(QUANT_ERR_ARGUMENT, "tensor \"{}\": the product of the dimensions overflows", printable(tensor.name));
    return *bytes;
}

uint64_t alignment_of(const Metadata &metadata) {
    const MetadataValue *value = metadata.find(gguf::alignment_key);
    if (!value) return gguf::default_alignment;
    const auto alignment = gguf::valid_alignment(*value);
    if (!alignment)
        fail(QUANT_ERR_ARGUMENT, "metadata key \"{}\": expected a u32, a power of two from {} to {}",
             gguf::alignment_key, gguf::min_alignment, gguf::max_alignment);
    return *alignment;
}

// `end` after `bytes` more and padding, which must stay a possible file size.
uint64_t padded_end(uint64_t end, uint64_t bytes, uint64_t alignment) {
    const auto sum = checked_add(end, bytes);
    const auto padded = sum ? checked_align(*sum, alignment) : std::nullopt;
    if (!padded || *padded > INT64_MAX) fail(QUANT_ERR_ARGUMENT, "the planned tensors are too large for any file");
    return *padded;
}

void put_tensor(std::string &out, const TensorPlan &tensor, uint64_t offset) {
    put_text(out, tensor.name);
    put<uint32_t>(out, static_cast<uint32_t>(tensor.shape.size()));
    for (auto n = tensor.shape.rbegin(); n != tensor.shape.rend(); ++n) put<uint64_t>(out, *n);
    put<uint32_t>(out, static_cast<uint32_t>(tensor.encoding));
    put<uint64_t>(out, offset);
}

Layout make_layout(const Metadata &metadata, const std::vector<TensorPlan> &plan) {
    Layout layout;
    layout.alignment = alignment_of(metadata);
    layout.head = gguf::magic;
    put<uint32_t>(layout.head, gguf::written_version);
    put<uint64_t>(layout.head, plan.size());
    put<uint64_t>(layout.head, count_gguf_keys(metadata));
    put_gguf_metadata(layout.head, metadata);

    std::unordered_set<std::string_view> names;
    uint64_t offset = 0;
    for (const TensorPlan &tensor : plan) {
        if (!names.insert(tensor.name).second)
            fail(QUANT_ERR_ARGUMENT, "tensor \"{}\": the name is planned twice", printable(tensor.name));
        const uint64_t bytes = planned_bytes(tensor);
        put_tensor(layout.head, tensor, offset);
        layout.offsets.push_back(offset);
        layout.sizes.push_back(bytes);
        offset = padded_end(offset, bytes, layout.alignment);
    }
    layout.head.resize(padded_end(layout.head.size(), 0, layout.alignment));
    layout.total = padded_end(layout.head.size(), offset, layout.alignment);
    return layout;
}

} // namespace

struct GgufWriter::State {
    State(const std::filesystem::path &where, Layout &&made, std::vector<TensorPlan> &&planned)
        : path(where), layout(std::move(made)), plan(std::move(planned)), written(plan.size()),
          out(where, layout.total) {}
    /// Throws Error where a tensor is not written whole.
    void require_whole() const;

    std::filesystem::path path;
    Layout layout;
    std::vector<TensorPlan> plan;
    std::vector<std::atomic<uint64_t>> written; ///< Bytes of each tensor.
    OutputFile out;
    size_t next = 0; ///< The tensor of the plan that add() takes.
};

GgufWriter::GgufWriter(const std::filesystem::path &path, const Metadata &metadata, std::vector<TensorPlan> plan) {
    Layout layout = make_layout(metadata, plan);
    state_ = std::make_unique<State>(path, std::move(layout), std::move(plan));
    state_->out.allocate(state_->layout.total);
    state_->out.write_at(0, std::as_bytes(std::span(state_->layout.head)));
}

GgufWriter::~GgufWriter() = default;

uint64_t GgufWriter::file_bytes(const Metadata &metadata, const std::vector<TensorPlan> &plan) {
    return make_layout(metadata, plan).total;
}

void GgufWriter::write(size_t tensor, uint64_t offset, std::span<const std::byte> bytes) {
    State &s = *state_;
    if (tensor >= s.plan.size())
        fail(QUANT_ERR_ARGUMENT, "{}: tensor {} of {} planned", shown(s.path), tensor, s.plan.size());
    const uint64_t size = s.layout.sizes[tensor];
    if (offset > size || bytes.size() > size - offset)
        fail(QUANT_ERR_ARGUMENT, "{}: tensor \"{}\": bytes {} to {} of {}", shown(s.path),
             printable(s.plan[tensor].name), offset, offset + bytes.size(), size);
    s.out.write_at(s.layout.head.size() + s.layout.offsets[tensor] + offset, bytes);
    s.written[tensor] += bytes.size();
}

void GgufWriter::add(std::span<const std::byte> bytes) {
    State &s = *state_;
    if (s.next == s.plan.size())
        fail(QUANT_ERR_ARGUMENT, "{}: all {} planned tensors are written already", shown(s.path), s.plan.size());
    if (bytes.size() != s.layout.sizes[s.next])
        fail(QUANT_ERR_ARGUMENT, "{}: tensor \"{}\": expected {} bytes, got {}", shown(s.path),
             printable(s.plan[s.next].name), s.layout.sizes[s.next], bytes.size());
    write(s.next++, 0, bytes);
}

void GgufWriter::begin_sync(size_t tensor, uint64_t offset, uint64_t bytes) noexcept {
    State &s = *state_;
    if (tensor < s.plan.size()) s.out.begin_sync(s.layout.head.size() + s.layout.offsets[tensor] + offset, bytes);
}

void GgufWriter::State::require_whole() const {
    const State &s = *this;
    for (size_t i = 0; i < s.plan.size(); i++)
        if (s.written[i] != s.layout.sizes[i])
            fail(QUANT_ERR_ARGUMENT, "{}: tensor \"{}\", number {} of {}: {} of {} bytes are written", shown(s.path),
                 printable(s.plan[i].name), i, s.plan.size(), s.written[i].load(), s.layout.sizes[i]);
}

void GgufWriter::commit() {
    state_->require_whole();
    state_->out.commit();
}

std::string GgufWriter::commit_with_digest() {
    state_->require_whole();
    return state_->out.commit_with_digest();
}

} // namespace quant
