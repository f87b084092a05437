// Files of the catalog's own folder: which name has which, and when one goes.
#pragma once

#include "api/catalog_service.h"

namespace quant::api {

/// The folder of models that belongs to this catalog.
std::filesystem::path models_folder(const Catalog &catalog);

/// Whether a file is in that folder.
bool in_models_folder(const Catalog &catalog, const std::filesystem::path &path);

/// Where the file of that variant belongs: a path that no other variant has. Makes the folder.
std::filesystem::path path_of_variant(Catalog &catalog, const std::string &model, const std::string &variant);

/// What a variant of `type` made from `base` is called; one of the base's own type gets a name of its own.
std::string name_of_made(const VariantRecord &base, const std::string &type);

/// Delete the file of a variant that is no longer recorded, if it is the library's own and has no other name.
void drop_file(Catalog &catalog, const VariantRecord &gone);

/// As quant_catalog_named_path() says.
std::filesystem::path named_path(Catalog &catalog, const std::string &name, const std::string &type);

/// As quant_catalog_copy() says.
VariantRecord copy_variant(Catalog &catalog, const std::string &source, const std::string &name);

/// As quant_catalog_adopt() says.
VariantRecord adopt_file(Catalog &catalog, const std::filesystem::path &path, const std::string &name,
                         Progress &progress);

} // namespace quant::api
