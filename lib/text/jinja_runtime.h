// One rendering's accounts: steps, nesting, live memory; the objects that live as long as
// the rendering; and the way to fail, with the template's name and the current line.
//
// Work is counted in bytes touched, and a step costs 1024 of them, so that one limit bounds
// the time of both a long loop and a short loop over a long string.
#pragma once

#include "base/error.h"
#include "text/chat_template.h"
#include "text/jinja_value.h"

namespace quant::jinja {

/// Throw Error (QUANT_ERR_TEMPLATE): "NAME: line N: WHAT".
[[noreturn]] void template_failure(std::string_view name, uint32_t line, std::string_view what);

class Runtime {
public:
    Runtime(std::string_view name, const TemplateLimits &limits);
    Runtime(const Runtime &) = delete;
    Runtime &operator=(const Runtime &) = delete;

    uint32_t line = 1;       ///< Where the template is at, for messages.
    std::string now;         ///< ISO 8601, or empty for the clock.
    const TemplateLimits &limits() const { return limits_; }

    template <class... Args>
    [[noreturn]] void fail(fmt::format_string<Args...> format, Args &&...args) const {
        template_failure(name_, line, fmt::format(format, std::forward<Args>(args)...));
    }

    void step() { work(step_cost); }
    void work(uint64_t bytes) {
        if (bytes > work_left_) out_of_steps();
        work_left_ -= bytes;
    }
    /// Before a string of `bytes` is built, or while it grows.
    void check_text(uint64_t bytes) const {
        if (bytes > limits_.memory_bytes / 4) out_of_memory();
    }
    void take(uint64_t bytes) {
        if (bytes > limits_.memory_bytes - memory_) out_of_memory();
        memory_ += bytes;
    }
    void give(uint64_t bytes) noexcept { memory_ -= bytes; }

    /// One level of nesting for as long as it lives.
    class Nesting {
    public:
        explicit Nesting(Runtime &runtime) : runtime_(runtime) {
            if (runtime.depth_ >= runtime.limits_.depth) runtime.too_deep();
            ++runtime.depth_;
        }
        ~Nesting() { --runtime_.depth_; }
        Nesting(const Nesting &) = delete;
        Nesting &operator=(const Nesting &) = delete;

    private:
        Runtime &runtime_;
    };

    Value text(std::string bytes, bool markup = false);
    Value list(Values items) { return sequence(Kind::list, std::move(items)); }
    Value tuple(Values items) { return sequence(Kind::tuple, std::move(items)); }
    Value generator(Values items) { return sequence(Kind::generator, std::move(items)); }
    Value pair(Value a, Value b);
    /// A pair as groupby gives it.
    Value group(Value key, Value members);
    Value undefined(std::string sentence);

    /// A new object of this rendering; `parts` are the values that it owns.
    template <class T, class... Args>
    std::shared_ptr<T> make(const Values &parts, Args &&...args) {
        auto object = std::make_shared<T>(Charge(this, sizeof(T) + object_overhead), std::forward<Args>(args)...);
        for (const Value &part : parts) nest(*object, part);
        return object;
    }
    /// An object that lives until the rendering ends; the value only points at it.
    template <class T, class... Args>
    T &keep(Args &&...args) {
        auto object = std::make_shared<T>(Charge(this, sizeof(T) + object_overhead), std::forward<Args>(args)...);
        kept_.push_back(object);
        return *object;
    }
    template <class T>
    static Value point_at(Kind kind, const T &kept) {
        return Value(kind, std::shared_ptr<const Object>(std::shared_ptr<void>(), &kept));
    }
    std::shared_ptr<Dict> new_dict();
    /// Add to a dict that nobody else sees yet; the key must be hashable.
    void put(Dict &dict, Value key, Value value);
    void put(Dict &dict, std::string_view key, Value value) { put(dict, text(std::string(key)), std::move(value)); }
    Value from_json(const json::value &v);

private:
    static constexpr uint64_t step_cost = 1024;
    static constexpr uint64_t object_overhead = 32;

    Value sequence(Kind kind, Values items);
    void nest(Object &outer, const Value &inner);
    [[noreturn]] void out_of_steps() const;
    [[noreturn]] void out_of_memory() const;
    [[noreturn]] void too_deep() const;

    const std::string name_;
    const TemplateLimits limits_;
    uint64_t work_left_, memory_ = 0;
    uint32_t depth_ = 0;
    std::vector<std::shared_ptr<void>> kept_;
};

} // namespace quant::jinja
