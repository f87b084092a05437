// Byte-level BPE: pieces of the pre-tokenizer, byte by byte, merged by rank. Merges may
// go through symbols that are no tokens; such a symbol that is left over falls apart
// into its bytes. Bytes without a token become the unknown token, or nothing.
#include "base/error.h"
#include "text/byte_alphabet.h"
#include "text/merge_table.h"
#include "text/pretokenizer.h"
#include "text/text_tokenizer.h"

#include <array>

namespace quant {

namespace {

// Gives ids to texts that are no tokens, after those of the tokens.
class SymbolNames {
public:
    explicit SymbolNames(const TokenizerSpec &spec) : tokens_(text_vocabulary(spec)), next_(spec.tokens.size()) {}

    int32_t id(const std::string &text) {
        if (const auto token = tokens_.find(text); token != tokens_.end()) return token->second;
        const auto [place, is_new] = others_.emplace(text, static_cast<int32_t>(next_));
        if (is_new && ++next_ > INT32_MAX) fail(QUANT_ERR_LIMIT, "a vocabulary with more than {} symbols", INT32_MAX);
        return place->second;
    }

private:
    std::unordered_map<std::string_view, int32_t> tokens_;
    std::unordered_map<std::string, int32_t> others_;
    size_t next_;
};

class ByteBpe final : public TextTokenizer {
public:
    explicit ByteBpe(TokenizerSpec spec) : ByteBpe(std::move(spec), nullptr) {}

private:
    // The names are needed only while the tables are made.
    ByteBpe(TokenizerSpec spec, std::unique_ptr<SymbolNames> names)
        : TextTokenizer(std::move(spec)), pre_(spec_),
          merges_(spec_.merges,
                  [&, this](const std::string &text) {
                      if (!names) names = std::make_unique<SymbolNames>(spec_);
                      return names->id(text);
                  },
                  spec_.name) {
        if (!names) names = std::make_unique<SymbolNames>(spec_);
        for (size_t byte = 0; byte < 256; ++byte)
            byte_symbol_[byte] = names->id(std::string(visible_byte(static_cast<uint8_t>(byte))));
        bytes_.reserve(size());
        for (size_t id = 0; id < size(); ++id) {
            const bool is_normal = kind(static_cast<int32_t>(id)) == TokenKind::normal;
            auto bytes = is_normal ? visible_to_bytes(spec_.tokens[id]) : std::nullopt;
            bytes_.push_back(bytes ? std::move(*bytes) : spec_.tokens[id]);
        }
        if (!spec_.ignore_merges) return;
        for (size_t id = 0; id < size(); ++id)
            if (kind(static_cast<int32_t>(id)) == TokenKind::normal) whole_.emplace(bytes_[id], static_cast<int32_t>(id));
    }

    void encode_text(std::string_view text, bool at_start, Call &call) const override {
        const bool wants_space = spec_.add_space_prefix && (at_start || spec_.space_prefix != SpacePrefix::first);
        if (wants_space && !text.starts_with(' ')) text = call.texts.emplace_back(1, ' ').append(text);
        pre_.split(text, call.budget, [&](std::string_view piece) {
            call.cache.append(piece, call.ids, [&] { encode_piece(piece, call); });
        });
    }

    void encode_piece(std::string_view piece, Call &call) const {
        if (const auto whole = whole_.find(piece); whole != whole_.end()) {
            call.ids.push_back(whole->second);
            return;
        }
        call.merger.clear();
        for (size_t i = 0; i < piece.size(); ++i)
            call.merger.add(byte_symbol_[static_cast<uint8_t>(piece[i])], static_cast<uint32_t>(i), 1);
        call.merger.merge([this](const Symbol &left, const Symbol &right) { return merges_.find(left.id, right.id); });
        call.merger.for_each([&](const Symbol &symbol) {
            if (is_token(symbol.id)) call.ids.push_back(symbol.id);
            else append_bytes(piece.substr(symbol.begin, symbol.length), call.ids);
        });
    }

    bool is_token(int32_t symbol) const { return static_cast<size_t>(symbol) < size(); }

    void append_bytes(std::string_view bytes, std::vector<int32_t> &ids) const {
        for (const char c : bytes) {
            const int32_t symbol = byte_symbol_[static_cast<uint8_t>(c)];
            if (is_token(symbol)) ids.push_back(symbol);
            else if (spec_.unknown) ids.push_back(*spec_.unknown);
        }
    }

    std::string bytes_of(int32_t id) const override { return bytes_[static_cast<size_t>(id)]; }

    PreTokenizer pre_;
    MergeTable merges_;
    std::array<int32_t, 256> byte_symbol_{};
    std::vector<std::string> bytes_;                        ///< By id.
    std::unordered_map<std::string_view, int32_t> whole_;   ///< With ignore_merges: bytes to token.
};

} // namespace

std::shared_ptr<const Tokenizer> make_byte_bpe(TokenizerSpec spec) { return std::make_shared<ByteBpe>(std::move(spec)); }

} // namespace quant
