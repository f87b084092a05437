// Leave to use the tile registers of AMX. They are 8 KiB a thread, so Linux has a process ask before
// it saves them for it.
#pragma once

#include <string>

namespace quant {

/// Asks for this process: all its threads then have leave, those that run already too. Returns "", or why there is none. x86-64 only. Threads: any.
std::string request_tiles();

} // namespace quant
