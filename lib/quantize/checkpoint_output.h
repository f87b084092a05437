// A plan's output as a folder of a quantized checkpoint.
#pragma once

#include "container/checkpoint_format.h"
#include "container/safetensors_writer.h"
#include "quantize/plan.h"
#include "quantize/plan_output.h"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

namespace quant {

/// What a folder is made of: for each tensor that the source has stored, whether it becomes pieces of a quantized matrix,
/// and of which of the plan's tensors.
class CheckpointLayout {
public:
    struct Linear {
        const TensorInfo *stored;
        const EncodingTraits *encoding;
        std::string module;
        size_t first_piece = 0;      ///< In pieces().
        bool direct = false;         ///< Encoded from the stored rows, not from the plan's tensors.
        bool relaid = false;         ///< All its blocks are the source's own.
        std::vector<size_t> tensors; ///< Of the plan.
    };
    struct Copy {
        const TensorInfo *stored;
        const EncodingTraits *encoding; ///< What it becomes; nullptr: as it is.
        size_t piece;
    };

    /// `exact`: what is not quantized keeps its type.
    CheckpointLayout(const ModelFile &source, const CheckpointFormat &format, std::span<PlannedTensor> planned, bool exact);

    const std::vector<SafetensorsPlan> &pieces() const { return pieces_; }
    const std::vector<Linear> &linears() const { return linears_; }
    const std::vector<Copy> &copies() const { return copies_; }
    /// Modules of linears that are not quantized.
    const std::vector<std::string> &kept() const { return kept_; }
    const CheckpointFormat &format() const { return format_; }
    /// Of most tensors that are not quantized.
    const std::string &float_dtype() const { return float_dtype_; }
    /// Whether the output encodes the plan's tensor itself.
    bool is_direct(size_t tensor) const { return direct_.contains(tensor); }

private:
    void add_linear(const TensorInfo &stored, std::vector<size_t> tensors, std::span<PlannedTensor> planned);
    void add_copy(const TensorInfo &stored, std::string dtype, const EncodingTraits *becomes);

    const CheckpointFormat &format_;
    std::vector<SafetensorsPlan> pieces_;
    std::vector<Linear> linears_;
    std::vector<Copy> copies_;
    std::vector<std::string> kept_;
    std::set<size_t> direct_; ///< Of the plan's tensors.
    std::string float_dtype_;
};

/// What floats of a folder become: what the format has, or else what the source has. `exact`: what the source has, unless
/// the format is of floats alone.
std::string float_dtype_of(const ModelFile &source, const CheckpointFormat &format, bool exact);

class CheckpointOutput final : public PlanOutput {
public:
    CheckpointOutput(const std::filesystem::path &folder, const ModelFile &source, const CheckpointLayout &layout,
                     std::span<PlannedTensor> planned);

    void write(size_t tensor, uint64_t first, uint64_t count, std::span<const std::byte> rows) override;
    void finish(Progress &progress) override;
    std::string commit() override;

private:
    /// A linear whose rows arrive.
    struct Arriving {
        std::once_flag once;
        std::vector<std::byte> blocks;
        std::atomic<uint64_t> rows{0};
    };

    void encode_direct(const CheckpointLayout::Linear &linear, Progress &progress);
    void copy(const CheckpointLayout::Copy &copy);
    void pack(const CheckpointLayout::Linear &linear, std::span<const std::byte> blocks);
    std::string config() const;

    const ModelFile &source_;
    const CheckpointLayout &layout_;
    std::span<PlannedTensor> planned_;
    SafetensorsWriter writer_;
    std::map<const TensorInfo *, size_t> linear_of_;
    std::vector<Arriving> arriving_;
    std::mutex facts_mutex_;
    CheckpointFormat::Facts facts_;
};

} // namespace quant
