// A conversation whose last turn calls a tool of ours is rendered, and the turn is cut at the names and arguments that
// it is known to hold. What stands between them is the shape. That it is one is then tried: a reply put together from
// it must be read back as the calls it was made of.
#include "text/call_shape.h"

#include "base/error.h"
#include "text/bracket_scanner.h"
#include "text/chat_template.h"
#include "text/mark_match.h"
#include "text/reply_parser.h"

#include <algorithm>

namespace quant {

namespace {

constexpr std::string_view question = "probe question", tool_name = "probe_tool", reasoning_text = "probe reasoning";
constexpr std::string_view text_key = "probe_key", text_value = "probe value", number_key = "probe_next",
                           number_value = "70707";
constexpr std::string_view ids[] = {"probe0001", "probe0002"}; // nine characters, as Mistral's templates check

json::object arguments() { return {{text_key, text_value}, {number_key, 70707}}; }

json::value tool_list() {
    const json::object properties{{text_key, {{"type", "string"}, {"description", "probe"}}},
                                  {number_key, {{"type", "integer"}, {"description", "probe"}}}};
    const json::object parameters{
        {"type", "object"}, {"properties", properties}, {"required", json::array{text_key, number_key}}};
    return json::array{
        json::object{{"type", "function"},
                     {"function", {{"name", tool_name}, {"description", "probe"}, {"parameters", parameters}}}}};
}

/// One way to give the turn to a template; not all print it from the same.
struct Way {
    size_t calls;
    bool text_arguments, with_tools;
};

json::object turn(const Way &way) {
    json::value given = arguments();
    if (way.text_arguments) given = json::serialize(given);
    json::array calls;
    for (size_t i = 0; i < way.calls; ++i)
        calls.push_back(json::object{
            {"id", ids[i]}, {"type", "function"}, {"function", {{"name", tool_name}, {"arguments", given}}}});
    json::object message{{"role", "assistant"}, {"content", ""}, {"tool_calls", calls}};
    for (const char *key : {"reasoning_content", "reasoning", "thinking"}) message[key] = reasoning_text;
    return message;
}

/// What stands for the assistant's turn; "" where the template refuses it.
std::string print_turn(const ChatTemplate &chat, const Way &way) {
    TemplateInput input;
    input.messages = json::array{json::object{{"role", "user"}, {"content", question}}, turn(way)};
    if (way.with_tools) input.tools = tool_list();
    input.now = "2026-01-01T00:00:00";
    input.extra = {{"enable_thinking", true}, {"thinking", true}};
    try {
        const std::string text = chat.render(input);
        const size_t at = text.rfind(question);
        return at == text.npos ? "" : text.substr(at + question.size());
    } catch (const Error &) {
        return {};
    }
}

/// Where a call's name and arguments stand.
struct Place {
    size_t name = 0, arguments = 0, end = 0;
};

/// The end of the bracketed value at `at`; npos where it has none.
size_t value_end(std::string_view text, size_t at) {
    BracketScanner scanner(BracketScanner::Rules::json);
    return scanner.scan(text, at) == BracketScanner::State::ended ? at : text.npos;
}

bool is_arguments(std::string_view text) {
    try {
        return json::parse(text, "arguments") == json::value(arguments());
    } catch (const Error &) {
        return false;
    }
}

std::optional<Place> find_json_call(std::string_view text, size_t from) {
    Place place;
    place.name = text.find(tool_name, from);
    if (place.name == text.npos) return std::nullopt;
    place.arguments = text.find('{', place.name);
    if (place.arguments == text.npos) return std::nullopt;
    place.end = value_end(text, place.arguments);
    if (place.end == text.npos || !is_arguments(text.substr(place.arguments, place.end - place.arguments)))
        return std::nullopt;
    return place;
}

/// Turns a printed text into the shape of it, for one syntax.
class ShapeCutter {
public:
    ShapeCutter(std::string_view text, const ReplyFormat &format, const CallSyntax &syntax)
        : text_(text),
          format_(format),
          syntax_(syntax) {}

