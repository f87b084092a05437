// quantctl tensors: what a container holds, and where.
#include "failure.h"
#include "model_choice.h"
#include "output.h"
#include "verb.h"

namespace quantctl {

namespace {

constexpr size_t items_for_a_person = 8; ///< Of a metadata array.

struct TensorsOptions {
    std::string file;
    bool as_json = false, metadata = false;
};

json::value metadata_of(const quant_container *container, size_t max_items) {
    StringHandle text;
    check(quant_container_metadata(container, max_items, Out(text)));
    json::parse_options options;
    options.max_depth = 64;
    return json::parse(text.get(), {}, options);
}

std::string shape_words(const quant_tensor_info &info) {
    std::string words;
    for (uint32_t i = 0; i < info.dims; i++) words += fmt::format("{}{}", i ? "x" : "", info.shape[i]);
    return words;
}

template <class Use> void each_tensor(const quant_container *container, Use use) {
    for (size_t i = 0; i < quant_container_tensor_count(container); i++) {
        auto info = sized<quant_tensor_info>();
        check(quant_container_tensor(container, i, &info));
        use(info);
    }
}

void print_document(const quant_container *container, const TensorsOptions &options) {
    json::array rows;
    each_tensor(container, [&](const quant_tensor_info &t) {
        rows.push_back({{"name", t.name},
                        {"shape", json::array(t.shape, t.shape + t.dims)},
                        {"encoding", t.type_name},
                        {"bytes", t.bytes},
                        {"offset", t.offset},
                        {"file_index", t.file_index}});
    });
    json::object document{{"schema_version", schema_version}, {"file", options.file}, {"tensors", rows}};
    if (options.metadata) document["metadata"] = metadata_of(container, 0);
    print_json(document);
}

void print_for_a_person(const quant_container *container, const TensorsOptions &options) {
    if (options.metadata) {
        const json::value metadata = metadata_of(container, items_for_a_person);
        if (const json::object *pairs = metadata.if_object())
            for (const auto &[key, value] : *pairs)
                print("{} = {}\n", harmless(key), harmless(json::serialize(value)));
        print("\n");
    }
    Table table({{"NAME", Table::left}, {"SHAPE", Table::right}, {"ENCODING", Table::left}, {"BYTES", Table::right},
                 {"OFFSET", Table::right}});
    each_tensor(container, [&](const quant_tensor_info &t) {
        table.add({t.name, shape_words(t), t.type_name, fmt::format("{}", t.bytes), fmt::format("{}", t.offset)});
    });
    table.print();
}

void tensors(const TensorsOptions &options) {
    ContainerHandle container;
    check(quant_container_open(Out(container), path_of_model(options.file).c_str()));
    options.as_json ? print_document(container.get(), options) : print_for_a_person(container.get(), options);
}

} // namespace

Action add_tensors(CLI::App &app) {
    auto o = std::make_shared<TensorsOptions>();
    app.add_option("FILE", o->file, "A GGUF or safetensors file, a folder, or a name of the catalog")->required();
    app.add_flag("--json", o->as_json, "Print a JSON document");
    app.add_flag("--metadata", o->metadata, "The file's metadata too");
    return [o] { tensors(*o); };
}

} // namespace quantctl
