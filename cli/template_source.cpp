#include "template_source.h"

#include "failure.h"
#include "json_fields.h"
#include "local_file.h"
#include "owned_handles.h"

#include <filesystem>

namespace quantctl {

namespace fs = std::filesystem;

namespace {

// transformers writes the template into a file of its own, or into the tokenizer's settings: one, or several
// of which "default" is for chats.
std::string of_folder(const fs::path &folder) {
    if (fs::exists(folder / "chat_template.jinja")) return read_file((folder / "chat_template.jinja").string());
    if (!fs::exists(folder / "tokenizer_config.json")) return "";
    const json::object settings = parse_document(read_file((folder / "tokenizer_config.json").string()).c_str());
    for (const json::object *row : rows_of(settings, "chat_template"))
        if (text_of(member(*row, "name")) == "default") return text_of(member(*row, "template"));
    return text_of(member(settings, "chat_template"));
}

} // namespace

std::string template_source(const std::string &model_path) {
    if (fs::is_directory(model_path)) return of_folder(model_path);
    ContainerHandle container;
    check(quant_container_open(Out(container), model_path.c_str()));
    constexpr size_t long_arrays_left_out = 1;
    StringHandle metadata;
    check(quant_container_metadata(container.get(), long_arrays_left_out, Out(metadata)));
    return text_of(member(parse_document(metadata.get()), "tokenizer.chat_template"));
}

} // namespace quantctl
