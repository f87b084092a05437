// A plan: what each tensor of a model becomes, and its execution into a GGUF file, or a folder of another dialect.
#pragma once

#include <quant/quantize.h>

#include "base/progress.h"
#include "encoding/matrix_error.h"
#include "model/adapter.h"
#include "model/model_file.h"
#include "container/checkpoint_format.h"
#include "quantize/importance.h"
#include "quantize/moments_file.h"
#include "quantize/type_mix.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace quant {

struct QuantizeOptions {
    std::string type;
    quant_method method = QUANT_METHOD_DEFAULT;
    /// Pattern and encoding name; the first that matches a tensor wins.
    std::vector<std::pair<std::string, std::string>> overrides = {};
    /// Encoding of each matrix by name, from a plan document; empty: `type` is a mix.
    std::vector<std::pair<std::string, quant_encoding>> assignment = {};
    double predicted_kld = -1;          ///< Of a plan document; -1: not predicted.
    std::string importance_path = {};  ///< An importance file; "": none.
    std::string moments_path = {};     ///< A file of second moments; "": none.
    std::string calibration_text = {}; ///< UTF-8, for the methods that need statistics; "": none.
    uint64_t calibration_tokens = 0; ///< At most so many of it; 0: all.
    /// Adapters that are merged into the weights first: path and scale.
    std::vector<std::pair<std::string, float>> adapters = {};
    /// Matrices that a source has in floats stay so where others of it are quantized.
    bool keep_floats = false;
    /// What the source has quantized is laid out again without a change, or the plan fails.
    bool exact = false;
};

struct PlannedTensor {
    const ModelTensor *source;
    quant_encoding encoding;
    bool copied = false;   ///< Bytes are taken over as they are; into a folder, in its type of floats.
    bool relaid = false;   ///< What the source has quantized is laid out again: weights stay what they are.
    const EncodingTraits *variant = nullptr; ///< Of `encoding`, which encodes otherwise than the table's; or nullptr.
    bool fallback = false; ///< The row length forced another encoding than the mix wants.
    quant_method method = QUANT_METHOD_ROUND;
    uint64_t bytes = 0;
    double rmse = -1, relative = -1;
    ErrorSums errors = {};     ///< Of what run() has encoded so far.
    uint64_t encoded = 0;      ///< Its matrices that calibration has encoded, which is before all else is.

    const EncodingTraits &traits() const { return variant ? *variant : encoding_traits(encoding); }
};

class CheckpointLayout;
class PlanOutput;

/// One thread at a time.
class Plan {
public:
    /// Throws Error as quant_plan_new() says.
    Plan(std::shared_ptr<const ModelFile> source, const QuantizeOptions &options);

    /// Throws Error: it names neither a type mix nor a checkpoint's format. The message lists what there is.
    static void require_type(std::string_view type);

    /// With what was merged, where its rows are decoded.
    const ModelFile &source() const { return *source_; }
    /// What was merged; those of scale 0 left out.
    const AdapterSet &adapters() const { return adapters_; }
    /// A type mix's name, or a plan document's.
    const std::string &type() const { return options_.type; }
    double predicted_kld() const { return options_.predicted_kld; }
    /// SHA-256 of the calibration text or the file of statistics, in hex; "" without one.
    std::string calibration_digest() const;
    quant_method method() const { return method_; }
    const std::vector<PlannedTensor> &tensors() const { return tensors_; }
    uint64_t parameters() const;
    uint64_t tensor_bytes() const;
    uint64_t output_bytes() const;
    double bits_per_weight() const;
    uint32_t fallbacks() const;
    /// Whether the source is itself quantized and becomes something else, so that losses add up.
    bool requantizes() const;
    uint32_t relaid() const;
    /// The output is a folder, not a GGUF file.
    bool makes_folder() const { return format_ != nullptr; }

    /// Write the file, or the folder; fills in the tensors' errors.
    void run(const std::filesystem::path &output, Progress &progress);
    /// SHA-256 of the file that run() wrote there, in hex; "" where it was not the last it wrote.
    std::string output_digest(const std::filesystem::path &output) const;

private:
    void read_type();
    void merge_adapters();
    bool stays(const PlannedTensor &planned) const;
    void choose(PlannedTensor &planned, bool output_is_tied) const;
    void choose_for_format(PlannedTensor &planned) const;
    void assign(PlannedTensor &planned) const;
    bool stays_float(const PlannedTensor &planned) const;
    bool loses(const PlannedTensor &planned) const;
    bool relays(const PlannedTensor &planned) const;
    bool relays_matrix(const PlannedTensor &planned, uint64_t matrix) const;
    void take_usual_encoding(PlannedTensor &planned) const;
    void require_exact() const;
    void relay_rows(size_t number, PlanOutput &out, Progress &progress);
    Metadata output_metadata() const;
    std::vector<TensorPlan> layout() const;
    /// Tensors that are one in the file need one encoding: the finest of theirs.
    void agree_on_encodings(std::span<const ModelTensor *const> chosen);
    /// Where in the file's layout its bytes begin.
    struct Place {
        size_t tensor;
        uint64_t offset;
    };
    std::vector<Place> places() const;
    class GgufOutput;
    std::unique_ptr<PlanOutput> make_output(const std::filesystem::path &output);
    size_t number_of(const PlannedTensor &planned) const { return static_cast<size_t>(&planned - tensors_.data()); }
    void encode(PlannedTensor &planned, PlanOutput &out, Progress &progress);
    void encode_calibrated(PlanOutput &out, Progress &progress);
    void encode_from_moments(PlanOutput &out, Progress &progress);
    bool calibrates(const PlannedTensor &planned) const;
    void encode_rows(PlannedTensor &planned, uint64_t matrix, std::span<const float> columns, PlanOutput &out,
                     Progress &progress);
    std::vector<std::byte> encode_with(const InputMoments &inputs, std::span<const float> weights, uint64_t matrix,
                                       PlannedTensor &planned, PlanOutput &out, Progress &progress) const;
    bool searches_long(const ModelTensor &tensor) const;
    std::vector<float> column_importance(const ModelTensor &tensor) const;
    quant_method plain_method(const PlannedTensor &planned, bool has_columns) const;
    void require_finite(const ModelTensor &tensor, uint64_t first_row, std::span<const float> weights) const;
    void read_statistics();
    void share_fused_entries();

    std::shared_ptr<const ModelFile> source_;
    const TypeMix *mix_; ///< nullptr where each matrix has its encoding assigned.
    quant_method method_;
    QuantizeOptions options_;
    AdapterSet adapters_;
    Importance importance_; ///< Without entries where none was given.
    std::shared_ptr<const MomentsFile> moments_; ///< nullptr where none was given.
    std::vector<PlannedTensor> tensors_;
    std::vector<Place> places_; ///< Of each, in a GGUF file.
    std::shared_ptr<const CheckpointFormat> format_;   ///< nullptr: a GGUF file is made.
    std::shared_ptr<const CheckpointLayout> checkpoint_; ///< With it.
    std::filesystem::path output_;
    std::string output_digest_;
};

const char *method_name(quant_method method);

/// Whether matrices are quantized from second moments of their inputs.
bool needs_calibration(quant_method method);

} // namespace quant
