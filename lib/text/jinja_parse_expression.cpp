// Expressions by precedence climbing. Runs of operators of one precedence become one chain
// node, so that "a + b + c + ..." is as flat as it looks.
#include "text/jinja_parser.h"
#include "text/jinja_runtime.h"

namespace quant::jinja {

namespace {

// From loosest to tightest. The ternary is looser still, and unary signs, filters and
// tests are tighter.
enum Precedence { no_operator = 0, or_level, and_level, not_level, compare_level, add_level, concat_level, multiply_level, power_level };

struct Operator {
    std::string_view symbol;
    Precedence precedence;
    Arithmetic arithmetic = {};
    Comparison comparison = {};
};

constexpr Operator operators[] = {
    {"+", add_level, Arithmetic::add, {}},
    {"-", add_level, Arithmetic::subtract, {}},
    {"*", multiply_level, Arithmetic::multiply, {}},
    {"/", multiply_level, Arithmetic::divide, {}},
    {"//", multiply_level, Arithmetic::floor_divide, {}},
    {"%", multiply_level, Arithmetic::modulo, {}},
    {"**", power_level, Arithmetic::power, {}},
    {"~", concat_level, {}, {}},
    {"==", compare_level, {}, Comparison::equal},
    {"!=", compare_level, {}, Comparison::not_equal},
    {"<", compare_level, {}, Comparison::less},
    {"<=", compare_level, {}, Comparison::less_equal},
    {">", compare_level, {}, Comparison::greater},
    {">=", compare_level, {}, Comparison::greater_equal},
};

const Operator *find_operator(const Token &token) {
    if (token.kind != TokenKind::symbol) return nullptr;
    for (const Operator &op : operators)
        if (op.symbol == token.text) return &op;
    return nullptr;
}

} // namespace

ExpressionPtr Parser::make(uint32_t line, decltype(Expression::what) what) {
    if (++nodes_ > max_nodes) fail(fmt::format("the template has more than {} expressions", max_nodes));
    return std::make_unique<Expression>(Expression{line, std::move(what)});
}

ExpressionPtr Parser::expression() {
    const Nesting nesting(*this);
    const uint32_t line = token_.line;
    ExpressionPtr value = binary(or_level);
    if (!skip_name("if")) return value;
    Conditional out{std::move(value), binary(or_level), nullptr};
    if (skip_name("else")) out.otherwise = expression();
    value = make(line, std::move(out));
    if (at_name("if")) fail("'if' after a conditional expression needs parentheses");
    return value;
}

bool Parser::tuple_ends() const {
    return token_.kind == TokenKind::block_end || token_.kind == TokenKind::print_end || token_.kind == TokenKind::end ||
           at_symbol(")") || at_name("recursive") || at_symbol("=") || at_name("in");
}

// One expression, or several with commas, which make a tuple.
ExpressionPtr Parser::tuple(bool with_conditional, bool in_parentheses) {
    const uint32_t line = token_.line;
    SequenceLiteral out{true, {}};
    bool comma = false;
    while (!tuple_ends()) {
        out.items.push_back(with_conditional ? expression() : binary(or_level));
        comma = skip_symbol(",");
        if (!comma) break;
    }
    if (out.items.empty() && !in_parentheses) expected("an expression");
    if (out.items.size() == 1 && !comma) return std::move(out.items[0]);
    return make(line, std::move(out));
}

int Parser::binary_precedence() const {
    if (token_.kind == TokenKind::name) {
        if (token_.text == "or") return or_level;
        if (token_.text == "and") return and_level;
        if (token_.text == "in" || token_.text == "not") return compare_level; // "not" as in "not in"
        return no_operator;
    }
    const Operator *op = find_operator(token_);
    return op ? op->precedence : no_operator;
}

// Take one operator and its right side onto the chain.
bool Parser::chain_step(int precedence, ExpressionPtr &chain) {
    if (binary_precedence() != precedence) return false;
    if (at_name("not")) {
        if (const Token &second = peek_second(); second.kind != TokenKind::name || second.text != "in") return false;
    }
    const Token sign = take();
    if (precedence == or_level || precedence == and_level) {
        std::get<Logic>(chain->what).operands.push_back(binary(precedence + 1));
    } else if (precedence == concat_level) {
        std::get<Concatenation>(chain->what).parts.push_back(binary(precedence + 1));
    } else if (precedence == compare_level) {
        const Operator *op = find_operator(sign);
        if (sign.text == "not") expect_name("in");
        const Comparison what = op ? op->comparison : sign.text == "not" ? Comparison::not_in : Comparison::in;
        std::get<ComparisonChain>(chain->what).rest.emplace_back(what, binary(precedence + 1));
    } else {
        std::get<ArithmeticChain>(chain->what).rest.emplace_back(find_operator(sign)->arithmetic, binary(precedence + 1));
    }
    return true;
}

ExpressionPtr Parser::binary(int lowest) {
    const Nesting nesting(*this);
    const uint32_t line = token_.line;
    ExpressionPtr left;
    if (lowest <= not_level && skip_name("not")) left = make(line, Not{binary(not_level)});
    else left = operand(true);
    for (int precedence = binary_precedence(); precedence >= lowest && precedence != no_operator; precedence = binary_precedence()) {
        if (at_name("not")) {
            if (const Token &second = peek_second(); second.kind != TokenKind::name || second.text != "in") break;
        }
        ExpressionPtr chain;
        switch (precedence) {
        case or_level:
        case and_level: {
            Logic logic{precedence == and_level, {}};
            logic.operands.push_back(std::move(left));
            chain = make(line, std::move(logic));
            break;
        }
        case concat_level: {
            Concatenation all;
            all.parts.push_back(std::move(left));
            chain = make(line, std::move(all));
            break;
        }
        case compare_level: chain = make(line, ComparisonChain{std::move(left), {}}); break;
        default: chain = make(line, ArithmeticChain{std::move(left), {}});
        }
        while (chain_step(precedence, chain)) {}
        left = std::move(chain);
    }
    return left;
}

ExpressionPtr Parser::operand(bool with_filters) {
    const Nesting nesting(*this);
    const uint32_t line = token_.line;
    ExpressionPtr base;
    if (at_symbol("-") || at_symbol("+")) {
        const bool negative = take().text == "-";
        base = make(line, Sign{negative, operand(false)});
    } else {
        base = primary();
    }
    std::vector<Step> steps;
    postfix_steps(steps);
    if (with_filters) filter_steps(steps);
    return steps.empty() ? std::move(base) : make(line, Postfix{std::move(base), std::move(steps)});
}

ExpressionPtr Parser::name_or_constant() {
    const uint32_t line = token_.line;
    const std::string name = take().text;
    if (name == "true" || name == "True") return make(line, Constant{Value::boolean(true)});
    if (name == "false" || name == "False") return make(line, Constant{Value::boolean(false)});
    if (name == "none" || name == "None") return make(line, Constant{Value::none()});
    caller_ |= name == "caller";
    varargs_ |= name == "varargs";
    kwargs_ |= name == "kwargs";
    return make(line, Name{intern(name)});
}

ExpressionPtr Parser::primary() {
    const uint32_t line = token_.line;
    switch (token_.kind) {
    case TokenKind::name: return name_or_constant();
    case TokenKind::integer: return make(line, Constant{Value::integer(take().integer)});
    case TokenKind::real: return make(line, Constant{Value::real(take().real)});
    case TokenKind::text: {
        std::string text = take().text;
        while (token_.kind == TokenKind::text) text += take().text;
        return make(line, Constant{Value(Kind::text, std::make_shared<Text>(Charge(), std::move(text), false))});
    }
    default: return bracketed();
    }
}

ExpressionPtr Parser::bracketed() {
    if (skip_symbol("(")) {
        ExpressionPtr out = tuple(true, true);
        expect_symbol(")");
        return out;
    }
    if (at_symbol("[")) return list_literal();
    if (at_symbol("{")) return dict_literal();
    expected("an expression");
}

ExpressionPtr Parser::list_literal() {
    const uint32_t line = take().line;
    SequenceLiteral out{false, {}};
    while (!at_symbol("]")) {
        out.items.push_back(expression());
        if (!skip_symbol(",")) break;
    }
    expect_symbol("]");
    return make(line, std::move(out));
}

ExpressionPtr Parser::dict_literal() {
    const uint32_t line = take().line;
    DictLiteral out;
    while (!at_symbol("}")) {
        ExpressionPtr key = expression();
        expect_symbol(":");
        out.entries.emplace_back(std::move(key), expression());
        if (!skip_symbol(",")) break;
    }
    expect_symbol("}");
    return make(line, std::move(out));
}

void Parser::postfix_steps(std::vector<Step> &steps) {
    for (;;) {
        if (at_symbol(".")) steps.push_back(attribute_step());
        else if (at_symbol("[")) steps.push_back(subscript_step());
        else if (at_symbol("(")) steps.push_back(Step{token_.line, CallStep{arguments()}});
        else return;
    }
}

void Parser::filter_steps(std::vector<Step> &steps) {
    for (;;) {
        if (at_symbol("|")) steps.push_back(filter_step());
        else if (at_name("is")) steps.push_back(test_step());
        else if (at_symbol("(")) steps.push_back(Step{token_.line, CallStep{arguments()}});
        else return;
    }
}

Step Parser::attribute_step() {
    const uint32_t line = take().line;
    if (token_.kind == TokenKind::integer) return {line, SubscriptStep{primary()}};
    return {line, AttributeStep{identifier()}};
}

// What stands in brackets before the first colon or comma; null for nothing.
ExpressionPtr Parser::subscript_key() {
    return at_symbol(":") || at_symbol("]") || at_symbol(",") ? nullptr : expression();
}

Step Parser::subscript_step() {
    const uint32_t line = take().line;
    ExpressionPtr first = subscript_key();
    if (skip_symbol(":")) {
        SliceStep slice{std::move(first), subscript_key(), nullptr};
        if (skip_symbol(":")) slice.step = subscript_key();
        expect_symbol("]");
        return {line, std::move(slice)};
    }
    if (!first) expected("an expression");
    if (at_symbol(",")) {
        SequenceLiteral key{true, {}};
        key.items.push_back(std::move(first));
        while (skip_symbol(",") && !at_symbol("]")) key.items.push_back(expression());
        first = make(line, std::move(key));
    }
    expect_symbol("]");
    return {line, SubscriptStep{std::move(first)}};
}

std::string Parser::dotted_name() {
    std::string name = identifier();
    while (skip_symbol(".")) name.append(1, '.').append(identifier());
    return name;
}

Step Parser::filter_step() {
    const uint32_t line = take().line;
    FilterStep out{dotted_name(), {}};
    if (at_symbol("(")) out.arguments = arguments();
    return {line, std::move(out)};
}

// `name(...) | name | ...`, as in filter and set blocks, without the first bar.
std::vector<Step> Parser::filter_chain() {
    std::vector<Step> out;
    do {
        const uint32_t line = token_.line;
        FilterStep filter{dotted_name(), {}};
        if (at_symbol("(")) filter.arguments = arguments();
        out.push_back({line, std::move(filter)});
    } while (skip_symbol("|"));
    return out;
}

Step Parser::test_step() {
    const uint32_t line = take().line;
    const bool negated = skip_name("not");
    TestStep out{dotted_name(), negated, {}};
    const bool operand_follows =
        (token_.kind == TokenKind::name && !at_name("else") && !at_name("or") && !at_name("and") && !at_name("if") && !at_name("recursive")) ||
        token_.kind == TokenKind::text || token_.kind == TokenKind::integer || token_.kind == TokenKind::real || at_symbol("[") || at_symbol("{");
    if (at_symbol("(")) {
        out.arguments = arguments();
    } else if (operand_follows) {
        if (at_name("is")) fail("tests with 'is' cannot be chained");
        ExpressionPtr base = primary();
        std::vector<Step> steps;
        postfix_steps(steps);
        if (!steps.empty()) base = make(line, Postfix{std::move(base), std::move(steps)});
        out.arguments.positional.push_back(std::move(base));
    }
    return {line, std::move(out)};
}

Arguments Parser::arguments() {
    const Nesting nesting(*this);
    Arguments out;
    expect_symbol("(");
    while (!at_symbol(")")) {
        if (skip_symbol("**")) {
            if (out.double_star) fail("'**' appears twice in one call");
            out.double_star = expression();
        } else if (skip_symbol("*")) {
            if (out.star || out.double_star) fail("'*' must come once, before '**'");
            out.star = expression();
        } else if (token_.kind == TokenKind::name && peek_second().kind == TokenKind::symbol && peek_second().text == "=") {
            std::string name = take().text;
            take();
            out.named.emplace_back(std::move(name), expression());
        } else {
            if (!out.named.empty() || out.star || out.double_star) fail("a positional argument follows a named one");
            out.positional.push_back(expression());
        }
        if (!skip_symbol(",")) break;
    }
    expect_symbol(")");
    return out;
}

} // namespace quant::jinja
