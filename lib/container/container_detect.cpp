// What is at a path: decided by its first bytes, not by its name, so that a renamed file
// opens and a wrong one is called by what it is. A name ending only helps to choose the
// message for bytes that tell nothing.
#include "base/error.h"
#include "container/container_parts.h"
#include "container/gguf_format.h"

#include <algorithm>
#include <map>

namespace quant {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view weights_name = "model.safetensors";
constexpr std::string_view index_name = "model.safetensors.index.json";
constexpr size_t max_folder_entries = 100'000;

/// A kind of file that people try to open, known by how it begins.
struct OtherKind {
    std::string_view magic;
    quant_status status;
    std::string_view what;
};

constexpr OtherKind other_kinds[] = {
    {"PK\x03\x04", QUANT_ERR_UNSUPPORTED, "a zip archive, as PyTorch writes: convert it to safetensors first"},
    {"\x80\x02", QUANT_ERR_UNSUPPORTED, "a Python pickle, as old PyTorch files are: convert it to safetensors first"},
    {"\x80\x04", QUANT_ERR_UNSUPPORTED, "a Python pickle: convert it to safetensors first"},
    {"lmgg", QUANT_ERR_UNSUPPORTED, "a GGML file from before GGUF: convert the model again"},
    {"fmgg", QUANT_ERR_UNSUPPORTED, "a GGMF file from before GGUF: convert the model again"},
    {"tjgg", QUANT_ERR_UNSUPPORTED, "a GGJT file from before GGUF: convert the model again"},
    {"algg", QUANT_ERR_UNSUPPORTED, "a GGLA adapter from before GGUF: convert it again"},
    {"FUGG", QUANT_ERR_UNSUPPORTED, "a GGUF file with its bytes in the other order"},
    {"\x89HDF", QUANT_ERR_UNSUPPORTED, "an HDF5 file: convert it to safetensors first"},
    {"\x93NUMPY", QUANT_ERR_UNSUPPORTED, "a NumPy array: convert it to safetensors first"},
    {"\x1f\x8b", QUANT_ERR_UNSUPPORTED, "compressed by gzip: uncompress it first"},
    {"\x28\xb5\x2f\xfd", QUANT_ERR_UNSUPPORTED, "compressed by zstd: uncompress it first"},
    {"\xfd" "7zXZ", QUANT_ERR_UNSUPPORTED, "compressed by xz: uncompress it first"},
    {"version https://git-lfs", QUANT_ERR_FORMAT, "a Git LFS pointer without its file: run git lfs pull"},
    {"<", QUANT_ERR_FORMAT, "a web page or XML, perhaps a failed download"},
};

[[noreturn]] void fail_unknown(const MappedFile &file) {
    const std::string_view text = file.text();
    if (text.empty()) fail(QUANT_ERR_TRUNCATED, "{}: the file is empty", shown(file.path()));
    for (const OtherKind &kind : other_kinds)
        if (text.substr(0, kind.magic.size()) == kind.magic)
            fail(kind.status, "{}: expected a GGUF or safetensors file, found {}", shown(file.path()), kind.what);
    fail(QUANT_ERR_FORMAT, "{}: neither a GGUF nor a safetensors file: it begins with \"{}\"", shown(file.path()),
         printable(text.substr(0, 8)));
}

// Eight bytes of length, then JSON: the only mark that safetensors files have.
bool begins_like_safetensors(std::string_view text) { return text.size() > 8 && text[8] == '{'; }

bool is_other_kind(std::string_view text) {
    return std::any_of(std::begin(other_kinds), std::end(other_kinds),
                       [&](const OtherKind &kind) { return text.substr(0, kind.magic.size()) == kind.magic; });
}

ContainerParts read_file(const fs::path &path, const FileSource &files) {
    auto file = files.map(path);
    const std::string_view text = file->text();
    const fs::path extension = path.extension();
    if (text.substr(0, gguf::magic.size()) == gguf::magic) return open_gguf(std::move(file), files);
    if (!text.empty() && text[0] == '{' && extension == ".json") return open_safetensors_index(std::move(file), files);
    if (begins_like_safetensors(text)) return open_safetensors(std::move(file));
    if (text.empty() || is_other_kind(text)) fail_unknown(*file);
    if (extension == ".gguf") return open_gguf(std::move(file), files);
    if (extension == ".safetensors") return open_safetensors(std::move(file));
    if (extension == ".json") return open_safetensors_index(std::move(file), files);
    fail_unknown(*file);
}

// Files of the folder by extension; a split set of GGUF files counts once, by its first name.
std::vector<fs::path> list_candidates(const fs::path &folder, std::string_view extension, const FileSource &files) {
    std::map<std::string, fs::path> found;
    for (const fs::path &path : files.list(folder, max_folder_entries)) {
        if (path.extension() != extension) continue;
        const std::string name = path.filename().string();
        const auto split = parse_split_name(name);
        found.emplace(split ? split->file_name(0) : name, path);
    }
    std::vector<fs::path> out;
    for (auto &[name, path] : found) out.push_back(std::move(path));
    return out;
}

// A folder that cannot be searched is reported by listing it.
ContainerParts read_folder(const fs::path &folder, const FileSource &files) {
    for (const std::string_view name : {weights_name, index_name})
        if (files.has_file(folder / name)) return read_file(folder / name, files);
    for (const std::string_view extension : {".safetensors", ".gguf"}) {
        const auto candidates = list_candidates(folder, extension, files);
        if (candidates.size() == 1) return read_file(candidates[0], files);
        if (candidates.size() > 1)
            fail(QUANT_ERR_NOT_FOUND, "{}: no {} or {}, and {} {} files to choose from: name one of them",
                 shown(folder), weights_name, index_name, candidates.size(), extension);
    }
    fail(QUANT_ERR_NOT_FOUND, "{}: no model in this folder: looked for {}, {}, one .safetensors and one .gguf file",
         shown(folder), weights_name, index_name);
}

} // namespace

ContainerParts read_container(const fs::path &path, const FileSource &files) {
    return files.has_folder(path) ? read_folder(path, files) : read_file(path, files);
}

} // namespace quant
