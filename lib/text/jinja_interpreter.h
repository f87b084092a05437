// Walks a Template and writes what it says.
//
// Scopes are a chain: a loop's turn, a macro's call and a with block each begin one, and
// names are looked up outwards. A macro remembers the scope that it was defined in, which
// then lives until the rendering ends.
#pragma once

#include "text/jinja_ast.h"
#include "text/jinja_native.h"

#include <memory>

namespace quant::jinja {

struct Scope : std::enable_shared_from_this<Scope> {
    explicit Scope(Scope *outer) : parent(outer) {}
    const Value *find(NameId name) const;
    void set(NameId name, Value value);

    Scope *parent;
    bool kept = false;
    std::vector<std::pair<NameId, Value>> values;
};

class Interpreter {
public:
    Interpreter(const Template &program, Runtime &runtime);
    /// Give a variable its value before run(); names the template never mentions are ignored.
    void define(std::string_view name, const json::value &value);
    std::string run();

private:
    enum class Flow : uint8_t { next, leave, again }; ///< What break and continue ask of the loop.
    class Capture;
    class NewScope;

    // Statements (jinja_interpreter.cpp).
    Flow execute(const Block &block);
    Flow execute(const Statement &statement);
    Flow run(const Data &data) { return write(data.text), Flow::next; }
    Flow run(const Print &print);
    Flow run(const If &branch);
    Flow run(const For &loop);
    Flow run(const Set &set);
    Flow run(const SetBlock &set);
    Flow run(const Macro &macro);
    Flow run(const CallBlock &call);
    Flow run(const FilterBlock &filter);
    Flow run(const With &with);
    Flow run(const LoopControl &control) { return control.leaves ? Flow::leave : Flow::again; }
    void write(std::string_view text);
    Value captured(const Block &body);
    void assign(const Target &target, Value value);
    Values loop_items(const For &statement, const Value &of);
    void run_loop(const For &statement, Value of, int64_t depth);

    // Expressions (jinja_evaluate.cpp).
    Value evaluate(const Expression &expression);
    Value evaluate(const Constant &constant) { return constant.value; }
    Value evaluate(const Name &name);
    Value evaluate(const SequenceLiteral &literal);
    Value evaluate(const DictLiteral &literal);
    Value evaluate(const ArithmeticChain &chain);
    Value evaluate(const ComparisonChain &chain);
    Value evaluate(const Concatenation &concatenation);
    Value evaluate(const Logic &logic);
    Value evaluate(const Not &negation) { return Value::boolean(!truth(evaluate(*negation.operand))); }
    Value evaluate(const Sign &sign) { return negate_value(evaluate(*sign.operand), sign.negative); }
    Value evaluate(const Conditional &conditional);
    Value evaluate(const Postfix &postfix) { return follow(postfix, nullptr); }
    Value negate_value(const Value &value, bool negative);
    Value follow(const Postfix &postfix, const Value *caller);
    Value take(Value value, const std::vector<Step> &steps, const Value *caller);
    Value take(const Value &value, const AttributeStep &step);
    Value take(const Value &value, const SubscriptStep &step);
    Value take(const Value &value, const SliceStep &step);
    Value take(const Value &value, const CallStep &step);
    Value take(const Value &value, const FilterStep &step);
    Value take(const Value &value, const TestStep &step);
    CallArguments arguments(const Arguments &arguments);
    Value call(const Value &callee, CallArguments &&arguments);
    Value call_macro(const Callable &callee, CallArguments &&arguments);
    void bind_parameters(const MacroDefinition &macro, CallArguments &&arguments);
    Value make_macro(const MacroDefinition &macro);
    void keep_scope();

    const Template &program_;
    Runtime &runtime_;
    std::vector<std::shared_ptr<Scope>> kept_;
    std::shared_ptr<Scope> root_;
    Scope *scope_;
    std::string out_;
    uint64_t output_bytes_ = 0; ///< In out_ and all captures that are under way.
};

} // namespace quant::jinja
