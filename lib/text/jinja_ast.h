// A parsed template. Chains of operators, of postfix steps and of elif branches are lists,
// not trees leaning to one side, so the depth of the tree is the nesting that the author
// wrote, which the parser limits; whoever walks or frees it needs no more stack than that.
#pragma once

#include "text/jinja_value.h"

#include <variant>

namespace quant::jinja {

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;
using NameId = uint32_t; ///< Index into Template::names.

enum class Arithmetic : uint8_t { add, subtract, multiply, divide, floor_divide, modulo, power };
enum class Comparison : uint8_t { equal, not_equal, less, less_equal, greater, greater_equal, in, not_in };

struct Arguments {
    std::vector<ExpressionPtr> positional;
    std::vector<std::pair<std::string, ExpressionPtr>> named;
    ExpressionPtr star, double_star; ///< *args and **kwargs.
};

struct Constant { Value value; };
struct Name { NameId id; };
struct SequenceLiteral { bool is_tuple; std::vector<ExpressionPtr> items; };
struct DictLiteral { std::vector<std::pair<ExpressionPtr, ExpressionPtr>> entries; };
struct ArithmeticChain { ExpressionPtr first; std::vector<std::pair<Arithmetic, ExpressionPtr>> rest; };
struct ComparisonChain { ExpressionPtr first; std::vector<std::pair<Comparison, ExpressionPtr>> rest; };
struct Concatenation { std::vector<ExpressionPtr> parts; };
struct Logic { bool is_and; std::vector<ExpressionPtr> operands; };
struct Not { ExpressionPtr operand; };
struct Sign { bool negative; ExpressionPtr operand; };
struct Conditional { ExpressionPtr then, condition, otherwise; }; ///< `otherwise` may be null.

// The steps that follow an operand: .name, [key], [a:b:c], (...), |filter(...), is test(...).
struct AttributeStep { std::string name; };
struct SubscriptStep { ExpressionPtr key; };
struct SliceStep { ExpressionPtr start, stop, step; };
struct CallStep { Arguments arguments; };
struct FilterStep { std::string name; Arguments arguments; };
struct TestStep { std::string name; bool negated; Arguments arguments; };
struct Step {
    uint32_t line;
    std::variant<AttributeStep, SubscriptStep, SliceStep, CallStep, FilterStep, TestStep> what;
};
struct Postfix { ExpressionPtr base; std::vector<Step> steps; };

struct Expression {
    uint32_t line;
    std::variant<Constant, Name, SequenceLiteral, DictLiteral, ArithmeticChain, ComparisonChain, Concatenation, Logic, Not, Sign,
                 Conditional, Postfix>
        what;
};

/// What a set or for statement assigns to: a name, an attribute of a namespace, or several.
struct Target {
    NameId name = 0;
    std::string attribute;     ///< Not empty: of the namespace called `name`.
    std::vector<Target> parts; ///< Not empty, or `several`: unpack into these.
    bool several = false;
};

struct Statement;
using Block = std::vector<Statement>;

/// A macro, the body of a call block, or anything else that is called with arguments.
struct MacroDefinition {
    std::string name;
    std::vector<NameId> parameters;
    std::vector<std::string> parameter_names;
    std::vector<ExpressionPtr> defaults; ///< Of the last parameters.
    NameId caller = 0, varargs = 0, kwargs = 0;
    bool uses_caller = false, uses_varargs = false, uses_kwargs = false;
    Block body;
};

struct Data { std::string text; };
struct Print { ExpressionPtr value; };
struct If { std::vector<std::pair<ExpressionPtr, Block>> branches; Block otherwise; };
struct For {
    Target target;
    ExpressionPtr items, condition; ///< `condition` may be null.
    bool recursive;
    NameId loop;
    Block body, otherwise;
};
struct Set { Target target; ExpressionPtr value; };
struct SetBlock { Target target; std::vector<Step> filters; Block body; };
struct Macro { NameId name; std::unique_ptr<MacroDefinition> definition; };
struct CallBlock { ExpressionPtr call; std::unique_ptr<MacroDefinition> caller; };
struct FilterBlock { std::vector<Step> filters; Block body; };
struct With { std::vector<std::pair<Target, ExpressionPtr>> values; Block body; };
struct LoopControl { bool leaves; }; ///< break, else continue.

struct Statement {
    uint32_t line;
    std::variant<Data, Print, If, For, Set, SetBlock, Macro, CallBlock, FilterBlock, With, LoopControl> what;
};

struct Template {
    std::string name;
    std::vector<std::string> names;
    Block body;
};

} // namespace quant::jinja
