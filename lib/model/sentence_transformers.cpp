#include "model/sentence_transformers.h"

#include "base/error.h"
#include "base/json.h"
#include "model/hyperparameters.h"

namespace quant {

namespace {

namespace fs = std::filesystem;

constexpr uint64_t max_config_bytes = 1 << 20;

// Ways to pool, as 1_Pooling/config.json switches them on. Others it has are none of GGUF's.
struct PoolingKey {
    const char *key;
    quant_pooling pooling;
};
constexpr PoolingKey pooling_keys[] = {{"pooling_mode_mean_tokens", QUANT_POOLING_MEAN},
                                       {"pooling_mode_cls_token", QUANT_POOLING_CLS},
                                       {"pooling_mode_lasttoken", QUANT_POOLING_LAST}};
constexpr const char *other_pooling_keys[] = {"pooling_mode_max_tokens", "pooling_mode_mean_sqrt_len_tokens",
                                              "pooling_mode_weightedmean_tokens"};

std::string_view last_part(std::string_view type) { return type.substr(type.rfind('.') + 1); }

quant_pooling read_pooling(const fs::path &file, const FileSource &files) {
    const json::value document = json::parse(files.text(file, max_config_bytes), file.string());
    const json::Reader config(document, file.string());
    for (const char *key : other_pooling_keys)
        if (config.get_bool(key, false))
            fail(QUANT_ERR_UNSUPPORTED, "{}: key \"{}\": not supported; mean, CLS and last token are", file.string(), key);
    std::optional<quant_pooling> found;
    for (const PoolingKey &k : pooling_keys) {
        if (!config.get_bool(k.key, false)) continue;
        if (found) fail(QUANT_ERR_UNSUPPORTED, "{}: more than one way to pool at a time is not supported", file.string());
        found = k.pooling;
    }
    if (!found) fail(QUANT_ERR_MODEL, "{}: no way to pool is switched on", file.string());
    return *found;
}

/// A path below the folder, as a module names it.
fs::path module_folder(const fs::path &folder, const std::string &path, const std::string &file) {
    const fs::path below(path);
    for (const fs::path &part : below)
        if (part == ".." || below.is_absolute())
            fail(QUANT_ERR_FORMAT, "{}: path \"{}\" leads out of the folder", file, printable(path));
    return folder / below;
}

} // namespace

void read_sentence_transformers(const fs::path &folder, const std::string &prefix, Metadata &metadata,
                                const FileSource &files) {
    const fs::path list = folder / "modules.json", lengths = folder / "sentence_bert_config.json";
    if (!files.has_file(list)) return;
    const json::value document = json::parse(files.text(list, max_config_bytes), list.string());
    if (!document.is_array()) fail(QUANT_ERR_FORMAT, "{}: expected an array of modules", list.string());
    for (const json::value &item : document.get_array()) {
        const json::Reader module(item, list.string());
        const std::string type = module.require_string("type");
        const fs::path path = module_folder(folder, module.get_string("path", ""), list.string());
        if (last_part(type) == "Pooling")
            metadata.set(prefix + "pooling_type", pooling_number(read_pooling(path / "config.json", files)));
        else if (last_part(type) != "Transformer" && last_part(type) != "Normalize")
            fail(QUANT_ERR_UNSUPPORTED, "{}: module \"{}\" is not supported; Transformer, Pooling and Normalize are",
                 list.string(), printable(type));
    }
    if (!files.has_file(lengths)) return;
    const json::value sizes = json::parse(files.text(lengths, max_config_bytes), lengths.string());
    const json::Reader config(sizes, lengths.string());
    if (config.has("max_seq_length"))
        metadata.set(std::string(embedding_context_key), config.require_uint("max_seq_length"));
}

} // namespace quant
