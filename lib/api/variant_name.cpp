#include "api/variant_name.h"

#include "base/error.h"

#include <strings.h>

#include <algorithm>

namespace quant::api {

namespace {

bool is_name_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
}

// "-00001-of-00003" at the end of a split part's stem.
std::string without_split(std::string stem) {
    constexpr size_t length = 15;
    if (stem.size() <= length) return stem;
    const std::string_view end = std::string_view(stem).substr(stem.size() - length);
    if (end[0] == '-' && end.substr(6, 4) == "-of-") stem.resize(stem.size() - length);
    return stem;
}

std::string without_type(std::string stem, const std::string &type) {
    if (stem.size() <= type.size() + 1) return stem;
    const size_t at = stem.size() - type.size();
    if (::strcasecmp(stem.c_str() + at, type.c_str()) == 0 && std::string_view(".-_").find(stem[at - 1]) != std::string::npos)
        stem.resize(at - 1);
    return stem;
}

} // namespace

bool is_name(std::string_view text) {
    return !text.empty() && text.size() <= max_name_bytes && text[0] != '.' && text[0] != '-' &&
           std::all_of(text.begin(), text.end(), is_name_byte);
}

NameParts split_name(std::string_view text) {
    const size_t colon = text.find(':');
    if (colon == std::string_view::npos) return {std::string(text), ""};
    return {std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

NameParts require_name(std::string_view text) {
    NameParts parts = split_name(text);
    if (!is_name(parts.model) || (text.find(':') != std::string_view::npos && !is_name(parts.variant)))
        fail(QUANT_ERR_ARGUMENT,
             "\"{}\" is no name: expected model or model:variant, of letters, digits, '.', '_' and '-'", printable(text));
    return parts;
}

bool is_plan_type(std::string_view text) {
    const std::string_view number = text.substr(0, text.find("bpw"));
    return text.size() == number.size() + 3 && !number.empty() && number.size() <= 16 &&
           number.find_first_not_of("0123456789.") == std::string_view::npos;
}

NameParts name_from_path(const std::filesystem::path &path, const std::string &type) {
    const bool folder = std::filesystem::is_directory(path);
    std::string stem = folder ? path.filename().string() : without_split(path.stem().string());
    stem = without_type(stem, type);
    for (char &c : stem)
        if (!is_name_byte(c)) c = '-';
    stem.erase(0, std::min(stem.find_first_not_of(".-"), stem.size()));
    stem.resize(std::min(stem.size(), max_name_bytes));
    return {stem.empty() ? "model" : stem, type};
}

} // namespace quant::api
