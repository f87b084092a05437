// Records that the catalog's tests store, with every field set to something of its own.
#pragma once

#include "catalog/catalog.h"
#include "test_support.h"

#include <limits>
#include <string>

namespace quant::test {

inline constexpr double not_measured = std::numeric_limits<double>::quiet_NaN();

inline VariantRecord make_variant(const std::string &model, const std::string &variant, uint64_t bytes = 1000) {
    VariantRecord v;
    v.model = model;
    v.variant = variant;
    v.architecture = "llama";
    v.path = "/models/" + model + "-" + variant + ".gguf";
    v.parameters = 5'111'808;
    v.bytes = bytes;
    v.bits_per_weight = 4.875;
    v.digest = "d-" + model + "-" + variant;
    v.type = variant;
    v.method = "search";
    v.library_version = "0.1.0";
    v.files = {{v.path, bytes, std::string(64, 'a'), 1'700'000'000'123'456'789}};
    v.recipe = {{"token_embd.weight", "256x4096", "Q6_K", "round", 123, 0.25, 0.125},
                {"output_norm.weight", "256", "F32", "copy", 1024, -1, -1}};
    return v;
}

inline MeasurementRecord make_measurement(int64_t variant_id, int64_t base_id, double ppl) {
    MeasurementRecord m{};
    m.variant_id = variant_id;
    m.base_id = base_id;
    m.base_digest = "base digest";
    m.variant_digest = "variant digest";
    m.text_name = "heldout.txt";
    m.text_sha256 = std::string(64, 'b');
    m.activations = "int8";
    m.library_version = "0.1.0";
    m.context_length = 512;
    m.chunks = 24;
    m.tokens = 6144;
    double next = ppl;
    for (double *field : {&m.ppl, &m.ppl_se, &m.base_ppl, &m.base_ppl_se, &m.ln_ratio, &m.ln_ratio_se, &m.kld_mean,
                          &m.kld_se, &m.kld_median, &m.kld_p99, &m.kld_p999, &m.kld_max, &m.top1, &m.top1_se,
                          &m.dp_mean, &m.dp_rms, &m.seconds})
        *field = next, next += 0.0625;
    return m;
}

inline SpeedRecord make_speed(int64_t variant_id, const std::string &fingerprint, double decode) {
    SpeedRecord s;
    s.variant_id = variant_id;
    s.machine = {fingerprint, "A CPU", "avx2", 16, uint64_t{64} << 30};
    s.threads = 8;
    s.prefill_per_second = decode * 10;
    s.decode_per_second = decode;
    s.library_version = "0.1.0";
    return s;
}

} // namespace quant::test
