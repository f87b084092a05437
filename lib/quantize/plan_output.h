// Where what a plan makes goes: a GGUF file, or a folder of another dialect.
#pragma once

#include "base/progress.h"
#include "container/container.h"

#include <cstdint>
#include <span>
#include <string>

namespace quant {

/// Until commit() nothing appears under the output's name.
class PlanOutput {
public:
    virtual ~PlanOutput() = default;
    /// Rows [first, first + count) of the plan's tensor with this number, in GGUF's order. Any thread; each row once.
    virtual void write(size_t tensor, uint64_t first, uint64_t count, std::span<const std::byte> rows) = 0;
    /// The disk may begin with these rows.
    virtual void begin_sync(size_t, uint64_t, uint64_t) noexcept {}
    /// What the plan copies and what only the output can encode.
    virtual void finish(Progress &) {}
    /// The SHA-256 of the file; "" where there are several.
    virtual std::string commit() = 0;
};

} // namespace quant
