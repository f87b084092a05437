// What open() makes of a path: by content, not by name, and with a sentence that helps.
#include "container_bytes.h"

#include <sys/stat.h>

using namespace quant;
using namespace quant::test;

namespace {

const std::string tiny_gguf = gguf_tensors({tensor("a", {8}, 0, 0)}, 32);
const std::string tiny_safetensors = safetensors(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1);

} // namespace

TEST_CASE("a file is opened by what it holds, whatever its name") {
    const ScratchFolder folder;
    write_file(folder / "weights.bin", tiny_gguf);
    REQUIRE(Container::open(folder / "weights.bin")->kind() == ContainerKind::gguf);
    write_file(folder / "wrong.gguf", tiny_safetensors);
    REQUIRE(Container::open(folder / "wrong.gguf")->kind() == ContainerKind::safetensors);
}

TEST_CASE("other kinds of files are called by what they are") {
    const ScratchFolder folder;
    const auto refuse = [&](quant_status status, const std::vector<std::string> &words, const std::string &bytes,
                            const std::string &name = "model.bin") {
        write_file(folder / name, bytes);
        std::vector<std::string> all = words;
        all.push_back(name);
        require_error(status, all, [&] { Container::open(folder / name); });
    };
    refuse(QUANT_ERR_UNSUPPORTED, {"PyTorch", "convert it to safetensors first"}, "PK\x03\x04xxxxxxxx");
    refuse(QUANT_ERR_UNSUPPORTED, {"pickle"}, "\x80\x02}q");
    refuse(QUANT_ERR_UNSUPPORTED, {"PyTorch"}, "PK\x03\x04xxxxxxxx", "model.gguf");
    refuse(QUANT_ERR_UNSUPPORTED, {"before GGUF"}, "tjgg\x03");
    refuse(QUANT_ERR_UNSUPPORTED, {"gzip"}, "\x1f\x8b\x08");
    refuse(QUANT_ERR_FORMAT, {"Git LFS"}, "version https://git-lfs.github.com/spec/v1\noid sha256:0\n");
    refuse(QUANT_ERR_FORMAT, {"Git LFS"}, "version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "m.safetensors");
    refuse(QUANT_ERR_FORMAT, {"web page"}, "<!DOCTYPE html><html>");
    refuse(QUANT_ERR_FORMAT, {"neither", "hello"}, "hello world, this is text");
    refuse(QUANT_ERR_TRUNCATED, {"empty"}, "");
    refuse(QUANT_ERR_TRUNCATED, {}, "GG", "model.gguf");
    refuse(QUANT_ERR_FORMAT, {"GGUF"}, "nonsense", "model.gguf");
    refuse(QUANT_ERR_TRUNCATED, {}, "abc", "model.safetensors");
    refuse(QUANT_ERR_FORMAT, {"weight_map"}, R"({"architectures":["x"]})", "config.json");
    refuse(QUANT_ERR_FORMAT, {"weight_map"}, R"({"abcd":{"x":1}})", "other.json");
}

TEST_CASE("a folder that may not be read is refused as such") {
    const ScratchFolder folder;
    if (::geteuid() == 0) {
        WARN("running as root, whom nothing is forbidden: skipped");
        return;
    }
    REQUIRE(::chmod(folder.path().c_str(), 0) == 0);
    require_error(QUANT_ERR_PERMISSION, {folder.path().string()}, [&] { Container::open(folder.path()); });
    REQUIRE(::chmod(folder.path().c_str(), 0700) == 0);
}

TEST_CASE("what cannot be opened is said") {
    const ScratchFolder folder;
    require_error(QUANT_ERR_NOT_FOUND, {"absent.gguf"}, [&] { Container::open(folder / "absent.gguf"); });
    REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
    require_error(QUANT_ERR_ARGUMENT, {"pipe", "regular file"}, [&] { Container::open(folder / "pipe"); });
}

TEST_CASE("a folder opens when it holds one model") {
    const ScratchFolder folder;
    require_error(QUANT_ERR_NOT_FOUND, {"model.safetensors", "index.json", ".gguf"}, [&] { Container::open(folder.path()); });
    write_file(folder / "a.gguf", tiny_gguf);
    REQUIRE(Container::open(folder.path())->kind() == ContainerKind::gguf);
    write_file(folder / "b.gguf", tiny_gguf);
    require_error(QUANT_ERR_NOT_FOUND, {"2 .gguf files"}, [&] { Container::open(folder.path()); });
    write_file(folder / "consolidated.safetensors", tiny_safetensors);
    REQUIRE(Container::open(folder.path())->files()[0].filename() == "consolidated.safetensors");
    write_file(folder / "model.safetensors", tiny_safetensors);
    REQUIRE(Container::open(folder.path())->files()[0].filename() == "model.safetensors");
}

TEST_CASE("data() refuses a tensor that is not the file's") {
    const ScratchFolder folder;
    write_file(folder / "a.gguf", tiny_gguf);
    const auto c = Container::open(folder / "a.gguf");
    TensorInfo forged = c->require("a");
    forged.offset = UINT64_MAX - 8;
    require_error(QUANT_ERR_ARGUMENT, {"a.gguf", "\"a\""}, [&] { c->data(forged); });
    forged.offset = 0;
    forged.file = 1;
    require_error(QUANT_ERR_ARGUMENT, {"a.gguf", "\"a\""}, [&] { c->data(forged); });
}

TEST_CASE("every tensor of many is found by name") {
    std::vector<std::string> infos;
    for (uint64_t i = 0; i < 3000; ++i) infos.push_back(tensor(fmt::format("t{}", i * 7919 % 3000), {1}, 0, i * 32));
    const ScratchFolder folder;
    write_file(folder / "many.gguf", gguf_tensors(infos, 3000 * 32));
    const auto c = Container::open(folder / "many.gguf");
    for (const TensorInfo &t : c->tensors()) REQUIRE(c->find(t.name) == &t);
    REQUIRE(c->find("t3000") == nullptr);
}
