// quantctl types: the type mixes that quantize takes, and the encodings beneath them.
#include "encoding_names.h"
#include "failure.h"
#include "owned_handles.h"
#include "output.h"
#include "verb.h"

namespace quantctl {

namespace {

void types(bool as_json) {
    Table mixes({{"TYPE", Table::left}, {"BITS/WEIGHT", Table::right}, {"", Table::left}});
    json::array mix_list, encoding_list, checkpoint_list;
    for (size_t i = 0; i < quant_type_count(); i++) {
        auto info = sized<quant_type_info>();
        check(quant_type_get(i, &info));
        mixes.add({info.name, fmt::format("{:.4g}", info.bits_per_weight), info.summary});
        mix_list.push_back({{"name", info.name},
                            {"summary", info.summary},
                            {"encoding", encoding_name(info.encoding)},
                            {"bits_per_weight", info.bits_per_weight}});
    }
    Table encodings({{"ENCODING", Table::left}, {"BITS/WEIGHT", Table::right}, {"BLOCK", Table::right},
                     {"FAMILY", Table::left}, {"", Table::left}});
    for (size_t i = 0; i < quant_encoding_count(); i++) {
        auto info = sized<quant_encoding_info>();
        check(quant_encoding_get(i, &info));
        encodings.add({info.name, fmt::format("{:.4g}", info.bits_per_weight),
                       fmt::format("{}", info.block_weights), info.family, info.summary});
        encoding_list.push_back({{"name", info.name},
                                 {"family", info.family},
                                 {"summary", info.summary},
                                 {"block_weights", info.block_weights},
                                 {"block_bytes", info.block_bytes},
                                 {"bits_per_weight", info.bits_per_weight}});
    }
    Table checkpoints({{"FORMAT", Table::left}, {"", Table::left}});
    for (size_t i = 0; i < quant_checkpoint_type_count(); i++) {
        auto type = sized<quant_checkpoint_type>();
        check(quant_checkpoint_type_get(i, &type));
        checkpoints.add({type.form, type.summary});
        checkpoint_list.push_back({{"name", type.name}, {"form", type.form}, {"summary", type.summary}});
    }
    if (as_json)
        return print_json({{"schema_version", schema_version},
                           {"types", mix_list},
                           {"checkpoints", checkpoint_list},
                           {"encodings", encoding_list}});
    put("Type mixes (quantctl quantize MODEL TYPE; bits of most tensors, a mix comes out a little higher)\n\n");
    mixes.print();
    put("\nFormats of folders (quantctl convert IN OUT --to FORMAT)\n\n");
    checkpoints.print();
    put("\nEncodings (--tensor-type REGEX=ENCODING, encode, decode)\n\n");
    encodings.print();
}

} // namespace

Action add_types(CLI::App &app) {
    auto as_json = std::make_shared<bool>(false);
    app.add_flag("--json", *as_json, "Print a JSON document");
    return [as_json] { types(*as_json); };
}

} // namespace quantctl
