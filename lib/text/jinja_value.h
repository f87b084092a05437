// The values that a template computes with: Python's None, bool, int, float, str, list,
// tuple, dict, range and the few helper objects that Jinja adds.
//
// Containers never change after they are made (the sandbox that models' templates are
// written for forbids append() and its like), so values form no cycles, own each other by
// plain reference counts, and know at birth how deeply they nest. The exceptions, namespaces
// and macros, belong to the Runtime of one rendering and are only pointed at.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quant::jinja {

class Runtime;

enum class Kind : uint8_t {
    undefined, none, boolean, integer, real, text, list, tuple, generator, dict, range, view,
    space, callable, loop, cycler, joiner
};

/// Live bytes on a Runtime's account, given back with the object that carries it.
class Charge {
public:
    Charge() = default;
    Charge(Runtime *runtime, uint64_t bytes);
    Charge(Charge &&other) noexcept : runtime_(std::exchange(other.runtime_, nullptr)), bytes_(other.bytes_) {}
    Charge &operator=(Charge &&) = delete;
    ~Charge();
    /// For an object that grows while it is made.
    void add(Runtime &runtime, uint64_t bytes);

private:
    Runtime *runtime_ = nullptr;
    uint64_t bytes_ = 0;
};

struct Object {
    virtual ~Object() = default;
    Charge charge;
    uint32_t nesting = 1; ///< 1 + the deepest object it owns; bounded, so that recursion over it is.

protected:
    explicit Object(Charge paid) : charge(std::move(paid)) {}
};

class Value {
public:
    Value() = default; ///< Undefined, without a word about what.
    static Value none() { return Value(Kind::none); }
    static Value boolean(bool b) { return Value(Kind::boolean).with_integer(b); }
    static Value integer(int64_t i) { return Value(Kind::integer).with_integer(i); }
    static Value real(double d);
    Value(Kind kind, std::shared_ptr<const Object> object) : kind_(kind), object_(std::move(object)) {}

    Kind kind() const { return kind_; }
    bool is(Kind kind) const { return kind_ == kind; }
    bool is_text() const { return kind_ == Kind::text; }
    bool is_none() const { return kind_ == Kind::none; }
    bool is_undefined() const { return kind_ == Kind::undefined; }
    bool is_integral() const { return kind_ == Kind::integer || kind_ == Kind::boolean; }
    bool is_number() const { return is_integral() || kind_ == Kind::real; }
    bool is_sequence() const { return kind_ == Kind::list || kind_ == Kind::tuple; }

    int64_t as_integer() const { return scalar_.integer; }
    bool as_boolean() const { return scalar_.integer != 0; }
    /// Of any number.
    double as_real() const { return kind_ == Kind::real ? scalar_.real : static_cast<double>(scalar_.integer); }
    const std::string &text() const;
    bool is_markup() const;
    /// Of a list, tuple or generator.
    const std::vector<Value> &items() const;

    const std::shared_ptr<const Object> &object() const { return object_; }
    template <class T>
    const T &as() const { return static_cast<const T &>(*object_); }
    uint32_t nesting() const { return object_ ? object_->nesting : 0; }

private:
    explicit Value(Kind kind) : kind_(kind) {}
    Value with_integer(int64_t i) && { return scalar_.integer = i, std::move(*this); }

    Kind kind_ = Kind::undefined;
    union {
        int64_t integer;
        double real;
    } scalar_{0};
    std::shared_ptr<const Object> object_;
};

using Values = std::vector<Value>;
using NamedValues = std::vector<std::pair<std::string, Value>>;

/// What an undefined value stands for: the sentence that using it fails with.
struct Hint : Object {
    Hint(Charge paid, std::string s) : Object(std::move(paid)), sentence(std::move(s)) {}
    std::string sentence;
};

struct Text : Object {
    Text(Charge paid, std::string s, bool safe) : Object(std::move(paid)), bytes(std::move(s)), markup(safe) {}
    std::string bytes;
    bool markup; ///< Made by |safe or |escape: adding other text to it escapes that.
};

/// A list, a tuple, or a generator (which forgets its items once they were looked at).
struct List : Object {
    List(Charge paid, Values v) : Object(std::move(paid)), items(std::move(v)) {}
    Values items;
    bool is_group = false; ///< A tuple that groupby made: its items are also .grouper and .list.
    mutable bool consumed = false;
};

