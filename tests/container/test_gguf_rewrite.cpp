// Other metadata for the same tensors, in place.
#include "container/gguf_rewrite.h"

#include "base/sha256.h"
#include "container/gguf_format.h"
#include "container_bytes.h"

#include <sys/stat.h>
#include <unistd.h>

using namespace quant;
using namespace quant::test;

namespace {

// Two tensors, one of a type that cannot be decoded (I64), and odd bytes after the last.
std::string model_bytes(uint32_t alignment = 64) {
    std::string head = header(2, 2, 3) + kv("general.alignment", t_u32, u32(alignment)) +
                       kv("general.name", t_text, text("small")) + kv("quant.eval.ppl", t_f64, raw(1.0)) +
                       tensor("b", {2}, 27, 64) + tensor("a", {4}, 0, 0);
    std::string data;
    for (int i = 0; i < 64 + 16 + 5; i++) data += static_cast<char>(i * 37);
    return padded(head, alignment) + data;
}

std::string bytes_of(const Container &container, const char *name) {
    const auto data = container.data(container.require(name));
    return {reinterpret_cast<const char *>(data.data()), data.size()};
}

// The metadata gets `key`, and loses the alignment, which must stay nevertheless.
RewrittenFile rewrite(const std::filesystem::path &path, const std::string &key) {
    Progress progress;
    return rewrite_gguf_metadata(
        path,
        [&](Metadata &metadata) {
            metadata.set(key, MetadataValue(std::string(100, 'x')));
            metadata.erase(gguf::alignment_key);
        },
        progress);
}

} // namespace

TEST_CASE("rewriting changes the metadata and no byte of the tensors") {
    const ScratchFolder folder;
    const auto path = folder / "m.gguf";
    write_file(path, model_bytes());
    REQUIRE(::chmod(path.c_str(), 0600) == 0);
    std::filesystem::create_symlink(path, folder / "link.gguf");
    const auto before = Container::open(path);
    const RewrittenFile file = rewrite(folder / "link.gguf", "quant.eval.text");
    REQUIRE(file.path == std::filesystem::canonical(path));
    REQUIRE(std::filesystem::is_symlink(folder / "link.gguf"));
    const std::string after_bytes = read_file(path);
    REQUIRE(file.bytes == after_bytes.size());
    REQUIRE(file.sha256 == sha256_hex(after_bytes));
    const auto after = Container::open(path);
    for (const char *name : {"a", "b"}) {
        REQUIRE(bytes_of(*after, name) == bytes_of(*before, name));
        REQUIRE(after->require(name).shape == before->require(name).shape);
        REQUIRE(after->require(name).type_name == before->require(name).type_name);
    }
    REQUIRE(after->tensors()[0].name == "b"); // In the old order.
    REQUIRE(after_bytes.substr(after_bytes.size() - 85) == model_bytes().substr(model_bytes().size() - 85));
    REQUIRE(after->metadata().require_string("quant.eval.text") == std::string(100, 'x'));
    REQUIRE(after->metadata().require_string("general.name") == "small");
    REQUIRE(after->metadata().require_uint("general.alignment") == 64);
    struct stat info;
    REQUIRE(::stat(path.c_str(), &info) == 0);
    REQUIRE((info.st_mode & 07777) == 0600);
    REQUIRE(std::distance(std::filesystem::directory_iterator(folder / ""), {}) == 2); // Nothing is left over.
}

TEST_CASE("what cannot be rewritten is left as it is") {
    const ScratchFolder folder;
    const auto refuse = [&](const std::string &bytes, quant_status status, const char *word) {
        write_file(folder / "m.gguf", bytes);
        require_error(status, {"m.gguf", word}, [&] { rewrite(folder / "m.gguf", "k"); });
        REQUIRE(read_file(folder / "m.gguf") == bytes);
    };
    refuse(safetensors("{}"), QUANT_ERR_ARGUMENT, "GGUF");
    refuse("", QUANT_ERR_ARGUMENT, "GGUF");
    refuse(gguf_keys({kv("split.count", t_u16, u16(3))}), QUANT_ERR_ARGUMENT, "split");
    refuse(model_bytes().substr(0, 200), QUANT_ERR_TRUNCATED, "m.gguf");
    require_error(QUANT_ERR_ARGUMENT, {"a folder"}, [&] { rewrite(folder / "", "k"); });
    require_error(QUANT_ERR_NOT_FOUND, {"none"}, [&] { rewrite(folder / "none", "k"); });
    write_file(folder / "m.gguf", model_bytes());
    require_error(QUANT_ERR_ARGUMENT, {"key"}, [&] { rewrite(folder / "m.gguf", ""); });
    REQUIRE(::chmod((folder / "m.gguf").c_str(), 0444) == 0);
    require_error(QUANT_ERR_PERMISSION, {"own"}, [&] { rewrite(folder / "m.gguf", "k"); });
    REQUIRE(read_file(folder / "m.gguf") == model_bytes());
    REQUIRE(::chmod((folder / "m.gguf").c_str(), 0644) == 0);
    Progress stopped([](void *, const quant_progress *p) { return p->done > 0 ? 1 : 0; }, nullptr);
    require_error(QUANT_ERR_CANCELLED, {"stamping"},
                  [&] { rewrite_gguf_metadata(folder / "m.gguf", [](Metadata &) {}, stopped); });
    REQUIRE(read_file(folder / "m.gguf") == model_bytes());
    REQUIRE(std::distance(std::filesystem::directory_iterator(folder / ""), {}) == 1);
}
