#include "quantize/plan_output.h"

#include "quantize/checkpoint_output.h"
#include "quantize/plan.h"

namespace quant {

/// A GGUF file, where several tensors may lie in one.
class Plan::GgufOutput final : public PlanOutput {
public:
    GgufOutput(const Plan &plan, const std::filesystem::path &path)
        : plan_(plan), writer_(path, plan.output_metadata(), plan.layout()) {}

    void write(size_t tensor, uint64_t first, uint64_t, std::span<const std::byte> rows) override {
        writer_.write(plan_.places_[tensor].tensor, offset_of(tensor, first), rows);
    }
    void begin_sync(size_t tensor, uint64_t first, uint64_t count) noexcept override {
        writer_.begin_sync(plan_.places_[tensor].tensor, offset_of(tensor, first), count * row_bytes(tensor));
    }
    std::string commit() override { return writer_.commit_with_digest(); }

private:
    uint64_t row_bytes(size_t tensor) const {
        const PlannedTensor &t = plan_.tensors_[tensor];
        return t.bytes / std::max<uint64_t>(1, t.source->rows());
    }
    uint64_t offset_of(size_t tensor, uint64_t row) const { return plan_.places_[tensor].offset + row * row_bytes(tensor); }

    const Plan &plan_;
    GgufWriter writer_;
};

std::unique_ptr<PlanOutput> Plan::make_output(const std::filesystem::path &output) {
    if (checkpoint_) return std::make_unique<CheckpointOutput>(output, *source_, *checkpoint_, tensors_);
    return std::make_unique<GgufOutput>(*this, output);
}

} // namespace quant
