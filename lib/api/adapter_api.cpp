#include <quant/adapter.h>

#include "api/guard.h"
#include "api/handles.h"

using namespace quant;
using namespace quant::api;

extern "C" {

quant_status quant_adapter_open(quant_adapter **out, const quant_model *model, const char *path) {
    return guarded([&] {
        require(out, "out");
        *out = nullptr;
        require(model, "model"), require(path, "path");
        *out = new quant_adapter{Adapter::open(model->model->file_pointer(), path), path};
    });
}

void quant_adapter_free(quant_adapter *adapter) { delete adapter; }

quant_status quant_adapter_get_info(const quant_adapter *adapter, quant_adapter_info *info) {
    return guarded([&] {
        require(adapter, "adapter");
        const Adapter &a = *adapter->adapter;
        quant_adapter_info value{};
        value.path = adapter->path.c_str();
        value.is_gguf = a.is_gguf();
        value.rank = static_cast<uint32_t>(a.rank());
        value.matrices = a.matrices(), value.parameters = a.parameters();
        write_struct(info, value, "info");
    });
}

} // extern "C"
