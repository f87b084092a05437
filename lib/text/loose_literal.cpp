// A recursive descent over the text; `ok_` falls once and stays, and every loop ends with it.
#include "text/loose_literal.h"

#include "base/json.h"
#include "base/utf8.h"
#include "text/bracket_scanner.h"
#include "text/json_span.h"
#include "text/mark_match.h"

#include <unordered_set>

namespace quant {

namespace {

class LiteralReader {
public:
    explicit LiteralReader(std::string_view text) : text_(text) {}

    std::string value(size_t depth);
    LooseCall call();
    std::vector<LooseCall> calls();
    bool all_read() { return ok_ && (blanks(), at_ == text_.size()); }

private:
    void blanks() { at_ = skip_blanks(text_, at_); }
    bool fail() { return ok_ = false; }
    char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    bool take(char c) { return peek() == c ? (++at_, true) : false; }
    bool take_mark(std::string_view mark) {
        const bool is_there = text_.substr(at_).starts_with(mark);
        if (is_there) at_ += mark.size();
        return is_there;
    }
    std::string_view word();
    std::string string(char quote);
    void escape(std::string &out);
    std::string word_value();
    std::string list(char closer, size_t depth);
    std::string object(size_t depth);
    bool member(std::unordered_set<std::string> &keys, std::string &out, std::string key, size_t depth);

    std::string_view text_;
    size_t at_ = 0;
    bool ok_ = true;
};

std::string_view LiteralReader::word() {
    const size_t begin = at_;
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
               c == '.' || c == '+' || static_cast<unsigned char>(c) >= 0x80;
    };
    while (at_ < text_.size() && fits(text_[at_])) ++at_;
    if (at_ == begin) fail();
    return text_.substr(begin, at_ - begin);
}

void LiteralReader::escape(std::string &out) {
    constexpr std::string_view names = "nrtbfv0\\'\"/", values("\n\r\t\b\f\v\0\\'\"/", 11);
    const char c = peek();
    ++at_;
    if (const size_t i = names.find(c); i != names.npos) {
        out += values[i];
        return;
    }
    const size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (digits == 0) {
        (out += '\\') += c; // Python keeps both
        return;
    }
    uint32_t code = 0;
    for (size_t i = 0; i < digits && ok_; ++i, ++at_) {
        const size_t digit = std::string_view("0123456789abcdef").find(static_cast<char>(peek() | 0x20));
        if (digit == std::string_view::npos)
            fail();
        else
            code = code << 4 | static_cast<uint32_t>(digit);
    }
    utf8_append(out, code);
}

std::string LiteralReader::string(char quote) {
    std::string out;
    while (ok_ && !take(quote)) {
        if (at_ >= text_.size())
            fail();
        else if (take('\\'))
            escape(out);
        else
            out += text_[at_++];
    }
    return out;
}

std::string LiteralReader::word_value() {
    const std::string_view w = word();
    if (w == "True" || w == "true") return "true";
    if (w == "False" || w == "false") return "false";
    if (w == "None" || w == "null") return "null";
    if (!is_json(w)) fail(); // a number, or nothing we know
    return std::string(w);
}

std::string LiteralReader::list(char closer, size_t depth) {
    std::string out = "[";
    for (blanks(); ok_ && !take(closer); blanks()) {
        if (out.size() > 1) out += ',';
        out += value(depth + 1);
        blanks();
        if (!take(',') && peek() != closer) fail();
    }
    return out += ']';
}

bool LiteralReader::member(std::unordered_set<std::string> &keys, std::string &out, std::string key, size_t depth) {
    if (!keys.insert(key).second) return fail(); // twice is no JSON object
    if (out.size() > 1) out += ',';
    out += json_quote(key) += ':';
    blanks();
    out += value(depth + 1);
    return ok_;
}

std::string LiteralReader::object(size_t depth) {
    std::string out = "{";
    std::unordered_set<std::string> keys;
    for (blanks(); ok_ && !take('}'); blanks()) {
        std::string key;
        if (take('"'))
            key = string('"');
        else if (take('\''))
            key = string('\'');
        else
            key = word();
        blanks();
        if (!take(':')) fail();
        member(keys, out, std::move(key), depth);
        blanks();
        if (!take(',') && peek() != '}') fail();
    }
    return out += '}';
}

std::string LiteralReader::value(size_t depth) {
    blanks();
    if (!ok_ || depth > json::max_depth) return fail(), "";
    if (take('"')) return json_quote(string('"'));
    if (take('\'')) return json_quote(string('\''));
    if (take('[')) return list(']', depth);
    if (take('(')) return list(')', depth);
    if (take('{')) return object(depth);
    if (!take_mark(gemma_quote)) return word_value();
    const size_t end = text_.find(gemma_quote, at_);
    if (end == text_.npos) return fail(), "";
    std::string out = json_quote(text_.substr(at_, end - at_));
    at_ = end + gemma_quote.size();
    return out;
}

LooseCall LiteralReader::call() {
    LooseCall out;
    blanks();
    out.name = word();
    // Llama 3's own tools are called as members of a module of that name.
    if (out.name.ends_with(".call")) out.name.resize(out.name.size() - 5);
    if (!take('(')) fail();
    out.arguments = "{";
    std::unordered_set<std::string> keys;
    for (blanks(); ok_ && !take(')'); blanks()) {
        std::string key(word());
        blanks();
        if (!take('=')) fail();
        member(keys, out.arguments, std::move(key), 1);
        blanks();
        if (!take(',') && peek() != ')') fail();
    }
    out.arguments += '}';
    return out;
}

std::vector<LooseCall> LiteralReader::calls() {
    std::vector<LooseCall> out;
    blanks();
    if (!take('[')) {
        out.push_back(call());
        return out;
    }
    for (blanks(); ok_ && !take(']'); blanks()) {
        out.push_back(call());
        blanks();
        if (!take(',') && peek() != ']') fail();
    }
    return out;
}

} // namespace

std::optional<std::string> loose_literal_json(std::string_view text) {
    LiteralReader reader(text);
    std::string out = reader.value(0);
    if (!reader.all_read()) return std::nullopt;
    return out;
}

std::optional<std::vector<LooseCall>> loose_calls(std::string_view text) {
    LiteralReader reader(text);
    std::vector<LooseCall> out = reader.calls();
    if (!reader.all_read()) return std::nullopt;
    return out;
}

} // namespace quant