/// An order in which equal keys (1, 1.0 and true) are equal. Only of hashable values.
struct KeyLess {
    using is_transparent = void;
    Runtime *runtime;
    bool operator()(const Value &a, const Value &b) const;
    bool operator()(const Value &a, std::string_view b) const;
    bool operator()(std::string_view a, const Value &b) const;
};

/// Keys in the order of their first insertion; an index beside them once they are many.
class Dict : public Object {
public:
    Dict(Charge paid, Runtime &runtime) : Object(std::move(paid)), index_(KeyLess{&runtime}) {}

    const std::vector<std::pair<Value, Value>> &entries() const { return entries_; }
    const Value *find(const Value &key) const;
    const Value *find(std::string_view key) const;
    void set(Value key, Value value);

private:
    static constexpr size_t linear = 8;
    template <class Key>
    const Value *lookup(const Key &key) const;
    std::vector<std::pair<Value, Value>> entries_;
    std::map<Value, size_t, KeyLess> index_;
};

struct Range : Object {
    Range(Charge paid, int64_t from, int64_t to, int64_t by)
        : Object(std::move(paid)), start(from), stop(to), step(by) {}
    int64_t size() const;
    int64_t start, stop, step;
};

/// dict.keys(), .values() or .items().
struct View : Object {
    enum class Of : uint8_t { keys, values, items };
    View(Charge paid, Value d, Of w) : Object(std::move(paid)), dict(std::move(d)), which(w) {}
    Value dict;
    Of which;
};

struct Namespace : Object {
    explicit Namespace(Charge paid) : Object(std::move(paid)) {}
    const Value *find(std::string_view name) const;
    void set(std::string_view name, Value value);
    NamedValues attributes;
};

struct Cycler : Object {
    Cycler(Charge paid, Values v) : Object(std::move(paid)), items(std::move(v)) {}
    Values items;
    mutable size_t position = 0;
};

struct Joiner : Object {
    Joiner(Charge paid, Value s) : Object(std::move(paid)), separator(std::move(s)) {}
    Value separator;
    mutable bool used = false;
};

struct For;
struct MacroDefinition;
struct Native;
struct Scope;

/// A built-in function, a method with the value that it belongs to, or a macro with the
/// scope it was defined in.
struct Callable : Object {
    Callable(Charge paid, const Native &function, Value of) : Object(std::move(paid)), native(&function), self(std::move(of)) {}
    Callable(Charge paid, const MacroDefinition &definition, Scope &where)
        : Object(std::move(paid)), macro(&definition), scope(&where) {}
    const Native *native = nullptr;
    Value self;
    const MacroDefinition *macro = nullptr;
    Scope *scope = nullptr;
};

/// The `loop` variable.
struct Loop : Object {
    Loop(Charge paid, const For &what, Scope &where, Values all, int64_t level)
        : Object(std::move(paid)), statement(&what), scope(&where), items(std::move(all)), depth(level) {}
    const For *statement;
    Scope *scope; ///< Where the loop stands; kept alive if the loop is recursive.
    Values items;
    int64_t depth; ///< 1 outside of recursion.
    mutable size_t index = 0;
    mutable Values last_changed;
    mutable bool changed_before = false;
};

/// Python's name of the value's type, as its messages have it.
std::string_view type_name(const Value &value);
bool truth(const Value &value);
/// Python's ==. Costs work, since shared parts may be compared many times.
bool equal(Runtime &runtime, const Value &a, const Value &b);
/// Python's < for numbers, texts, lists and tuples; fails for others. `sign` is the operator's text.
int order(Runtime &runtime, const Value &a, const Value &b, std::string_view sign);
/// Fails where Python would say "unhashable type".
void require_hashable(Runtime &runtime, const Value &key);

/// The elements of anything that Python can iterate over: a borrowed list or an own one.
class Items {
public:
    /// Fails for what is not iterable; undefined has no elements.
    Items(Runtime &runtime, const Value &of);
    const Values &all() const { return borrowed_ ? *borrowed_ : own_; }
    auto begin() const { return all().begin(); }
    auto end() const { return all().end(); }
    size_t size() const { return all().size(); }
    /// The elements, moved out where they are ours.
    Values take() && { return borrowed_ ? *borrowed_ : std::move(own_); }

private:
    Value keep_;
    const Values *borrowed_ = nullptr;
    Values own_;
};

bool is_iterable(const Value &value);
/// Python's len(), or -1 where it has none.
int64_t length_of(Runtime &runtime, const Value &value);

} // namespace quant::jinja
