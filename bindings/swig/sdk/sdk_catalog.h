// The catalog: models on this machine, each variant with its measurements.
#pragma once

#include "sdk_plan.h"

namespace quant_sdk {

/// Variants as they were when the list was made.
class VariantList {
public:
    ~VariantList() { quant_variant_list_free(handle_); }
    VariantList(const VariantList &) = delete;
    VariantList &operator=(const VariantList &) = delete;

    size_t count() const { return quant_variant_list_count(handle_); }
    /// Strings of it are the list's.
    quant_variant_info at(size_t index, Outcome &outcome) const {
        auto out = sized<quant_variant_info>();
        outcome.take(quant_variant_list_get(handle_, index, &out));
        return out;
    }

private:
    friend class Catalog;
    explicit VariantList(quant_variant_list *handle) : handle_(handle) {}
    quant_variant_list *handle_;
};

/// One thread at a time.
class Catalog {
public:
    /// NULL on failure. "" for the path: where quant_catalog_open() says.
    static Catalog *open(const std::string &path, Outcome &outcome) {
        quant_catalog *handle = nullptr;
        if (!outcome.take(quant_catalog_open(&handle, or_null(path)))) return nullptr;
        return new Catalog(handle);
    }
    ~Catalog() { quant_catalog_free(handle_); }
    Catalog(const Catalog &) = delete;
    Catalog &operator=(const Catalog &) = delete;

    /// The path of what a user means by `text`.
    std::string resolve(const std::string &text, Outcome &outcome) {
        char *path = nullptr;
        outcome.take(quant_catalog_resolve(handle_, text.c_str(), &path, nullptr));
        return taken(path);
    }
    /// "" for the name: from the file's name and type. What comes is the name that it got.
    std::string import_model(const std::string &path, const std::string &name, ProgressSink *progress,
                             Outcome &outcome) {
        char *got = nullptr;
        outcome.take(quant_catalog_import(handle_, path.c_str(), or_null(name), ProgressSink::of(progress), progress,
                                          &got));
        return taken(got);
    }
    /// Where a variant of that source and type belongs.
    std::string output_path(const std::string &source, const std::string &type, Outcome &outcome) {
        char *path = nullptr;
        outcome.take(quant_catalog_output_path(handle_, source.c_str(), type.c_str(), &path));
        return taken(path);
    }
    /// Records what a plan has made; its name.
    std::string add_variant(const std::string &source, const Plan &plan, const std::string &output,
                            ProgressSink *progress, Outcome &outcome) {
        char *name = nullptr;
        outcome.take(quant_catalog_add_variant(handle_, source.c_str(), plan.handle(), output.c_str(),
                                               ProgressSink::of(progress), progress, &name));
        return taken(name);
    }
    /// How many variants went.
    uint32_t remove(const std::string &name, bool keep_file, Outcome &outcome) {
        uint32_t removed = 0;
        outcome.take(
            quant_catalog_remove(handle_, name.c_str(), keep_file ? uint32_t{QUANT_REMOVE_KEEP_FILE} : 0, &removed));
        return removed;
    }
    void record_eval(const std::string &name, const std::string &base, const std::string &text_name,
                     const quant_eval_result &result, Outcome &outcome) {
        quant_eval_result given = result;
        given.size = sizeof given; // One that the SDK has put together has none.
        outcome.take(quant_catalog_record_eval(handle_, name.c_str(), or_null(base), text_name.c_str(), &given));
    }
    /// NULL on failure. "" for the filter: all.
    VariantList *list(const std::string &filter, Outcome &outcome) {
        quant_variant_list *handle = nullptr;
        if (!outcome.take(quant_catalog_list(handle_, or_null(filter), &handle))) return nullptr;
        return new VariantList(handle);
    }
    /// All that is known of a variant, as JSON.
    std::string show(const std::string &name, Outcome &outcome) {
        char *json = nullptr;
        outcome.take(quant_catalog_show(handle_, name.c_str(), &json));
        return taken(json);
    }

private:
    explicit Catalog(quant_catalog *handle) : handle_(handle) {}
    quant_catalog *handle_;
};

} // namespace quant_sdk
