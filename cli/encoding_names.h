// The names of type mixes, encodings and methods: what a user may write, and what
// to call a value that the library gives.
#pragma once

#include <quant/encoding.h>

#include <string>

namespace quantctl {

/// "Q4_K"; "?" for a number this library does not know.
std::string encoding_name(quant_encoding encoding);

/// The encoding a user named; a usage Failure that lists them otherwise.
quant_encoding parse_encoding(const std::string &name);

/// Whether a user named a checkpoint's format, such as "gptq:4:128"; the words after its name are the library's to judge.
bool is_checkpoint_type(const std::string &name);

/// The type mix a user named, "gguf:" before it or not, as the table spells it; a usage Failure that lists
/// them otherwise.
std::string parse_type_mix(const std::string &name);

/// "round", "search", "importance"; "default" too where a user names it.
const char *method_name(quant_method method);
quant_method parse_method(const std::string &name);

} // namespace quantctl
