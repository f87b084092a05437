#include "text/jinja_runtime.h"

#include "base/checked.h"

#include <algorithm>

namespace quant::jinja {

void template_failure(std::string_view name, uint32_t line, std::string_view what) {
    fail(QUANT_ERR_TEMPLATE, "chat template {}: line {}: {}", printable(name), line, printable(what, 2000));
}

Charge::Charge(Runtime *runtime, uint64_t bytes) : runtime_(runtime), bytes_(bytes) {
    if (runtime_) runtime_->take(bytes_);
}

Charge::~Charge() {
    if (runtime_) runtime_->give(bytes_);
}

void Charge::add(Runtime &runtime, uint64_t bytes) {
    runtime.take(bytes);
    runtime_ = &runtime;
    bytes_ += bytes;
}

Runtime::Runtime(std::string_view name, const TemplateLimits &limits)
    : name_(name), limits_(limits),
      work_left_(checked_mul<uint64_t>(limits.steps, step_cost).value_or(UINT64_MAX)) {}

void Runtime::out_of_steps() const { fail("more than {} steps of work; the template may not end", limits_.steps); }

void Runtime::out_of_memory() const { fail("the values need more than {} bytes of memory", limits_.memory_bytes); }

void Runtime::too_deep() const { fail("nested deeper than {} levels", limits_.depth); }

void Runtime::nest(Object &outer, const Value &inner) {
    outer.nesting = std::max(outer.nesting, inner.nesting() + 1);
    if (outer.nesting > limits_.depth) fail("a value is nested deeper than {} levels", limits_.depth);
}

Value Runtime::text(std::string bytes, bool markup) {
    check_text(bytes.size());
    work(bytes.size());
    Charge charge(this, sizeof(Text) + object_overhead + bytes.size());
    return Value(Kind::text, std::make_shared<Text>(std::move(charge), std::move(bytes), markup));
}

Value Runtime::undefined(std::string sentence) {
    Charge charge(this, sizeof(Hint) + object_overhead + sentence.size());
    return Value(Kind::undefined, std::make_shared<Hint>(std::move(charge), std::move(sentence)));
}

Value Runtime::sequence(Kind kind, Values items) {
    work(items.size() * sizeof(Value));
    Charge charge(this, sizeof(List) + object_overhead + items.size() * sizeof(Value));
    auto object = std::make_shared<List>(std::move(charge), std::move(items));
    for (const Value &item : object->items) nest(*object, item);
    return Value(kind, std::move(object));
}

Value Runtime::pair(Value a, Value b) {
    Values items;
    items.reserve(2);
    items.push_back(std::move(a));
    items.push_back(std::move(b));
    return tuple(std::move(items));
}

Value Runtime::group(Value key, Value members) {
    auto object = make<List>({key, members}, Values{key, members});
    object->is_group = true;
    return Value(Kind::tuple, std::move(object));
}

std::shared_ptr<Dict> Runtime::new_dict() {
    return std::make_shared<Dict>(Charge(this, sizeof(Dict) + object_overhead), *this);
}

void Runtime::put(Dict &dict, Value key, Value value) {
    constexpr uint64_t entry_bytes = 2 * sizeof(Value) + 64; // the entry and its node in the index
    work(entry_bytes);
    nest(dict, key);
    nest(dict, value);
    dict.set(std::move(key), std::move(value));
    dict.charge.add(*this, entry_bytes);
}

Value Runtime::from_json(const json::value &v) {
    const Nesting nesting(*this);
    switch (v.kind()) {
    case boost::json::kind::null: return Value::none();
    case boost::json::kind::bool_: return Value::boolean(v.get_bool());
    case boost::json::kind::int64: return Value::integer(v.get_int64());
    case boost::json::kind::uint64: {
        const auto small = checked_cast<int64_t>(v.get_uint64());
        return small ? Value::integer(*small) : Value::real(static_cast<double>(v.get_uint64()));
    }
    case boost::json::kind::double_: return Value::real(v.get_double());
    case boost::json::kind::string: return text(std::string(v.get_string()));
    case boost::json::kind::array: {
        Values items;
        items.reserve(v.get_array().size());
        for (const json::value &item : v.get_array()) items.push_back(from_json(item));
        return list(std::move(items));
    }
    case boost::json::kind::object: break;
    }
    auto dict = new_dict();
    for (const auto &[key, member] : v.get_object()) put(*dict, std::string_view(key), from_json(member));
    return Value(Kind::dict, std::move(dict));
}

} // namespace quant::jinja
