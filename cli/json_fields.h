// Members of the JSON documents that the library gives, read leniently: what is
// missing or of another kind counts as not there.
#pragma once

#include "output.h"

#include <string>
#include <vector>

namespace quantctl {

/// A member, or null where it is missing.
const json::value &member(const json::object &object, const char *key);

/// NaN for what is no number.
double number_of(const json::value &value);
/// 0 for what is no positive number.
uint64_t count_of(const json::value &value);
/// "" for what is no string.
std::string text_of(const json::value &value);
/// Any plain value as words; "-" for null.
std::string words_of(const json::value &value);

/// The objects of an array member; what is no object is passed over.
std::vector<const json::object *> rows_of(const json::object &document, const char *key);

/// A document of the library. Paths in it need not be UTF-8.
json::object parse_document(const char *text);

} // namespace quantctl
