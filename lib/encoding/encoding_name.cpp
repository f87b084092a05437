#include "base/error.h"
#include "encoding/encoding.h"

#include <string>

namespace quant {

const EncodingTraits &encoding_named(std::string_view name, quant_status missing) {
    if (const EncodingTraits *e = find_encoding(name)) return *e;
    std::string names;
    for (const EncodingTraits &e : encodings()) names += (names.empty() ? "" : ", ") + std::string(e.name);
    fail(missing, "no encoding is named \"{}\"; the encodings are: {}", printable(name), names);
}

} // namespace quant
