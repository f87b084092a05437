// What the readers give to Container: mapped files, metadata and the list of tensors,
// with every offset checked. Private to this room.
#pragma once

#include "base/file_source.h"
#include "container/container.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace quant {

/// A file of more tensors than this is refused (QUANT_ERR_LIMIT). The largest model
/// known has about 100,000.
inline constexpr uint64_t max_tensors = uint64_t{1} << 20;

struct ContainerParts {
    ContainerKind kind{};
    std::vector<std::shared_ptr<const MappedFile>> files;
    Metadata metadata;
    std::vector<TensorInfo> tensors;
};

/// One file's content. `TensorInfo::file` is 0 everywhere.
struct ParsedFile {
    Metadata metadata;
    std::vector<TensorInfo> tensors;
    /// GGUF only: where the descriptions of the tensors lie, and where the tensors' bytes begin.
    uint64_t tensors_begin = 0, tensors_end = 0, data_begin = 0;
};

/// Parse bytes in memory; `name` is what messages call the file. Throw Error.
ParsedFile parse_gguf(std::span<const std::byte> bytes, std::string_view name);
ParsedFile parse_safetensors(std::span<const std::byte> bytes, std::string_view name);

/// `file` and, when its metadata says that it is part of a set, the other parts beside it.
ContainerParts open_gguf(std::shared_ptr<const MappedFile> file, const FileSource &files);
ContainerParts open_safetensors(std::shared_ptr<const MappedFile> file);
/// The shards that a model.safetensors.index.json lists, which stand in its folder.
ContainerParts open_safetensors_index(std::shared_ptr<const MappedFile> index, const FileSource &files);

/// Append the keys of `metadata` as GGUF has them, without those of a split set; and how
/// many that are. Throws Error (QUANT_ERR_ARGUMENT) for what GGUF cannot hold.
void put_gguf_metadata(std::string &out, const Metadata &metadata);
uint64_t count_gguf_keys(const Metadata &metadata);

/// The place of a file in a split set: `PREFIX-00002-of-00005.gguf` is part 1 of 5.
struct GgufSplitName {
    std::string prefix;
    uint32_t part;
    uint32_t count;
    std::string file_name(uint32_t other_part) const;
};
std::optional<GgufSplitName> parse_split_name(std::string_view file_name);

/// Recognise what `path` is and read it. Throws Error (UNSUPPORTED or FORMAT) that says
/// what the file is instead, where its first bytes tell.
ContainerParts read_container(const std::filesystem::path &path, const FileSource &files);

/// A path as messages show it.
std::string shown(const std::filesystem::path &path);

} // namespace quant
