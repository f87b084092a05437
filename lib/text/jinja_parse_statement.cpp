#include "base/error.h"
#include "text/jinja_parser.h"

#include <algorithm>
#include <utility>

namespace quant::jinja {

// Statements up to one of the tags in `ends`, whose name is left in end_name_; with no
// ends, up to the end of the template.
Block Parser::block(std::initializer_list<std::string_view> ends) {
    const Nesting nesting(*this);
    Block out;
    for (;;) {
        if (++nodes_ > max_nodes) fail(fmt::format("the template has more than {} statements and expressions", max_nodes));
        const uint32_t line = token_.line;
        if (token_.kind == TokenKind::end) {
            if (ends.size() == 0) return out;
            fail(fmt::format("expected '{{% {} %}}' before the end of the template", *(ends.end() - 1)));
        }
        if (token_.kind == TokenKind::data) {
            out.push_back({line, Data{take().text}});
        } else if (token_.kind == TokenKind::print_begin) {
            take();
            Statement &print = out.emplace_back();
            print.line = line;
            print.what = Print{tuple(true)};
            if (token_.kind != TokenKind::print_end) expected("'}}'");
            take();
        } else {
            take(); // the lexer gives nothing else here than the beginning of a block tag
            if (token_.kind != TokenKind::name) expected("the name of a tag");
            if (std::find(ends.begin(), ends.end(), token_.text) != ends.end()) {
                end_name_ = take().text;
                return out;
            }
            statement(out);
        }
    }
}

void Parser::end_tag() {
    if (token_.kind != TokenKind::block_end) expected("'%}'");
    take();
}

void Parser::statement(Block &out) {
    using Rule = Statement (Parser::*)();
    static constexpr std::pair<std::string_view, Rule> rules[] = {
        {"if", &Parser::if_statement},         {"for", &Parser::for_statement},   {"set", &Parser::set_statement},
        {"macro", &Parser::macro_statement},   {"call", &Parser::call_statement}, {"filter", &Parser::filter_statement},
        {"with", &Parser::with_statement},
    };
    for (const auto &[name, rule] : rules) {
        if (!skip_name(name)) continue;
        out.push_back((this->*rule)());
        return end_tag();
    }
    const uint32_t line = token_.line;
    if (at_name("break") || at_name("continue")) {
        if (loops_ == 0) fail(fmt::format("'{}' outside a loop", token_.text));
        out.push_back({line, LoopControl{take().text == "break"}});
    } else if (skip_name("generation")) { // marks what the model wrote; renders as its body
        end_tag();
        out.push_back({line, With{{}, block({"endgeneration"})}});
    } else {
        fail(fmt::format("unknown tag '{}'", printable(token_.text, 60)));
    }
    end_tag();
}

Statement Parser::if_statement() {
    const uint32_t line = token_.line;
    If out;
    do {
        ExpressionPtr condition = tuple(false);
        end_tag();
        Block body = block({"elif", "else", "endif"});
        out.branches.emplace_back(std::move(condition), std::move(body));
    } while (end_name_ == "elif");
    if (end_name_ == "else") {
        end_tag();
        out.otherwise = block({"endif"});
    }
    return {line, std::move(out)};
}

Target Parser::single_target(bool in_set) {
    const Nesting nesting(*this);
    if (skip_symbol("(")) {
        Target out = target(in_set);
        expect_symbol(")");
        return out;
    }
    const std::string name = identifier();
    for (const std::string_view word : {"true", "false", "none", "True", "False", "None"})
        if (name == word) fail(fmt::format("cannot assign to '{}'", word));
    Target out;
    out.name = intern(name);
    if (in_set && skip_symbol(".")) out.attribute = identifier();
    return out;
}

Target Parser::target(bool in_set) {
    Target first = single_target(in_set);
    if (!at_symbol(",")) return first;
    Target out;
    out.several = true;
    out.parts.push_back(std::move(first));
    while (skip_symbol(",") && (at_symbol("(") || (token_.kind == TokenKind::name && !at_name("in"))))
        out.parts.push_back(single_target(in_set));
    return out;
}

Statement Parser::for_statement() {
    const uint32_t line = token_.line;
    For out{target(false), nullptr, nullptr, false, intern("loop"), {}, {}};
    expect_name("in");
    out.items = tuple(false);
    if (skip_name("if")) out.condition = expression();
    out.recursive = skip_name("recursive");
    end_tag();
    ++loops_;
    out.body = block({"else", "endfor"});
    --loops_;
    if (end_name_ == "else") {
        end_tag();
        out.otherwise = block({"endfor"});
    }
    return {line, std::move(out)};
}

Statement Parser::set_statement() {
    const uint32_t line = token_.line;
    Target to = target(true);
    if (skip_symbol("=")) return {line, Set{std::move(to), tuple(true)}};
    SetBlock out{std::move(to), {}, {}};
    if (skip_symbol("|")) out.filters = filter_chain();
    end_tag();
    out.body = block({"endset"});
    return {line, std::move(out)};
}

void Parser::parameters(MacroDefinition &macro) {
    expect_symbol("(");
    while (!at_symbol(")")) {
        std::string name = identifier();
        macro.parameters.push_back(intern(name));
        macro.parameter_names.push_back(std::move(name));
        if (skip_symbol("=")) macro.defaults.push_back(expression());
        else if (!macro.defaults.empty()) fail("a parameter without a default follows one that has it");
        if (!skip_symbol(",")) break;
    }
    expect_symbol(")");
}

void Parser::macro_body(MacroDefinition &macro, std::string_view end) {
    end_tag();
    const bool outer[] = {std::exchange(caller_, false), std::exchange(varargs_, false), std::exchange(kwargs_, false)};
    const uint32_t outer_loops = std::exchange(loops_, 0);
    macro.body = block({end});
    loops_ = outer_loops;
    macro.caller = intern("caller"), macro.varargs = intern("varargs"), macro.kwargs = intern("kwargs");
    macro.uses_caller = std::exchange(caller_, outer[0]);
    macro.uses_varargs = std::exchange(varargs_, outer[1]);
    macro.uses_kwargs = std::exchange(kwargs_, outer[2]);
}

Statement Parser::macro_statement() {
    const uint32_t line = token_.line;
    auto macro = std::make_unique<MacroDefinition>();
    macro->name = identifier();
    const NameId name = intern(macro->name);
    parameters(*macro);
    macro_body(*macro, "endmacro");
    return {line, Macro{name, std::move(macro)}};
}

Statement Parser::call_statement() {
    const uint32_t line = token_.line;
    auto caller = std::make_unique<MacroDefinition>();
    caller->name = "caller";
    if (at_symbol("(")) parameters(*caller);
    ExpressionPtr call = operand(false);
    const auto *postfix = std::get_if<Postfix>(&call->what);
    if (!postfix || !std::holds_alternative<CallStep>(postfix->steps.back().what)) fail("expected a call in the 'call' tag");
    macro_body(*caller, "endcall");
    return {line, CallBlock{std::move(call), std::move(caller)}};
}

Statement Parser::filter_statement() {
    const uint32_t line = token_.line;
    FilterBlock out{filter_chain(), {}};
    end_tag();
    out.body = block({"endfilter"});
    return {line, std::move(out)};
}

Statement Parser::with_statement() {
    const uint32_t line = token_.line;
    With out;
    while (token_.kind != TokenKind::block_end) {
        Target to = single_target(false);
        expect_symbol("=");
        out.values.emplace_back(std::move(to), expression());
        if (!skip_symbol(",")) break;
    }
    end_tag();
    out.body = block({"endwith"});
    return {line, std::move(out)};
}

} // namespace quant::jinja
