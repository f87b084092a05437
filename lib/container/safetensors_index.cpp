// A model in several safetensors files: the index's `weight_map` says in which each tensor
// is. The index decides: a name it lists must be in that file, and a tensor that it does
// not list there is left out, with a warning. File names come from outside, so only plain
// names in the index's own folder are taken.
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "container/container_parts.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <unordered_set>

namespace quant {

namespace fs = std::filesystem;

namespace {

constexpr uint64_t max_index_bytes = 100'000'000;
constexpr int64_t max_index_commas = 4'000'000;
constexpr size_t max_shards = 10'000;

using Shards = std::map<std::string, std::unordered_set<std::string>>; ///< File name to the tensors listed for it.

bool is_plain_name(std::string_view name) {
    return !name.empty() && name.size() <= 255 && name != "." && name != ".." &&
           name.find_first_of(std::string_view("/\\\0", 3)) == name.npos;
}

json::value read_index(const MappedFile &index) {
    const std::string_view text = index.text();
    if (text.size() > max_index_bytes)
        fail(QUANT_ERR_LIMIT, "{}: {} bytes, more than the {} allowed", shown(index.path()), text.size(),
             max_index_bytes);
    if (std::count(text.begin(), text.end(), ',') > max_index_commas)
        fail(QUANT_ERR_LIMIT, "{}: more than {} values", shown(index.path()), max_index_commas);
    return json::parse(text, shown(index.path()));
}

Shards read_weight_map(const MappedFile &index) {
    const json::value document = read_index(index);
    const std::string name = shown(index.path());
    Shards shards;
    for (const auto &[tensor, file] : json::Reader(document, name).require_object("weight_map").raw()) {
        if (!file.is_string() || !is_plain_name(std::string_view(file.get_string())))
            fail(QUANT_ERR_FORMAT, "{}: weight_map: \"{}\": expected the name of a file in the same folder, found {}",
                 name, printable(tensor), printable(json::serialize(file)));
        shards[std::string(file.get_string())].emplace(tensor);
        if (shards.size() > max_shards)
            fail(QUANT_ERR_LIMIT, "{}: weight_map names more than {} files", name, max_shards);
    }
    if (shards.empty()) fail(QUANT_ERR_FORMAT, "{}: weight_map is empty", name);
    return shards;
}

void require_shards(const MappedFile &index, const Shards &shards, const FileSource &files) {
    const fs::path folder = index.path().parent_path();
    for (const auto &[file, tensors] : shards) {
        if (!files.has_file(folder / file) && !files.has_folder(folder / file))
            fail(QUANT_ERR_NOT_FOUND, "{}: the file \"{}\" that it names is not in its folder", shown(index.path()),
                 printable(file));
    }
}

// Leave in `tensors` what the index has in this file, and see that this is all of it.
void keep_listed(const MappedFile &shard, const std::unordered_set<std::string> &listed,
                 std::vector<TensorInfo> &tensors) {
    const size_t before = tensors.size();
    std::erase_if(tensors, [&](const TensorInfo &t) { return listed.count(t.name) == 0; });
    if (tensors.size() != before)
        log(QUANT_LOG_WARNING, "{}: {} tensors that the index does not list here are left out", shown(shard.path()),
            before - tensors.size());
    if (tensors.size() == listed.size()) return;
    std::unordered_set<std::string_view> present;
    for (const TensorInfo &tensor : tensors) present.insert(tensor.name);
    for (const std::string &name : listed)
        if (present.count(name) == 0)
            fail(QUANT_ERR_FORMAT, "{}: tensor \"{}\" is not in this file, where the index lists it",
                 shown(shard.path()), printable(name));
}

} // namespace

ContainerParts open_safetensors_index(std::shared_ptr<const MappedFile> index, const FileSource &files) {
    const Shards shards = read_weight_map(*index);
    require_shards(*index, shards, files);
    ContainerParts model;
    model.kind = ContainerKind::safetensors;
    for (const auto &[file, listed] : shards) {
        auto mapped = files.map(index->path().parent_path() / file);
        ParsedFile shard = parse_safetensors(mapped->bytes(), shown(mapped->path()));
        keep_listed(*mapped, listed, shard.tensors);
        for (TensorInfo &tensor : shard.tensors) tensor.file = static_cast<uint32_t>(model.files.size());
        if (model.files.empty()) model.metadata = std::move(shard.metadata);
        std::move(shard.tensors.begin(), shard.tensors.end(), std::back_inserter(model.tensors));
        model.files.push_back(std::move(mapped));
    }
    return model;
}

} // namespace quant
