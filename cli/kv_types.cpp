#include "kv_types.h"

#include "encoding_names.h"
#include "failure.h"

#include <strings.h>

#include <array>

namespace quantctl {

namespace {

constexpr std::array kv_types{QUANT_F32, QUANT_F16, QUANT_BF16, QUANT_Q8_0, QUANT_Q4_0};

// Of all encodings, those that keys and values can be kept as.
quant_encoding parse_kv_type(const std::string &text) {
    for (const quant_encoding type : kv_types)
        if (::strcasecmp(encoding_name(type).c_str(), text.c_str()) == 0) return type;
    usage_error("--kv-type: expected F32, F16, BF16, Q8_0 or Q4_0, found \"{}\"", text);
}

} // namespace

CLI::Option *add_kv_types(CLI::App &app, quant_encoding &keys, quant_encoding &values, const std::string &defaults) {
    return app
        .add_option_function<std::string>(
            "--kv-type",
            [&keys, &values](const std::string &text) {
                const size_t comma = text.find(',');
                keys = parse_kv_type(text.substr(0, comma));
                values = comma == std::string::npos ? keys : parse_kv_type(text.substr(comma + 1));
            },
            "Keep keys and values as F32, F16, BF16, Q8_0 or Q4_0, or KEYS,VALUES (" + defaults + ")")
        ->type_name("TYPE[,TYPE]");
}

} // namespace quantctl
