#include "engine/text_stream.h"

#include "base/utf8.h"

namespace quant {

namespace {

constexpr char replacement[] = "\xEF\xBF\xBD";

// Copy `text`, each byte that is not part of UTF-8 replaced.
void append_valid(std::string &out, std::string_view text) {
    while (!text.empty()) {
        const size_t good = utf8_valid_prefix(text);
        out.append(text.substr(0, good));
        if (good == text.size()) return;
        out += replacement;
        text.remove_prefix(good + 1);
    }
}

} // namespace

std::string generated_piece(const Tokenizer &tokenizer, int32_t id, bool controls) {
    std::string piece = tokenizer.piece(id);
    return controls && piece.empty() ? tokenizer.spec().tokens[static_cast<size_t>(id)] : piece;
}

std::string TextStream::push(std::string_view piece) {
    pending_.append(piece);
    const size_t ready = pending_.size() - utf8_incomplete_tail(pending_);
    std::string out;
    append_valid(out, std::string_view(pending_).substr(0, ready));
    pending_.erase(0, ready);
    return out;
}

std::string TextStream::finish() {
    std::string out;
    append_valid(out, pending_);
    pending_.clear();
    return out;
}

} // namespace quant
