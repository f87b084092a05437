// Ids of answers and calls, as clients of the APIs expect them.
#pragma once

#include <string>
#include <string_view>

namespace quantd {

/// `prefix` and sixteen hexadecimal digits that no other id of this daemon has. Threads: any.
std::string new_id(std::string_view prefix);

} // namespace quantd
