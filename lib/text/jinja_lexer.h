// A template's text into tokens: plain data, the brackets of tags, and what stands in
// them. White space around tags is settled here: the newline after a block tag and the
// indentation before one vanish (Jinja's trim_blocks and lstrip_blocks, which models'
// templates are written for), "-" strips more and "+" less.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace quant::jinja {

enum class TokenKind : uint8_t { data, block_begin, block_end, print_begin, print_end, name, text, integer, real, symbol, end };

struct Token {
    TokenKind kind = TokenKind::end;
    uint32_t line = 1;
    std::string text; ///< Data, name, symbol, or a string literal with its escapes resolved.
    int64_t integer = 0;
    double real = 0;
};

class Lexer {
public:
    /// `source` has "\n" line ends; it must outlive the lexer, as must `name`.
    Lexer(std::string_view source, std::string_view name) : source_(source), name_(name) {}
    /// The next token; Kind::end again and again at the end. Throws Error (QUANT_ERR_TEMPLATE).
    Token next();

private:
    enum class Mode : uint8_t { data, block, print };

    bool next_data(Token &out);
    void open_tag(size_t at);
    std::string trimmed_data(size_t end, char tag, char sign) const;
    void skip_comment(size_t at);
    bool raw_tag(size_t at, std::string_view word, size_t &after) const;
    std::string raw_body(size_t begin);
    bool tag_end(Token &out);
    Token in_tag();
    Token name();
    Token number();
    Token literal();
    Token symbol();
    void advance(size_t to);
    size_t skip_spaces(size_t at) const;
    size_t after_tag_end(size_t at, std::string_view end, bool trims_newline) const;
    [[noreturn]] void fail(std::string_view what) const;

    std::string_view source_, name_;
    size_t at_ = 0;
    uint32_t line_ = 1;
    Mode mode_ = Mode::data;
    bool line_start_ = true; ///< The last tag took the line end with it, or nothing was read yet.
    std::string open_;       ///< Brackets open inside the tag; "}}" closes nothing while there are any.
};

/// "\r\n" and "\r" as "\n", and one line end at the end dropped, as Jinja does before lexing.
std::string normalized_source(std::string_view source);

} // namespace quant::jinja
