#include "api/catalog_service.h"

#include "api/catalog_files.h"
#include "api/variant_name.h"
#include "base/error.h"
#include "base/file.h"
#include "base/join.h"
#include "base/json.h"
#include "base/paths.h"
#include "base/sha256.h"

#include <quant/version.h>
#include <quant/status.h>

#include <sys/stat.h>

#include <algorithm>

namespace quant::api {

namespace fs = std::filesystem;

namespace {

constexpr size_t hash_slab = 16 << 20;

int64_t mtime_ns(const fs::path &path) {
    struct stat info;
    if (::stat(path.c_str(), &info) != 0) return 0;
    return int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
}

FileRecord hash_file(const fs::path &path, Progress &progress) {
    const auto file = MappedFile::open(path);
    const std::span<const std::byte> bytes = file->bytes();
    Sha256 hash;
    for (size_t at = 0; at < bytes.size(); at += hash_slab) {
        const auto slab = bytes.subspan(at, std::min(hash_slab, bytes.size() - at));
        hash.update(slab);
        progress.advance(slab.size());
    }
    return file_record(path, bytes.size(), hash.hex());
}

std::vector<FileRecord> hash_files(const std::vector<fs::path> &paths, Progress &progress) {
    uint64_t total = 0;
    for (const fs::path &p : paths) total += fs::file_size(p);
    progress.begin("hashing", total);
    std::vector<FileRecord> files;
    for (const fs::path &p : paths) files.push_back(hash_file(p, progress));
    return files;
}

std::string digest_of(const std::vector<FileRecord> &files) {
    if (files.size() == 1) return files[0].sha256;
    std::string joined;
    for (const FileRecord &f : files) joined += f.sha256 + "\n";
    return sha256_hex(joined);
}

// `files` is what is known of them already; empty: they are hashed here.
VariantRecord describe(const ModelFile &file, std::vector<FileRecord> files, Progress &progress) {
    VariantRecord v;
    v.architecture = file.hyperparameters().architecture;
    v.path = fs::canonical(file.container().path()).string();
    v.parameters = file.parameters();
    v.bytes = file.container().file_bytes();
    v.bits_per_weight = file.bits_per_weight();
    v.files = files.empty() ? hash_files(file.files(), progress) : std::move(files);
    v.digest = digest_of(v.files);
    v.library_version = quant_version();
    return v;
}

std::optional<fs::path> shipped_model(const std::string &name) {
    if (!is_name(name)) return std::nullopt;
    for (const fs::path &share : share_folders())
        if (fs::exists(share / "models" / name)) return fs::canonical(share / "models" / name);
    return std::nullopt;
}

[[noreturn]] void not_found(Catalog &catalog, const std::string &text) {
    std::string hint;
    for (const std::string &name : catalog.near(text, 3)) hint += (hint.empty() ? "; is it " : ", ") + name;
    fail(QUANT_ERR_NOT_FOUND, "\"{}\" is neither a file nor a model of the catalog{}", printable(text),
         hint.empty() ? "" : hint + "?");
}

void check_present(const VariantRecord &v) {
    if (!fs::exists(v.path))
        fail(QUANT_ERR_NOT_FOUND, "the file of {} has gone: {}", v.name(), v.path);
}

} // namespace

bool unchanged(const VariantRecord &variant) {
    return std::all_of(variant.files.begin(), variant.files.end(), [](const FileRecord &f) {
        std::error_code error;
        return fs::file_size(f.path, error) == f.bytes && !error && mtime_ns(f.path) == f.mtime_ns;
    });
}

FileRecord file_record(const fs::path &path, uint64_t bytes, std::string sha256) {
    return {fs::absolute(path).string(), bytes, std::move(sha256), mtime_ns(path)};
}

std::string content_digest(Catalog &catalog, const std::string &text, Progress &progress) {
    const Resolved resolved = resolve(catalog, text);
    if (resolved.variant) {
        const VariantRecord full = catalog.load(resolved.variant->id);
        if (unchanged(full)) return full.digest;
    }
    return digest_of(hash_files(ModelFile::open(resolved.path)->files(), progress));
}

VariantRecord require_variant(Catalog &catalog, const std::string &name) {
    const NameParts parts = split_name(name);
    if (auto found = catalog.find(parts.model, parts.variant)) return *found;
    if (const auto shipped = shipped_model(parts.model); shipped && !catalog.find(parts.model, "")) {
        Progress silent;
        import_file(catalog, *shipped, "", silent);
        if (auto found = catalog.find(parts.model, parts.variant)) return *found;
    }
    // A folder may be called as a model is, so names come first.
    if (std::error_code ignored; fs::exists(name, ignored)) {
        if (auto found = catalog.find_path(fs::canonical(name).string())) return *found;
        fail(QUANT_ERR_NOT_FOUND, "{}: the catalog does not know this file; import it first", printable(name));
    }
    not_found(catalog, name);
}

Resolved resolve(Catalog &catalog, const std::string &text) {
    if (text.empty()) fail(QUANT_ERR_ARGUMENT, "the name of the model is empty");
    std::error_code ignored;
    if (fs::exists(text, ignored)) {
        const fs::path path = fs::canonical(text);
        auto found = catalog.find_path(path.string());
        std::string name = found ? found->name() : "";
        return {path, std::move(name), std::move(found)};
    }
    if (text.find('/') != std::string::npos) fail(QUANT_ERR_NOT_FOUND, "{}: no such file or folder", printable(text));
    const NameParts parts = split_name(text);
    if (auto found = catalog.find(parts.model, parts.variant)) {
        check_present(*found);
        return {found->path, found->name(), found};
    }
    // Nothing is recorded by looking: that waits until there is something to record.
    if (const auto shipped = shipped_model(parts.model); shipped && !catalog.find(parts.model, "")) {
        const std::string type = ModelFile::open(*shipped)->type_name();
        if (parts.variant.empty() || parts.variant == type) return {*shipped, parts.model + ":" + type, std::nullopt};
    }
    not_found(catalog, text);
}

std::string model_of(Catalog &catalog, const std::string &text) {
    std::error_code ignored;
    if (text.find('/') != std::string::npos || fs::exists(text, ignored)) {
        const Resolved resolved = resolve(catalog, text);
        if (resolved.variant) return resolved.variant->model;
        fail(QUANT_ERR_NOT_FOUND, "{}: the catalog does not know this file; import it first", printable(text));
    }
    const NameParts parts = split_name(text);
    const auto found = catalog.find(parts.model, parts.variant);
    if (!found) not_found(catalog, text);
    return found->model;
}

VariantRecord import_file(Catalog &catalog, const fs::path &path, const std::string &name, Progress &progress,
                          FileOwner owner) {
    const auto known = fs::exists(path) ? catalog.find_path(fs::canonical(path).string()) : std::nullopt;
    if (known && name.empty()) {
        VariantRecord full = catalog.load(known->id);
        if (unchanged(full)) return full;
    }
    const auto file = ModelFile::open(path);
    VariantRecord v = describe(*file, {}, progress);
    const NameParts parts = name.empty() ? name_from_path(v.path, file->type_name()) : require_name(name);
    v.model = known && name.empty() ? known->model : parts.model;
    v.variant = known && name.empty() ? known->variant : parts.variant.empty() ? file->type_name() : parts.variant;
    v.owned = owner == FileOwner::library;
    const auto holder = catalog.find(v.model, v.variant);
    if (holder && holder->path != v.path && !v.owned && fs::exists(holder->path)) {
        if (holder->digest == v.digest && name.empty()) return *holder;
        fail(QUANT_ERR_EXISTS, "{} is already the name of {}; choose another name", v.name(), holder->path);
    }
    if (known && known->digest == v.digest) {
        // The same bytes keep their row and what was measured on them.
        v.base_id = known->base_id;
        v.recipe = catalog.load(known->id).recipe;
        v.type = known->type, v.method = known->method, v.owned |= known->owned;
        v.adapters = known->adapters;
        if (name.empty()) return catalog.load(known->id);
    }
    v.id = catalog.store(v);
    return catalog.load(v.id);
}

fs::path output_path(Catalog &catalog, const std::string &source, const std::string &type) {
    const std::string variant = is_plan_type(type) ? type : require_type_mix(type).name;
    const Resolved resolved = resolve(catalog, source);
    if (resolved.variant) return path_of_variant(catalog, resolved.variant->model, name_of_made(*resolved.variant, variant));
    const NameParts parts = name_from_path(resolved.path, ModelFile::open(resolved.path)->type_name());
    return path_of_variant(catalog, parts.model, variant);
}

namespace {

// What was merged, as a record has it; "" for nothing.
std::string adapters_json(const AdapterSet &adapters) {
    json::array out;
    for (const auto &[adapter, scale] : adapters) {
        std::string digests;
        for (const fs::path &file : adapter->files()) digests += sha256_of_file(file);
        out.push_back(json::object{{"path", printable(fs::absolute(adapter->path()).string(), 4096)},
                                   {"sha256", adapter->files().size() == 1 ? digests : sha256_hex(digests)},
                                   {"scale", scale}});
    }
    return out.empty() ? "" : json::serialize(out);
}

NameParts name_of_variant(const std::string &name, const std::optional<VariantRecord> &base, const Plan &plan) {
    std::string type = plan.type();
    std::replace(type.begin(), type.end(), ':', '-'); // Names have a ':' of their own.
    if (name.empty()) return {base->model, name_of_made(*base, type)};
    NameParts parts = require_name(name);
    if (parts.variant.empty()) parts.variant = type;
    return parts;
}

} // namespace

VariantRecord add_variant(Catalog &catalog, const std::string &name, const std::string &source, const Plan &plan,
                          const fs::path &output, Progress &progress) {
    std::optional<VariantRecord> base;
    if (!source.empty()) {
        Resolved resolved = resolve(catalog, source);
        base = resolved.variant ? std::move(resolved.variant) : import_file(catalog, resolved.path, "", progress);
    }
    const auto file = ModelFile::open(output);
    const std::string digest = plan.output_digest(output);
    std::vector<FileRecord> files;
    if (!digest.empty()) files.push_back(file_record(file->container().path(), file->container().file_bytes(), digest));
    VariantRecord v = describe(*file, std::move(files), progress);
    const NameParts parts = name_of_variant(name, base, plan);
    v.model = parts.model, v.variant = parts.variant;
    v.type = plan.type();
    v.method = method_name(plan.method());
    v.calibration = plan.calibration_digest();
    v.predicted_kld = plan.predicted_kld();
    v.adapters = adapters_json(plan.adapters());
    v.base_id = base ? base->id : 0;
    v.owned = in_models_folder(catalog, v.path);
    for (const PlannedTensor &t : plan.tensors())
        v.recipe.push_back({t.source->name, joined(t.source->shape, "x"),
                            encoding_traits(t.encoding).name, t.copied ? "copy" : t.relaid ? "relay" : method_name(t.method), t.bytes,
                            t.rmse, t.relative});
    const auto before = catalog.find(v.model, v.variant);
    v.id = catalog.store(v);
    if (before && before->path != v.path) drop_file(catalog, *before);
    return catalog.load(v.id);
}

uint32_t remove_named(Catalog &catalog, const std::string &name, bool keep_files) {
    const NameParts parts = split_name(name);
    std::vector<VariantRecord> going;
    if (parts.variant.empty()) {
        for (const VariantSummary &s : catalog.list(parts.model, "")) going.push_back(catalog.load(s.variant.id));
        if (going.empty()) not_found(catalog, name);
    } else {
        going.push_back(catalog.load(require_variant(catalog, name).id));
    }
    // The rows first: a row must never speak of a file that is gone.
    for (const VariantRecord &v : going) catalog.remove(v.id);
    for (const VariantRecord &v : going)
        if (!keep_files) drop_file(catalog, v);
    return static_cast<uint32_t>(going.size());
}

fs::path text_of(Catalog &catalog, const std::string &text, const ModelText &kind, bool &own) {
    Resolved at = resolve(catalog, text);
    own = true;
    for (int steps = 0; steps < 16; steps++) {
        const fs::path folder = fs::is_directory(at.path) ? at.path : at.path.parent_path();
        if (fs::exists(folder / kind.beside_model)) return folder / kind.beside_model;
        if (!at.variant || at.variant->base_id == 0) break;
        at.variant = catalog.load(at.variant->base_id);
        at.path = at.variant->path;
    }
    own = false;
    for (const fs::path &share : share_folders())
        if (fs::exists(share / kind.shipped)) return share / kind.shipped;
    fail(QUANT_ERR_NOT_FOUND, "{} has no {} beside it, and the shipped text is not installed", text, kind.beside_model);
}

bool file_missing(const VariantRecord &variant) {
    std::error_code ignored;
    return !fs::exists(variant.path, ignored);
}

} // namespace quant::api
