// A model ready to run: packed weights, tokenizer, chat template.
#pragma once

#include "base/progress.h"
#include "kernel/pack.h"
#include "model/lendable_files.h"
#include "model/lent_pack.h"
#include "model/model_file.h"
#include "model/panel_memory.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace quant {

/// A matrix and its bias, which most architectures do not have.
struct Linear {
    PackedMatrix weight;
    std::vector<float> bias;
    std::optional<RoleOfTensor> of = {}; ///< By which adapters find it; nothing where none can change it.
};

/// What a norm multiplies by and adds; the bias is empty for root mean square.
struct Norm {
    std::vector<float> weight, bias;
};

/// What keys, values and perhaps queries of latent attention are made of and go through.
struct LatentLayer {
    Linear q, q_heads, kv;                 ///< The first two are empty where queries are made of what goes into the block.
    std::vector<float> q_norm, kv_norm;
    std::vector<PackedMatrix> key, value;  ///< Of each head.
};

/// A gated unit: down(silu(gate(x)) * up(x)); or without the gate, which is empty then: down(gelu(up(x))).
struct FeedForward {
    Linear gate, up, down;
    std::vector<float> sub_norm = {}; ///< Of what goes into the last; often empty.
};

/// conv_out(C * (kernel over the last tokens' B * X)), B, C and X being thirds of conv_in(x): LFM2's short convolution.
struct ShortConvolution {
    Linear in, out;
    std::vector<float> kernel; ///< For each of the width's columns its taps, the newest token's last.
};

struct Layer {
    std::vector<float> attention_norm, ffn_norm;               ///< Of what goes into blocks; LayerStyle tells which norms are there.
    std::vector<float> attention_result_norm, ffn_result_norm; ///< Of what comes out.
    Norm attention_output_norm, output_norm;                   ///< Of the sum of both.
    std::vector<float> q_norm, k_norm; ///< Empty where queries and keys are not normalized.
    Linear q, k, v, attention_output;
    std::vector<float> sinks;         ///< A logit for each head; empty: none.
    LatentLayer latent;               ///< Empty unless attention is of that kind.
    std::vector<float> attention_sub_norm; ///< Of what attention gathers; often empty.
    ShortConvolution conv;            ///< Empty but in layers that convolve, which have no attention.
    FeedForward ffn;                  ///< Empty where there are experts.
    Linear router;                    ///< A logit for each expert.
    std::vector<float> choice_bias;   ///< Of experts, where they are chosen only; often empty.
    FeedForward shared;               ///< Experts that take all tokens; often empty.
    std::vector<FeedForward> experts; ///< Empty: no mixture.
};

/// visit(role, vector) for each vector of a layer: norms and biases.
template <class Visit>
void visit_vectors(Layer &l, const Visit &visit) {
    visit(Role::attention_norm, l.attention_norm), visit(Role::ffn_norm, l.ffn_norm);
    visit(Role::attention_result_norm, l.attention_result_norm), visit(Role::ffn_result_norm, l.ffn_result_norm);
    visit(Role::attention_output_norm, l.attention_output_norm.weight);
    visit(Role::attention_output_norm_bias, l.attention_output_norm.bias);
    visit(Role::layer_output_norm, l.output_norm.weight), visit(Role::layer_output_norm_bias, l.output_norm.bias);
    visit(Role::attention_q_norm, l.q_norm), visit(Role::attention_k_norm, l.k_norm);
    visit(Role::attention_q_bias, l.q.bias), visit(Role::attention_k_bias, l.k.bias);
    visit(Role::attention_v_bias, l.v.bias), visit(Role::attention_output_bias, l.attention_output.bias);
    visit(Role::ffn_gate_bias, l.ffn.gate.bias), visit(Role::ffn_up_bias, l.ffn.up.bias);
    visit(Role::ffn_down_bias, l.ffn.down.bias);
    visit(Role::attention_sinks, l.sinks), visit(Role::attention_sub_norm, l.attention_sub_norm);
    visit(Role::ffn_sub_norm, l.ffn.sub_norm);
    visit(Role::latent_q_norm, l.latent.q_norm), visit(Role::latent_kv_norm, l.latent.kv_norm);
    visit(Role::conv_kernel, l.conv.kernel);
    visit(Role::router_bias, l.router.bias), visit(Role::expert_choice_bias, l.choice_bias);
}

/// visit(role, linear) for each matrix of a layer that is no expert's and no router; of a const layer likewise.
template <class AnyLayer, class Visit>
void visit_matrices(AnyLayer &l, const Visit &visit) {
    visit(Role::attention_q, l.q), visit(Role::attention_k, l.k), visit(Role::attention_v, l.v);
    visit(Role::attention_output, l.attention_output);
    visit(Role::conv_in, l.conv.in), visit(Role::conv_out, l.conv.out);
    visit(Role::ffn_gate, l.ffn.gate), visit(Role::ffn_up, l.ffn.up), visit(Role::ffn_down, l.ffn.down);
    visit(Role::latent_q, l.latent.q), visit(Role::latent_q_heads, l.latent.q_heads), visit(Role::latent_kv, l.latent.kv);
    visit(Role::shared_gate, l.shared.gate), visit(Role::shared_up, l.shared.up), visit(Role::shared_down, l.shared.down);
}

/// Where an expert's matrix of that role is kept.
Linear FeedForward::*expert_member(Role role);

