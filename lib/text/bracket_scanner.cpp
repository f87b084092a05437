// See the header. The stack of closing brackets is what bounds the depth.
#include "text/bracket_scanner.h"

#include "text/mark_match.h"

namespace quant {

bool BracketScanner::is_word(char c) const noexcept {
    if (rules_ == Rules::json) return std::string_view("0123456789+-.eEtrufalsn,:").find(c) != std::string_view::npos;
    const bool is_name = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                         static_cast<unsigned char>(c) >= 0x80;
    if (depth_ == 0) return is_name || c == '_' || c == '.' || c == '-';
    return is_name || std::string_view("_.-+,:=").find(c) != std::string_view::npos;
}

BracketScanner::State BracketScanner::step_in_string(std::string_view text, size_t &at) noexcept {
    const char c = text[at];
    if (quote_ == 'g') {
        const MarkMatch end = match_mark(text, at, gemma_quote);
        if (end == MarkMatch::yes) quote_ = 0;
        at += end == MarkMatch::yes ? gemma_quote.size() : 1;
        return State::open;
    }
    if (escaped_)
        escaped_ = false;
    else if (c == '\\')
        escaped_ = true;
    else if (c == quote_)
        quote_ = 0;
    ++at;
    return State::open;
}

BracketScanner::State BracketScanner::step(std::string_view text, size_t &at) noexcept {
    const char c = text[at];
    const bool loose = rules_ == Rules::loose;
    if (depth_ > 0 && c == closers_[depth_ - 1]) {
        ++at;
        return --depth_ == 0 ? State::ended : State::open;
    }
    if (c == '{' || c == '[' || (loose && c == '(')) {
        if (depth_ == max_depth) return State::broken;
        closers_[depth_++] = c == '{' ? '}' : c == '[' ? ']' : ')';
    } else if (depth_ > 0 && (c == '"' || (loose && c == '\''))) {
        quote_ = c;
    } else if (depth_ > 0 && loose && match_mark(text, at, gemma_quote) == MarkMatch::yes) {
        quote_ = 'g';
        at += gemma_quote.size() - 1;
    } else if (!is_word(c) && !(depth_ > 0 && is_blank(c))) {
        return State::broken;
    }
    ++at;
    return State::open;
}

BracketScanner::State BracketScanner::scan(std::string_view text, size_t &at) noexcept {
    while (at < text.size()) {
        // A mark of several bytes is waited for, inside a string and where one may begin.
        const bool may_be_mark = rules_ == Rules::loose && (quote_ == 'g' || quote_ == 0);
        if (may_be_mark && text[at] == '<' && match_mark(text, at, gemma_quote) == MarkMatch::partial)
            return State::open;
        const State state = quote_ ? step_in_string(text, at) : step(text, at);
        if (state != State::open) return state;
    }
    return State::open;
}

} // namespace quant
