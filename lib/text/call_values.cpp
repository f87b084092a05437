// What a whole call means once its end is known: JSON in the spellings of several families,
// and elements nested in each other.
#include "text/call_reader.h"

#include "base/json.h"
#include "text/json_span.h"

#include <fmt/format.h>

namespace quant {

namespace {

using Members = std::vector<std::pair<std::string, std::string_view>>;

std::string_view member(const Members &members, std::initializer_list<std::string_view> keys) {
    for (const auto &[key, value] : members)
        for (const std::string_view wanted : keys)
            if (key == wanted) return value;
    return {};
}

/// Arguments as an object: as it stands, or in a string, as the OpenAI API has it.
std::optional<std::string> arguments_object(std::string_view value) {
    if (value.empty() || value == "null") return "{}";
    if (value.starts_with('{')) return std::string(value);
    std::optional<std::string> text = json_string_value(value);
    if (!text) return std::nullopt;
    const std::string_view inner = trim_blanks(*text);
    if (!inner.starts_with('{') || !is_json(inner)) return std::nullopt;
    return std::string(inner);
}

std::optional<ToolCall> call_of_object(std::string_view text, const ToolSchemas &tools) {
    if (!text.starts_with('{')) return std::nullopt;
    Members members = json_members(text);
    // Apertus writes {NAME: ARGUMENTS}.
    if (members.size() == 1 && members[0].second.starts_with('{') && tools.knows(members[0].first))
        return ToolCall{members[0].first, "", std::string(members[0].second)};
    const std::string_view id = member(members, {"id", "tool_call_id"});
    if (const std::string_view nested = member(members, {"function"}); nested.starts_with('{'))
        members = json_members(nested);
    ToolCall call;
    call.name = json_string_value(member(members, {"name", "tool_name", "function"})).value_or("");
    call.id = json_string_value(id).value_or("");
    std::optional<std::string> arguments = arguments_object(member(members, {"arguments", "parameters"}));
    if (!arguments || !tools.knows(call.name)) return std::nullopt;
    call.arguments = std::move(*arguments);
    return call;
}

/// Reads MARK<key>...MARK</key>.
class ElementReader {
public:
    ElementReader(std::string_view text, std::string_view mark) : text_(text), mark_(mark) {}

    /// The elements up to the end of the text or a closing tag, as one JSON value.
    std::optional<std::string> elements(const json::value &schema, bool may_be_list, size_t depth);
    bool at_end() { return at_ = skip_blanks(text_, at_), at_ == text_.size(); }

private:
    std::optional<std::string> element(std::string_view key, const json::value &schema, size_t depth);
    bool take(std::string_view expected) {
        if (!text_.substr(at_).starts_with(expected)) return false;
        at_ += expected.size();
        return true;
    }
    bool opens() const {
        const std::string_view rest = text_.substr(at_);
        return rest.starts_with(mark_) && rest.substr(mark_.size()).starts_with('<') &&
               !rest.substr(mark_.size()).starts_with("</");
    }

    std::string_view text_, mark_;
    size_t at_ = 0;
};

std::optional<std::string> ElementReader::elements(const json::value &schema, bool may_be_list, size_t depth) {
    if (depth > json::max_depth) return std::nullopt;
    std::string object, list;
    std::unordered_set<std::string> keys;
    bool is_list = may_be_list, is_object = true;
    for (at_ = skip_blanks(text_, at_); opens(); at_ = skip_blanks(text_, at_)) {
        at_ += mark_.size() + 1;
        const size_t end = text_.find('>', at_);
        if (end == text_.npos) return std::nullopt;
        const std::string_view key = text_.substr(at_, end - at_);
        at_ = end + 1;
        const json::value &items = schema_items(schema);
        const bool is_item = key == "item" && !items.is_null();
        std::optional<std::string> value = element(key, is_item ? items : schema_member(schema, key), depth);
        if (!value) return std::nullopt;
        is_list = is_list && key == "item";
        is_object = keys.emplace(key).second && is_object;
        if (!object.empty()) object += ", ", list += ", ";
        object += json_quote(key) + ": " + *value;
        list += *value;
    }
    if (is_list && !list.empty() && allowed_types(schema) != type_object) return "[" + list + "]";
    if (!is_object) return std::nullopt;
    return "{" + object + "}";
}

std::optional<std::string> ElementReader::element(std::string_view key, const json::value &schema, size_t depth) {
    const std::string close = fmt::format("{}</{}>", mark_, key);
    const unsigned allowed = allowed_types(schema);
    if (take(close)) // empty text, or nothing in it
        return allowed & type_string ? "\"\"" : allowed & type_object ? "{}" : allowed & type_array ? "[]" : "\"\"";
    std::optional<std::string> value;
    if (opens()) {
        value = elements(schema, true, depth + 1);
    } else {
        const size_t end = std::min(text_.find(mark_, at_), text_.size());
        value = argument_json(text_.substr(at_, end - at_), allowed);
        at_ = end;
    }
    if (!take(close)) return std::nullopt;
    return value;
}

} // namespace

std::optional<std::vector<ToolCall>> calls_of_json(std::string_view text, const ToolSchemas &tools) {
    const std::optional<std::string> mended = json_mended(text);
    if (!mended) return std::nullopt;
    const std::string_view whole = *mended;
    std::vector<ToolCall> out;
    for (const std::string_view one : whole.starts_with('[') ? json_elements(whole) : std::vector{whole}) {
        std::optional<ToolCall> call = call_of_object(one, tools);
        if (!call) return std::nullopt;
        out.push_back(std::move(*call));
    }
    return out;
}

std::optional<std::string> nested_tags_json(std::string_view text, std::string_view mark, const json::value &schema) {
    ElementReader reader(text, mark);
    std::optional<std::string> out = reader.elements(schema, false, 1);
    if (!reader.at_end()) return std::nullopt;
    return out;
}

} // namespace quant