/// A tensor's matrix in the source's own order of rows, borrowed from it where its rows follow each other there.
PackedMatrix borrow_matrix(const ModelFile &file, const ModelTensor &tensor, uint64_t matrix);

/// A role's vector in the order of rows that borrowed matrices have; empty where there is none. Rows of vectors of experts one after the other.
std::vector<float> source_vector(const ModelFile &file, Role role, uint32_t layer);
/// A layer's experts, with their biases; none where it has none.
std::vector<FeedForward> borrow_experts(const ModelFile &file, uint32_t layer);
/// The matrices of heads; none where there are none.
std::vector<PackedMatrix> borrow_heads(const ModelFile &file, Role role, uint32_t layer);

/// How a model is opened.
struct ModelOptions {
    PackLimit packs = 0;   ///< Whether its panels are kept on disk, and how much is, pack_cache.h.
    bool prefault = false; ///< All of the files is read before opening returns.
    Progress *progress = nullptr; ///< Of that, in bytes.
    /// Descriptors are kept, and panels made so that both can be lent. Its tokenizer is made at the first use, not when it
    /// opens: borrowers make their own, and wait for this process meanwhile.
    bool lendable = false;
    /// Where its files are; null: on disk. Used while it opens only.
    const FileSource *files = nullptr;
    std::shared_ptr<const BorrowedPack> pack = nullptr; ///< That was lent along with them, if any.
};

/// What a model lends.
struct LentModel {
    std::span<const LendableFiles::Opened> files;
    const LentPack *pack = nullptr; ///< Null where there is none.
};

/// Immutable; any number of sessions run on it at the same time.
class Model : public std::enable_shared_from_this<Model> {
public:
    /// Throws Error as quant_model_open() says.
    static std::shared_ptr<const Model> open(const std::filesystem::path &path, const ModelOptions &options = {});

    /// The same model with another matrix, or stack of experts' matrices, in one place; rows
    /// in the source's order. Shares everything else.
    std::shared_ptr<const Model> with_matrix(Role role, uint32_t layer, PackedMatrix matrix) const;

    /// The same model with panels for the matrices that the CPU has a use for them for; made
    /// at the first call and kept, in memory of its own about the size of the file, or as often as
    /// memory nodes are mirrored; or found in a pack, if that was asked for. Where that is not there, itself, and a warning is logged.
    std::shared_ptr<const Model> with_panels() const;

    /// What it lends; borrowed. Makes the panels as with_panels() does. Throws Error (QUANT_ERR_ARGUMENT): it is not lendable.
    LentModel lend() const;
    /// Of that its files alone, which are there already. Throws likewise.
    std::span<const LendableFiles::Opened> lent_files() const;

    const ModelFile &file() const { return *file_; }
    const std::shared_ptr<const ModelFile> &file_pointer() const { return file_; }
    const Hyperparameters &hyperparameters() const { return file_->hyperparameters(); }
    /// Throws Error as open() does, of a lendable model that has none yet.
    const Tokenizer &tokenizer() const { return *tokenizer_pointer(); }
    const std::shared_ptr<const Tokenizer> &tokenizer_pointer() const;
    const std::string &chat_template() const { return file_->tokenizer().chat_template; }

    const PackedMatrix &embedding() const { return embedding_; }
    const PackedMatrix &output() const { return output_ ? output_ : embedding_; }
    const std::vector<float> &output_norm() const { return output_norm_; }
    const Norm &embedding_norm() const { return embedding_norm_; }
    /// What is added to embeddings at each position of the context, token type included; empty where nothing is.
    std::span<const float> positions() const { return positions_; }
    /// Throws Error (QUANT_ERR_UNSUPPORTED) for an encoder, which cannot do what the sentence says.
    void require_causal(std::string_view what) const;
    const std::vector<Layer> &layers() const { return layers_; }

    /// Bytes of weights that one token's pass reads, as the file has them; of experts those used.
    double bytes_per_token() const;

    /// Products with weights that a token's pass takes; of experts those used.
    double products_per_token() const;

    /// Throws Error (QUANT_ERR_NOT_FOUND) if it has none, QUANT_ERR_TEMPLATE.
    std::string render_chat(TemplateInput input) const;

private:
    Model() = default;
    PackedMatrix pack(Role role, uint32_t layer) const;
    template <class Size> double of_a_token(const Size &size) const;
    std::vector<float> vector(Role role, uint32_t layer) const;
    std::vector<PanelMatrix> matrices();
    std::optional<PackPlace> pack_place() const;
    void prefault(Progress *progress) const;
    std::vector<float> positions_with_type() const;

    std::shared_ptr<const ModelFile> file_;
    struct LateTokenizer {
        std::once_flag made;
        std::shared_ptr<const Tokenizer> tokenizer;
    };
    std::shared_ptr<LateTokenizer> tokenizer_ = std::make_shared<LateTokenizer>(); ///< Of all models made of this one.
    PackedMatrix embedding_, output_;
    std::vector<float> output_norm_, positions_;
    Norm embedding_norm_;
    std::vector<Layer> layers_;
    PackLimit packs_ = 0;
    std::shared_ptr<const LendableFiles> lendable_; ///< Null where it is not to be lent.
    std::shared_ptr<const BorrowedPack> borrowed_;

    struct Paneled {
        std::mutex mutex;
        std::shared_ptr<const Model> model;
        LentPack lent; ///< Of a lendable model, once it has panels.
    };
    std::shared_ptr<Paneled> paneled_; ///< Null in a model that has panels itself.
};

} // namespace quant
