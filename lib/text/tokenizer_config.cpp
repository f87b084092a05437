// The files beside tokenizer.json that say which tokens begin and end texts, and the
// chat template. An id that a configuration gives outside the vocabulary is ignored
// with a warning: those files are often copied from another model.
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "text/token_roles.h"
#include "text/tokenizer_json_parts.h"

#include <array>
#include <optional>

namespace quant {

namespace {

constexpr uint64_t max_config_bytes = 64U << 20;

std::optional<json::value> read_json(const std::filesystem::path &path, const FileSource &files) {
    if (!files.has_file(path)) return std::nullopt;
    return json::parse(files.text(path, max_config_bytes), path.string());
}

// A token is given as its text, or as an object with the text as "content".
std::optional<int32_t> read_token(const json::Reader &config, std::string_view key, const TokenizerSpec &spec) {
    const json::value *value = config.find(key);
    if (!value) return std::nullopt;
    const std::string text =
        value->is_object() ? json::Reader(*value, config.name()).require_string("content") : config.require_string(key);
    return find_token(spec, text);
}

std::vector<int32_t> read_ids(const json::Reader &config, std::string_view key, const TokenizerSpec &spec) {
    std::vector<int32_t> out;
    const json::value *value = config.find(key);
    if (!value) return out;
    const auto add = [&](const json::value &id) {
        if (id.is_int64() && id.get_int64() >= 0 && static_cast<uint64_t>(id.get_int64()) < spec.tokens.size())
            out.push_back(static_cast<int32_t>(id.get_int64()));
        else
            log(QUANT_LOG_WARNING, "{}: {} is outside the vocabulary of {} and ignored", config.name(), key,
                spec.tokens.size());
    };
    if (!value->is_array()) add(*value);
    else
        for (const json::value &id : value->get_array()) add(id);
    return out;
}

void read_special_tokens(const json::Reader &config, TokenizerSpec &spec) {
    const auto fill = [&](std::optional<int32_t> &slot, std::string_view key) {
        if (!slot) slot = read_token(config, key, spec);
    };
    fill(spec.bos, "bos_token");
    fill(spec.eos, "eos_token");
    fill(spec.pad, "pad_token");
    if (spec.model == TokenizerModel::word_piece) fill(spec.bos, "cls_token"), fill(spec.eos, "sep_token");
    if (spec.model != TokenizerModel::byte_bpe) fill(spec.unknown, "unk_token");
}

void read_config_ids(const json::Reader &config, TokenizerSpec &spec) {
    const auto fill = [&](std::optional<int32_t> &slot, std::string_view key) {
        const std::vector<int32_t> ids = read_ids(config, key, spec);
        if (!slot && !ids.empty()) slot = ids.front();
        return ids;
    };
    fill(spec.bos, "bos_token_id");
    fill(spec.pad, "pad_token_id");
    for (const int32_t id : fill(spec.eos, "eos_token_id")) spec.end_of_turn.push_back(id);
}

// A template, or a list of named ones of which "default" is the one.
std::string read_chat_template(const json::Reader &config) {
    const json::value *value = config.find("chat_template");
    if (!value || !value->is_array()) return config.get_string("chat_template", "");
    for (const json::value &item : value->get_array()) {
        const json::Reader named(item, config.name());
        if (named.get_string("name", "") == "default") return named.require_string("template");
    }
    return "";
}

// A template that adds just BOS or EOS is said with add_bos and add_eos.
void settle(std::vector<int32_t> &ids, std::optional<int32_t> &token, bool &adds, bool has_template, bool flag) {
    if (ids.size() == 1 && (!token || *token == ids.front())) {
        token = ids.front();
        ids.clear();
        adds = true;
    } else {
        adds = !has_template && flag && token;
    }
}

template <size_t N>
void fill_by_name(std::optional<int32_t> &slot, const std::array<std::string_view, N> &names, const TokenizerSpec &spec) {
    for (const std::string_view name : names) {
        if (slot) return;
        const auto id = find_token(spec, name);
        if (id && spec.kinds[static_cast<size_t>(*id)] == TokenKind::control) slot = id;
    }
}

} // namespace

void read_tokenizer_config(const std::filesystem::path &folder, bool has_template, TokenizerSpec &spec,
                           const FileSource &files) {
    bool add_bos = false, add_eos = false;
    if (const auto document = read_json(folder / "tokenizer_config.json", files)) {
        const json::Reader config(*document, (folder / "tokenizer_config.json").string());
        read_special_tokens(config, spec);
        add_bos = config.get_bool("add_bos_token", false);
        add_eos = config.get_bool("add_eos_token", false);
        spec.chat_template = read_chat_template(config);
    }
    if (const auto document = read_json(folder / "special_tokens_map.json", files))
        read_special_tokens({*document, (folder / "special_tokens_map.json").string()}, spec);
    for (const char *name : {"generation_config.json", "config.json"})
        if (const auto document = read_json(folder / name, files)) read_config_ids({*document, (folder / name).string()}, spec);
    settle(spec.prefix_ids, spec.bos, spec.add_bos, has_template, add_bos);
    settle(spec.suffix_ids, spec.eos, spec.add_eos, has_template, add_eos);
    fill_by_name(spec.bos, std::array<std::string_view, 4>{"<s>", "<bos>", "<|begin_of_text|>", "<\uFF5Cbegin\u2581of\u2581sentence\uFF5C>"}, spec);
    fill_by_name(spec.eos, std::array<std::string_view, 5>{"</s>", "<eos>", "<|end_of_text|>", "<|endoftext|>", "<\uFF5Cend\u2581of\u2581sentence\uFF5C>"}, spec);
    if (files.has_file(folder / "chat_template.jinja"))
        spec.chat_template = files.text(folder / "chat_template.jinja", max_config_bytes);
}

} // namespace quant
