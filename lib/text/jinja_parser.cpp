#include "text/jinja_parser.h"

#include "base/utf8.h"
#include "text/jinja_runtime.h"

namespace quant::jinja {

Parser::Parser(std::string_view source, std::string_view name, const TemplateLimits &limits)
    : source_(source.size() <= limits.source_bytes ? normalized_source(source) : std::string()), limits_(limits),
      out_{std::string(name), {}, {}}, lexer_(source_, out_.name) {
    if (source.size() > limits.source_bytes)
        fail(fmt::format("the template has {} bytes, more than {}", source.size(), limits.source_bytes));
    if (!is_utf8(source)) fail(fmt::format("the template is not UTF-8 at byte {}", utf8_valid_prefix(source)));
    token_ = lexer_.next();
}

Template Parser::parse() {
    out_.body = block({});
    return std::move(out_);
}

void Parser::fail(std::string_view what) const { template_failure(out_.name, token_.line, what); }

void Parser::expected(std::string_view what) const {
    fail(fmt::format("expected {}, found '{}'", what, printable(token_.text, 60)));
}

Token Parser::take() {
    Token out = std::move(token_);
    if (has_second_) token_ = std::move(second_), has_second_ = false;
    else token_ = lexer_.next();
    return out;
}

const Token &Parser::peek_second() {
    if (!has_second_) second_ = lexer_.next(), has_second_ = true;
    return second_;
}

bool Parser::skip_symbol(std::string_view symbol) { return at_symbol(symbol) && (take(), true); }
bool Parser::skip_name(std::string_view name) { return at_name(name) && (take(), true); }

void Parser::expect_symbol(std::string_view symbol) {
    if (!skip_symbol(symbol)) expected(fmt::format("'{}'", symbol));
}

void Parser::expect_name(std::string_view name) {
    if (!skip_name(name)) expected(fmt::format("'{}'", name));
}

std::string Parser::identifier() {
    if (token_.kind != TokenKind::name) expected("a name");
    return take().text;
}

NameId Parser::intern(const std::string &name) {
    const auto [at, added] = ids_.try_emplace(name, static_cast<NameId>(out_.names.size()));
    if (added) out_.names.push_back(name);
    return at->second;
}

} // namespace quant::jinja
