#include "api/catalog_files.h"

#include "api/variant_name.h"
#include "base/error.h"
#include "base/file.h"
#include "quantize/type_mix.h"

#include <fcntl.h>
#include <strings.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

namespace quant::api {

namespace fs = std::filesystem;

namespace {

bool same_name(const VariantRecord &v, const std::string &model, const std::string &variant) {
    return ::strcasecmp(v.model.c_str(), model.c_str()) == 0 && ::strcasecmp(v.variant.c_str(), variant.c_str()) == 0;
}

// Gives the file a second name there, in the place of what has it. A process that dies on the way leaves what
// remove_leftovers() knows, which the lock keeps until then.
void link_into_place(const fs::path &file, const fs::path &place) {
    const Descriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd || ::flock(fd.get(), LOCK_SH) != 0) fail_errno(errno, "lock", file.string());
    static std::atomic<unsigned> counter{0};
    const fs::path beside = place.parent_path() / fmt::format(".{}.{}.{}.part", place.filename().string(), ::getpid(),
                                                              counter++);
    if (::link(file.c_str(), beside.c_str()) != 0) fail_errno(errno, "link into the folder of models", place.string());
    const int error = ::rename(beside.c_str(), place.c_str()) == 0 ? 0 : errno;
    ::unlink(beside.c_str()); // Still there where both were the same file.
    if (error) fail_errno(error, "rename into place", place.string());
    const Descriptor folder(::open(place.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder || ::fsync(folder.get()) != 0) fail_errno(errno, "sync", place.parent_path().string());
}

} // namespace

fs::path models_folder(const Catalog &catalog) { return fs::absolute(catalog.path()).parent_path() / "models"; }

bool in_models_folder(const Catalog &catalog, const fs::path &path) {
    return path.string().starts_with(fs::weakly_canonical(models_folder(catalog)).string() + "/");
}

// "a-b" and "c" make the same path as "a" and "b-c", and a copy shares its source's.
fs::path path_of_variant(Catalog &catalog, const std::string &model, const std::string &variant) {
    std::error_code error;
    fs::create_directories(models_folder(catalog), error);
    if (error) fail_errno(error.value(), "make the folder", models_folder(catalog).string());
    const fs::path folder = fs::canonical(models_folder(catalog));
    for (int number = 1;; number++) {
        const fs::path path =
            folder / (number == 1 ? fmt::format("{}-{}.gguf", model, variant)
                                  : fmt::format("{}-{}-{}.gguf", model, variant, number));
        const auto names = catalog.at_path(path.string());
        if (std::all_of(names.begin(), names.end(),
                        [&](const VariantRecord &v) { return same_name(v, model, variant); }))
            return path;
    }
}

std::string name_of_made(const VariantRecord &base, const std::string &type) {
    return base.variant == type ? type + "-requantized" : type;
}

void drop_file(Catalog &catalog, const VariantRecord &gone) {
    std::error_code ignored;
    if (gone.owned && catalog.at_path(gone.path).empty()) fs::remove(gone.path, ignored);
}

fs::path named_path(Catalog &catalog, const std::string &name, const std::string &type) {
    const NameParts parts = require_name(name);
    const std::string usual = is_plan_type(type) ? type : require_type_mix(type).name;
    return path_of_variant(catalog, parts.model, parts.variant.empty() ? usual : parts.variant);
}

VariantRecord copy_variant(Catalog &catalog, const std::string &source, const std::string &name) {
    const NameParts parts = require_name(name);
    const VariantRecord from = require_variant(catalog, source);
    const std::string variant = parts.variant.empty() ? from.variant : parts.variant;
    const auto before = catalog.find(parts.model, variant);
    const VariantRecord copied = catalog.load(catalog.copy(from.id, parts.model, variant));
    if (before) drop_file(catalog, *before);
    return copied;
}

VariantRecord adopt_file(Catalog &catalog, const fs::path &path, const std::string &name, Progress &progress) {
    const NameParts parts = require_name(name);
    const auto file = ModelFile::open(path);
    if (file->container().kind() != ContainerKind::gguf || file->files().size() != 1)
        fail(QUANT_ERR_ARGUMENT, "{}: expected a single GGUF file", printable(path.string(), 4096));
    const std::string variant = parts.variant.empty() ? file->type_name() : parts.variant;
    const fs::path own = path_of_variant(catalog, parts.model, variant);
    const auto before = catalog.find(parts.model, variant);
    link_into_place(fs::canonical(path), own);
    const VariantRecord v = import_file(catalog, own, parts.model + ":" + variant, progress, FileOwner::library);
    if (before && before->path != v.path) drop_file(catalog, *before);
    return v;
}

} // namespace quant::api
