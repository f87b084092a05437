// The JSON body of a request, with typed and ranged access: what is wrong names the field, what was found and what was
// expected, as a 400.
#pragma once

#include "api_error.h"
#include "base/json.h"
#include "router.h"

#include <optional>
#include <string>
#include <vector>

namespace quantd {

namespace json = quant::json;

/// Members of an object; null counts as absent. Borrowed from the object.
class Fields {
public:
    /// `prefix`: what messages put before names, such as "options.".
    explicit Fields(const json::object &object, std::string prefix = {})
        : object_(object),
          prefix_(std::move(prefix)) {}
    /// A body, or with the same table an object in it, of which nothing is read that the table does not name: asking
    /// for more throws std::logic_error.
    Fields(const json::object &object, FieldTable known, std::string prefix = {})
        : object_(object),
          prefix_(std::move(prefix)),
          known_(known) {}

    /// Members of an object in this one, of the same table.
    Fields within(const json::object &object, std::string prefix) const { return Fields(object, known_, prefix); }

    const json::value *find(std::string_view name) const;
    std::optional<double> number(std::string_view name, double least, double most) const;
    std::optional<int64_t> integer(std::string_view name, int64_t least, int64_t most) const;
    std::optional<bool> flag(std::string_view name) const;
    std::optional<std::string> text(std::string_view name) const;
    const json::object *object(std::string_view name) const;
    const json::array *array(std::string_view name) const;
    std::string required_text(std::string_view name) const;
    /// A string or an array of strings, none of them with a NUL.
    std::vector<std::string> texts(std::string_view name, size_t most) const;

    [[noreturn]] void wrong(std::string_view name, std::string_view expected) const;

private:
    const json::object &object_;
    std::string prefix_;
    FieldTable known_; ///< Empty: anything.
};

} // namespace quantd
