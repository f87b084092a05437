// The edge of the C ABI: exceptions become statuses, parameter structs of any known
// size are read and filled safely.
#pragma once

#include <quant/evaluate.h>
#include <quant/quantize.h>
#include <quant/scheduler.h>
#include <quant/session.h>

#include "base/error.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>
#include <string>
#include <utility>

namespace quant::api {

/// Remember `message` as this thread's last detail and return `status`.
quant_status failed(quant_status status, const char *message) noexcept;

/// Run `body`; whatever it throws becomes a status and this thread's message.
template <class Body> quant_status guarded(Body &&body) noexcept {
    try {
        std::forward<Body>(body)();
        return QUANT_OK;
    } catch (const Error &e) {
        return failed(e.status(), e.what());
    } catch (const std::bad_alloc &) {
        return failed(QUANT_ERR_NO_MEMORY, "out of memory");
    } catch (const std::exception &e) {
        return failed(QUANT_ERR_INTERNAL, e.what());
    } catch (...) {
        return failed(QUANT_ERR_INTERNAL, "an unknown exception");
    }
}

inline void require(const void *pointer, const char *name) {
    if (!pointer) fail(QUANT_ERR_ARGUMENT, "{} is NULL", name);
}

/// The size that struct T had in the first version that published it. When a struct
/// grows, specialize this with its old size, here, so that all see it: it is the least a caller may give.
template <class T> inline constexpr size_t first_size = sizeof(T);
template <> inline constexpr size_t first_size<quant_sampling> = offsetof(quant_sampling, typical_p);
template <> inline constexpr size_t first_size<quant_model_info> = offsetof(quant_model_info, generates);

template <> inline constexpr size_t first_size<quant_session_options> = offsetof(quant_session_options, adapters);
template <> inline constexpr size_t first_size<quant_request> = offsetof(quant_request, adapters);
template <> inline constexpr size_t first_size<quant_eval_options> = offsetof(quant_eval_options, adapters);
template <> inline constexpr size_t first_size<quant_quantize_options> = offsetof(quant_quantize_options, adapters);
template <> inline constexpr size_t first_size<quant_generate_options> = offsetof(quant_generate_options, control_text);
template <> inline constexpr size_t first_size<quant_plan_summary> = offsetof(quant_plan_summary, relaid);
template <> inline constexpr size_t first_size<quant_plan_tensor> = offsetof(quant_plan_tensor, relaid);

inline constexpr size_t largest_struct = 65536;

template <class T> void check_size(size_t size, const char *name, const char *remedy) {
    if (size < first_size<T> || size > largest_struct)
        fail(QUANT_ERR_ARGUMENT, "{}: size is {}, expected at least {}; {}", name, size, first_size<T>, remedy);
}

/// The caller's options over the defaults. A caller built against an older header
/// gives a smaller struct; one built against a newer gives a larger, which is fine as
/// long as what this version does not know is zero.
template <class T> T read_struct(const T *given, const T &defaults, const char *name) {
    if (!given) return defaults;
    const size_t size = given->size;
    check_size<T>(size, name, "call its init function first");
    const auto *bytes = reinterpret_cast<const unsigned char *>(given);
    if (size > sizeof(T) && std::any_of(bytes + sizeof(T), bytes + size, [](unsigned char b) { return b != 0; }))
        fail(QUANT_ERR_ARGUMENT, "{}: a field that this version of the library does not know is set", name);
    T out = defaults;
    std::memcpy(&out, given, std::min(size, sizeof(T)));
    out.size = sizeof(T);
    return out;
}

/// Set as much of the caller's parameters as it was compiled with to the defaults; what this version does not know to
/// zero. A size that none has is left for the call that reads the struct to refuse.
template <class T> void init_struct(T *out, size_t size, const T &defaults) noexcept {
    if (!out || size < sizeof out->size) return;
    if (size >= first_size<T> && size <= largest_struct) {
        std::memset(static_cast<void *>(out), 0, size);
        std::memcpy(static_cast<void *>(out), &defaults, std::min(size, sizeof(T)));
    }
    out->size = size;
}

/// Fill the caller's struct with as many bytes of `value` as it has.
template <class T> void write_struct(T *out, const T &value, const char *name) {
    require(out, name);
    const size_t size = out->size;
    check_size<T>(size, name, "set it to sizeof the struct first");
    std::memcpy(out, &value, std::min(size, sizeof(T)));
    out->size = size;
}

/// A copy that quant_string_free() releases.
char *new_string(std::string_view text);

} // namespace quant::api
