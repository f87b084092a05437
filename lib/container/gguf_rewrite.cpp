// The new file is a new head (counts, metadata, the descriptions of the tensors as they
// were) and the old file's bytes from the first tensor on. Offsets count from there, and
// the alignment stays, so nothing of a tensor changes: its type need not even be known
// how to decode.
#include "container/gguf_rewrite.h"

#include "base/error.h"
#include "base/file.h"
#include "base/sha256.h"
#include "container/container_parts.h"
#include "container/gguf_format.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace quant {

namespace fs = std::filesystem;

namespace {

constexpr size_t slab = size_t{8} << 20;

// Mode bits of a file that may be replaced.
unsigned mode_of_own_file(const fs::path &path) {
    struct stat info;
    if (::stat(path.c_str(), &info) != 0) fail_errno(errno, "stat", path.string());
    if (!S_ISREG(info.st_mode))
        fail(QUANT_ERR_ARGUMENT, "{}: expected a single GGUF file, whose metadata can be rewritten, found {}",
             shown(path), S_ISDIR(info.st_mode) ? "a folder" : "something else");
    if (info.st_uid != ::geteuid() || (info.st_mode & S_IWUSR) == 0)
        fail(QUANT_ERR_PERMISSION, "{}: expected a file of this user's own that may be written: it was left as it is",
             shown(path));
    return info.st_mode & 07777;
}

ParsedFile parse_single(const MappedFile &file) {
    if (file.text().substr(0, gguf::magic.size()) != gguf::magic)
        fail(QUANT_ERR_ARGUMENT, "{}: expected a GGUF file: other formats have no place for metadata of ours",
             shown(file.path()));
    ParsedFile parsed = parse_gguf(file.bytes(), shown(file.path()));
    const MetadataValue *count = parsed.metadata.find(gguf::split_count_key);
    if (count && as_uint(*count).value_or(0) > 1)
        fail(QUANT_ERR_ARGUMENT, "{}: one part of a split set: expected a single GGUF file", shown(file.path()));
    return parsed;
}

std::string new_head(const MappedFile &file, const ParsedFile &parsed) {
    std::string head(gguf::magic);
    gguf::put<uint32_t>(head, gguf::written_version);
    gguf::put<uint64_t>(head, parsed.tensors.size());
    gguf::put<uint64_t>(head, count_gguf_keys(parsed.metadata));
    put_gguf_metadata(head, parsed.metadata);
    head += file.text().substr(parsed.tensors_begin, parsed.tensors_end - parsed.tensors_begin);
    const MetadataValue *value = parsed.metadata.find(gguf::alignment_key);
    const uint32_t alignment = value ? gguf::valid_alignment(*value).value() : gguf::default_alignment;
    head.resize(*checked_align(head.size(), alignment));
    return head;
}

} // namespace

RewrittenFile rewrite_gguf_metadata(const fs::path &given, const std::function<void(Metadata &)> &edit,
                                    Progress &progress) {
    std::error_code error;
    const fs::path path = fs::canonical(given, error);
    if (error) fail_errno(error.value(), "open", given.string());
    const unsigned mode = mode_of_own_file(path);
    const auto file = MappedFile::open(path);
    ParsedFile parsed = parse_single(*file);
    const MetadataValue *alignment = parsed.metadata.find(gguf::alignment_key);
    const auto kept = alignment ? std::optional(*alignment) : std::nullopt;
    edit(parsed.metadata);
    // The tensors' offsets are multiples of the old one.
    if (kept) parsed.metadata.set(gguf::alignment_key, *kept);
    else parsed.metadata.erase(gguf::alignment_key);

    const std::string head = new_head(*file, parsed);
    const std::string_view data = file->text().substr(std::min<uint64_t>(parsed.data_begin, file->bytes().size()));
    OutputFile out(path, head.size() + data.size());
    out.set_mode(mode);
    Sha256 hash;
    progress.begin("stamping", head.size() + data.size());
    const auto append = [&](std::string_view bytes) {
        out.write(bytes);
        hash.update(bytes);
        progress.advance(bytes.size());
    };
    append(head);
    for (size_t at = 0; at < data.size(); at += slab) append(data.substr(at, slab));
    progress.finish();
    out.commit();
    return {path, out.position(), hash.hex()};
}

} // namespace quant
