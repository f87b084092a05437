// Tokenizers: text to ids and back. A TokenizerSpec is what a file says; it comes
// from tokenizer.json here, and from GGUF metadata in lib/model/gguf_tokenizer.h.
#pragma once

#include "base/file_source.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace quant {

enum class TokenizerModel : uint8_t {
    byte_bpe,          ///< Byte-level BPE behind a pre-tokenizer ("gpt2" in GGUF).
    sentencepiece_bpe, ///< BPE by scores or merges over U+2581 text, byte fallback ("llama").
    unigram,           ///< SentencePiece unigram, Viterbi ("t5").
    word_piece,        ///< Longest tokens of words, "##" in front of those that continue one ("bert").
};

/// GGUF's token types.
enum class TokenKind : uint8_t { normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };

/// What becomes of a pattern's matches when a text is split by it.
enum class SplitBehavior : uint8_t { isolated, removed, merged_with_previous, merged_with_next, contiguous };

/// One step of a pre-tokenizer that has no name in GGUF.
struct SplitRule {
    std::string pattern;
    bool literal = false; ///< A plain string, not a regex.
    SplitBehavior behavior = SplitBehavior::isolated;
    bool invert = false;  ///< What the pattern does not match counts as the matches.
};

enum class NormalizerKind : uint8_t {
    nfc,
    nfd,
    nfkc,
    nfkd,
    lowercase,
    prepend,
    replace,
    strip,
    charsmap,
    clean_text,  ///< Control characters go, white space becomes spaces.
    space_han,   ///< A space before and behind each Han character.
    strip_marks, ///< Nonspacing marks go.
};

struct NormalizerStep {
    NormalizerKind kind;
    std::string pattern; ///< replace: what to find.
    std::string content; ///< replace and prepend.
    bool literal = true; ///< replace: a plain string, not a regex.
};

/// How a token that is looked for in the raw text matches. Tokens of kind control and
/// user_defined without one match anywhere, exactly.
struct AddedToken {
    int32_t id = 0;
    bool single_word = false; ///< Only between characters that are no part of words.
    bool lstrip = false, rstrip = false; ///< Swallows the white space before, after it.
    bool normalized = false;  ///< Is looked for after normalization, not before.
};

/// Where a space goes in front of a text (SentencePiece's dummy prefix).
enum class SpacePrefix : uint8_t {
    always,     ///< At every stretch between special tokens.
    if_missing, ///< The same, unless it begins with a space.
    first,      ///< if_missing, and only at the very beginning.
};

struct TokenizerSpec {
    std::string name;                   ///< Path, for messages.
    TokenizerModel model = TokenizerModel::byte_bpe;
    std::string pre;                    ///< GGUF's pre-tokenizer name: "llama-bpe", "qwen2", "gpt-2" ...
    std::vector<std::string> tokens;    ///< By id, as stored (byte-level BPE keeps its visible alphabet).
    std::vector<TokenKind> kinds;       ///< By id, or empty for all normal.
    std::vector<float> scores;          ///< By id; empty for byte-level BPE and WordPiece.
    std::vector<std::string> merges;    ///< "left right", by rank; may be empty for sentencepiece_bpe.
    std::optional<int32_t> bos, eos, unknown, pad;
    std::vector<int32_t> end_of_turn;   ///< Further ids that end generation (<|eot_id|>, <|im_end|> ...).
    bool add_bos = false, add_eos = false;
    bool add_space_prefix = false;      ///< SentencePiece's dummy prefix, where `space_prefix` says.
    bool ignore_merges = false;         ///< A whole pre-token in the vocabulary wins over merging.
    std::string chat_template;          ///< Jinja; empty when there is none.

    // What single dialects need beyond that.
    std::vector<SplitRule> splits;            ///< Byte-level BPE: the pre-tokenizer where `pre` does not say it all.
    std::vector<NormalizerStep> normalizer;   ///< In order. GGUF cannot say it.
    std::vector<AddedToken> added;            ///< Flags of the tokens that have any.
    std::vector<int32_t> prefix_ids, suffix_ids; ///< Added instead of BOS, EOS where not empty.
    SpacePrefix space_prefix = SpacePrefix::always;
    bool merge_by_rank = false;               ///< sentencepiece_bpe: by `merges`, not by `scores`.
    bool fuse_unknown = false;                ///< Neighbouring unknown characters are one unknown token.
    bool byte_fallback = true;                ///< Unknown characters become byte tokens where there are any.
    bool split_words = false;                 ///< SentencePiece: no token goes over the beginning of a word.
    bool white_space_split = false;           ///< All white space, of any kind, only separates words.
    bool remove_extra_whitespaces = false;    ///< Runs of spaces are one, at both ends none.
    bool strip_first_piece = false;           ///< Decoding drops every U+2581 of the first token, not one space.
    uint32_t max_word_characters = 100;       ///< WordPiece: words of more are unknown.
    std::string charsmap;                     ///< SentencePiece's precompiled normalization, as in the file.
};

/// Read tokenizer.json, or where a folder has none, vocab.txt (a file, or in a folder, with tokenizer_config.json,
/// generation_config.json and chat_template.jinja beside it where present).
/// Throws Error (QUANT_ERR_TOKENIZER, _FORMAT, _UNSUPPORTED).
TokenizerSpec read_tokenizer_json(const std::filesystem::path &file_or_folder,
                                  const FileSource &files = FileSource::disk());

/// Fill the vocabulary with unused tokens up to `size`, as models with padded
/// embeddings need it. Does nothing when it is that large already.
void pad_vocabulary(TokenizerSpec &spec, size_t size);

struct TokenizeOptions {
    bool add_special = true;   ///< Add BOS and EOS as the model wants.
    bool parse_special = true; ///< Special tokens in the text become their ids.
};

/// Immutable; any thread may use it at the same time.
class Tokenizer {
public:
    /// Throws Error (QUANT_ERR_TOKENIZER) when the spec contradicts itself.
    static std::shared_ptr<const Tokenizer> create(TokenizerSpec spec);
    virtual ~Tokenizer() = default;

    const TokenizerSpec &spec() const { return spec_; }
    size_t size() const { return spec_.tokens.size(); }

    /// Any bytes are accepted: invalid UTF-8 becomes byte tokens or the unknown token.
    virtual std::vector<int32_t> encode(std::string_view text, const TokenizeOptions &options) const = 0;
    /// Throws Error (QUANT_ERR_ARGUMENT) for an id outside the vocabulary.
    virtual std::string decode(std::span<const int32_t> ids, bool skip_special) const = 0;
    /// The raw bytes of one token in the middle of a text, for streaming; control
    /// tokens give nothing.
    virtual std::string piece(int32_t id) const = 0;
    /// Whether generation stops at this id.
    bool ends_generation(int32_t id) const;

protected:
    explicit Tokenizer(TokenizerSpec spec) : spec_(std::move(spec)) {}
    TokenizerSpec spec_;
};

} // namespace quant
