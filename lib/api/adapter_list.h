// Lists of adapters in use, as callers give them.
#pragma once

#include "api/guard.h"
#include "api/handles.h"

namespace quant::api {

/// `name` leads messages: "options.adapters". Whether they go with a model is checked where they are attached.
inline AdapterSet adapters_of(const quant_adapter_use *list, size_t count, const char *name) {
    AdapterSet out;
    if (count != 0) require(list, name);
    for (size_t i = 0; i < count; i++) {
        if (!list[i].adapter) fail(QUANT_ERR_ARGUMENT, "{}[{}].adapter is NULL", name, i);
        out.push_back({list[i].adapter->adapter, list[i].scale});
    }
    return out;
}

} // namespace quant::api
