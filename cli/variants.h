// The catalog's list as a vector, and a row of it as JSON.
#pragma once

#include "owned_handles.h"
#include "output.h"

#include <string>
#include <vector>

namespace quantctl {

/// The rows hold strings of the list, so they live together.
class Variants {
public:
    /// `filter` "": all.
    Variants(quant_catalog *catalog, const std::string &filter);
    const std::vector<quant_variant_info> &all() const { return rows_; }

private:
    VariantListHandle list_;
    std::vector<quant_variant_info> rows_;
};

json::object variant_json(const quant_variant_info &variant);

} // namespace quantctl
