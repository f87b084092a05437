// A GGUF file with other metadata in its place: the tensors stay, byte for byte.
#pragma once

#include "base/progress.h"
#include "container/metadata.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace quant {

/// What is now under the name.
struct RewrittenFile {
    std::filesystem::path path; ///< Links resolved.
    uint64_t bytes = 0;
    std::string sha256;
};

/// Write a copy beside the file with what `edit` makes of its metadata, sync it and rename
/// it over the file, whose mode it keeps. Memory: the metadata, not the tensors. Whoever
/// has the old file open keeps it. Units of progress are bytes.
///
/// Throws Error, and the file is as it was: QUANT_ERR_ARGUMENT for what is no single GGUF
/// file, QUANT_ERR_PERMISSION where it is not this user's own, QUANT_ERR_NO_SPACE,
/// QUANT_ERR_CANCELLED, and what Container::open() throws.
RewrittenFile rewrite_gguf_metadata(const std::filesystem::path &path, const std::function<void(Metadata &)> &edit,
                                    Progress &progress);

} // namespace quant
