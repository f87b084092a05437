#include <quant/container.h>

#include "api/guard.h"
#include "api/handles.h"
#include "api/metadata_json.h"
#include "base/json.h"

using namespace quant;
using namespace quant::api;

namespace {

const TensorInfo &tensor_at(const quant_container *container, size_t index) {
    require(container, "container");
    const auto tensors = container->container->tensors();
    if (index >= tensors.size())
        fail(QUANT_ERR_ARGUMENT, "there is no tensor {}: there are {}", index, tensors.size());
    return tensors[index];
}

} // namespace

extern "C" {

quant_status quant_container_open(quant_container **out, const char *path) {
    return guarded([&] {
        require(out, "out");
        *out = nullptr;
        require(path, "path");
        *out = new quant_container{Container::open(path)};
    });
}

void quant_container_free(quant_container *container) { delete container; }

size_t quant_container_tensor_count(const quant_container *container) {
    return container ? container->container->tensors().size() : 0;
}

quant_status quant_container_tensor(const quant_container *container, size_t index, quant_tensor_info *info) {
    return guarded([&] {
        const TensorInfo &t = tensor_at(container, index);
        quant_tensor_info value{};
        value.name = t.name.c_str();
        value.type_name = t.type_name.c_str();
        value.encoding = t.encoding ? static_cast<int32_t>(t.encoding->id) : -1;
        value.dims = static_cast<uint32_t>(std::min(t.shape.size(), std::size(value.shape)));
        std::copy_n(t.shape.begin(), value.dims, value.shape);
        value.elements = t.elements();
        value.bytes = t.bytes;
        value.offset = t.offset;
        value.file_index = t.file;
        write_struct(info, value, "info");
    });
}

quant_status quant_container_find(const quant_container *container, const char *name, size_t *out_index) {
    return guarded([&] {
        require(container, "container"), require(name, "name"), require(out_index, "out_index");
        const TensorInfo &t = container->container->require(name);
        *out_index = static_cast<size_t>(&t - container->container->tensors().data());
    });
}

quant_status quant_container_decode(const quant_container *container, size_t index, float *out, uint64_t elements) {
    return guarded([&] {
        const TensorInfo &t = tensor_at(container, index);
        require(out, "out");
        if (elements != t.elements())
            fail(QUANT_ERR_ARGUMENT, "tensor {} has {} elements, not {}", t.name, t.elements(), elements);
        if (!t.encoding)
            fail(QUANT_ERR_UNSUPPORTED, "{}: tensor {}: type {} cannot be decoded",
                 container->container->path().string(), t.name, t.type_name);
        decode_matrix(*t.encoding, container->container->data(t), t.rows(), t.cols(), {out, elements});
    });
}

quant_status quant_container_metadata(const quant_container *container, size_t max_items, char **out_json) {
    return guarded([&] {
        require(container, "container"), require(out_json, "out_json");
        *out_json = new_string(json::serialize(metadata_json(container->container->metadata(), max_items)));
    });
}

} // extern "C"
