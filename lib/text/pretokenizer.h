// How byte-level BPE cuts a text into pieces before merging: a list of splitting
// steps, each applied to what the step before left. GGUF names such a list with
// tokenizer.ggml.pre; the names and lists are one table.
#pragma once

#include "text/splitter.h"
#include "text/tokenizer.h"

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace quant {

/// A row of the table of names. A step that begins with @ is a word rule's name.
struct PreTokenizerName {
    std::string_view name;
    std::vector<std::string_view> steps;
    bool ignore_merges = false;
    bool add_bos = false; ///< What a GGUF file without add_bos_token means.
};

/// nullptr for an unknown name. "" and "default" are the default.
const PreTokenizerName *find_pre_tokenizer(std::string_view name);

/// The name whose steps these rules are, the usual one first; "" when there is none.
std::string_view name_of_splits(std::span<const SplitRule> rules, bool ignore_merges);

/// Immutable; any thread may use it at the same time.
class PreTokenizer {
public:
    /// From the spec's `splits`, or from its `pre`. Throws Error (QUANT_ERR_UNSUPPORTED)
    /// naming an unknown one.
    explicit PreTokenizer(const TokenizerSpec &spec);

    using Sink = std::function<void(std::string_view piece)>;
    /// Every byte of `text` that no step removes reaches `sink`, in order.
    void split(std::string_view text, SplitBudget &budget, const Sink &sink) const;

private:
    struct Step {
        std::unique_ptr<Splitter> splitter;
        SplitBehavior behavior = SplitBehavior::isolated;
        bool invert = false;
    };
    void apply(size_t step, std::string_view text, SplitBudget &budget, const Sink &sink) const;
    void apply_other(const Step &step, std::string_view text, SplitBudget &budget, const Sink &sink) const;

    std::vector<Step> steps_;
};

} // namespace quant
