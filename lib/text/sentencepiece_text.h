// What SentencePiece's two models share: spaces become U+2581, a space may be put in
// front, unknown characters become byte tokens, and decoding undoes that.
#pragma once

#include "text/text_tokenizer.h"

#include <array>

namespace quant {

/// What SentencePiece writes spaces as.
inline constexpr std::string_view space_mark = "\u2581";

class SentencePieceText : public TextTokenizer {
protected:
    explicit SentencePieceText(TokenizerSpec spec);

    /// Append the ids of a piece of escaped text.
    virtual void encode_piece(std::string_view piece, Call &call) const = 0;
    /// Append byte tokens, or the unknown token, for characters that have no token.
    /// `after_unknown`: the piece's last id is an unknown token that may take these in too.
    void append_unknown(std::string_view bytes, bool after_unknown, std::vector<int32_t> &ids) const;
    bool has_bytes(std::string_view bytes) const;

    std::unordered_map<std::string_view, int32_t> vocabulary_;

private:
    void encode_text(std::string_view text, bool at_start, Call &call) const override;
    std::string bytes_of(int32_t id) const override;
    std::string first_bytes_of(int32_t id) const override;
    void finish_decoding(std::string &text) const override;
    void append_words(std::string_view text, bool at_start, std::string &out, std::vector<size_t> &starts) const;
    bool wants_prefix(std::string_view text, bool at_start) const;
    void encode_escaped(std::string_view text, Call &call) const;

    std::array<int32_t, 256> byte_ids_;
    bool words_are_apart_; ///< No token has a space after another character.
};

} // namespace quant
