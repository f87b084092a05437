// The model behind a handle: open already, or opened when it is first used.
#pragma once

#include "model/model.h"

#include <functional>
#include <memory>
#include <mutex>
#include <utility>

namespace quant::api {

/// Threads: any. Used as the pointer it stands for; may throw then what opening throws, and tries again the next time.
class LazyModel {
public:
    using Pointer = std::shared_ptr<const Model>;

    LazyModel(Pointer model) : model_(std::move(model)) {}
    explicit LazyModel(std::function<Pointer()> open) : open_(std::move(open)) {}

    const Pointer &get() const {
        const std::lock_guard lock(mutex_);
        if (!model_) model_ = open_(), open_ = nullptr;
        return model_;
    }
    operator const Pointer &() const { return get(); }
    const Model *operator->() const { return get().get(); }
    const Model &operator*() const { return *get(); }

private:
    mutable std::mutex mutex_;
    mutable Pointer model_;
    mutable std::function<Pointer()> open_;
};

} // namespace quant::api
