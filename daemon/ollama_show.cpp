#include "ollama_show.h"

#include "ollama_reply.h"
#include "thinking.h"

#include <fmt/format.h>

#include <algorithm>

namespace quantd {

namespace {


constexpr size_t short_array = 64;
constexpr const char *probe_tools =
    R"([{"type":"function","function":{"name":"probe","parameters":{"type":"object","properties":{}}}}])";

std::string parameter_size(uint64_t parameters) {
    const auto n = static_cast<double>(parameters);
    return n >= 1e9 ? fmt::format("{:.1f}B", n / 1e9) : fmt::format("{:.1f}M", n / 1e6);
}

bool calls_tools(const quant_model *model) {
    ReplyParserHandle parser;
    return quant_reply_parser_new(Out(parser), model, probe_tools, nullptr, 0) == QUANT_OK;
}

json::array capabilities(const quant_model *model, const quant_model_info &facts) {
    if (!facts.generates) return {"embedding"};
    const bool has_template = facts.has_chat_template;
    json::array out{"completion"};
    if (has_template && calls_tools(model)) out.push_back("tools");
    if (has_template && thinking_abilities(model).any()) out.push_back("thinking");
    return out;
}

/// Its metadata as its file has it. Long arrays are null unless asked for.
json::object metadata(const quant_container *container, bool verbose) {
    StringHandle text;
    check(quant_container_metadata(container, verbose ? 0 : short_array, Out(text)));
    json::object out = json::parse(text.get(), "metadata").as_object();
    for (auto &member : out)
        if (!verbose && member.value().is_object()) member.value() = nullptr;
    return out;
}

std::string take_text(json::object &metadata, std::string_view key) {
    const json::value *found = metadata.if_contains(key);
    std::string out = found && found->is_string() ? std::string(found->as_string()) : "";
    if (found) metadata.erase(key);
    return out;
}

json::array tensors(const quant_container *container) {
    json::array out;
    for (size_t i = 0; i < quant_container_tensor_count(container); i++) {
        auto info = sized<quant_tensor_info>();
        check(quant_container_tensor(container, i, &info));
        json::array shape;
        for (uint32_t d = info.dims; d-- > 0;) shape.push_back(info.shape[d]); // Innermost first, as GGUF has it.
        out.push_back(json::object{{"name", info.name}, {"type", info.type_name}, {"shape", std::move(shape)}});
    }
    return out;
}

// What the file says of itself; a checkpoint's folder says less than this API has keys for.
void add_facts(json::object &info, const quant_model_info &model, const json::Reader &known) {
    const std::string prefix = std::string(model.architecture) + ".";
    const std::pair<std::string, json::value> facts[] = {
        {"general.architecture", model.architecture},
        {"general.parameter_count", model.parameters},
        {prefix + "context_length", model.context_length},
        {prefix + "embedding_length", model.embedding_length},
        {prefix + "block_count", model.layers},
        {prefix + "attention.head_count", model.heads},
        {prefix + "attention.head_count_kv", model.kv_heads},
        {"quant.bits_per_weight", known.get_number("bits_per_weight", 0)},
        {"quant.digest", json::string(known.get_string("digest", ""))}};
    for (const auto &[key, value] : facts)
        if (!info.contains(key)) info[key] = value;
}

} // namespace

json::object ollama_details(const std::string &architecture, const std::string &type, uint64_t parameters) {
    return {{"parent_model", ""},
            {"format", "gguf"},
            {"family", architecture},
            {"families", json::array{json::string(architecture)}},
            {"parameter_size", parameter_size(parameters)},
            {"quantization_level", type}};
}

json::object ollama_description(ModelPool &pool, const std::string &name, bool verbose) {
    const std::string text = pool.describe(name), path = pool.path_of(name);
    const json::value value = json::parse(text, "the catalog");
    const json::Reader known(value, "the catalog");
    ContainerHandle container;
    ModelHandle model;
    const auto open = [&](quant_status status) {
        if (status != QUANT_OK)
            throw ApiError{.status = 500, .message = "the model cannot be opened", .code = "model_broken"};
    };
    open(quant_container_open(Out(container), path.c_str()));
    open(quant_model_open(Out(model), path.c_str(), nullptr));
    auto facts = sized<quant_model_info>();
    check(quant_model_get_info(model.get(), &facts));
    json::object info = metadata(container.get(), verbose);
    const std::string chat_template = take_text(info, "tokenizer.chat_template"),
                      license = take_text(info, "general.license");
    add_facts(info, facts, known);
    json::object out{{"modelfile", "# " + known.get_string("name", "") + "\n"},
                     {"parameters", ""},
                     {"template", chat_template},
                     {"details", ollama_details(known.get_string("architecture", ""), known.get_string("variant", ""),
                                                known.get_uint("parameters", 0))},
                     {"model_info", std::move(info)},
                     {"capabilities", capabilities(model.get(), facts)}};
    if (!license.empty()) out["license"] = license;
    if (verbose) out["tensors"] = tensors(container.get());
    for (const ListedModel &m : pool.list())
        if (m.name == known.get_string("name", ""))
            out["modified_at"] = ollama_time(std::chrono::system_clock::from_time_t(m.modified));
    return out;
}

} // namespace quantd
