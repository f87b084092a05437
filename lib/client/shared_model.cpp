#include "client/shared_model.h"

#include "base/error.h"
#include "base/log.h"
#include "client/daemon_socket.h"

#include <algorithm>

namespace quant {

namespace fs = std::filesystem;

// The files as if they lay in one folder, which is on no disk.
class SharedModel::Files final : public FileSource {
public:
    explicit Files(std::shared_ptr<const SharedModel> model) : model_(std::move(model)) {}

    std::shared_ptr<const MappedFile> map(const fs::path &path) const override {
        const File *file = find(path);
        if (!file) fail(QUANT_ERR_NOT_FOUND, "{}: was not lent", printable(path.string(), 4096));
        return MappedFile::borrow(
            path, {static_cast<const std::byte *>(file->region.get_address()), file->region.get_size()}, model_);
    }
    bool has_file(const fs::path &path) const override { return find(path) != nullptr; }
    bool has_folder(const fs::path &path) const override { return path == model_->title_ || !list(path, 0).empty(); }
    std::vector<fs::path> list(const fs::path &folder, size_t) const override {
        std::vector<fs::path> out;
        for (const File &f : model_->files_)
            if (const fs::path path = path_of(f); path.parent_path() == folder) out.push_back(path);
        return out;
    }

private:
    fs::path path_of(const File &file) const { return fs::path(model_->title_) / file.name; }
    const File *find(const fs::path &path) const {
        for (const File &f : model_->files_)
            if (path_of(f) == path) return &f;
        return nullptr;
    }
    std::shared_ptr<const SharedModel> model_;
};

std::shared_ptr<const SharedModel> SharedModel::borrow(const std::string &model, const SharedOptions &options) {
    const auto until = std::chrono::steady_clock::now() +
                       std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                           std::chrono::duration<double>(std::min(options.timeout_seconds, 1e9)));
    if (options.progress) options.progress->begin("waiting for " + model, 0);
    Descriptor connection = ask_for_lease(options.socket, {.model = model}, until);
    ReceivedLease lease = receive_lease(connection.get(), options.socket, until, options.progress);
    const wire::LeaseRecord &record = lease.record;

    const auto out = std::make_shared<SharedModel>();
    out->title_ = record.title;
    LeaseTerms terms{options.socket, record.model, record.digest, {}};
    for (size_t i = 0; i < record.files.size(); i++) {
        const wire::LentFileRecord &f = record.files[i];
        const int fd = lease.descriptors[i].get();
        const std::string shown = record.title + "/" + f.name;
        terms.files.push_back(check_lent(fd, shown, f.bytes, f.sealed, record.uid));
        out->files_.push_back({f.name, map_lent(fd, shown, f.bytes)});
    }
    if (const auto &p = record.pack) {
        const std::string shown = record.model + "'s pack for " + p->tier;
        terms.files.push_back(check_lent(lease.descriptors.back().get(), shown, p->bytes, p->sealed, record.uid));
        // Where this maps is for huge pages; of its content nothing is believed, see pack_file.h.
        out->pack_ = std::make_shared<BorrowedPack>(BorrowedPack{
            HugeMap::of(std::move(lease.descriptors.back()), p->bytes, shown), shown, p->origin, options.verify});
    }
    out->lease_ = std::make_unique<Lease>(std::move(terms), std::move(connection));
    return out;
}

std::shared_ptr<const Model> SharedModel::open() const {
    const Files files(shared_from_this());
    const bool folder = std::any_of(files_.begin(), files_.end(), [](const File &f) { return f.name == "config.json"; });
    ModelOptions options;
    options.files = &files;
    options.pack = pack_;
    return Model::open(folder ? fs::path(title_) : fs::path(title_) / files_.front().name, options);
}

} // namespace quant
