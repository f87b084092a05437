#include "base/json.h"

#include "base/error.h"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_stack.hpp>

#include <unordered_set>
#include <vector>

namespace quant::json {

namespace {

// Events of the parser into a value, refusing a key that its object already has
// (boost::json would silently keep the last).
struct TreeBuilder {
    static constexpr std::size_t max_object_size = std::size_t(-1);
    static constexpr std::size_t max_array_size = std::size_t(-1);
    static constexpr std::size_t max_key_size = std::size_t(-1);
    static constexpr std::size_t max_string_size = std::size_t(-1);

    using view = boost::json::string_view;
    using error = boost::system::error_code;

    boost::json::value_stack stack;
    std::vector<std::unordered_set<std::string>> keys;
    std::string partial_key, duplicate;

    bool on_document_begin(error &) { return stack.reset(), true; }
    bool on_document_end(error &) { return true; }
    bool on_object_begin(error &) { return keys.emplace_back(), true; }
    bool on_object_end(std::size_t n, error &) { return keys.pop_back(), stack.push_object(n), true; }
    bool on_array_begin(error &) { return true; }
    bool on_array_end(std::size_t n, error &) { return stack.push_array(n), true; }
    bool on_key_part(view s, std::size_t, error &) {
        partial_key.append(s.data(), s.size());
        return stack.push_chars(s), true;
    }
    bool on_key(view s, std::size_t, error &e) {
        partial_key.append(s.data(), s.size());
        if (!keys.back().insert(partial_key).second) {
            duplicate = partial_key;
            e = boost::json::make_error_code(boost::json::error::exception);
            return false;
        }
        partial_key.clear();
        return stack.push_key(s), true;
    }
    bool on_string_part(view s, std::size_t, error &) { return stack.push_chars(s), true; }
    bool on_string(view s, std::size_t, error &) { return stack.push_string(s), true; }
    bool on_number_part(view, error &) { return true; }
    bool on_int64(int64_t i, view, error &) { return stack.push_int64(i), true; }
    bool on_uint64(uint64_t i, view, error &) { return stack.push_uint64(i), true; }
    bool on_double(double d, view, error &) { return stack.push_double(d), true; }
    bool on_bool(bool b, error &) { return stack.push_bool(b), true; }
    bool on_null(error &) { return stack.push_null(), true; }
    bool on_comment_part(view, error &) { return true; }
    bool on_comment(view, error &) { return true; }
};

} // namespace

value parse(std::string_view text, std::string_view name) {
    boost::json::parse_options options;
    options.max_depth = max_depth;
    boost::json::basic_parser<TreeBuilder> parser(options);
    boost::system::error_code error;
    const size_t used = parser.write_some(false, text.data(), text.size(), error);
    TreeBuilder &builder = parser.handler();
    if (!builder.duplicate.empty())
        fail(QUANT_ERR_FORMAT, "{}: key \"{}\" appears twice in one JSON object", name, printable(builder.duplicate));
    if (error) fail(QUANT_ERR_FORMAT, "{}: not valid JSON at byte {}: {}", name, used, error.message());
    if (used < text.size())
        fail(QUANT_ERR_FORMAT, "{}: bytes after the end of the JSON document, at byte {}", name, used);
    return builder.stack.release();
}

std::string serialize(const value &v) { return boost::json::serialize(v); }

Reader::Reader(const value &v, std::string_view name) : object_(v.if_object()), name_(name) {
    if (!object_) fail(QUANT_ERR_FORMAT, "{}: expected a JSON object", name);
}

void Reader::wrong(std::string_view key, std::string_view expected) const {
    fail(QUANT_ERR_FORMAT, "{}: key \"{}\": expected {}", name_, printable(key), expected);
}

const value *Reader::find(std::string_view key) const {
    const value *v = object_->if_contains(key);
    return v && !v->is_null() ? v : nullptr;
}

const value &Reader::require(std::string_view key) const {
    const value *v = find(key);
    if (!v) fail(QUANT_ERR_FORMAT, "{}: key \"{}\" is missing", name_, printable(key));
    return *v;
}

uint64_t Reader::get_uint(std::string_view key, uint64_t fallback) const {
    const value *v = find(key);
    if (!v) return fallback;
    if (v->is_int64() && v->get_int64() >= 0) return static_cast<uint64_t>(v->get_int64());
    if (v->is_uint64()) return v->get_uint64();
    wrong(key, "a whole number that is not negative");
}

double Reader::get_number(std::string_view key, double fallback) const {
    const value *v = find(key);
    if (!v) return fallback;
    if (!v->is_number()) wrong(key, "a number");
    return v->to_number<double>();
}

bool Reader::get_bool(std::string_view key, bool fallback) const {
    const value *v = find(key);
    if (!v) return fallback;
    if (!v->is_bool()) wrong(key, "true or false");
    return v->get_bool();
}

std::string Reader::get_string(std::string_view key, std::string_view fallback) const {
    const value *v = find(key);
    if (!v) return std::string(fallback);
    if (!v->is_string()) wrong(key, "a string");
    return std::string(v->get_string());
}

uint64_t Reader::require_uint(std::string_view key) const { return require(key), get_uint(key, 0); }

std::string Reader::require_string(std::string_view key) const { return require(key), get_string(key, ""); }

const array &Reader::require_array(std::string_view key) const {
    const array *a = require(key).if_array();
    if (!a) wrong(key, "an array");
    return *a;
}

Reader Reader::require_object(std::string_view key) const {
    const object *o = require(key).if_object();
    if (!o) wrong(key, "an object");
    return Reader(*o, fmt::format("{}: {}", name_, printable(key)));
}

} // namespace quant::json
