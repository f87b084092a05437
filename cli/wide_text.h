// Text as libedit has it: one wchar_t a character.
#pragma once

#include <string>
#include <string_view>

namespace quantctl {

std::string utf8_of(std::wstring_view text);
/// Bytes that are no UTF-8 are passed over.
std::wstring wide_of(std::string_view text);

/// Bytes that follow the first one of a character; -1 where it cannot be one.
int bytes_after(unsigned char first);

} // namespace quantctl