    std::optional<CallShape> cut(size_t calls) {
        shape_.tagged = syntax_.style == CallStyle::tagged;
        if (!shape_.tagged && syntax_.style != CallStyle::json && syntax_.style != CallStyle::named_json)
            return std::nullopt;
        size_t at = 0;
        for (size_t i = 0; i < calls; ++i) {
            const std::optional<Place> place = shape_.tagged ? cut_members(at, i == 0) : find_json_call(text_, at);
            if (!place || !take_call(*place, i, at)) return std::nullopt;
            at = place->end;
        }
        const size_t end = find_end(at);
        if (end == text_.npos) return std::nullopt;
        shape_.last = text_.substr(at, end - at);
        cut_reasoning();
        if (calls > 1) {
            blank_counter(shape_.first, shape_.next), blank_counter(shape_.middle, second_middle_);
            if (shape_.middle != second_middle_) return std::nullopt;
        }
        for (std::string *part : {&shape_.first, &shape_.middle, &shape_.next, &shape_.last, &shape_.end})
            blank_ids(*part);
        return shape_;
    }

private:
    std::string between(size_t begin, size_t end) const { return std::string(text_.substr(begin, end - begin)); }

    bool take_call(const Place &place, size_t index, size_t previous_end) {
        const std::string middle = between(place.name + tool_name.size(), place.arguments);
        if (index != 0) {
            shape_.next = between(previous_end, place.name);
            second_middle_ = middle;
            return true;
        }
        begin_ = find_begin(place);
        if (begin_ == text_.npos) return false;
        shape_.first = between(begin_, place.name);
        if (shape_.first.starts_with(format_.lead)) shape_.first.erase(0, format_.lead.size());
        shape_.middle = middle;
        return true;
    }

    /// Where what the model writes for its calls begins.
    size_t find_begin(const Place &place) const {
        for (const std::string_view mark : {syntax_.open, syntax_.call_open})
            if (!mark.empty())
                if (const size_t at = text_.substr(0, place.name).rfind(mark); at != text_.npos) return at;
        if (!syntax_.bare) return text_.npos;
        // The outermost object that the call is in.
        for (size_t at = text_.find('{'); at < place.name; at = text_.find('{', at + 1))
            if (const size_t end = value_end(text_, at); end != text_.npos && end > place.end) return at;
        return text_.npos;
    }

    size_t find_end(size_t at) const {
        for (const std::string_view mark : {syntax_.close, syntax_.call_close})
            if (!mark.empty() && !(shape_.tagged && mark == syntax_.call_close))
                if (const size_t found = text_.find(mark, at); found != text_.npos) return found + mark.size();
        if (syntax_.style != CallStyle::json) return at;
        const size_t open = text_.substr(begin_).starts_with(syntax_.open) ? begin_ + syntax_.open.size() : begin_;
        const size_t value = text_.find_first_of("[{", open);
        return value == text_.npos ? value : value_end(text_, value);
    }

    /// A tagged call, whose members are the same in each.
    std::optional<Place> cut_members(size_t from, bool keep) {
        Place place;
        size_t at = place.name = text_.find(tool_name, from);
        const auto next = [&](std::string_view what) {
            if (at != text_.npos) at = text_.find(what, at);
            const size_t found = at;
            if (at != text_.npos) at += what.size();
            return found;
        };
        const size_t key1 = next(text_key), value1 = next(text_value), key2 = next(number_key),
                     value2 = next(number_value);
        const size_t behind = at;
        if (next(syntax_.call_close) == text_.npos) return std::nullopt;
        place.arguments = key1, place.end = at;
        if (!keep) return place;
        shape_.value_close = syntax_.value_close;
        shape_.text_value = between(key1 + text_key.size(), value1);
        shape_.more = between(value1 + text_value.size(), key2);
        shape_.value = between(key2 + number_key.size(), value2);
        shape_.end = between(behind, place.end);
        const std::string middle = between(place.name + tool_name.size(), key1);
        const size_t open = middle.find(syntax_.key_open), close = shape_.end.find(syntax_.value_close);
        if (open == middle.npos || close == middle.npos) return std::nullopt;
        const std::string rest = shape_.end.substr(close + syntax_.value_close.size());
        shape_.middle_of_none = middle.substr(0, open);
        if (shape_.middle_of_none.ends_with('\n') && rest.starts_with('\n')) shape_.middle_of_none.pop_back();
        shape_.middle_of_none += rest;
        return place;
    }

