// Calibration layer after layer: the inputs of each matrix are those that the already
// quantized part of the model gives (section 2.2 of the survey), so later layers make
// up for what earlier ones lost.
#pragma once

#include "model/layer_pass.h"
#include "quantize/second_moments.h"

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <vector>

namespace quant {

/// What a group of matrices that share an input is quantized by. Moments of `held` come
/// from sequences that those of `train` do not contain.
class InputMoments {
public:
    SecondMoments train{0}, held{0};
    /// Sum of (b - x) xᵀ, b being what goes in when no matrix is quantized, over the same
    /// sequences: it tells what the matrix should do about the errors before it. Of size 0
    /// where it is not known.
    SecondMoments train_drift{0}, held_drift{0};

    bool has_drift() const { return train_drift.size() != 0; }

    /// Several matrices read it: what is factored for one is kept for the next, 8 n² bytes each.
    bool shared = false;
    /// factor() of the moments of `train`, or of both. One thread at a time.
    std::shared_ptr<const Curvature> curvature(bool with_held, double damping, double shrink, WorkerPool &pool) const;

private:
    struct Factored {
        bool with_held;
        double damping, shrink;
        std::shared_ptr<const Curvature> curvature;
    };
    mutable std::vector<Factored> factored_;
};

/// The matrix whose name stands for an input that several share: for k and v that is q,
/// for up gate, of experts too; any other its own.
Role first_reader(Role role);
/// Whether calibration tells what goes into a role's matrices: not of all that heads and shared experts have.
bool is_calibrated(Role role);

/// One thread at a time.
class LayerwiseCalibration {
public:
    /// Of `sequences`, the last of `held_every` parts is held out: one stretch, so that
    /// where the text changes its subject the choice is tried on another. Without
    /// `with_drift`, which is for passes that replace nothing, there are no drifts. Throws
    /// Error (QUANT_ERR_NO_MEMORY). Memory is two hidden states of each token (one without
    /// drift), a layer's weights in float32, an input's moments with what add() needs, and up to a
    /// gibibyte of inputs.
    LayerwiseCalibration(std::shared_ptr<const ModelFile> file, std::vector<std::vector<int32_t>> sequences,
                         bool with_drift, WorkerPool &pool);

    static constexpr size_t held_every = 8;
    /// How many of so many sequences are held out.
    static constexpr size_t held_of(size_t sequences) { return sequences / held_every; }

    /// Quantizes one matrix, of a tensor's stack the one of that number: `weights` are rows x
    /// cols in GGUF's order of rows; returns the encoded bytes and their encoding (none: the
    /// matrix stays), which later layers then see.
    struct Replacement {
        const EncodingTraits *encoding = nullptr;
        std::vector<std::byte> bytes;
    };
    using Quantize = std::function<Replacement(const ModelTensor &tensor, uint64_t matrix,
                                               std::span<const float> weights, const InputMoments &inputs)>;

    /// An expert that fewer tokens go to is calibrated on all of the layer's: so few say
    /// nothing about its inputs.
    static constexpr size_t least_expert_tokens = 256;

    /// The embedding of tokens that the pass starts from, in place, of rows of the model's own.
    using Embedding = std::function<void(std::span<float> row)>;
    void replace_embedding(Embedding embedding) { embedding_ = std::move(embedding); }

    /// Run all layers. `quantize` is called for each matrix in the order of the pass.
    void run(const Quantize &quantize);

    /// After run(): mean square of each input of the matrix that makes logits, behind all that
    /// was replaced.
    std::vector<float> logit_inputs();

private:
    struct Matrix {
        const ModelTensor *tensor = nullptr;
        std::vector<float> weights;
    };

    /// Writes what goes into a matrix of `layer` for a sequence, whose hidden states are x;
    /// returns for how many of its tokens.
    using Input = std::function<size_t(const Layer &layer, const float *x, size_t sequence, size_t tokens, float *out)>;

    // Inputs of a sequence's tokens that gather() made, for the step that goes on from them:
    // making them again takes as long as all else. Empty where they would be too many.
    struct KeptInput {
        std::vector<float> x, base;
    };
    using KeptInputs = std::vector<KeptInput>;

    void load_layer(uint32_t index);
    Linear load(Role weight, uint32_t index);
    void decode(const ModelTensor &tensor, uint64_t matrix, std::vector<float> &weights) const;
    void replace(Linear &linear, const ModelTensor &tensor, uint64_t number, std::span<const float> weights,
                 const InputMoments &inputs, const Quantize &quantize) const;
    void replace(Linear &linear, Role role, const InputMoments &inputs, const Quantize &quantize) const {
        const Matrix &matrix = matrices_.at(role);
        if (!matrix.tensor) return;
        replace(linear, *matrix.tensor, 0, matrix.weights, inputs, quantize);
    }
    InputMoments gather(size_t width, const Input &input, KeptInputs *kept = nullptr);
    void run_attention(const Quantize &quantize);
    void run_feed_forward(const Quantize &quantize);
    void run_experts(uint32_t index, const Quantize &quantize);
    void route_experts();
    /// LayerPass::add_attention() or its like.
    using Finish = void (LayerPass::*)(const Layer &layer, const float *in, size_t tokens, float *x);
    void advance(Finish finish, const Input &input, KeptInputs &kept);
    void embed();
    void replace_embeddings();
    template <class Use> void each_sequence(const Use &use);

    std::shared_ptr<const ModelFile> file_;
    Hyperparameters h_;
    std::vector<std::vector<int32_t>> sequences_;
    bool with_drift_;
    WorkerPool &pool_;
    LayerPass pass_;
    KvCache cache_;
    std::vector<std::vector<float>> x_, base_x_; ///< Of each sequence: tokens x embedding; base: nothing quantized, empty without drift.
    Embedding embedding_;
    Layer layer_, base_layer_;
    uint32_t index_ = 0; ///< Of the layer.
    std::map<Role, Matrix> matrices_; ///< Of it. Of experts there is one at a time.
    std::vector<float> normed_, wide_;
    std::vector<std::vector<ExpertTokens>> routes_; ///< Of each sequence: which tokens an expert is calibrated on.
};

} // namespace quant
