#include "kv_types.h"

#include "encoding_names.h"

namespace quantctl {

CLI::Option *add_kv_types(CLI::App &app, quant_encoding &keys, quant_encoding &values, const std::string &defaults) {
    return app
        .add_option_function<std::string>(
            "--kv-type",
            [&keys, &values](const std::string &text) {
                const size_t comma = text.find(',');
                keys = parse_encoding(text.substr(0, comma));
                values = comma == std::string::npos ? keys : parse_encoding(text.substr(comma + 1));
            },
            "Keep keys and values as F32, F16, BF16, Q8_0 or Q4_0, or KEYS,VALUES (" + defaults + ")")
        ->type_name("TYPE[,TYPE]");
}

} // namespace quantctl
