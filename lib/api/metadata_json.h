// Metadata of a container as JSON.
#pragma once

#include "base/json.h"
#include "container/metadata.h"

namespace quant::api {

/// Arrays of more than `max_items` become {"type", "count"}; 0: none does. Bytes that
/// are not UTF-8 and numbers that JSON lacks (NaN) are written as printable strings.
json::value metadata_json(const Metadata &metadata, size_t max_items);

} // namespace quant::api
