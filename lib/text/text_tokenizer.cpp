// The way of a text through a tokenizer, after the order that the `tokenizers` library
// has: tokens found in the raw text, normalization, tokens found in the normalized
// text, then the model.
#include "text/text_tokenizer.h"

#include "base/error.h"

namespace quant {

namespace {

constexpr size_t max_text_bytes = size_t{1} << 30; // Offsets of symbols are 32 bits wide, and U+2581 takes three bytes.

void append_special(std::vector<int32_t> &ids, bool wanted, const std::optional<int32_t> &id,
                    const std::vector<int32_t> &instead) {
    if (!instead.empty()) ids.insert(ids.end(), instead.begin(), instead.end());
    else if (wanted && id) ids.push_back(*id);
}

} // namespace

TextTokenizer::TextTokenizer(TokenizerSpec spec)
    : Tokenizer(std::move(spec)), normalizer_(spec_), added_(spec_, normalizer_) {}

std::vector<int32_t> TextTokenizer::encode(std::string_view text, const TokenizeOptions &options) const {
    if (text.size() > max_text_bytes)
        fail(QUANT_ERR_LIMIT, "a text of {} bytes is too long to tokenize at once; at most {}", text.size(), max_text_bytes);
    Call call(text.size());
    if (options.add_special) append_special(call.ids, spec_.add_bos, spec_.bos, spec_.prefix_ids);
    const auto on_token = [&](int32_t id) { call.ids.push_back(id); };
    const auto on_text = [&](std::string_view part) {
        const bool at_start = part.data() == text.data();
        std::string_view normal = part;
        if (!normalizer_.does_nothing()) {
            normal = call.texts.emplace_back(normalizer_.apply(part, call.budget));
        }
        added_.split(
            normal, true, options.parse_special,
            [&](std::string_view rest) { encode_text(rest, at_start && rest.data() == normal.data(), call); }, on_token);
    };
    added_.split(text, false, options.parse_special, on_text, on_token);
    if (options.add_special) append_special(call.ids, spec_.add_eos, spec_.eos, spec_.suffix_ids);
    return std::move(call.ids);
}

void TextTokenizer::check_id(int32_t id) const {
    if (id < 0 || static_cast<size_t>(id) >= size())
        fail(QUANT_ERR_ARGUMENT, "{}: token id {} is outside the vocabulary of {}", spec_.name, id, size());
}

std::string TextTokenizer::decode(std::span<const int32_t> ids, bool skip_special) const {
    std::string out;
    bool is_first = true;
    for (const int32_t id : ids) {
        check_id(id);
        if (is_special(id)) {
            if (skip_special) continue;
            out += special_text_of(id, is_first);
        } else {
            out += is_first ? first_bytes_of(id) : bytes_of(id);
        }
        is_first = false;
    }
    finish_decoding(out);
    return out;
}

std::string TextTokenizer::piece(int32_t id) const {
    check_id(id);
    return is_special(id) ? std::string() : bytes_of(id);
}

std::unordered_map<std::string_view, int32_t> text_vocabulary(const TokenizerSpec &spec) {
    std::unordered_map<std::string_view, int32_t> out;
    out.reserve(spec.tokens.size());
    for (size_t id = 0; id < spec.tokens.size(); ++id) {
        const TokenKind kind = spec.kinds.empty() ? TokenKind::normal : spec.kinds[id];
        const bool is_text = kind == TokenKind::normal || kind == TokenKind::user_defined;
        if (is_text && !spec.tokens[id].empty()) out.emplace(spec.tokens[id], static_cast<int32_t>(id));
    }
    return out;
}

} // namespace quant
