// The format: eight bytes of length, a JSON header that names tensors and where their bytes lie, then these. The header
// is padded with spaces to a multiple of eight. Source: the safetensors project's README.
#include "container/safetensors_writer.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "container/container_parts.h"

#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

namespace quant {

namespace fs = std::filesystem;

namespace {

struct Shard {
    std::string name;
    std::string head; ///< All before the first tensor.
    std::vector<size_t> tensors;
    uint64_t bytes = 0; ///< Of the file.
};

/// Where each tensor goes.
struct Layout {
    std::vector<Shard> shards;
    std::vector<std::pair<size_t, uint64_t>> places; ///< Shard, and offset in its file.
    uint64_t tensor_bytes = 0;
};

std::string head_of(const std::vector<SafetensorsPlan> &plan, const std::vector<size_t> &tensors, std::string_view format) {
    json::object header;
    header["__metadata__"] = json::object{{"format", format}};
    uint64_t at = 0;
    for (const size_t i : tensors) {
        const SafetensorsPlan &t = plan[i];
        header[t.name] = {{"dtype", t.dtype}, {"shape", json::array(t.shape.begin(), t.shape.end())},
                          {"data_offsets", {at, at + t.bytes}}};
        at += t.bytes;
    }
    std::string text = json::serialize(header);
    text.append((8 - text.size() % 8) % 8, ' ');
    const uint64_t length = text.size();
    std::string out(sizeof length, '\0');
    std::memcpy(out.data(), &length, sizeof length);
    return out + text;
}

Layout lay_out(const std::vector<SafetensorsPlan> &plan, std::string_view format, uint64_t shard_bytes) {
    Layout out;
    out.places.resize(plan.size());
    for (size_t i = 0; i < plan.size(); i++) {
        if (out.shards.empty() || (out.shards.back().bytes != 0 && out.shards.back().bytes + plan[i].bytes > shard_bytes))
            out.shards.emplace_back();
        Shard &shard = out.shards.back();
        out.places[i] = {out.shards.size() - 1, shard.bytes};
        shard.tensors.push_back(i), shard.bytes += plan[i].bytes;
        out.tensor_bytes += plan[i].bytes;
    }
    for (size_t s = 0; s < out.shards.size(); s++) {
        Shard &shard = out.shards[s];
        shard.name = out.shards.size() == 1 ? "model.safetensors"
                                            : fmt::format("model-{:05}-of-{:05}.safetensors", s + 1, out.shards.size());
        shard.head = head_of(plan, shard.tensors, format);
        for (const size_t i : shard.tensors) out.places[i].second += shard.head.size();
        shard.bytes += shard.head.size();
    }
    return out;
}

std::string index_of(const std::vector<SafetensorsPlan> &plan, const Layout &layout) {
    json::object map;
    for (size_t i = 0; i < plan.size(); i++) map[plan[i].name] = layout.shards[layout.places[i].first].name;
    return json::serialize(json::object{{"metadata", {{"total_size", layout.tensor_bytes}}}, {"weight_map", map}}) + "\n";
}

void sync_folder(const fs::path &folder) {
    const Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd || ::fsync(fd.get()) != 0)
        fail(QUANT_ERR_IO, "{}: cannot sync the folder: {}", shown(folder), std::strerror(errno));
}

} // namespace

struct SafetensorsWriter::State {
    fs::path folder, beside;
    std::vector<SafetensorsPlan> plan;
    Layout layout;
    std::vector<std::unique_ptr<OutputFile>> files;
    std::vector<std::atomic<uint64_t>> written;

    State(fs::path where, std::vector<SafetensorsPlan> &&planned, Layout &&made)
        : folder(std::move(where)), plan(std::move(planned)), layout(std::move(made)), written(plan.size()) {}
    ~State() {
        files.clear();
        std::error_code ignored;
        if (!beside.empty()) fs::remove_all(beside, ignored);
    }
};

