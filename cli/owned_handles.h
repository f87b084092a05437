// The C handles of libquant with an owner each, in the words of this program.
#pragma once

#include <quant/handles.hpp>

#include <string>

namespace quantctl {

using namespace quant;

inline std::string text_or_empty(const StringHandle &text) { return text ? text.get() : ""; }

} // namespace quantctl
