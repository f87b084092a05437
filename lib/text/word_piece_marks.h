// What WordPiece vocabularies and the files that hold them agree on. Inside lib/text and for GGUF's writing of it.
#pragma once

#include "text/tokenizer.h"

#include <string_view>

namespace quant {

/// In front of tokens that continue a word.
inline constexpr std::string_view continuation = "##";

/// Steps of BERT's normalizer, in its order.
struct BertNormalizing {
    bool clean_text = true;    ///< Control characters go, white space becomes spaces.
    bool space_han = true;     ///< Each Han character is a word.
    bool lowercase = true;
    bool strip_accents = true; ///< Where not stated, as lowercase.
};

inline void add_bert_normalizer(const BertNormalizing &what, TokenizerSpec &spec) {
    const auto add = [&](bool wanted, NormalizerKind kind) {
        if (wanted) spec.normalizer.push_back({kind, "", "", true});
    };
    add(what.clean_text, NormalizerKind::clean_text);
    add(what.space_han, NormalizerKind::space_han);
    add(what.strip_accents, NormalizerKind::nfd);
    add(what.strip_accents, NormalizerKind::strip_marks);
    add(what.lowercase, NormalizerKind::lowercase);
}

} // namespace quant
