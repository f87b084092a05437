// The C ABI as the daemon uses it: handles with an owner each, and failures as what a client is told.
#pragma once

#include "api_error.h"

#include <quant/quant.h>

#include <memory>
#include <string>
#include <string_view>

namespace quantd {

template <auto Free> struct Releaser {
    template <class T> void operator()(T *handle) const noexcept { Free(handle); }
};
using CatalogHandle = std::unique_ptr<quant_catalog, Releaser<quant_catalog_free>>;
using ModelHandle = std::unique_ptr<quant_model, Releaser<quant_model_free>>;
using SchedulerHandle = std::unique_ptr<quant_scheduler, Releaser<quant_scheduler_free>>;
using VariantListHandle = std::unique_ptr<quant_variant_list, Releaser<quant_variant_list_free>>;
using StringHandle = std::unique_ptr<char, Releaser<quant_string_free>>;

/// Receives a handle that a function gives through a pointer to pointer.
template <class Handle> class Out {
public:
    explicit Out(Handle &handle) : handle_(handle) {}
    ~Out() { handle_.reset(raw_); }
    Out(const Out &) = delete;
    Out &operator=(const Out &) = delete;
    operator typename Handle::pointer *() { return &raw_; }

private:
    Handle &handle_;
    typename Handle::pointer raw_ = nullptr;
};

template <class T> T initialized(void (*init)(T *, size_t)) {
    T value{};
    init(&value, sizeof value);
    return value;
}

template <class T> T sized() {
    T value{};
    value.size = sizeof value;
    return value;
}

using PlanHandle = std::unique_ptr<quant_plan, Releaser<quant_plan_free>>;

/// `text` with the last part alone of each absolute path: what a client needs not know of the machine. Paths with
/// spaces are cut at the first one.
std::string without_paths(std::string_view text);

/// What a client is told of a failure: whose fault it was decides the number.
ApiError error_of(quant_status status, std::string message);

/// Throws error_of() this thread's last failure unless `status` is QUANT_OK.
void check(quant_status status);

} // namespace quantd
