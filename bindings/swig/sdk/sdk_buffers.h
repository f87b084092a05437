// Encodings, type mixes, and buffers to and from them. Arrays are the caller's: nothing is copied.
#pragma once

#include "sdk_outcome.h"
#include "sdk_sinks.h"

namespace quant_sdk {

inline std::string version() { return quant_version(); }
inline std::string status_name(int status) { return quant_status_name(static_cast<quant_status>(status)); }

inline size_t encoding_count() { return quant_encoding_count(); }
inline quant_encoding_info encoding_at(size_t index, Outcome &outcome) {
    auto info = sized<quant_encoding_info>();
    outcome.take(quant_encoding_get(index, &info));
    return info;
}
/// The encoding's number, or -1.
inline int find_encoding(const std::string &name, Outcome &outcome) {
    quant_encoding found{};
    return outcome.take(quant_encoding_find(name.c_str(), &found)) ? static_cast<int>(found) : -1;
}
inline size_t type_count() { return quant_type_count(); }
inline quant_type_info type_at(size_t index, Outcome &outcome) {
    auto info = sized<quant_type_info>();
    outcome.take(quant_type_get(index, &info));
    return info;
}

inline uint64_t encoded_size(int encoding, uint64_t rows, uint64_t cols, Outcome &outcome) {
    uint64_t bytes = 0;
    outcome.take(quant_encoded_size(static_cast<quant_encoding>(encoding), rows, cols, &bytes));
    return bytes;
}

/// @param weights     rows x cols floats.
/// @param importance  cols floats, or NULL.
/// @param out         encoded_size() bytes, which `out_bytes` says.
inline void encode(int encoding, const float *weights, uint64_t rows, uint64_t cols, int method,
                   const float *importance, ProgressSink *progress, uint8_t *out, uint64_t out_bytes,
                   Outcome &outcome) {
    auto options = initialized(quant_encode_options_init);
    options.method = static_cast<quant_method>(method);
    options.importance = importance;
    options.progress = ProgressSink::of(progress);
    options.user = progress;
    outcome.take(
        quant_encode(static_cast<quant_encoding>(encoding), weights, rows, cols, &options, out, out_bytes));
}

/// @param out  rows x cols floats.
inline void decode(int encoding, const uint8_t *in, uint64_t in_bytes, uint64_t rows, uint64_t cols, float *out,
                   Outcome &outcome) {
    outcome.take(quant_decode(static_cast<quant_encoding>(encoding), in, in_bytes, rows, cols, out));
}

/// What `quantctl doctor` tells of the machine, as JSON; measured: with its limits, which takes half a second.
inline std::string describe_machine(bool measured, Outcome &outcome) {
    char *json = nullptr;
    outcome.take(measured ? quant_machine_describe(&json) : quant_machine_topology(&json));
    return taken(json);
}

} // namespace quant_sdk