uint64_t SafetensorsWriter::file_bytes(const std::vector<SafetensorsPlan> &plan, std::string_view format,
                                       uint64_t shard_bytes) {
    const Layout layout = lay_out(plan, format, shard_bytes);
    uint64_t sum = layout.shards.size() > 1 ? index_of(plan, layout).size() : 0;
    for (const Shard &s : layout.shards) sum += s.bytes;
    return sum;
}

SafetensorsWriter::SafetensorsWriter(fs::path folder, std::vector<SafetensorsPlan> plan, std::string_view format,
                                     uint64_t shard_bytes) {
    Layout layout = lay_out(plan, format, shard_bytes);
    folder = folder.lexically_normal();
    if (!folder.has_filename()) folder = folder.parent_path();
    state_ = std::make_unique<State>(std::move(folder), std::move(plan), std::move(layout));
    State &s = *state_;
    std::error_code error;
    if (fs::exists(fs::symlink_status(s.folder, error)))
        fail(QUANT_ERR_EXISTS, "{}: it is there already; a folder is never replaced", shown(s.folder));
    std::string pattern = s.folder.string() + ".partial-XXXXXX";
    if (!::mkdtemp(pattern.data()))
        fail(errno == EACCES || errno == EROFS ? QUANT_ERR_PERMISSION : errno == ENOENT ? QUANT_ERR_NOT_FOUND : QUANT_ERR_IO,
             "{}: cannot make a folder: {}", shown(s.folder), std::strerror(errno));
    s.beside = pattern;
    const mode_t mask = ::umask(0);
    ::umask(mask);
    fs::permissions(s.beside, static_cast<fs::perms>(0777 & ~mask), error);
    uint64_t all = 0;
    for (const Shard &shard : s.layout.shards) all += shard.bytes;
    for (const Shard &shard : s.layout.shards) {
        s.files.push_back(std::make_unique<OutputFile>(s.beside / shard.name, all));
        s.files.back()->allocate(shard.bytes);
        s.files.back()->write_at(0, std::as_bytes(std::span(shard.head)));
        all -= shard.bytes;
    }
}

SafetensorsWriter::~SafetensorsWriter() = default;

void SafetensorsWriter::write(size_t tensor, uint64_t offset, std::span<const std::byte> bytes) {
    State &s = *state_;
    const SafetensorsPlan &t = s.plan.at(tensor);
    if (offset > t.bytes || bytes.size() > t.bytes - offset)
        fail(QUANT_ERR_INTERNAL, "tensor \"{}\": {} bytes from byte {} on, but it has {}", t.name, bytes.size(), offset, t.bytes);
    const auto &[shard, at] = s.layout.places[tensor];
    s.files[shard]->write_at(at + offset, bytes);
    s.written[tensor] += bytes.size();
}

void SafetensorsWriter::add_file(const std::string &name, std::string_view text) {
    OutputFile out(state_->beside / name, text.size());
    out.write(text);
    out.commit();
}

void SafetensorsWriter::commit() {
    State &s = *state_;
    for (size_t i = 0; i < s.plan.size(); i++)
        if (s.written[i] != s.plan[i].bytes)
            fail(QUANT_ERR_INTERNAL, "tensor \"{}\": {} of {} bytes were written", s.plan[i].name, s.written[i].load(),
                 s.plan[i].bytes);
    if (s.layout.shards.size() > 1) add_file("model.safetensors.index.json", index_of(s.plan, s.layout));
    for (const auto &file : s.files) file->commit();
    s.files.clear();
    sync_folder(s.beside);
    if (::renameat2(AT_FDCWD, s.beside.c_str(), AT_FDCWD, s.folder.c_str(), RENAME_NOREPLACE) != 0) {
        if (errno == EEXIST) fail(QUANT_ERR_EXISTS, "{}: it is there already; a folder is never replaced", shown(s.folder));
        fail(QUANT_ERR_IO, "{}: cannot be put in place: {}", shown(s.folder), std::strerror(errno));
    }
    s.beside.clear();
    sync_folder(s.folder.parent_path().empty() ? fs::path(".") : s.folder.parent_path());
}

} // namespace quant
