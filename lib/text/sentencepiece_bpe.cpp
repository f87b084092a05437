// SentencePiece BPE: characters of the escaped text, merged by the score of the joined
// token, or by rank where the vocabulary comes with a list of merges.
#include "text/merge_table.h"
#include "text/sentencepiece_text.h"

#include "base/error.h"
#include "text/char_class.h"

#include <bit>
#include <optional>

namespace quant {

namespace {

// Larger scores give smaller numbers, in the same order.
uint32_t priority_of(float score) {
    const uint32_t bits = std::bit_cast<uint32_t>(score + 0.0F);
    const uint32_t ascending = bits >> 31 ? ~bits : bits | 0x80000000U;
    return ~ascending;
}

class SentencePieceBpe final : public SentencePieceText {
public:
    explicit SentencePieceBpe(TokenizerSpec spec) : SentencePieceText(std::move(spec)) {
        for (const auto &[text, id] : vocabulary_) longest_ = std::max(longest_, text.size());
        if (!spec_.merge_by_rank) return;
        const auto symbol = [this](const std::string &text) {
            const auto found = vocabulary_.find(text);
            if (found == vocabulary_.end())
                fail(QUANT_ERR_TOKENIZER, "{}: '{}' of a merge is no token", spec_.name, printable(text));
            return found->second;
        };
        merges_.emplace(spec_.merges, symbol, spec_.name);
    }

private:
    void encode_piece(std::string_view piece, Call &call) const override {
        if (spec_.ignore_merges) {
            if (const auto whole = vocabulary_.find(piece); whole != vocabulary_.end()) {
                call.ids.push_back(whole->second);
                return;
            }
        }
        const auto &table = chars::Table::get();
        call.merger.clear();
        for (size_t at = 0; at < piece.size();) {
            const size_t length = table.read(piece, at).bytes;
            call.merger.add(id_of(piece.substr(at, length)), static_cast<uint32_t>(at), static_cast<uint32_t>(length));
            at += length;
        }
        if (merges_)
            call.merger.merge([this](const Symbol &left, const Symbol &right) { return merges_->find(left.id, right.id); });
        else
            call.merger.merge([&](const Symbol &left, const Symbol &right) { return by_score(piece, left, right); });
        bool after_unknown = false;
        call.merger.for_each([&](const Symbol &symbol) {
            const std::string_view text = piece.substr(symbol.begin, symbol.length);
            if (symbol.id >= 0) call.ids.push_back(symbol.id);
            else append_unknown(text, after_unknown, call.ids);
            after_unknown = symbol.id < 0 && !has_bytes(text);
        });
    }

    int32_t id_of(std::string_view text) const {
        const auto found = vocabulary_.find(text);
        return found == vocabulary_.end() ? -1 : found->second;
    }

    std::optional<PairValue> by_score(std::string_view piece, const Symbol &left, const Symbol &right) const {
        const size_t length = size_t{left.length} + right.length;
        const int32_t id = length <= longest_ ? id_of(piece.substr(left.begin, length)) : -1;
        if (id < 0) return std::nullopt;
        return PairValue{priority_of(spec_.scores[static_cast<size_t>(id)]), id};
    }

    size_t longest_ = 0;
    std::optional<MergeTable> merges_;
};

} // namespace

std::shared_ptr<const Tokenizer> make_sentencepiece_bpe(TokenizerSpec spec) {
    return std::make_shared<SentencePieceBpe>(std::move(spec));
}

} // namespace quant
