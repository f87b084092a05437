// A text is cut before each word where no token could reach over that cut, which
// changes no result but lets the cache of pieces work.
#include "text/sentencepiece_text.h"

#include "text/byte_alphabet.h"
#include "text/char_class.h"

#include <algorithm>

namespace quant {

namespace {


void append_escaped(std::string_view text, std::string &out) {
    for (const char c : text) {
        if (c == ' ') out += space_mark;
        else out += c;
    }
}

std::string unescaped(std::string_view token, std::string_view mark_becomes) {
    std::string out;
    for (size_t at = 0; at < token.size();) {
        const bool is_mark = token.substr(at).starts_with(space_mark);
        out += is_mark ? mark_becomes : token.substr(at, 1);
        at += is_mark ? space_mark.size() : 1;
    }
    return out;
}

// Whether a space mark stands after anything but a space mark.
bool has_inner_mark(std::string_view token) {
    size_t at = 0;
    while (token.substr(at).starts_with(space_mark)) at += space_mark.size();
    return token.find(space_mark, at) != std::string_view::npos;
}

std::string without_extra_spaces(std::string_view text) {
    std::string out;
    for (const char c : text)
        if (c != ' ' || (!out.empty() && out.back() != ' ')) out += c;
    if (out.ends_with(' ')) out.pop_back();
    return out;
}

} // namespace

SentencePieceText::SentencePieceText(TokenizerSpec spec)
    : TextTokenizer(std::move(spec)), vocabulary_(text_vocabulary(spec_)) {
    byte_ids_.fill(-1);
    for (size_t id = 0; id < size(); ++id) {
        const TokenKind k = kind(static_cast<int32_t>(id));
        if (k != TokenKind::byte && k != TokenKind::normal) continue;
        if (const auto byte = parse_byte_token(spec_.tokens[id]); byte && byte_ids_[*byte] < 0)
            byte_ids_[*byte] = static_cast<int32_t>(id);
    }
    words_are_apart_ = vocabulary_.contains(space_mark) &&
                       std::none_of(vocabulary_.begin(), vocabulary_.end(),
                                    [](const auto &entry) { return has_inner_mark(entry.first); });
}

bool SentencePieceText::wants_prefix(std::string_view text, bool at_start) const {
    if (!spec_.add_space_prefix || text.empty()) return false;
    if (spec_.space_prefix == SpacePrefix::always) return true;
    if (spec_.space_prefix == SpacePrefix::first && !at_start) return false;
    return !text.starts_with(' ') && !text.starts_with(space_mark);
}

void SentencePieceText::append_words(std::string_view text, bool at_start, std::string &out,
                                     std::vector<size_t> &starts) const {
    const auto &table = chars::Table::get();
    for (size_t at = 0; at < text.size();) {
        size_t end = at;
        for (chars::Glyph g = table.read(text, end); g.bytes && !g.is(chars::space); g = table.read(text, end))
            end += g.bytes;
        const std::string_view word = text.substr(at, end - at);
        if (!word.empty()) {
            starts.push_back(out.size());
            if (wants_prefix(word, at_start && at == 0)) out += space_mark;
            out += word;
        }
        at = end + table.read(text, end).bytes;
    }
}

void SentencePieceText::encode_text(std::string_view text, bool at_start, Call &call) const {
    std::string &escaped = call.texts.emplace_back();
    if (spec_.white_space_split) {
        std::vector<size_t> starts;
        append_words(text, at_start, escaped, starts);
        starts.push_back(escaped.size());
        for (size_t i = 0; i + 1 < starts.size(); ++i)
            encode_escaped(std::string_view(escaped).substr(starts[i], starts[i + 1] - starts[i]), call);
        return;
    }
    std::string compact;
    if (spec_.remove_extra_whitespaces) text = compact = without_extra_spaces(text);
    escaped.reserve(text.size() + 2 * static_cast<size_t>(std::count(text.begin(), text.end(), ' ')) + space_mark.size());
    if (wants_prefix(text, at_start)) escaped += space_mark;
    append_escaped(text, escaped);
    encode_escaped(escaped, call);
}

void SentencePieceText::encode_escaped(std::string_view text, Call &call) const {
    if (!spec_.split_words && !words_are_apart_) return encode_piece(text, call);
    size_t begin = 0;
    const auto take = [&](size_t end) {
        const std::string_view piece = text.substr(begin, end - begin);
        if (!piece.empty()) call.cache.append(piece, call.ids, [&] { encode_piece(piece, call); });
        begin = end;
    };
    bool after_mark = true;
    for (size_t at = 0; at < text.size();) {
        const bool is_mark = text.substr(at, space_mark.size()) == space_mark;
        if (is_mark && (spec_.split_words || !after_mark)) take(at);
        after_mark = is_mark;
        at += is_mark ? space_mark.size() : 1;
    }
    take(text.size());
}

bool SentencePieceText::has_bytes(std::string_view bytes) const {
    return spec_.byte_fallback && std::all_of(bytes.begin(), bytes.end(), [this](char c) {
               return byte_ids_[static_cast<uint8_t>(c)] >= 0;
           });
}

void SentencePieceText::append_unknown(std::string_view bytes, bool after_unknown, std::vector<int32_t> &ids) const {
    if (has_bytes(bytes)) {
        for (const char c : bytes) ids.push_back(byte_ids_[static_cast<uint8_t>(c)]);
    } else if (spec_.unknown && !(after_unknown && spec_.fuse_unknown)) {
        ids.push_back(*spec_.unknown);
    }
}

std::string SentencePieceText::bytes_of(int32_t id) const {
    const std::string &token = spec_.tokens[static_cast<size_t>(id)];
    const auto byte = parse_byte_token(token);
    if (byte && byte_ids_[*byte] == id) return std::string(1, static_cast<char>(*byte));
    return unescaped(token, " ");
}

std::string SentencePieceText::first_bytes_of(int32_t id) const {
    return spec_.strip_first_piece ? unescaped(spec_.tokens[static_cast<size_t>(id)], "") : bytes_of(id);
}

void SentencePieceText::finish_decoding(std::string &text) const {
    if (spec_.add_space_prefix && !spec_.strip_first_piece && text.starts_with(' ')) text.erase(0, 1);
}

} // namespace quant
