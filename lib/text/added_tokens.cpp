// Leftmost match first, and the longest of those that begin there. Nothing here walks
// a text more than once for each byte of the longest token.
#include "text/added_tokens.h"

#include "base/error.h"
#include "text/char_class.h"

#include <algorithm>

namespace quant {

namespace {

constexpr size_t max_added_bytes = 1024;

bool may_stand_in_text(TokenKind kind) {
    return kind == TokenKind::control || kind == TokenKind::user_defined || kind == TokenKind::unknown;
}

} // namespace

void ByteTrie::add(std::string_view text, int32_t value) {
    uint32_t node = 0;
    for (const char c : text) {
        const auto byte = static_cast<uint8_t>(c);
        uint32_t next = child(node, byte);
        if (!next) {
            next = static_cast<uint32_t>(values_.size());
            values_.push_back(none);
            if (node == 0) root_[byte] = next;
            else children_.emplace(uint64_t{node} << 8 | byte, next);
        }
        node = next;
    }
    if (node != 0) values_[node] = value;
}

AddedTokens::AddedTokens(const TokenizerSpec &spec, const Normalizer &normalizer) {
    std::unordered_map<int32_t, const AddedToken *> flags;
    for (const AddedToken &token : spec.added) flags.emplace(token.id, &token);
    for (size_t id = 0; id < spec.kinds.size(); ++id) {
        if (!may_stand_in_text(spec.kinds[id]) || spec.tokens[id].empty()) continue;
        const auto given = flags.find(static_cast<int32_t>(id));
        Token token{given == flags.end() ? AddedToken{} : *given->second, spec.kinds[id] != TokenKind::user_defined};
        token.flags.id = static_cast<int32_t>(id);
        std::string text = spec.tokens[id];
        if (token.flags.normalized && !normalizer.does_nothing()) {
            SplitBudget budget(text.size());
            text = normalizer.apply(text, budget);
        }
        if (text.size() > max_added_bytes)
            fail(QUANT_ERR_TOKENIZER, "{}: token {} is to be found in texts, but has {} bytes, more than {}", spec.name,
                 id, text.size(), max_added_bytes);
        tries_[token.flags.normalized].add(text, static_cast<int32_t>(tokens_.size()));
        tokens_.push_back(token);
    }
}

bool AddedTokens::find_at(std::string_view text, size_t at, bool normalized, bool parse_special, Found &found) const {
    const ByteTrie &trie = tries_[normalized];
    bool is_found = false;
    uint32_t node = 0;
    for (size_t i = at; i < text.size(); ++i) {
        node = trie.child(node, static_cast<uint8_t>(text[i]));
        if (node == 0) break;
        const int32_t place = trie.value(node);
        if (place == ByteTrie::none) continue;
        if (tokens_[static_cast<size_t>(place)].special && !parse_special) continue;
        found = {at, i + 1, place};
        is_found = true;
    }
    return is_found;
}

void AddedTokens::split(std::string_view text, bool normalized, bool parse_special, const TextSink &on_text,
                        const TokenSink &on_token) const {
    const auto &table = chars::Table::get();
    size_t done = 0, at = 0;
    Found found{};
    while (any(normalized) && at < text.size()) {
        if (tries_[normalized].child(0, static_cast<uint8_t>(text[at])) == 0 ||
            !find_at(text, at, normalized, parse_special, found)) {
            ++at;
            continue;
        }
        at = found.end;
        const AddedToken &flags = tokens_[static_cast<size_t>(found.id)].flags;
        if (flags.single_word && (table.read_before(text, found.begin).is(chars::word) ||
                                  table.read(text, found.end).is(chars::word)))
            continue;
        while (flags.lstrip && found.begin > done && table.read_before(text, found.begin).is(chars::space))
            found.begin -= table.read_before(text, found.begin).bytes;
        while (flags.rstrip && table.read(text, found.end).is(chars::space))
            found.end += table.read(text, found.end).bytes;
        if (found.begin > done) on_text(text.substr(done, found.begin - done));
        on_token(flags.id);
        done = at = found.end;
    }
    if (done < text.size()) on_text(text.substr(done));
}

} // namespace quant
