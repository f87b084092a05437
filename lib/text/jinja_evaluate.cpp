#include "text/jinja_interpreter.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"

#include <algorithm>

namespace quant::jinja {

Value Interpreter::evaluate(const Expression &expression) {
    const Runtime::Nesting nesting(runtime_);
    runtime_.step();
    runtime_.line = expression.line;
    return std::visit([this](const auto &what) { return evaluate(what); }, expression.what);
}

Value Interpreter::evaluate(const Name &name) {
    for (const Scope *scope = scope_; scope; scope = scope->parent)
        if (const Value *found = scope->find(name.id)) return *found;
    return runtime_.undefined(fmt::format("'{}' is undefined", printable(program_.names[name.id], 60)));
}

Value Interpreter::evaluate(const SequenceLiteral &literal) {
    Values items;
    items.reserve(literal.items.size());
    for (const ExpressionPtr &item : literal.items) items.push_back(evaluate(*item));
    return literal.is_tuple ? runtime_.tuple(std::move(items)) : runtime_.list(std::move(items));
}

Value Interpreter::evaluate(const DictLiteral &literal) {
    auto dict = runtime_.new_dict();
    for (const auto &[key_expression, value] : literal.entries) {
        Value key = evaluate(*key_expression);
        require_hashable(runtime_, key);
        runtime_.put(*dict, std::move(key), evaluate(*value));
    }
    return Value(Kind::dict, std::move(dict));
}

Value Interpreter::evaluate(const ArithmeticChain &chain) {
    Value left = evaluate(*chain.first);
    for (const auto &[op, right] : chain.rest) {
        runtime_.step();
        left = arithmetic(runtime_, op, left, evaluate(*right));
    }
    return left;
}

Value Interpreter::evaluate(const ComparisonChain &chain) {
    Value left = evaluate(*chain.first);
    for (const auto &[op, expression] : chain.rest) {
        Value right = evaluate(*expression);
        if (!compare(runtime_, op, left, right)) return Value::boolean(false);
        left = std::move(right);
    }
    return Value::boolean(true);
}

Value Interpreter::evaluate(const Concatenation &concatenation) {
    std::string out, storage;
    for (const ExpressionPtr &part : concatenation.parts) {
        const Value value = evaluate(*part);
        const std::string_view text = str_view(runtime_, value, storage);
        runtime_.check_text(out.size() + text.size());
        out += text;
    }
    return runtime_.text(std::move(out));
}

Value Interpreter::evaluate(const Logic &logic) {
    Value value;
    for (const ExpressionPtr &operand : logic.operands) {
        value = evaluate(*operand);
        if (truth(value) != logic.is_and) break;
    }
    return value;
}

Value Interpreter::evaluate(const Conditional &conditional) {
    if (truth(evaluate(*conditional.condition))) return evaluate(*conditional.then);
    if (conditional.otherwise) return evaluate(*conditional.otherwise);
    return runtime_.undefined("the inline if-expression evaluated to false and no else section was defined");
}

Value Interpreter::negate_value(const Value &value, bool negative) { return negate(runtime_, value, negative); }

Value Interpreter::follow(const Postfix &postfix, const Value *caller) {
    return take(evaluate(*postfix.base), postfix.steps, caller);
}

// Take the steps one after the other; the last, if it is a call, also gets `caller`.
Value Interpreter::take(Value value, const std::vector<Step> &steps, const Value *caller) {
    for (const Step &step : steps) {
        runtime_.step();
        runtime_.line = step.line;
        if (caller && &step == &steps.back()) {
            CallArguments with_caller = arguments(std::get<CallStep>(step.what).arguments);
            with_caller.named.emplace_back("caller", *caller);
            value = call(value, std::move(with_caller));
        } else {
            value = std::visit([&](const auto &what) { return take(value, what); }, step.what);
        }
    }
    return value;
}

Value Interpreter::take(const Value &value, const AttributeStep &step) { return get_attribute(runtime_, value, step.name); }

Value Interpreter::take(const Value &value, const SubscriptStep &step) {
    return get_item(runtime_, value, evaluate(*step.key));
}

Value Interpreter::take(const Value &value, const SliceStep &step) {
    const auto bound = [&](const ExpressionPtr &expression) { return expression ? evaluate(*expression) : Value::none(); };
    const Value start = bound(step.start), stop = bound(step.stop);
    return get_slice(runtime_, value, start, stop, bound(step.step));
}

Value Interpreter::take(const Value &value, const CallStep &step) { return call(value, arguments(step.arguments)); }

Value Interpreter::take(const Value &value, const FilterStep &step) {
    return apply_filter(runtime_, step.name, value, arguments(step.arguments));
}

Value Interpreter::take(const Value &value, const TestStep &step) {
    return Value::boolean(apply_test(runtime_, step.name, value, arguments(step.arguments)) != step.negated);
}

CallArguments Interpreter::arguments(const Arguments &arguments) {
    CallArguments out;
    for (const ExpressionPtr &value : arguments.positional) out.positional.push_back(evaluate(*value));
    for (const auto &[name, value] : arguments.named) out.named.emplace_back(name, evaluate(*value));
    if (arguments.star) {
        const Value more = evaluate(*arguments.star);
        const Items items(runtime_, more);
        out.positional.insert(out.positional.end(), items.begin(), items.end());
    }
    if (arguments.double_star) {
        const Value more = evaluate(*arguments.double_star);
        if (!more.is(Kind::dict)) runtime_.fail("argument after ** must be a mapping, not {}", type_name(more));
        for (const auto &[key, value] : more.as<Dict>().entries()) {
            if (!key.is_text()) runtime_.fail("keywords must be strings");
            out.named.emplace_back(key.text(), value);
        }
    }
    return out;
}

// Parameters and, where its body mentions them, varargs, kwargs and caller become names of
// the scope that the macro's call has just begun.
void Interpreter::bind_parameters(const MacroDefinition &macro, CallArguments &&arguments) {
    const size_t n = macro.parameters.size(), given = std::min(n, arguments.positional.size());
    const auto take_named = [&](std::string_view name) -> std::optional<Value> {
        auto &named = arguments.named;
        const auto found = std::find_if(named.begin(), named.end(), [&](const auto &argument) { return argument.first == name; });
        if (found == named.end()) return std::nullopt;
        Value value = std::move(found->second);
        named.erase(found);
        return value;
    };
    for (size_t i = 0; i < n; ++i) {
        const size_t first_default = n - macro.defaults.size();
        if (i < given) {
            scope_->set(macro.parameters[i], std::move(arguments.positional[i]));
        } else if (auto named = take_named(macro.parameter_names[i])) {
            scope_->set(macro.parameters[i], std::move(*named));
        } else if (i >= first_default) {
            scope_->set(macro.parameters[i], evaluate(*macro.defaults[i - first_default]));
        } else {
            scope_->set(macro.parameters[i], runtime_.undefined(fmt::format("parameter '{}' was not provided", macro.parameter_names[i])));
        }
    }
    std::optional<Value> caller = take_named("caller");
    if (macro.uses_caller) scope_->set(macro.caller, caller ? *caller : runtime_.undefined("No caller defined"));
    if (macro.uses_kwargs) {
        auto dict = runtime_.new_dict();
        for (auto &[name, value] : arguments.named) runtime_.put(*dict, name, std::move(value));
        scope_->set(macro.kwargs, Value(Kind::dict, std::move(dict)));
    } else if (!arguments.named.empty()) {
        runtime_.fail("macro '{}' takes no keyword argument '{}'", macro.name, printable(arguments.named.front().first, 60));
    }
    if (macro.uses_varargs) {
        scope_->set(macro.varargs, runtime_.tuple(Values(arguments.positional.begin() + static_cast<ptrdiff_t>(given), arguments.positional.end())));
    } else if (arguments.positional.size() > n) {
        runtime_.fail("macro '{}' takes not more than {} argument(s)", macro.name, n);
    }
}

} // namespace quant::jinja
