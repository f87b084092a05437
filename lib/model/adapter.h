// Low-rank adapters (LoRA): two small matrices beside some of a base's, so that y = W x + factor * B (A x), and W
// itself stays as it is, packed and shared.
//
// An adapter is read for one base: what it brings has been found there, with the shapes it must have, and its rows lie
// in the order of the base's own file. GGUF has the rows of queries and keys of some architectures in another order
// than folders do, and adapters of either kind go with bases of either.
#pragma once

#include "model/architecture.h"
#include "model/model_file.h"

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace quant {

/// What is added to the product with one matrix.
struct AdapterPair {
    uint64_t rank = 0;
    float factor = 0;     ///< Of the product of both.
    std::vector<float> a; ///< rank x the matrix's columns.
    std::vector<float> b; ///< rank x the matrix's rows (B transposed), in the order of the base's file.
};

/// Immutable after open.
class Adapter {
public:
    /// A PEFT folder with adapter_config.json and adapter_model.safetensors, or a GGUF file whose general.type is
    /// "adapter". Throws Error as quant_adapter_open() says.
    static std::shared_ptr<const Adapter> open(std::shared_ptr<const ModelFile> base,
                                               const std::filesystem::path &path);

    const ModelFile &base() const { return *base_; }
    /// As given to open(), and as messages show it.
    const std::filesystem::path &path() const { return path_; }
    const std::string &name() const { return name_; }
    bool is_gguf() const { return is_gguf_; }
    const std::vector<std::filesystem::path> &files() const { return files_; }
    /// nullptr where it leaves that matrix alone.
    const AdapterPair *find(RoleOfTensor of) const;
    size_t matrices() const { return pairs_.size(); }
    uint64_t rank() const;       ///< The largest.
    uint64_t parameters() const; ///< Of all factors.

private:
    Adapter() = default;
    /// Both halves of a pair, as they are gathered.
    struct Halves;
    using Gathered = std::map<std::pair<Role, uint32_t>, Halves>;
    void read_peft(const std::filesystem::path &folder);
    void read_gguf(const std::shared_ptr<const Container> &container);
    void gather(Gathered &gathered, RoleOfTensor of, const TensorInfo &tensor, bool is_b) const;
    void add_pair(const Container &container, RoleOfTensor of, const Halves &halves, double factor, bool gguf_order);
    std::vector<float> decode(const Container &container, const TensorInfo &tensor) const;

    std::shared_ptr<const ModelFile> base_;
    std::filesystem::path path_;
    std::string name_;
    bool is_gguf_ = false;
    std::vector<std::filesystem::path> files_;
    std::map<std::pair<Role, uint32_t>, AdapterPair> pairs_;
};

/// An adapter in use; `scale` counts beside its own factors.
struct AttachedAdapter {
    std::shared_ptr<const Adapter> adapter;
    float scale = 1;

    friend bool operator==(const AttachedAdapter &, const AttachedAdapter &) = default;
};

/// What sequences run with. Sets are alike where they have the same adapters with the same scales in the same order:
/// keys and values of one are of no use to another.
using AdapterSet = std::vector<AttachedAdapter>;

/// The set without what has scale 0. Throws Error (QUANT_ERR_ARGUMENT): an adapter of another model, one that comes
/// twice, a scale that is not finite or over `most_adapter_scale`.
inline constexpr float most_adapter_scale = 1000;
AdapterSet checked_adapters(AdapterSet set, const ModelFile &base);

/// The base with the adapters in its weights: decode_rows() of it gives W + factor * scale * B A. Throws Error
/// (QUANT_ERR_UNSUPPORTED): an adapter of the output matrix, where that is the embedding as well.
std::shared_ptr<const ModelFile> with_merged(std::shared_ptr<const ModelFile> base, AdapterSet set);

} // namespace quant