    void cut_reasoning() {
        const ReasoningSyntax &marks = *format_.reasoning;
        const HeaderSyntax *header = format_.family->header;
        const size_t at = text_.substr(0, begin_).rfind(reasoning_text);
        const std::string_view open = marks.open.empty() && header ? header->open : marks.open;
        const size_t first = at == text_.npos ? at : text_.substr(0, at).rfind(open);
        const size_t last = at == text_.npos ? at : text_.substr(0, begin_).find(marks.close, at);
        if (first != text_.npos && last != text_.npos) {
            shape_.reasoning_first = between(first, at), shape_.reasoning_last = between(last, begin_);
            if (shape_.reasoning_first.starts_with(format_.lead)) shape_.reasoning_first.erase(0, format_.lead.size());
            if (!format_.lead.empty()) shape_.reasoning_last += format_.lead;
        } else if (!header && marks.name != "plain") { // It drops reasoning of earlier turns; its marks are known.
            shape_.reasoning_first = marks.open, shape_.reasoning_last = marks.close;
        }
        for (std::string *part : {&shape_.reasoning_first, &shape_.reasoning_last})
            part->resize(part->find_last_not_of(" \t\r\n") + 1); // npos + 1 is 0
    }

    /// Where two texts that end alike first differ in a digit, that counts calls: it becomes `number` in both.
    static void blank_counter(std::string &a, std::string &b) {
        size_t n = 0;
        while (n < a.size() && n < b.size() &&
               a.end()[-1 - static_cast<ptrdiff_t>(n)] == b.end()[-1 - static_cast<ptrdiff_t>(n)])
            ++n;
        if (n == a.size() || n == b.size()) return;
        char &in_a = a[a.size() - 1 - n], &in_b = b[b.size() - 1 - n];
        const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
        if (is_digit(in_a) && is_digit(in_b)) in_a = in_b = CallShape::number;
    }

    static void blank_ids(std::string &text) {
        for (const std::string_view id : ids)
            for (size_t at = text.find(id); at != text.npos; at = text.find(id))
                text.replace(at, id.size(), 1, CallShape::id);
    }

    std::string_view text_;
    const ReplyFormat &format_;
    const CallSyntax &syntax_;
    CallShape shape_;
    std::string second_middle_;
    size_t begin_ = 0;
};

std::string example(std::string_view shape) {
    std::string out;
    for (const char c : shape)
        if (c == CallShape::id)
            out += "a1b2c3d4e";
        else
            out += c == CallShape::number ? '0' : c;
    return out;
}

std::string example_arguments(const CallShape &shape) {
    if (!shape.tagged) return json::serialize(arguments());
    return fmt::format("{}{}{}{}{}{}{}{}", text_key, shape.text_value, text_value, shape.more, number_key, shape.value,
                       number_value, shape.end);
}

bool is_read_back(const CallShape &shape, const ReplyFormat &format) {
    const size_t calls = shape.next.empty() ? 1 : 3;
    const std::string call = fmt::format("{}{}{}", tool_name, example(shape.middle), example_arguments(shape));
    std::string text = example(shape.first) + call;
    for (size_t i = 1; i < calls; ++i) text += example(shape.next) + call;
    const ParsedReply reply = parse_reply(format, text + example(shape.last), tool_list());
    return reply.calls.size() == calls && reply.content.empty() &&
           std::all_of(reply.calls.begin(), reply.calls.end(),
                       [](const ToolCall &c) { return is_arguments(c.arguments); });
}

} // namespace

std::optional<CallShape> print_call_shape(std::string_view template_source, const ReplyFormat &format) {
    std::optional<ChatTemplate> chat;
    try {
        chat.emplace(template_source, "chat template");
    } catch (const Error &) {
        return std::nullopt;
    }
    for (const size_t calls : {size_t{2}, size_t{1}})
        for (const bool with_tools : {true, false})
            for (const bool text_arguments : {false, true}) {
                const std::string text = print_turn(*chat, {calls, text_arguments, with_tools});
                for (size_t i = 0; i < format.family->call_syntaxes; ++i) {
                    std::optional<CallShape> shape = ShapeCutter(text, format, format.family->calls[i]).cut(calls);
                    if (shape && is_read_back(*shape, format)) return shape;
                }
            }
    return std::nullopt;
}

} // namespace quant
