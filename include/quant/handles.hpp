/** @file
 * For C++17 and later: an owner for each handle of the C API, and the two idioms that every call needs. All of it is in
 * this header; what programs link with is the C library alone, so that nothing here ties them to a compiler.
 *
 *     quant::ModelHandle model;
 *     if (quant_model_open(quant::Out(model), path, nullptr) != QUANT_OK) return quant_error_message();
 *     auto options = quant::initialized(quant_session_options_init);
 */
#ifndef QUANT_HANDLES_HPP
#define QUANT_HANDLES_HPP

#include <quant/quant.h>

#include <memory>

namespace quant {

/** Releases what it is given with one of the C functions that do. */
template <auto Free> struct Releaser {
    template <class T> void operator()(T *handle) const noexcept { Free(handle); }
};

using AdapterHandle = std::unique_ptr<quant_adapter, Releaser<quant_adapter_free>>;
using CatalogHandle = std::unique_ptr<quant_catalog, Releaser<quant_catalog_free>>;
using ContainerHandle = std::unique_ptr<quant_container, Releaser<quant_container_free>>;
using EmbeddingsHandle = std::unique_ptr<quant_embeddings, Releaser<quant_embeddings_free>>;
using ModelHandle = std::unique_ptr<quant_model, Releaser<quant_model_free>>;
using PlanHandle = std::unique_ptr<quant_plan, Releaser<quant_plan_free>>;
using ReplyParserHandle = std::unique_ptr<quant_reply_parser, Releaser<quant_reply_parser_free>>;
using SchedulerHandle = std::unique_ptr<quant_scheduler, Releaser<quant_scheduler_free>>;
using SessionHandle = std::unique_ptr<quant_session, Releaser<quant_session_free>>;
using TokenizerHandle = std::unique_ptr<quant_tokenizer, Releaser<quant_tokenizer_free>>;
using VariantListHandle = std::unique_ptr<quant_variant_list, Releaser<quant_variant_list_free>>;
/** A string that a function handed out with ownership. */
using StringHandle = std::unique_ptr<char, Releaser<quant_string_free>>;

/** Receives what a function gives through a pointer to a pointer, at the end of the statement that it stands in. */
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

/** A struct for a result, all zero but for its size: `auto info = quant::sized<quant_model_info>()`. */
template <class T> T sized() {
    T value{};
    value.size = sizeof value;
    return value;
}

/** A struct of parameters with the library's defaults: `quant::initialized(quant_sampling_init)`. */
template <class T> T initialized(void (*init)(T *, size_t)) {
    T value{};
    init(&value, sizeof value);
    return value;
}

} // namespace quant
#endif
