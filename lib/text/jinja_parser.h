// Tokens into a Template. Nesting is limited by TemplateLimits::depth, both of what the
// parser recurses into and of the tree that comes out.
#pragma once

#include "text/chat_template.h"
#include "text/jinja_ast.h"
#include "text/jinja_lexer.h"

#include <initializer_list>
#include <unordered_map>

namespace quant::jinja {

class Parser {
public:
    Parser(std::string_view source, std::string_view name, const TemplateLimits &limits);
    /// Throws Error (QUANT_ERR_TEMPLATE). Call once.
    Template parse();

private:
    // Statements (jinja_parse_statement.cpp).
    Block block(std::initializer_list<std::string_view> ends);
    void statement(Block &out);
    Statement if_statement();
    Statement for_statement();
    Statement set_statement();
    Statement macro_statement();
    Statement call_statement();
    Statement filter_statement();
    Statement with_statement();
    Target target(bool in_set);
    Target single_target(bool in_set);
    void parameters(MacroDefinition &macro);
    void macro_body(MacroDefinition &macro, std::string_view end);
    void end_tag();

    // Expressions (jinja_parse_expression.cpp).
    ExpressionPtr expression();
    ExpressionPtr tuple(bool with_conditional, bool in_parentheses = false);
    ExpressionPtr binary(int lowest);
    ExpressionPtr operand(bool with_filters);
    ExpressionPtr primary();
    ExpressionPtr name_or_constant();
    ExpressionPtr bracketed();
    ExpressionPtr list_literal();
    ExpressionPtr dict_literal();
    bool chain_step(int precedence, ExpressionPtr &chain);
    int binary_precedence() const;
    void postfix_steps(std::vector<Step> &steps);
    void filter_steps(std::vector<Step> &steps);
    Step attribute_step();
    Step subscript_step();
    ExpressionPtr subscript_key();
    Step filter_step();
    std::vector<Step> filter_chain();
    Step test_step();
    std::string dotted_name();
    Arguments arguments();
    ExpressionPtr make(uint32_t line, decltype(Expression::what) what);
    bool tuple_ends() const;

    // Tokens.
    Token take();
    const Token &peek_second();
    bool at_symbol(std::string_view symbol) const { return token_.kind == TokenKind::symbol && token_.text == symbol; }
    bool at_name(std::string_view name) const { return token_.kind == TokenKind::name && token_.text == name; }
    bool skip_symbol(std::string_view symbol);
    bool skip_name(std::string_view name);
    void expect_symbol(std::string_view symbol);
    void expect_name(std::string_view name);
    std::string identifier();
    NameId intern(const std::string &name);
    [[noreturn]] void expected(std::string_view what) const;
    [[noreturn]] void fail(std::string_view what) const;

    class Nesting;
    static constexpr uint64_t max_nodes = 250'000;

    std::string source_;
    TemplateLimits limits_;
    Template out_;
    Lexer lexer_;
    Token token_, second_;
    bool has_second_ = false;
    std::unordered_map<std::string, NameId> ids_;
    std::string end_name_; ///< The tag that ended the last block().
    uint32_t depth_ = 0, loops_ = 0;
    uint64_t nodes_ = 0;
    bool caller_ = false, varargs_ = false, kwargs_ = false; ///< Names that the macro being read uses.
};

/// One level of the parser's recursion.
class Parser::Nesting {
public:
    explicit Nesting(Parser &parser) : parser_(parser) {
        if (parser.depth_ >= parser.limits_.depth) parser.fail("nested too deeply");
        ++parser.depth_;
    }
    ~Nesting() { --parser_.depth_; }
    Nesting(const Nesting &) = delete;
    Nesting &operator=(const Nesting &) = delete;

private:
    Parser &parser_;
};

} // namespace quant::jinja
