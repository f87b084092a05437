// GGUF versions 2 and 3 in memory to metadata and a list of tensors.
//
// The file is a header (magic, version, counts), the metadata, the descriptions of the
// tensors, padding to the alignment, then the tensors' bytes at offsets counted from
// there. Nothing is believed: a count is compared with what the rest of the file could
// hold, and with a limit, before memory is taken for it; types are compared as numbers;
// and when parse_gguf() returns, each tensor's bytes lie in the file, apart from the
// others'. The order of reading is the order of the functions below.
#include "container/byte_reader.h"
#include "container/container_parts.h"
#include "container/gguf_format.h"
#include "container/gguf_types.h"

#include "base/utf8.h"

#include <algorithm>
#include <array>
#include <unordered_set>
#include <utility>

namespace quant {

namespace {

using gguf::value_types;

struct Header {
    uint64_t tensors;
    uint64_t keys;
};

// What a key's value is read with: the file, and how many array elements it may still have.
struct ValueReader {
    ByteReader &in;
    uint64_t elements_left = gguf::max_array_elements;
};

constexpr uint64_t min_key_bytes = 8 + 1 + 4 + 1;     // length, one letter, type, a u8
constexpr uint64_t min_tensor_bytes = 8 + 1 + 4 + 4 + 8; // length, one letter, dimensions, type, offset
constexpr uint64_t min_array_bytes = 4 + 8;           // type, count

// A big-endian file has its version's four bytes the other way round.
void check_version(const ByteReader &in, uint32_t version) {
    if (version == 2 || version == 3) return;
    if (version == 1)
        in.reject(QUANT_ERR_UNSUPPORTED, "GGUF version 1 is not supported, only 2 and 3: convert it again");
    if (version != 0 && (version & 0xffff) == 0)
        in.reject(QUANT_ERR_UNSUPPORTED, "a big-endian GGUF file, but only little-endian ones are supported");
    in.reject(QUANT_ERR_UNSUPPORTED, "GGUF version {} is not supported, only 2 and 3", version);
}

void check_count(const ByteReader &in, uint64_t count, uint64_t limit, uint64_t element_bytes, std::string_view what) {
    if (count > limit) in.reject(QUANT_ERR_LIMIT, "{} {}, more than the {} allowed", count, what, limit);
    in.require_room(count, element_bytes);
}

Header read_header(ByteReader &in) {
    const std::string_view found = in.text(std::min<uint64_t>(gguf::magic.size(), in.remaining()));
    if (found != gguf::magic.substr(0, found.size()))
        in.reject(QUANT_ERR_FORMAT, "expected a GGUF file, which begins with \"GGUF\", found \"{}\"", printable(found));
    if (found.size() < gguf::magic.size())
        in.reject(QUANT_ERR_TRUNCATED, "the file ends after {} bytes", found.size());
    check_version(in, in.number<uint32_t>());
    Header header{};
    header.tensors = in.number<uint64_t>();
    header.keys = in.number<uint64_t>();
    check_count(in, header.keys, gguf::max_keys, min_key_bytes, "keys");
    check_count(in, header.tensors, max_tensors, min_tensor_bytes, "tensors");
    return header;
}

// --- Metadata -------------------------------------------------------------------

std::string_view read_text(ByteReader &in) {
    const uint64_t length = in.number<uint64_t>();
    const std::string_view text = in.text(length);
    if (in.position() > gguf::max_metadata_bytes)
        in.reject(QUANT_ERR_LIMIT, "the metadata is longer than the {} bytes allowed", gguf::max_metadata_bytes);
    return text;
}

bool read_bool(ByteReader &in) {
    const uint8_t byte = in.number<uint8_t>();
    if (byte > 1) in.reject(QUANT_ERR_FORMAT, "expected a bool of 0 or 1, found {}", byte);
    return byte == 1;
}

MetadataArray read_array(ValueReader &r, unsigned depth);

template <class T>
std::vector<T> read_elements(ValueReader &r, uint64_t count, unsigned depth) {
    std::vector<T> out;
    if constexpr (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) {
        r.in.require_room(count, sizeof(T));
        out.resize(count);
        if (count != 0) std::memcpy(out.data(), r.in.take(count * sizeof(T)), count * sizeof(T));
        return out;
    } else if constexpr (std::is_same_v<T, bool>) {
        r.in.require_room(count, 1);
        out.reserve(count);
        for (uint64_t i = 0; i < count; ++i) out.push_back(read_bool(r.in));
    } else if constexpr (std::is_same_v<T, std::string>) {
        r.in.require_room(count, sizeof(uint64_t));
        out.reserve(count);
        for (uint64_t i = 0; i < count; ++i) out.emplace_back(read_text(r.in));
    } else {
        r.in.require_room(count, min_array_bytes);
        out.reserve(count);
        for (uint64_t i = 0; i < count; ++i) out.push_back(read_array(r, depth + 1));
    }
    return out;
}

uint32_t read_type(ByteReader &in) {
    const uint32_t type = in.number<uint32_t>();
    if (type >= value_types) in.reject(QUANT_ERR_UNSUPPORTED, "unknown metadata type {}", static_cast<int32_t>(type));
    return type;
}

template <size_t... I>
MetadataArray::Elements read_elements_of(std::index_sequence<I...>, ValueReader &r, uint32_t type, uint64_t count,
                                         unsigned depth) {
    using Elements = MetadataArray::Elements;
    using Read = Elements (*)(ValueReader &, uint64_t, unsigned);
    static constexpr Read readers[] = {[](ValueReader &from, uint64_t n, unsigned level) -> Elements {
        using T = typename std::variant_alternative_t<I, Elements>::value_type;
        return Elements(std::in_place_index<I>, read_elements<T>(from, n, level));
    }...};
    return readers[type](r, count, depth);
}

MetadataArray read_array(ValueReader &r, unsigned depth) {
    if (depth > gguf::max_array_depth)
        r.in.reject(QUANT_ERR_LIMIT, "arrays nested deeper than the {} levels allowed", gguf::max_array_depth);
    const uint32_t type = read_type(r.in);
    const uint64_t count = r.in.number<uint64_t>();
    if (count > r.elements_left)
        r.in.reject(QUANT_ERR_LIMIT, "an array of {} elements, but all arrays of a file may have {} together", count,
                    gguf::max_array_elements);
    r.elements_left -= count;
    return {read_elements_of(std::make_index_sequence<value_types>(), r, type, count, depth)};
}

template <class T>
T read_scalar(ValueReader &r) {
    if constexpr (std::is_same_v<T, bool>)
        return read_bool(r.in);
    else if constexpr (std::is_same_v<T, std::string>)
        return std::string(read_text(r.in));
    else if constexpr (std::is_same_v<T, MetadataArray>)
        return read_array(r, 1);
    else
        return r.in.number<T>();
}

template <size_t... I>
MetadataValue read_value_of(std::index_sequence<I...>, ValueReader &r, uint32_t type) {
    using Read = MetadataValue (*)(ValueReader &);
    static constexpr Read readers[] = {[](ValueReader &from) {
        using T = std::variant_alternative_t<I, MetadataValue>;
        return MetadataValue(std::in_place_index<I>, read_scalar<T>(from));
    }...};
    return readers[type](r);
}

std::string_view read_key(ByteReader &in) {
    const std::string_view key = read_text(in);
    if (key.empty()) in.reject(QUANT_ERR_FORMAT, "the key is empty");
    if (key.size() > gguf::max_key_bytes)
        in.reject(QUANT_ERR_FORMAT, "a key of {} bytes, more than the format's {}", key.size(), gguf::max_key_bytes);
    if (key.find('\0') != key.npos || !is_utf8(key))
        in.reject(QUANT_ERR_FORMAT, "the key \"{}\" is no text", printable(key));
    return key;
}

Metadata read_metadata(ByteReader &in, uint64_t keys) {
    Metadata metadata{std::string(in.file())};
    ValueReader values{in};
    for (uint64_t i = 0; i < keys; ++i) {
        in.begin_item(fmt::format("key {} of {}", i + 1, keys));
        const std::string_view key = read_key(in);
        in.begin_item(fmt::format("key \"{}\"", printable(key)));
        if (metadata.find(key)) in.reject(QUANT_ERR_FORMAT, "the key appears twice");
        const uint32_t type = read_type(in);
        metadata.set(key, read_value_of(std::make_index_sequence<value_types>(), values, type));
    }
    return metadata;
}

uint32_t read_alignment(ByteReader &in, const Metadata &metadata) {
    const MetadataValue *value = metadata.find(gguf::alignment_key);
    if (!value) return gguf::default_alignment;
    const auto alignment = gguf::valid_alignment(*value);
    in.begin_item(fmt::format("key \"{}\"", gguf::alignment_key));
    if (!alignment)
        in.reject(QUANT_ERR_FORMAT, "expected a u32, a power of two from {} to {}", gguf::min_alignment,
                  gguf::max_alignment);
    return *alignment;
}

// --- Tensors --------------------------------------------------------------------

std::string read_name(ByteReader &in) {
    const std::string_view name = in.text(in.number<uint64_t>());
    if (name.empty()) in.reject(QUANT_ERR_FORMAT, "the name is empty");
    if (name.size() > gguf::max_name_bytes)
        in.reject(QUANT_ERR_FORMAT, "a name of {} bytes, more than the {} allowed", name.size(), gguf::max_name_bytes);
    if (name.find('\0') != name.npos || !is_utf8(name))
        in.reject(QUANT_ERR_FORMAT, "the name \"{}\" is no text", printable(name));
    return std::string(name);
}

std::vector<uint64_t> read_shape(ByteReader &in) {
    const uint32_t dims = in.number<uint32_t>();
    if (dims > gguf::max_dims)
        in.reject(QUANT_ERR_FORMAT, "{} dimensions, more than the format's {}", dims, gguf::max_dims);
    std::vector<uint64_t> shape(dims);
    for (uint64_t &n : shape) {
        n = in.number<uint64_t>();
        if (n == 0) in.reject(QUANT_ERR_FORMAT, "a dimension is 0");
    }
    std::reverse(shape.begin(), shape.end());
    return shape;
}

TensorInfo read_tensor(ByteReader &in, uint32_t alignment) {
    TensorInfo tensor{};
    tensor.name = read_name(in);
    in.begin_item(fmt::format("tensor \"{}\"", printable(tensor.name)));
    tensor.shape = read_shape(in);
    const uint32_t type_number = in.number<uint32_t>();
    tensor.offset = in.number<uint64_t>();
    const auto type = find_gguf_type(type_number);
    if (!type) in.reject(QUANT_ERR_UNSUPPORTED, "unknown tensor type {}", static_cast<int32_t>(type_number));
    tensor.encoding = type->encoding;
    tensor.type_name = type->name;
    const auto bytes = gguf::tensor_bytes(tensor.shape, type->block_weights, type->block_bytes);
    if (!bytes) in.reject(QUANT_ERR_FORMAT, "the product of the dimensions overflows");
    if (tensor.cols() % type->block_weights != 0)
        in.reject(QUANT_ERR_FORMAT, "a row of {} weights is no whole number of {} blocks of {}", tensor.cols(),
                  type->name, type->block_weights);
    tensor.bytes = *bytes;
    if (tensor.offset % alignment != 0)
        in.reject(QUANT_ERR_FORMAT, "the offset {} is no multiple of the alignment {}", tensor.offset, alignment);
    return tensor;
}

// Offsets in the file are relative to its data; make them the file's own, inside it.
void place_tensor(ByteReader &in, TensorInfo &tensor, uint64_t data_start, uint64_t file_bytes) {
    const uint64_t data_bytes = data_start <= file_bytes ? file_bytes - data_start : 0;
    if (!in_range(tensor.offset, tensor.bytes, data_bytes)) {
        in.begin_item(fmt::format("tensor \"{}\"", printable(tensor.name)));
        in.reject(QUANT_ERR_TRUNCATED, "{} bytes at data offset {}, but the file has {} bytes of data", tensor.bytes,
                  tensor.offset, data_bytes);
    }
    tensor.offset += data_start;
}

void check_unique_names(ByteReader &in, const std::vector<TensorInfo> &tensors) {
    std::unordered_set<std::string_view> names;
    names.reserve(tensors.size());
    for (const TensorInfo &tensor : tensors) {
        if (names.insert(tensor.name).second) continue;
        in.begin_item(fmt::format("tensor \"{}\"", printable(tensor.name)));
        in.reject(QUANT_ERR_FORMAT, "the name appears twice");
    }
}

void check_no_overlap(ByteReader &in, const std::vector<TensorInfo> &tensors) {
    std::vector<const TensorInfo *> by_offset;
    by_offset.reserve(tensors.size());
    for (const TensorInfo &tensor : tensors) by_offset.push_back(&tensor);
    std::sort(by_offset.begin(), by_offset.end(), [](const auto *a, const auto *b) { return a->offset < b->offset; });
    for (size_t i = 1; i < by_offset.size(); ++i) {
        const TensorInfo &before = *by_offset[i - 1];
        if (by_offset[i]->offset - before.offset >= before.bytes) continue;
        in.begin_item(fmt::format("tensor \"{}\"", printable(by_offset[i]->name)));
        in.reject(QUANT_ERR_FORMAT, "its bytes overlap those of \"{}\"", printable(before.name));
    }
}

} // namespace

ParsedFile parse_gguf(std::span<const std::byte> bytes, std::string_view name) {
    ByteReader in(bytes, name);
    const Header header = read_header(in);
    ParsedFile file{read_metadata(in, header.keys), {}, in.position(), 0, 0};
    const uint32_t alignment = read_alignment(in, file.metadata);

    in.begin_item("the list of tensors");
    in.require_room(header.tensors, min_tensor_bytes);
    file.tensors.reserve(header.tensors);
    for (uint64_t i = 0; i < header.tensors; ++i) {
        in.begin_item(fmt::format("tensor {} of {}", i + 1, header.tensors));
        file.tensors.push_back(read_tensor(in, alignment));
    }

    file.tensors_end = in.position();
    const uint64_t data_start = file.data_begin = *checked_align(in.position(), alignment);
    for (TensorInfo &tensor : file.tensors) place_tensor(in, tensor, data_start, bytes.size());
    check_unique_names(in, file.tensors);
    check_no_overlap(in, file.tensors);
    return file;
}

} // namespace quant
