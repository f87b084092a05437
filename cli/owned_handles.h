// The C handles of libquant with an owner each, and the two idioms that every call
// of the C API needs: structs that know their size, strings that must be given back.
#pragma once

#include <quant/quant.h>

#include <memory>
#include <string>

namespace quantctl {

template <auto Free> struct Releaser {
    template <class T> void operator()(T *handle) const noexcept { Free(handle); }
};

using CatalogHandle = std::unique_ptr<quant_catalog, Releaser<quant_catalog_free>>;
using ContainerHandle = std::unique_ptr<quant_container, Releaser<quant_container_free>>;
using EmbeddingsHandle = std::unique_ptr<quant_embeddings, Releaser<quant_embeddings_free>>;
using ModelHandle = std::unique_ptr<quant_model, Releaser<quant_model_free>>;
using PlanHandle = std::unique_ptr<quant_plan, Releaser<quant_plan_free>>;
using SchedulerHandle = std::unique_ptr<quant_scheduler, Releaser<quant_scheduler_free>>;
using SessionHandle = std::unique_ptr<quant_session, Releaser<quant_session_free>>;
using TokenizerHandle = std::unique_ptr<quant_tokenizer, Releaser<quant_tokenizer_free>>;
using VariantListHandle = std::unique_ptr<quant_variant_list, Releaser<quant_variant_list_free>>;
using StringHandle = std::unique_ptr<char, Releaser<quant_string_free>>;

/// Receives a handle that a function gives through a pointer to pointer:
/// `check(quant_model_open(Out(model), path, nullptr))`.
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

/// A struct of the API, all zero but for its size.
template <class T> T sized() {
    T value{};
    value.size = sizeof value;
    return value;
}

/// A struct of the API with its defaults: `initialized(quant_sampling_init)`.
template <class T> T initialized(void (*init)(T *, size_t)) {
    T value{};
    init(&value, sizeof value);
    return value;
}

inline std::string text_or_empty(const StringHandle &text) { return text ? text.get() : ""; }

} // namespace quantctl
