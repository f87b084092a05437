#include "borrowed_model.h"

#include "daemon_client.h"
#include "failure.h"
#include "json_fields.h"
#include "output.h"

#include <algorithm>
#include <filesystem>

namespace quantctl {

namespace {

/// What the user's own catalog says of a name.
struct Known {
    std::string name; ///< In full.
    std::string digest;
};

std::optional<Known> look_up(const std::string &text) {
    CatalogHandle catalog;
    StringHandle path, name, shown;
    if (quant_catalog_open(Out(catalog), nullptr) != QUANT_OK) return std::nullopt;
    if (quant_catalog_resolve(catalog.get(), text.c_str(), Out(path), Out(name)) != QUANT_OK) return std::nullopt;
    if (!name || quant_catalog_show(catalog.get(), name.get(), Out(shown)) != QUANT_OK) return std::nullopt;
    const json::value value = json::parse(shown.get());
    return Known{name.get(), text_of(member(value.as_object(), "digest"))};
}

// What stands for itself in a path of HTTP, as names of models do.
bool is_plain(const std::string &name) {
    return std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return std::isalnum(c) || c == '.' || c == '_' || c == '-' || c == ':';
    });
}

std::optional<Known> ask_daemon(const std::string &name) {
    const DaemonClient daemon("");
    std::error_code ignored;
    if (!is_plain(name) || !std::filesystem::is_socket(daemon.socket(), ignored)) return std::nullopt;
    try {
        const json::object found = daemon.get("/quant/v1/catalog/" + name);
        Known known{text_of(member(found, "name")), text_of(member(found, "digest"))};
        if (known.name.empty()) return std::nullopt; // A model of several variants, by the model's name.
        return known;
    } catch (const Failure &) {
        return std::nullopt; // Whatever it is, the model's file is as good.
    }
}

} // namespace

std::optional<OpenedModel> borrow_model(const std::string &text) {
    std::error_code ignored;
    if (!std::filesystem::is_socket(DaemonClient("").socket(), ignored)) return std::nullopt;
    const std::optional<Known> own = look_up(text);
    const std::optional<Known> lent = ask_daemon(own ? own->name : text);
    if (!lent || (own && (own->digest.empty() || own->digest != lent->digest))) return std::nullopt;
    OpenedModel opened;
    opened.choice = {"", lent->name};
    if (quant_model_open_shared(Out(opened.model), lent->name.c_str(), nullptr) == QUANT_OK) return opened;
    if (own) warn("{}; running from the file", quant_error_message());
    return std::nullopt;
}

} // namespace quantctl
