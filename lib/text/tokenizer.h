// Tokenizers: text to ids and back. A TokenizerSpec is what a file says; it comes
// from tokenizer.json here, and from GGUF metadata in lib/model/gguf_tokenizer.h.
#pragma once

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
};

/// GGUF's token types.
enum class TokenKind : uint8_t { normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };

struct TokenizerSpec {
    std::string name;                   ///< Path, for messages.
    TokenizerModel model = TokenizerModel::byte_bpe;
    std::string pre;                    ///< GGUF's pre-tokenizer name: "llama-bpe", "qwen2", "gpt-2" ...
    std::vector<std::string> tokens;    ///< By id, as stored (byte-level BPE keeps its visible alphabet).
    std::vector<TokenKind> kinds;       ///< By id, or empty for all normal.
    std::vector<float> scores;          ///< By id; empty for byte-level BPE.
    std::vector<std::string> merges;    ///< "left right", by rank; may be empty for sentencepiece_bpe.
    std::optional<int32_t> bos, eos, unknown, pad;
    std::vector<int32_t> end_of_turn;   ///< Further ids that end generation (<|eot_id|>, <|im_end|> ...).
    bool add_bos = false, add_eos = false;
    bool add_space_prefix = false;      ///< SentencePiece's dummy prefix.
    bool ignore_merges = false;         ///< A whole pre-token in the vocabulary wins over merging.
    std::string chat_template;          ///< Jinja; empty when there is none.
    // Further fields as single dialects need them.
};

/// Read tokenizer.json (a file, or in a folder, with tokenizer_config.json,
/// generation_config.json and chat_template.jinja beside it where present).
/// Throws Error (QUANT_ERR_TOKENIZER, _FORMAT, _UNSUPPORTED).
TokenizerSpec read_tokenizer_json(const std::filesystem::path &file_or_folder);

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
