// What processes that were killed have left behind.
#pragma once

#include <cstdint>
#include <filesystem>

namespace quant {

/// Remove files in `folder` that an OutputFile was writing when its process ended. One that somebody still
/// writes is locked and stays. Returns how many went; a folder that is not there has none.
uint32_t remove_leftovers(const std::filesystem::path &folder);

} // namespace quant
