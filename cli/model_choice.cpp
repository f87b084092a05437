#include "model_choice.h"

#include "failure.h"
#include "interrupt.h"
#include "output.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <optional>

namespace quantctl {

namespace fs = std::filesystem;

namespace {

// Where quant_catalog_open() says it looks. Only asked whether it exists, since
// opening it would make it.
std::optional<fs::path> default_catalog() {
    static constexpr struct {
        const char *variable, *below;
    } places[] = {{"QUANT_HOME", ""}, {"XDG_DATA_HOME", "libquant"}, {"HOME", ".local/share/libquant"}};
    for (const auto &place : places) {
        const char *folder = std::getenv(place.variable);
        if (folder && *folder) return fs::path(folder) / place.below / "catalog.db";
    }
    return std::nullopt;
}

// A folder that is gone, with all in it, at the end of the scope.
class TemporaryFolder {
public:
    TemporaryFolder() {
        path_ = (fs::temp_directory_path() / "quantctl-XXXXXX").string();
        if (!::mkdtemp(path_.data())) fail_errno(errno, "make a temporary folder", path_);
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder &) = delete;
    TemporaryFolder &operator=(const TemporaryFolder &) = delete;
    const std::string &path() const { return path_; }

private:
    interrupt::Cooperative cooperative_; // Ctrl-C must not leave it behind.
    std::string path_;
};

// A variant of an existing catalog, by reading its list. A model's name alone
// means its base.
std::optional<ModelChoice> listed(const fs::path &catalog_path, const std::string &text) {
    CatalogHandle catalog;
    check(quant_catalog_open(Out(catalog), catalog_path.c_str()));
    VariantListHandle list;
    if (quant_catalog_list(catalog.get(), text.c_str(), Out(list)) != QUANT_OK) return std::nullopt;
    const bool whole_name = text.find(':') != std::string::npos;
    for (size_t i = 0; i < quant_variant_list_count(list.get()); i++) {
        auto info = sized<quant_variant_info>();
        check(quant_variant_list_get(list.get(), i, &info));
        if (whole_name || !*info.base) return ModelChoice{info.path, info.name};
    }
    return std::nullopt;
}

} // namespace

CatalogHandle open_catalog() {
    CatalogHandle catalog;
    check(quant_catalog_open(Out(catalog), nullptr));
    return catalog;
}

bool is_path(const std::string &text) {
    std::error_code error;
    return fs::status(text, error).type() != fs::file_type::not_found;
}

ModelChoice choose_model(quant_catalog *catalog, const std::string &text) {
    StringHandle path, name;
    check(quant_catalog_resolve(catalog, text.c_str(), Out(path), Out(name)));
    return {text_or_empty(path), text_or_empty(name)};
}

std::string path_of_model(const std::string &text) {
    if (is_path(text)) return text;
    return choose_model(open_catalog().get(), text).path;
}

RecordedChoice choose_recorded(const std::string &text) {
    RecordedChoice chosen;
    if (quant_catalog_open(Out(chosen.catalog), nullptr) != QUANT_OK) {
        if (!is_path(text)) check(quant_catalog_open(Out(chosen.catalog), nullptr));
        warn("{}; nothing will be recorded", quant_error_message());
        chosen.model.path = text;
        return chosen;
    }
    chosen.model = choose_model(chosen.catalog.get(), text);
    return chosen;
}

ModelChoice choose_without_recording(const std::string &text) {
    if (is_path(text)) return {text, ""};
    const auto catalog_path = default_catalog();
    const bool there = catalog_path && is_path(catalog_path->string());
    if (there) {
        if (auto choice = listed(*catalog_path, text)) return *choice;
    }
    // Perhaps a model shipped with the library, which resolving would record: let it
    // be recorded in a catalog that is thrown away.
    TemporaryFolder folder;
    CatalogHandle scratch;
    check(quant_catalog_open(Out(scratch), (folder.path() + "/catalog.db").c_str()));
    StringHandle path;
    const quant_status status = quant_catalog_resolve(scratch.get(), text.c_str(), Out(path), nullptr);
    interrupt::check();
    if (status == QUANT_OK) return {text_or_empty(path), ""};
    // The real catalog knows better names to suggest, and a failure records nothing.
    if (there) return choose_model(open_catalog().get(), text);
    check(status);
    return {};
}

} // namespace quantctl
