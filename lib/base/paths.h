// Where the user's data and the shipped models are (XDG base directories).
#pragma once

#include <filesystem>
#include <vector>

namespace quant {

/// $QUANT_HOME, else $XDG_DATA_HOME/libquant, else ~/.local/share/libquant.
std::filesystem::path data_home();

/// For what can be made again: $XDG_CACHE_HOME/libquant, else ~/.cache/libquant. Throws Error (QUANT_ERR_NOT_FOUND).
std::filesystem::path cache_home();

/// Folders that what is shipped may lie in (models/, calibration/), best first: $QUANT_SHARE,
/// share/libquant beside the loaded library, the configured data directory.
std::vector<std::filesystem::path> share_folders();

} // namespace quant
