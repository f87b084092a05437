#include "variants.h"

#include "failure.h"

namespace quantctl {

Variants::Variants(quant_catalog *catalog, const std::string &filter) {
    check(quant_catalog_list(catalog, filter.empty() ? nullptr : filter.c_str(), Out(list_)));
    for (size_t i = 0; i < quant_variant_list_count(list_.get()); i++) {
        rows_.push_back(sized<quant_variant_info>());
        check(quant_variant_list_get(list_.get(), i, &rows_.back()));
    }
}

json::object variant_json(const quant_variant_info &v) {
    return {{"name", v.name},
            {"model", v.model},
            {"variant", v.variant},
            {"architecture", v.architecture},
            {"base", *v.base ? json::value(v.base) : json::value(nullptr)},
            {"path", v.path},
            {"file_missing", v.file_missing != 0},
            {"parameters", v.parameters},
            {"bytes", v.bytes},
            {"bits_per_weight", number_or_null(v.bits_per_weight)},
            {"ppl", number_or_null(v.ppl)},
            {"ppl_se", number_or_null(v.ppl_se)},
            {"kld_mean", number_or_null(v.kld_mean)},
            {"kld_se", number_or_null(v.kld_se)},
            {"top1", number_or_null(v.top1)},
            {"decode_per_second", number_or_null(v.decode_per_second)},
            {"prefill_per_second", number_or_null(v.prefill_per_second)}};
}

} // namespace quantctl
