#include "text/jinja_interpreter.h"

#include "text/jinja_operators.h"
#include "text/jinja_print.h"

#include <algorithm>

namespace quant::jinja {

const Value *Scope::find(NameId name) const {
    for (const auto &[id, value] : values)
        if (id == name) return &value;
    return nullptr;
}

void Scope::set(NameId name, Value value) {
    for (auto &[id, old] : values)
        if (id == name) return void(old = std::move(value));
    values.emplace_back(name, std::move(value));
}

/// Names set while it lives go out of use with it.
class Interpreter::NewScope {
public:
    NewScope(Interpreter &interpreter, Scope *parent)
        : interpreter_(interpreter), outer_(interpreter.scope_), own_(std::make_shared<Scope>(parent)) {
        interpreter_.runtime_.work(64);
        interpreter_.scope_ = own_.get();
    }
    ~NewScope() { interpreter_.scope_ = outer_; }
    NewScope(const NewScope &) = delete;
    NewScope &operator=(const NewScope &) = delete;

private:
    Interpreter &interpreter_;
    Scope *outer_;
    std::shared_ptr<Scope> own_;
};

/// Output goes into a string of its own while it lives.
class Interpreter::Capture {
public:
    explicit Capture(Interpreter &interpreter) : interpreter_(interpreter), outer_(std::move(interpreter.out_)) { interpreter_.out_.clear(); }
    ~Capture() {
        interpreter_.output_bytes_ -= interpreter_.out_.size();
        interpreter_.out_ = std::move(outer_);
    }
    Capture(const Capture &) = delete;
    Capture &operator=(const Capture &) = delete;
    const std::string &text() const { return interpreter_.out_; }

private:
    Interpreter &interpreter_;
    std::string outer_;
};

Interpreter::Interpreter(const Template &program, Runtime &runtime)
    : program_(program), runtime_(runtime), root_(std::make_shared<Scope>(nullptr)), scope_(root_.get()) {
    for (NameId id = 0; id < program_.names.size(); ++id)
        if (const Native *native = find_global(program_.names[id]))
            root_->values.emplace_back(id, Value(Kind::callable, runtime_.make<Callable>({}, *native, Value())));
}

void Interpreter::define(std::string_view name, const json::value &value) {
    const auto found = std::find(program_.names.begin(), program_.names.end(), name);
    if (found != program_.names.end()) root_->set(static_cast<NameId>(found - program_.names.begin()), runtime_.from_json(value));
}

std::string Interpreter::run() {
    execute(program_.body);
    return std::move(out_);
}

void Interpreter::write(std::string_view text) {
    if (text.size() > runtime_.limits().output_bytes - output_bytes_)
        runtime_.fail("the output is over {} bytes", runtime_.limits().output_bytes);
    runtime_.work(text.size());
    output_bytes_ += text.size();
    out_ += text;
}

Interpreter::Flow Interpreter::execute(const Block &block) {
    const Runtime::Nesting nesting(runtime_);
    for (const Statement &statement : block)
        if (const Flow flow = execute(statement); flow != Flow::next) return flow;
    return Flow::next;
}

Interpreter::Flow Interpreter::execute(const Statement &statement) {
    runtime_.step();
    runtime_.line = statement.line;
    return std::visit([this](const auto &what) { return run(what); }, statement.what);
}

Interpreter::Flow Interpreter::run(const Print &print) {
    const Value value = evaluate(*print.value);
    std::string storage;
    write(str_view(runtime_, value, storage));
    return Flow::next;
}

Interpreter::Flow Interpreter::run(const If &branch) {
    for (const auto &[condition, body] : branch.branches)
        if (truth(evaluate(*condition))) return execute(body);
    return execute(branch.otherwise);
}

Interpreter::Flow Interpreter::run(const Set &set) {
    assign(set.target, evaluate(*set.value));
    return Flow::next;
}

Value Interpreter::captured(const Block &body) {
    const Capture capture(*this);
    const NewScope scope(*this, scope_);
    execute(body);
    return runtime_.text(capture.text());
}

Interpreter::Flow Interpreter::run(const SetBlock &set) {
    assign(set.target, take(captured(set.body), set.filters, nullptr));
    return Flow::next;
}

Interpreter::Flow Interpreter::run(const FilterBlock &filter) {
    const Value value = take(captured(filter.body), filter.filters, nullptr);
    std::string storage;
    write(str_view(runtime_, value, storage));
    return Flow::next;
}

Interpreter::Flow Interpreter::run(const With &with) {
    Values values;
    for (const auto &entry : with.values) values.push_back(evaluate(*entry.second));
    const NewScope scope(*this, scope_);
    for (size_t i = 0; i < values.size(); ++i) assign(with.values[i].first, std::move(values[i]));
    return execute(with.body);
}

Interpreter::Flow Interpreter::run(const Macro &macro) {
    scope_->set(macro.name, make_macro(*macro.definition));
    return Flow::next;
}

Interpreter::Flow Interpreter::run(const CallBlock &call) {
    const Value caller = make_macro(*call.caller);
    const Value value = follow(std::get<Postfix>(call.call->what), &caller);
    std::string storage;
    write(str_view(runtime_, value, storage));
    return Flow::next;
}

void Interpreter::assign(const Target &target, Value value) {
    if (!target.several) {
        if (target.attribute.empty()) return scope_->set(target.name, std::move(value));
        const Value space = evaluate(Name{target.name});
        if (!space.is(Kind::space)) runtime_.fail("cannot assign attribute on non-namespace object");
        // The namespace belongs to the Runtime and is meant to change.
        return const_cast<Namespace &>(space.as<Namespace>()).set(target.attribute, std::move(value));
    }
    const Items items(runtime_, value);
    if (items.size() != target.parts.size())
        runtime_.fail("expected {} values to unpack, found {}", target.parts.size(), items.size());
    for (size_t i = 0; i < target.parts.size(); ++i) assign(target.parts[i], items.all()[i]);
}

// The elements that pass the loop's own condition, which sees the loop's names.
Values Interpreter::loop_items(const For &statement, const Value &of) {
    if (of.is_none() || !is_iterable(of)) runtime_.fail("'{}' object is not iterable", type_name(of));
    Values all = Items(runtime_, of).take();
    if (!statement.condition) return all;
    Values passed;
    for (Value &item : all) {
        runtime_.step();
        const NewScope scope(*this, scope_);
        assign(statement.target, item);
        if (truth(evaluate(*statement.condition))) passed.push_back(std::move(item));
    }
    return passed;
}

void Interpreter::run_loop(const For &statement, Value of, int64_t depth) {
    Values items = loop_items(statement, of);
    if (items.empty()) {
        const NewScope scope(*this, scope_);
        execute(statement.otherwise);
        return;
    }
    if (statement.recursive) keep_scope();
    const uint64_t bytes = items.size() * sizeof(Value);
    const Values parts = items;
    auto loop = runtime_.make<Loop>(parts, statement, *scope_, std::move(items), depth);
    loop->charge.add(runtime_, bytes);
    const Value loop_value(Kind::loop, loop);
    for (; loop->index < parts.size(); ++loop->index) {
        runtime_.step();
        const NewScope scope(*this, scope_);
        scope_->set(statement.loop, loop_value);
        assign(statement.target, parts[loop->index]);
        if (execute(statement.body) == Flow::leave) break;
    }
}

Interpreter::Flow Interpreter::run(const For &loop) {
    run_loop(loop, evaluate(*loop.items), 1);
    return Flow::next;
}

// A scope that somebody points at lives on, and so do those around it.
void Interpreter::keep_scope() {
    for (Scope *scope = scope_; scope && !scope->kept; scope = scope->parent) {
        runtime_.take(sizeof(Scope) + scope->values.size() * sizeof(scope->values[0]));
        scope->kept = true;
        kept_.push_back(scope->shared_from_this());
    }
}

Value Interpreter::make_macro(const MacroDefinition &macro) {
    keep_scope();
    return Runtime::point_at(Kind::callable, runtime_.keep<Callable>(macro, *scope_));
}

Value Interpreter::call_macro(const Callable &callee, CallArguments &&arguments) {
    const Runtime::Nesting nesting(runtime_);
    const NewScope scope(*this, callee.scope);
    bind_parameters(*callee.macro, std::move(arguments));
    const Capture capture(*this);
    execute(callee.macro->body);
    return runtime_.text(capture.text());
}

Value Interpreter::call(const Value &callee, CallArguments &&arguments) {
    switch (callee.kind()) {
    case Kind::undefined: fail_undefined(runtime_, callee);
    case Kind::callable: {
        const Callable &callable = callee.as<Callable>();
        if (callable.macro) return call_macro(callable, std::move(arguments));
        return call_native(runtime_, *callable.native, std::move(arguments), &callable.self);
    }
    case Kind::joiner: {
        const Joiner &joiner = callee.as<Joiner>();
        return std::exchange(joiner.used, true) ? joiner.separator : runtime_.text("");
    }
    case Kind::loop: break;
    default: runtime_.fail("'{}' object is not callable", type_name(callee));
    }
    const Loop &loop = callee.as<Loop>();
    if (!loop.statement->recursive) runtime_.fail("the loop must have the 'recursive' marker to be called");
    if (arguments.positional.size() != 1) runtime_.fail("loop() takes exactly one argument");
    const Runtime::Nesting nesting(runtime_);
    const Capture capture(*this);
    const NewScope scope(*this, loop.scope);
    run_loop(*loop.statement, std::move(arguments.positional[0]), loop.depth + 1);
    return runtime_.text(capture.text());
}

} // namespace quant::jinja
