#include "api/tokenizer_source.h"

#include "base/error.h"
#include "container/container.h"
#include "model/gguf_tokenizer.h"

namespace quant::api {

namespace fs = std::filesystem;

TokenizerSpec read_tokenizer(const fs::path &path) {
    if (!fs::exists(path)) fail(QUANT_ERR_NOT_FOUND, "{}: no such file", path.string());
    if (fs::is_directory(path) ? fs::exists(path / "tokenizer.json") : path.extension() == ".json")
        return read_tokenizer_json(path);
    const auto container = Container::open(path);
    if (container->kind() == ContainerKind::gguf) return read_gguf_tokenizer(container->metadata());
    const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
    return read_tokenizer_json(fs::is_directory(path) ? path : folder);
}

} // namespace quant::api
