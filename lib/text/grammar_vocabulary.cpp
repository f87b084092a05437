#include "text/grammar_vocabulary.h"

#include "base/error.h"

#include <algorithm>

namespace quant {

GrammarVocabulary::GrammarVocabulary(const std::vector<std::string> &tokens) : size_(tokens.size()) {
    if (tokens.size() >= UINT32_MAX) fail(QUANT_ERR_LIMIT, "grammar: {} tokens are too many", tokens.size());
    const auto none = static_cast<uint32_t>(tokens.size());
    std::vector<uint32_t> order;
    for (uint32_t id = 0; id < none; ++id)
        if (!tokens[id].empty()) order.push_back(id);
    std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
        const int compared = tokens[a].compare(tokens[b]);
        return compared != 0 ? compared < 0 : a < b;
    });

    // In sorted order the nodes of a token follow those it shares with the one before.
    std::vector<uint32_t> path;
    const auto close = [&](size_t depth) {
        for (; path.size() > depth; path.pop_back()) nodes_[path.back()].end = static_cast<uint32_t>(nodes_.size());
    };
    const std::string *before = nullptr;
    for (const uint32_t id : order) {
        const std::string &token = tokens[id];
        if (token.size() > token_bytes)
            fail(QUANT_ERR_LIMIT, "grammar: token {} has {} bytes, more than {}", id, token.size(), token_bytes);
        if (before && *before == token) {
            twins_.emplace_back(id, nodes_.back().token);
            continue;
        }
        const size_t shared =
            before
                ? static_cast<size_t>(std::mismatch(before->begin(), before->end(), token.begin(), token.end()).second -
                                      token.begin())
                : 0;
        close(shared);
        for (size_t depth = shared; depth < token.size(); ++depth) {
            path.push_back(static_cast<uint32_t>(nodes_.size()));
            if (nodes_.size() >= UINT32_MAX) fail(QUANT_ERR_LIMIT, "grammar: the tokens have too many bytes");
            nodes_.push_back({0, none, static_cast<uint16_t>(depth), static_cast<uint8_t>(token[depth])});
        }
        nodes_.back().token = id;
        longest_ = std::max(longest_, token.size());
        before = &token;
    }
    close(0);
}

} // namespace quant
