// A GGUF model in several files: `PREFIX-00001-of-00003.gguf` and so on, each a GGUF file
// with `split.no` (from 0), `split.count` and `split.tensors.count`. Whichever part is
// opened, the whole set is: the metadata is the first part's, the tensors are all parts'.
// Only the names decide what is opened, and they differ from the given one in five digits.
#include "container/byte_reader.h"
#include "container/container_parts.h"
#include "container/gguf_format.h"

#include <algorithm>
#include <iterator>

namespace quant {

namespace fs = std::filesystem;

namespace {

constexpr size_t missing_names_shown = 5;

std::optional<uint32_t> five_digits(std::string_view text) {
    uint32_t value = 0;
    for (const char c : text.substr(0, 5)) {
        if (c < '0' || c > '9') return std::nullopt;
        value = value * 10 + static_cast<uint32_t>(c - '0');
    }
    return value;
}

uint64_t split_number(const Metadata &metadata, std::string_view key, uint64_t fallback) {
    const MetadataValue *value = metadata.find(key);
    if (!value) return fallback;
    const auto number = as_uint(*value);
    if (!number)
        fail(QUANT_ERR_FORMAT, "{}: key \"{}\": expected a whole number that is not negative", metadata.name(), key);
    return *number;
}

GgufSplitName require_split_name(const fs::path &path, uint64_t count) {
    const auto name = parse_split_name(path.filename().string());
    if (!name)
        fail(QUANT_ERR_FORMAT,
             "{}: one of {} parts of a split model, but its name does not end in -NNNNN-of-{:05}.gguf, so the others "
             "cannot be found",
             shown(path), count, count);
    if (name->count != count)
        fail(QUANT_ERR_FORMAT, "{}: key \"{}\": {} parts, but the file's name says {}", shown(path),
             gguf::split_count_key, count, name->count);
    return *name;
}

// Say which parts are not there, all at once, before any is read.
void require_parts(const fs::path &path, const GgufSplitName &name, const FileSource &files) {
    std::string missing;
    size_t how_many = 0;
    for (uint32_t part = 0; part < name.count; ++part) {
        if (files.has_file(path.parent_path() / name.file_name(part))) continue;
        if (how_many++ < missing_names_shown) missing += (missing.empty() ? "" : ", ") + name.file_name(part);
    }
    if (how_many == 0) return;
    if (how_many > missing_names_shown) missing += ", ...";
    fail(QUANT_ERR_NOT_FOUND, "{}: {} of the model's {} parts are missing: {}", shown(path), how_many, name.count,
         printable(missing, 4096));
}

void check_part(const Metadata &metadata, uint32_t part, uint32_t count) {
    const uint64_t number = split_number(metadata, gguf::split_part_key, count);
    if (number != part)
        fail(QUANT_ERR_FORMAT, "{}: key \"{}\": expected {}, as the file's name says", metadata.name(),
             gguf::split_part_key, part);
    if (split_number(metadata, gguf::split_count_key, 0) != count)
        fail(QUANT_ERR_FORMAT, "{}: key \"{}\": expected {}, as in the other parts", metadata.name(),
             gguf::split_count_key, count);
}

void check_tensor_count(const Metadata &first, uint64_t found) {
    const uint64_t announced = split_number(first, gguf::split_tensors_key, found);
    if (announced != found)
        fail(QUANT_ERR_FORMAT, "{}: key \"{}\": {} tensors announced, but the parts have {} together", first.name(),
             gguf::split_tensors_key, announced, found);
}

} // namespace

std::string GgufSplitName::file_name(uint32_t other_part) const {
    return fmt::format("{}-{:05}-of-{:05}.gguf", prefix, other_part + 1, count);
}

std::optional<GgufSplitName> parse_split_name(std::string_view file_name) {
    constexpr std::string_view shape = "-00001-of-00003.gguf";
    if (file_name.size() <= shape.size()) return std::nullopt;
    const std::string_view tail = file_name.substr(file_name.size() - shape.size());
    if (tail[0] != '-' || tail.substr(6, 4) != "-of-" || tail.substr(15) != ".gguf") return std::nullopt;
    const auto part = five_digits(tail.substr(1));
    const auto count = five_digits(tail.substr(10));
    if (!part || !count || *part < 1 || *part > *count) return std::nullopt;
    return GgufSplitName{std::string(file_name.substr(0, file_name.size() - shape.size())), *part - 1, *count};
}

ContainerParts open_gguf(std::shared_ptr<const MappedFile> file, const FileSource &files) {
    ParsedFile parsed = parse_gguf(file->bytes(), shown(file->path()));
    ContainerParts set;
    set.kind = ContainerKind::gguf;
    const uint64_t count = split_number(parsed.metadata, gguf::split_count_key, 1);
    if (count <= 1) {
        set.files.push_back(std::move(file));
        set.metadata = std::move(parsed.metadata);
        set.tensors = std::move(parsed.tensors);
        return set;
    }

    const fs::path path = file->path();
    const GgufSplitName name = require_split_name(path, count);
    require_parts(path, name, files);
    for (uint32_t part = 0; part < name.count; ++part) {
        auto mapped = part == name.part ? file : files.map(path.parent_path() / name.file_name(part));
        ParsedFile content = part == name.part ? std::move(parsed)
                                               : parse_gguf(mapped->bytes(), shown(mapped->path()));
        check_part(content.metadata, part, name.count);
        for (TensorInfo &tensor : content.tensors) tensor.file = part;
        std::move(content.tensors.begin(), content.tensors.end(), std::back_inserter(set.tensors));
        if (set.tensors.size() > max_tensors)
            fail(QUANT_ERR_LIMIT, "{}: more than the {} tensors allowed", shown(path), max_tensors);
        if (part == 0) set.metadata = std::move(content.metadata);
        set.files.push_back(std::move(mapped));
    }
    check_tensor_count(set.metadata, set.tensors.size());
    return set;
}

} // namespace quant
