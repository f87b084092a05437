// What happens to a text before it is cut into tokens: Unicode forms, replacements.
#pragma once

#include "text/charsmap.h"
#include "text/splitter.h"
#include "text/tokenizer.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quant {

/// Immutable; any thread may use it at the same time.
class Normalizer {
public:
    /// Throws Error for a pattern or charsmap that cannot be used.
    explicit Normalizer(const TokenizerSpec &spec);

    bool does_nothing() const { return steps_.empty(); }
    std::string apply(std::string_view text, SplitBudget &budget) const;

private:
    struct Step {
        NormalizerKind kind;
        std::string content;
        std::unique_ptr<Splitter> find;     ///< replace
        std::unique_ptr<Charsmap> charsmap; ///< charsmap
    };
    static std::string apply_step(const Step &step, std::string_view text, SplitBudget &budget);

    std::vector<Step> steps_;
};

} // namespace quant
