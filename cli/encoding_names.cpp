#include "encoding_names.h"

#include "failure.h"
#include "owned_handles.h"

#include <quant/quantize.h>

#include <strings.h>

namespace quantctl {

namespace {

constexpr struct {
    const char *name;
    quant_method method;
} methods[] = {{"default", QUANT_METHOD_DEFAULT},
               {"round", QUANT_METHOD_ROUND},
               {"search", QUANT_METHOD_SEARCH},
               {"importance", QUANT_METHOD_IMPORTANCE},
               {"feedback", QUANT_METHOD_FEEDBACK}, {"best", QUANT_METHOD_BEST}};

bool same_word(const std::string &a, const char *b) { return ::strcasecmp(a.c_str(), b) == 0; }

void append_name(std::string &list, const char *name) {
    if (!list.empty()) list += ", ";
    list += name;
}

} // namespace

std::string encoding_name(quant_encoding encoding) {
    for (size_t i = 0; i < quant_encoding_count(); i++) {
        auto info = sized<quant_encoding_info>();
        check(quant_encoding_get(i, &info));
        if (info.id == encoding) return info.name;
    }
    return "?";
}

quant_encoding parse_encoding(const std::string &name) {
    std::string names;
    for (size_t i = 0; i < quant_encoding_count(); i++) {
        auto info = sized<quant_encoding_info>();
        check(quant_encoding_get(i, &info));
        if (same_word(name, info.name)) return info.id;
        append_name(names, info.name);
    }
    throw Failure(exit_usage, fmt::format("there is no encoding \"{}\"", name), "The encodings are " + names + ".");
}

bool is_checkpoint_type(const std::string &name) {
    const std::string first = name.substr(0, name.find(':'));
    if (first == "compressed-tensors") return true;
    for (size_t i = 0; i < quant_checkpoint_type_count(); i++) {
        auto type = sized<quant_checkpoint_type>();
        check(quant_checkpoint_type_get(i, &type));
        if (first == type.name) return true;
    }
    return false;
}

std::string parse_type_mix(const std::string &word) {
    std::string names;
    const std::string name = word.rfind("gguf:", 0) == 0 ? word.substr(5) : word;
    for (size_t i = 0; i < quant_type_count(); i++) {
        auto info = sized<quant_type_info>();
        check(quant_type_get(i, &info));
        if (same_word(name, info.name)) return info.name;
        append_name(names, info.name);
    }
    throw Failure(exit_usage, fmt::format("there is no type \"{}\"", name),
                  "The types are " + names + ". quantctl types lists the formats of folders, too.");
}

const char *method_name(quant_method method) {
    for (const auto &row : methods)
        if (row.method == method) return row.name;
    return "?";
}

quant_method parse_method(const std::string &name) {
    for (const auto &row : methods)
        if (same_word(name, row.name)) return row.method;
    throw Failure(exit_usage, fmt::format("there is no method \"{}\"", name),
                  "The methods are round, search, importance, feedback, best and default.");
}

} // namespace quantctl
