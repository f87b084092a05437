// SentencePiece unigram: of all ways to cut a piece into tokens, the one with the
// greatest sum of scores (Viterbi). A character that no token begins and ends with is
// unknown and costs ten more than the worst token.
#include "text/char_class.h"
#include "text/sentencepiece_text.h"

#include "base/error.h"

#include <algorithm>
#include <limits>

namespace quant {

namespace {

constexpr double unknown_penalty = 10;
constexpr size_t max_piece_bytes = 4096;

class Unigram final : public SentencePieceText {
public:
    explicit Unigram(TokenizerSpec spec) : SentencePieceText(std::move(spec)) {
        const float worst = *std::min_element(spec_.scores.begin(), spec_.scores.end());
        unknown_score_ = static_cast<double>(worst) - unknown_penalty;
        for (const auto &[text, id] : vocabulary_) {
            if (text.size() > max_piece_bytes)
                fail(QUANT_ERR_TOKENIZER, "{}: token {} has {} bytes, more than {}", spec_.name, id, text.size(),
                     max_piece_bytes);
            trie_.add(text, id);
        }
    }

private:
    static constexpr int32_t unknown_id = -1;
    struct Node {
        double score = -std::numeric_limits<double>::infinity();
        uint32_t from = 0; ///< Where the token that ends here begins.
        int32_t id = unknown_id;
    };

    void encode_piece(std::string_view piece, Call &call) const override {
        const std::vector<Node> best = best_paths(piece);
        std::vector<uint32_t> ends;
        for (size_t at = piece.size(); at > 0; at = best[at].from) ends.push_back(static_cast<uint32_t>(at));
        // Neighbouring unknown characters are one stretch.
        size_t unknown_from = SIZE_MAX;
        const auto flush = [&](size_t end) {
            if (unknown_from != SIZE_MAX) append_unknown(piece.substr(unknown_from, end - unknown_from), false, call.ids);
            unknown_from = SIZE_MAX;
        };
        for (auto end = ends.rbegin(); end != ends.rend(); ++end) {
            const Node &node = best[*end];
            if (node.id == unknown_id) {
                unknown_from = std::min(unknown_from, size_t{node.from});
                continue;
            }
            flush(node.from);
            call.ids.push_back(node.id);
        }
        flush(piece.size());
    }

    std::vector<Node> best_paths(std::string_view piece) const {
        const auto &table = chars::Table::get();
        std::vector<Node> best(piece.size() + 1);
        best[0].score = 0;
        for (size_t at = 0; at < piece.size();) {
            const size_t character = table.read(piece, at).bytes;
            const double here = best[at].score;
            const auto offer = [&](size_t end, double score, int32_t id) {
                if (score > best[end].score) best[end] = {score, static_cast<uint32_t>(at), id};
            };
            bool has_single = false;
            uint32_t node = 0;
            for (size_t i = at; i < piece.size(); ++i) {
                node = trie_.child(node, static_cast<uint8_t>(piece[i]));
                if (node == 0) break;
                const int32_t id = trie_.value(node);
                if (id == ByteTrie::none) continue;
                offer(i + 1, here + static_cast<double>(spec_.scores[static_cast<size_t>(id)]), id);
                has_single |= i + 1 - at == character;
            }
            if (!has_single) offer(at + character, here + unknown_score_, unknown_id);
            at += character;
        }
        return best;
    }

    ByteTrie trie_;
    double unknown_score_ = 0;
};

} // namespace

std::shared_ptr<const Tokenizer> make_unigram(TokenizerSpec spec) { return std::make_shared<Unigram>(std::move(spec)); }

} // namespace quant
