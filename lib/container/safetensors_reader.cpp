// One safetensors file in memory: eight bytes of header length, a JSON object from tensor
// names to {dtype, shape, data_offsets}, then the data. The format leaves no room for
// doubt, and none is left here: sorted by offset the tensors must tile the data exactly,
// from 0 to the file's last byte, which also refuses files that are something else as well.
#include "base/json.h"
#include "container/byte_reader.h"
#include "container/container_parts.h"

#include <algorithm>

namespace quant {

namespace {

constexpr uint64_t max_header_bytes = 100'000'000; // The format's own limit.
// Commas separate everything, so their number bounds what the parsed header can take in
// memory, whatever it holds: a tensor has five to ten.
constexpr int64_t max_header_commas = 4'000'000;
constexpr std::string_view metadata_key = "__metadata__";

struct Dtype {
    std::string_view name;
    uint32_t bits;
    std::optional<quant_encoding> encoding = std::nullopt;
};

constexpr Dtype dtypes[] = {
    {"F32", 32, QUANT_F32}, {"F16", 16, QUANT_F16}, {"BF16", 16, QUANT_BF16}, {"F64", 64},     {"I64", 64},
    {"I32", 32},            {"I16", 16},            {"I8", 8},                {"U64", 64},     {"U32", 32},
    {"U16", 16},            {"U8", 8},              {"BOOL", 8},              {"F8_E4M3", 8},  {"F8_E5M2", 8},
    {"F8_E8M0", 8},         {"F8_E4M3FNUZ", 8},     {"F8_E5M2FNUZ", 8},       {"F6_E2M3", 6},  {"F6_E3M2", 6},
    {"F4", 4},              {"C64", 64},
};

const Dtype *find_dtype(std::string_view name) {
    const auto *at = std::find_if(std::begin(dtypes), std::end(dtypes), [&](const Dtype &d) { return d.name == name; });
    return at == std::end(dtypes) ? nullptr : at;
}

std::string_view read_header(ByteReader &in) {
    const uint64_t length = in.number<uint64_t>();
    if (length > max_header_bytes)
        in.reject(QUANT_ERR_LIMIT, "a header of {} bytes, more than the format's {}", length, max_header_bytes);
    const std::string_view header = in.text(length);
    if (header.empty() || header[0] != '{') in.reject(QUANT_ERR_FORMAT, "expected a JSON object after the length");
    if (std::count(header.begin(), header.end(), ',') > max_header_commas)
        in.reject(QUANT_ERR_LIMIT, "the header has more than {} values", max_header_commas);
    return header;
}

std::vector<uint64_t> read_numbers(const ByteReader &in, const json::Reader &entry, std::string_view key) {
    std::vector<uint64_t> out;
    for (const json::value &v : entry.require_array(key)) {
        if (v.is_uint64())
            out.push_back(v.get_uint64());
        else if (v.is_int64() && v.get_int64() >= 0)
            out.push_back(static_cast<uint64_t>(v.get_int64()));
        else
            in.reject(QUANT_ERR_FORMAT, "\"{}\": expected whole numbers that are not negative", key);
    }
    return out;
}

uint64_t shape_bytes(const ByteReader &in, const std::vector<uint64_t> &shape, uint32_t bits) {
    uint64_t elements = 1;
    for (const uint64_t n : shape) {
        const auto product = checked_mul(elements, n);
        if (!product || *product > INT64_MAX) in.reject(QUANT_ERR_FORMAT, "the product of the shape overflows");
        elements = *product;
    }
    const auto total = checked_mul<uint64_t>(elements, bits);
    if (!total) in.reject(QUANT_ERR_FORMAT, "the product of the shape overflows");
    if (*total % 8 != 0)
        in.reject(QUANT_ERR_FORMAT, "{} elements of {} bits are no whole number of bytes", elements, bits);
    return *total / 8;
}

TensorInfo read_tensor(ByteReader &in, std::string_view name, const json::value &value) {
    in.begin_item(fmt::format("tensor \"{}\"", printable(name)));
    const json::Reader entry(value, fmt::format("{}: {}", in.file(), in.item()));
    TensorInfo tensor{};
    tensor.name = name;
    tensor.type_name = entry.require_string("dtype");
    const Dtype *dtype = find_dtype(tensor.type_name);
    if (!dtype) in.reject(QUANT_ERR_UNSUPPORTED, "unknown dtype \"{}\"", printable(tensor.type_name));
    if (dtype->encoding) tensor.encoding = find_encoding(static_cast<uint32_t>(*dtype->encoding));
    tensor.shape = read_numbers(in, entry, "shape");
    const auto offsets = read_numbers(in, entry, "data_offsets");
    if (offsets.size() != 2 || offsets[0] > offsets[1])
        in.reject(QUANT_ERR_FORMAT, "\"data_offsets\": expected a begin and an end that is not before it");
    tensor.offset = offsets[0];
    tensor.bytes = offsets[1] - offsets[0];
    if (const uint64_t expected = shape_bytes(in, tensor.shape, dtype->bits); expected != tensor.bytes)
        in.reject(QUANT_ERR_FORMAT, "its shape and dtype take {} bytes, but its data_offsets span {}", expected,
                  tensor.bytes);
    return tensor;
}

void read_metadata(ByteReader &in, const json::value &value, Metadata &metadata) {
    in.begin_item(fmt::format("key \"{}\"", metadata_key));
    const json::object *object = value.if_object();
    if (!object) in.reject(QUANT_ERR_FORMAT, "expected an object of strings");
    for (const auto &[key, text] : *object) {
        if (!text.is_string()) in.reject(QUANT_ERR_FORMAT, "\"{}\": expected a string", printable(key));
        metadata.set(key, std::string(text.get_string()));
    }
}

// Tensors tile the data: no hole, no overlap, nothing after the last.
void check_tiling(ByteReader &in, const std::vector<TensorInfo> &tensors, uint64_t data_bytes) {
    uint64_t end = 0;
    for (const TensorInfo &tensor : tensors) {
        in.begin_item(fmt::format("tensor \"{}\"", printable(tensor.name)));
        if (tensor.offset != end)
            in.reject(QUANT_ERR_FORMAT, "its data begins at offset {}, which {}; expected {}", tensor.offset,
                      tensor.offset < end ? "overlaps another tensor" : "leaves a hole", end);
        end += tensor.bytes;
        if (end > data_bytes)
            in.reject(QUANT_ERR_TRUNCATED, "its data ends at offset {}, but the file has {} bytes of data", end,
                      data_bytes);
    }
    in.begin_item("the data");
    if (end != data_bytes)
        in.reject(QUANT_ERR_FORMAT, "the tensors end at offset {}, but the file has {} bytes of data", end, data_bytes);
}

} // namespace

ParsedFile parse_safetensors(std::span<const std::byte> bytes, std::string_view name) {
    ByteReader in(bytes, name);
    const std::string_view header = read_header(in);
    const json::value document = json::parse(header, fmt::format("{}: the header", name));
    ParsedFile file{Metadata{std::string(name)}, {}};
    for (const auto &[key, value] : json::Reader(document, name).raw()) {
        if (std::string_view(key) == metadata_key)
            read_metadata(in, value, file.metadata);
        else
            file.tensors.push_back(read_tensor(in, key, value));
    }
    in.begin_item("the header");
    if (file.tensors.size() > max_tensors)
        in.reject(QUANT_ERR_LIMIT, "{} tensors, more than the {} allowed", file.tensors.size(), max_tensors);

    std::sort(file.tensors.begin(), file.tensors.end(), [](const TensorInfo &a, const TensorInfo &b) {
        return std::pair(a.offset, a.bytes) < std::pair(b.offset, b.bytes);
    });
    check_tiling(in, file.tensors, in.remaining());
    for (TensorInfo &tensor : file.tensors) tensor.offset += in.position();
    return file;
}

ContainerParts open_safetensors(std::shared_ptr<const MappedFile> file) {
    ParsedFile parsed = parse_safetensors(file->bytes(), shown(file->path()));
    return {ContainerKind::safetensors, {std::move(file)}, std::move(parsed.metadata), std::move(parsed.tensors)};
}

} // namespace quant
