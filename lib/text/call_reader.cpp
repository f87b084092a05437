// A machine of phases, each of which reads one thing and waits where the text ends within it.
// Which phases a syntax goes through is said by after_name() and by which of its marks are not
// empty; no phase asks for a family.
#include "text/call_reader.h"

#include "text/json_span.h"
#include "text/loose_literal.h"

#include <algorithm>

namespace quant {

namespace {

/// Blanks that may stand between a value's closing mark and what shows that it is one.
constexpr size_t max_gap = 64;

std::string_view without_quotes(std::string_view s) {
    if (s.size() >= 2 && (s.front() == '"' || s.front() == '\'') && s.back() == s.front())
        return s.substr(1, s.size() - 2);
    return s;
}

std::string_view without_outer_lines(std::string_view s) {
    if (s.starts_with('\n')) s.remove_prefix(1);
    if (s.ends_with('\n')) s.remove_suffix(1);
    return s;
}

/// Whether an object's first key, or what there is of it, is one that calls begin with: an
/// answer that is some other JSON is shown as it comes.
bool may_begin_call(std::string_view object) {
    constexpr std::string_view keys[] = {"\"name\"",       "\"type\"",      "\"function\"",  "\"id\"",
                                         "\"parameters\"", "\"arguments\"", "\"tool_name\"", "\"tool_call_id\""};
    if (!object.starts_with('{')) return true;
    const size_t at = skip_blanks(object.substr(0, max_gap), 1);
    return std::any_of(std::begin(keys), std::end(keys),
                       [&](std::string_view key) { return match_mark(object, at, key) != MarkMatch::no; });
}

} // namespace

CallReader::Step CallReader::stop(size_t at, bool is_good) {
    at_ = at;
    if (is_good) good_ = at;
    return is_good ? Step::ended : Step::broken;
}

void CallReader::begin(Phase phase, BracketScanner::Rules rules) {
    begin_ = search_ = at_;
    scanner_ = BracketScanner(rules);
    phase_ = phase;
}

CallReader::Phase CallReader::after_name() const {
    switch (syntax_.style) {
    case CallStyle::tagged:
        return Phase::key;
    case CallStyle::nested_tags:
        return Phase::nested;
    case CallStyle::gemma:
        return Phase::bracketed;
    default:
        return Phase::json;
    }
}

CallReader::Progress CallReader::advance(std::string_view text, bool last) {
    switch (phase_) {
    case Phase::start:
        return start(text);
    case Phase::between:
        return between(text, last);
    case Phase::name:
        return read_name(text, last);
    case Phase::json:
        return read_json(text);
    case Phase::key:
        return read_key(text, last);
    case Phase::value:
        return read_value(text, last);
    case Phase::bracketed:
        return read_bracketed(text);
    case Phase::nested:
        return read_nested(text);
    case Phase::close:
        return read_close(text, last);
    }
    return Step::broken;
}

CallReader::Step CallReader::read(std::string_view text, bool last) {
    Progress progress;
    while (!progress) progress = advance(text, last);
    if (*progress != Step::more || !last) return *progress;
    return stop(text.size(), false); // cut
}

CallReader::Progress CallReader::start(std::string_view text) {
    // The caller found `open` or `call_open` here, or "{" of a bare call.
    if (!syntax_.open.empty() && match_mark(text, 0, syntax_.open) == MarkMatch::yes) at_ = syntax_.open.size();
    return go(Phase::between);
}

CallReader::Progress CallReader::between(std::string_view text, bool last) {
    while (at_ < text.size() && (is_blank(text[at_]) || text[at_] == ',' || text[at_] == ';')) ++at_;
    const bool had_calls = good_ > 0;
    // After a call the region may end without a mark: what follows is no part of it.
    if (at_ == text.size()) return last && had_calls ? stop(good_, true) : Step::more;
    for (const std::string_view mark : {syntax_.close, syntax_.call_open}) {
        if (mark.empty()) continue;
        const MarkMatch match = match_mark(text, at_, mark);
        if (match == MarkMatch::partial && !last) return Step::more;
        if (match != MarkMatch::yes) continue;
        at_ += mark.size();
        if (mark == syntax_.close) return stop(at_, had_calls);
        begin(Phase::name, BracketScanner::Rules::json);
        return go(Phase::name);
    }
    const char c = text[at_];
    if (syntax_.style == CallStyle::json && (c == '{' || c == '[')) {
        begin(Phase::json, BracketScanner::Rules::json);
        return go(Phase::json);
    }
    if (syntax_.style == CallStyle::pythonic && !had_calls) {
        begin(Phase::bracketed, BracketScanner::Rules::loose);
        return go(Phase::bracketed);
    }
    return had_calls ? stop(good_, true) : stop(at_, false);
}

bool CallReader::take_name(std::string_view raw) {
    std::string_view name = raw, id;
    const size_t mark = syntax_.id_mark.empty() ? raw.npos : raw.find(syntax_.id_mark);
    const size_t after = mark == raw.npos ? 0 : mark + syntax_.id_mark.size();
    switch (syntax_.id_place) {
    case IdPlace::none:
        break;
    case IdPlace::after_name:
        if (mark != raw.npos) name = raw.substr(0, mark), id = raw.substr(after);
        break;
    case IdPlace::before_name:
        if (mark != raw.npos) id = raw.substr(0, mark), name = raw.substr(after);
        break;
    case IdPlace::kimi:
        id = trim_blanks(raw);
        name = id.substr(id.starts_with(syntax_.id_mark) ? syntax_.id_mark.size() : 0);
        name = name.substr(0, name.rfind(':'));
        break;
    case IdPlace::recipient:
        name = raw.substr(after);
        name = name.substr(0, name.find_first_of(" <\n"));
        break;
    }
    call_ = {std::string(without_quotes(trim_blanks(name))), std::string(trim_blanks(id)), "{"};
    keys_.clear();
    return tools_.knows(call_.name);
}

CallReader::Progress CallReader::read_name(std::string_view text, bool last) {
    const std::string_view close = syntax_.name_close;
    if (close.empty() && begin_ == at_) begin_ = at_ = skip_blanks(text, at_); // a line's end ends it
    const std::string_view rest = text.substr(at_, max_name_bytes);
    const size_t end = close.empty() ? rest.find_first_of("\n<") : rest.find(close);
    if (end == rest.npos) return rest.size() < max_name_bytes && !last ? Step::more : stop(at_, false);
    if (!take_name(rest.substr(0, end))) return stop(at_, false);
    // Gemma's mark is the bracket that the arguments begin with.
    at_ += end + (syntax_.style == CallStyle::gemma ? 0 : close.size());
    const Phase next = after_name();
    begin(next, next == Phase::bracketed ? BracketScanner::Rules::loose : BracketScanner::Rules::json);
    return go(next);
}

CallReader::Progress CallReader::read_json(std::string_view text) {
    if (search_ == begin_) { // nothing but blanks yet
        begin_ = search_ = at_ = skip_blanks(text, begin_);
        if (begin_ == text.size()) return Step::more;
        const char c = text[begin_];
        if (c != '{' && (c != '[' || syntax_.style != CallStyle::json)) return stop(at_, false);
    }
    if (syntax_.bare && !may_begin_call(text.substr(begin_))) return stop(begin_ + 1, false);
    const BracketScanner::State state = scanner_.scan(text, search_);
    if (state == BracketScanner::State::open) return Step::more;
    at_ = search_;
    if (state == BracketScanner::State::broken) return stop(at_, false);
    const std::string_view value = text.substr(begin_, at_ - begin_);
    if (syntax_.style == CallStyle::json) return give(calls_of_json(value, tools_));
    std::optional<std::string> arguments = json_mended(value);
    if (!arguments) return stop(at_, false);
    call_.arguments = std::move(*arguments);
    return give(std::vector{std::move(call_)});
}

CallReader::Progress CallReader::read_bracketed(std::string_view text) {
    const BracketScanner::State state = scanner_.scan(text, search_);
    if (state == BracketScanner::State::open) return Step::more;
    at_ = search_;
    if (state == BracketScanner::State::broken) return stop(at_, false);
    const std::string_view value = text.substr(begin_, at_ - begin_);
    if (syntax_.style == CallStyle::gemma) {
        std::optional<std::string> arguments = loose_literal_json(value);
        if (!arguments) return stop(at_, false);
        call_.arguments = std::move(*arguments);
        return give(std::vector{std::move(call_)});
    }
    std::optional<std::vector<LooseCall>> read = loose_calls(value);
    if (!read) return stop(at_, false);
    std::vector<ToolCall> calls;
    for (LooseCall &one : *read) {
        if (!tools_.knows(one.name)) return stop(at_, false);
        calls.push_back({std::move(one.name), "", std::move(one.arguments)});
    }
    return give(std::move(calls));
}

CallReader::Progress CallReader::read_nested(std::string_view text) {
    const std::string_view close = syntax_.call_close;
    const size_t end = text.find(close, search_);
    if (end == text.npos) {
        search_ = std::max(begin_, text.size() - std::min(text.size(), close.size() - 1));
        return Step::more;
    }
    const std::string_view inner = text.substr(begin_, end - begin_);
    at_ = end + close.size();
    std::optional<std::string> arguments = nested_tags_json(inner, syntax_.key_open, tools_.parameters(call_.name));
    if (!arguments) return stop(at_, false);
    call_.arguments = std::move(*arguments);
    return give(std::vector{std::move(call_)});
}

CallReader::Progress CallReader::read_key(std::string_view text, bool last) {
    if (key_.empty()) {
        at_ = skip_blanks(text, at_);
        const MarkMatch end = match_mark(text, at_, syntax_.call_close);
        if (end == MarkMatch::yes) {
            call_.arguments += '}';
            at_ += syntax_.call_close.size();
            return give(std::vector{std::move(call_)});
        }
        const MarkMatch open = match_mark(text, at_, syntax_.key_open);
        if (open == MarkMatch::no && end == MarkMatch::no) return stop(at_, false);
        if (open != MarkMatch::yes) return Step::more;
        const std::string_view rest = text.substr(at_ + syntax_.key_open.size(), max_name_bytes);
        const size_t key_end = rest.find(syntax_.key_close);
        if (key_end == rest.npos) return rest.size() < max_name_bytes && !last ? Step::more : stop(at_, false);
        key_ = rest.substr(0, key_end);
        at_ += syntax_.key_open.size() + key_end + syntax_.key_close.size();
        if (trim_blanks(key_).empty()) return stop(at_, false);
    }
    if (!syntax_.value_open.empty()) {
        at_ = skip_blanks(text, at_);
        const MarkMatch open = match_mark(text, at_, syntax_.value_open);
        if (open != MarkMatch::yes) return open == MarkMatch::partial && !last ? Step::more : stop(at_, false);
        at_ += syntax_.value_open.size();
    }
    begin(Phase::value, BracketScanner::Rules::json);
    return go(Phase::value);
}

CallReader::Progress CallReader::read_value(std::string_view text, bool last) {
    const std::string_view close = syntax_.value_close;
    for (;;) {
        const size_t end = text.find(close, search_);
        if (end == text.npos) {
            search_ = std::max(search_, text.size() - std::min(text.size(), close.size() - 1));
            return Step::more;
        }
        // A value may hold its own closing mark: the one that counts stands before what can follow.
        search_ = end;
        const size_t next = skip_blanks(text.substr(0, end + close.size() + max_gap), end + close.size());
        const MarkMatch key = match_mark(text, next, syntax_.key_open);
        const MarkMatch call = match_mark(text, next, syntax_.call_close);
        if (key == MarkMatch::yes || call == MarkMatch::yes) {
            at_ = end + close.size();
            if (!add_argument(key_, text.substr(begin_, end - begin_))) return stop(at_, false);
            key_.clear();
            return go(Phase::key);
        }
        if ((key == MarkMatch::partial || call == MarkMatch::partial) && !last) return Step::more;
        ++search_;
    }
}

bool CallReader::add_argument(std::string_view key, std::string_view value) {
    if (syntax_.value_lines) value = without_outer_lines(value);
    // <parameter name="KEY" string="false">: the key's own mark ends at the first quote.
    std::string_view attributes;
    if (const size_t quote = key.find('"'); quote != key.npos && quote > 0) {
        attributes = key.substr(quote);
        key = key.substr(0, quote);
    }
    key = without_quotes(trim_blanks(key));
    if (!keys_.emplace(key).second) return false; // twice is no JSON object
    unsigned allowed = allowed_types(schema_member(tools_.parameters(call_.name), key));
    if (attributes.find("string=\"true\"") != attributes.npos) allowed = type_string;
    if (attributes.find("string=\"false\"") != attributes.npos) allowed = 0;
    if (call_.arguments.size() > 1) call_.arguments += ", ";
    call_.arguments += json_quote(key) += ": ";
    call_.arguments += argument_json(value, allowed);
    return true;
}

CallReader::Progress CallReader::give(std::optional<std::vector<ToolCall>> calls) {
    if (!calls || calls->empty()) return stop(at_, false);
    // What was put together from parts may nest deeper than its parts did.
    for (const ToolCall &call : *calls)
        if (!is_json(call.arguments)) return stop(at_, false);
    calls_ = std::move(*calls);
    good_ = at_;
    phase_ = Phase::close;
    return Step::calls;
}

CallReader::Progress CallReader::read_close(std::string_view text, bool last) {
    // Tagged and nested calls were read up to their closing marks.
    const bool has_mark = syntax_.style == CallStyle::named_json || syntax_.style == CallStyle::gemma;
    if (has_mark && !syntax_.call_close.empty()) {
        const size_t next = skip_blanks(text.substr(0, good_ + max_gap), good_);
        const MarkMatch close = match_mark(text, next, syntax_.call_close);
        if (close == MarkMatch::partial && !last) return Step::more;
        if (close == MarkMatch::yes) at_ = good_ = next + syntax_.call_close.size();
    }
    const bool holds_one = syntax_.open.empty() && syntax_.close.empty() && syntax_.style != CallStyle::json;
    if (holds_one) return stop(good_, true);
    return go(Phase::between);
}

} // namespace quant
