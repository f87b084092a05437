// Container itself: mapped files, the list of tensors, and the index of their names.
// The readers have checked every offset; data() checks again, because a TensorInfo may
// come from a caller's hand, and one comparison is cheaper than a fault.
#include "container/container.h"

#include "base/checked.h"
#include "base/error.h"
#include "container/container_parts.h"

#include <algorithm>
#include <numeric>

namespace quant {

namespace fs = std::filesystem;

namespace {

class MappedContainer final : public Container {
public:
    MappedContainer(const fs::path &path, ContainerParts parts) : maps_(std::move(parts.files)) {
        kind_ = parts.kind;
        path_ = path;
        metadata_ = std::move(parts.metadata);
        tensors_ = std::move(parts.tensors);
        for (const auto &map : maps_) {
            files_.push_back(map->path());
            file_bytes_ += map->bytes().size();
        }
        index_names();
    }

    std::span<const std::byte> data(const TensorInfo &tensor) const override {
        if (tensor.file >= maps_.size() ||
            !in_range(tensor.offset, tensor.bytes, maps_[tensor.file]->bytes().size()))
            fail(QUANT_ERR_ARGUMENT, "{}: tensor \"{}\" is not one of this file's", shown(path_),
                 printable(tensor.name));
        return maps_[tensor.file]->bytes().subspan(tensor.offset, tensor.bytes);
    }

private:
    std::vector<std::shared_ptr<const MappedFile>> maps_;
};

} // namespace

std::string shown(const fs::path &path) { return printable(path.string(), 4096); }

uint64_t TensorInfo::elements() const {
    return std::accumulate(shape.begin(), shape.end(), uint64_t{1}, std::multiplies<>());
}

std::shared_ptr<const Container> Container::open(const fs::path &path, const FileSource &files) {
    return std::make_shared<MappedContainer>(path, read_container(path, files));
}

void Container::index_names() {
    by_name_.resize(tensors_.size());
    std::iota(by_name_.begin(), by_name_.end(), 0u);
    const auto name = [&](uint32_t place) -> const std::string & { return tensors_[place].name; };
    std::sort(by_name_.begin(), by_name_.end(), [&](uint32_t a, uint32_t b) { return name(a) < name(b); });
    const auto twice = std::adjacent_find(by_name_.begin(), by_name_.end(),
                                          [&](uint32_t a, uint32_t b) { return name(a) == name(b); });
    if (twice == by_name_.end()) return;
    fail(QUANT_ERR_FORMAT, "{}: tensor \"{}\" is in two files of the model: {} and {}", shown(path_),
         printable(name(*twice)), shown(files_[tensors_[twice[0]].file].filename()),
         shown(files_[tensors_[twice[1]].file].filename()));
}

const TensorInfo *Container::find(std::string_view name) const {
    const auto before = [&](uint32_t place, std::string_view wanted) { return tensors_[place].name < wanted; };
    const auto at = std::lower_bound(by_name_.begin(), by_name_.end(), name, before);
    return at != by_name_.end() && tensors_[*at].name == name ? &tensors_[*at] : nullptr;
}

const TensorInfo &Container::require(std::string_view name) const {
    const TensorInfo *tensor = find(name);
    if (!tensor) fail(QUANT_ERR_NOT_FOUND, "{}: there is no tensor \"{}\"", shown(path_), printable(name));
    return *tensor;
}

void restore_columns(const TensorInfo &tensor, float *row) {
    if (!tensor.columns) return;
    const std::vector<float> stored(row, row + tensor.cols());
    for (size_t c = 0; c < stored.size(); c++) row[(*tensor.columns)[c]] = stored[c];
}

void Container::copy_rows(const TensorInfo &tensor, uint64_t first, uint64_t count, std::byte *out) const {
    const uint64_t row_bytes = encoded_bytes(*tensor.encoding, 1, tensor.cols());
    const std::span<const std::byte> rows = data(tensor).subspan(first * row_bytes, count * row_bytes);
    std::copy(rows.begin(), rows.end(), out);
}

std::vector<float> Container::decode(const TensorInfo &tensor) const {
    if (!tensor.encoding)
        fail(QUANT_ERR_UNSUPPORTED, "{}: tensor \"{}\": weights of type {} cannot be decoded by this version",
             shown(path_), printable(tensor.name), printable(tensor.type_name));
    std::vector<float> out(tensor.elements());
    if (out.empty()) return out;
    if (!tensor.made) {
        decode_matrix(*tensor.encoding, data(tensor), tensor.rows(), tensor.cols(), out);
        return out;
    }
    std::vector<std::byte> row(encoded_bytes(*tensor.encoding, 1, tensor.cols()));
    for (uint64_t r = 0; r < tensor.rows(); r++) {
        copy_rows(tensor, r, 1, row.data());
        const std::span<float> floats(out.data() + r * tensor.cols(), tensor.cols());
        decode_matrix(*tensor.encoding, row, 1, tensor.cols(), floats);
        restore_columns(tensor, floats.data());
    }
    return out;
}

} // namespace quant
