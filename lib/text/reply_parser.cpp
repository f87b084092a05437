// Four modes over one buffer: content and reasoning look for marks, a header waits for its
// end, and a region of calls is read by a CallReader. Every step either moves `at_` or waits
// for text, and no byte that became text is looked at again, which keeps hostile replies
// linear: a region that broke is content up to where it broke, marks within and all.
#include "text/reply_parser.h"

#include <algorithm>

namespace quant {

namespace {

/// Longer headers are text. A header has a channel, a recipient and a type at most.
constexpr size_t max_header_bytes = 256;

std::string_view after_blanks(std::string_view text) { return text.substr(skip_blanks(text, 0)); }

} // namespace

ReplyParser::ReplyParser(const ReplyFormat &format, const json::value &tools, bool starts_in_reasoning,
                         ReplyLimits limits)
    : format_(format),
      tools_(tools),
      limits_(limits) {
    collect_marks();
    if (starts_in_reasoning) {
        enter(Mode::reasoning);
    } else {
        text_ = format.lead;
        silent_ = text_.size();
    }
}

void ReplyParser::collect_marks() {
    const auto add = [&](std::string_view text, MarkKind kind, const CallSyntax *syntax = nullptr) {
        if (text.empty()) return;
        marks_.push_back({text, kind, syntax});
        may_begin_mark_[static_cast<unsigned char>(text.front())] = true;
    };
    const ReplyFamily &family = *format_.family;
    // The first of equal marks counts: a header decides what it is, calls before all else.
    if (family.header) add(family.header->open, MarkKind::header);
    for (size_t i = 0; i < family.call_syntaxes && !tools_.empty(); ++i) {
        add(family.calls[i].open, MarkKind::calls, &family.calls[i]);
        if (!family.header || family.calls[i].call_open != family.header->open)
            add(family.calls[i].call_open, MarkKind::calls, &family.calls[i]);
        if (family.calls[i].bare) add("{", MarkKind::calls, &family.calls[i]);
    }
    add(format_.reasoning->open, MarkKind::reasoning_open);
    add(format_.reasoning->close, MarkKind::reasoning_close);
    add(format_.reasoning->dropped, MarkKind::dropped);
    for (const std::string_view mark : family.dropped) add(mark, MarkKind::dropped);
}

/// Marks count where a model writes them: a text about <think> or one with JSON in it is text.
bool ReplyParser::is_active(const Mark &mark) const {
    const bool in_reasoning = mode_ == Mode::reasoning;
    switch (mark.kind) {
    case MarkKind::reasoning_open:
        return in_reasoning ? !has_reasoning_ : !has_content_;
    case MarkKind::reasoning_close:
        return in_reasoning || !has_content_;
    case MarkKind::header:
        return true;
    case MarkKind::dropped:
        return !in_reasoning;
    case MarkKind::calls:
        if (mark.text == "{") return !in_reasoning && !has_content_;
        return !in_reasoning || mark.syntax->control;
    }
    return false;
}

/// The longest mark at `at_`; partial where a longer one may yet be there.
ReplyParser::Found ReplyParser::find_mark(bool last) const {
    Found best;
    for (const Mark &mark : marks_) {
        const MarkMatch match = match_mark(text_, at_, mark.text);
        if (match == MarkMatch::no || (match == MarkMatch::partial && last) || !is_active(mark)) continue;
        if (best.match == MarkMatch::no || mark.text.size() > best.mark.text.size()) best = {match, mark};
    }
    return best;
}

void ReplyParser::enter(Mode mode) {
    mode_ = text_mode_ = mode;
    skip_blanks_ = true;
    blanks_.clear();
}

void ReplyParser::push(ReplyEvent::Kind kind, std::string_view text) {
    if (text.empty()) return;
    if (out_->empty() || out_->back().kind != kind) out_->push_back({.kind = kind});
    out_->back().text += text;
}

void ReplyParser::emit_text(std::string_view text) {
    if (skip_blanks_) text = after_blanks(text);
    if (text.empty()) return;
    skip_blanks_ = false;
    const size_t end = text.find_last_not_of(" \t\r\n") + 1; // npos + 1 is 0
    if (end > 0) {
        const bool in_reasoning = text_mode_ == Mode::reasoning;
        (in_reasoning ? has_reasoning_ : has_content_) = true;
        const auto kind = in_reasoning ? ReplyEvent::Kind::reasoning : ReplyEvent::Kind::content;
        push(kind, blanks_);
        push(kind, text.substr(0, end));
        blanks_.clear();
    }
    blanks_ += text.substr(end);
}

/// Text up to `end` of the buffer, but for what the prompt wrote.
void ReplyParser::emit(size_t end) {
    const size_t begin = std::max(at_, std::min(silent_, end));
    emit_text(std::string_view(text_).substr(begin, end - begin));
    at_ = end;
}

void ReplyParser::take_mark(const Mark &mark) {
    const size_t after = at_ + mark.text.size();
    switch (mark.kind) {
    case MarkKind::header:
        mode_ = Mode::header;
        return; // which begins at the mark
    case MarkKind::calls:
        begin_calls(*mark.syntax, mark.text);
        return;
    case MarkKind::reasoning_open:
        enter(Mode::reasoning);
        break;
    case MarkKind::reasoning_close:
        enter(Mode::content);
        break;
    case MarkKind::dropped:
        break;
    }
    at_ = after;
}

/// False where text is missing.
bool ReplyParser::read_text(bool last) {
    while (at_ < text_.size()) {
        size_t end = at_;
        while (end < text_.size() && !may_begin_mark_[static_cast<unsigned char>(text_[end])]) ++end;
        emit(end);
        if (at_ == text_.size()) break;
        const Found found = find_mark(last);
        if (found.match == MarkMatch::yes) {
            take_mark(found.mark);
            return true;
        }
        if (found.match == MarkMatch::partial) return false;
        emit(at_ + 1);
    }
    return false;
}

bool ReplyParser::read_header(bool last) {
    const HeaderSyntax &header = *format_.family->header;
    const size_t begin = at_ + header.open.size();
    const std::string_view rest = std::string_view(text_).substr(begin, max_header_bytes);
    const size_t end = rest.find(header.close);
    if (end == rest.npos && rest.size() < max_header_bytes && !last) return false;
    mode_ = text_mode_;
    if (end == rest.npos) {
        emit(begin);
        return true;
    }
    const std::string_view inside = rest.substr(0, end);
    const CallSyntax &syntax = format_.family->calls[0];
    const bool names_tool = header.calls && !tools_.empty() && inside.find(syntax.id_mark) != inside.npos;
    const bool is_reasoning = !header.reasoning.empty() && inside.find(header.reasoning) != inside.npos;
    if (names_tool && inside != header.content) {
        begin_calls(syntax, header.open);
    } else if (is_reasoning || header.content.empty() || inside == header.content) {
        enter(is_reasoning ? Mode::reasoning : Mode::content);
        at_ = begin + end + header.close.size();
    } else {
        emit(begin);
    }
    return true;
}

void ReplyParser::begin_calls(const CallSyntax &syntax, std::string_view open) {
    mode_ = Mode::calls;
    syntax_ = &syntax;
    region_open_ = open;
    reader_.emplace(syntax, tools_);
}

/// The next syntax of the family that the same mark opens. What one of them read as text
/// stays text, so that no byte is read more often than there are syntaxes.
bool ReplyParser::retry_calls() {
    broken_at_ = std::max(broken_at_, reader_->used());
    const ReplyFamily &family = *format_.family;
    for (size_t i = static_cast<size_t>(syntax_ - family.calls.data()) + 1; i < family.call_syntaxes; ++i) {
        if (family.calls[i].open != region_open_ && family.calls[i].call_open != region_open_) continue;
        begin_calls(family.calls[i], region_open_);
        return true;
    }
    return false;
}

void ReplyParser::give_calls() {
    for (ToolCall &call : reader_->take_calls()) {
        out_->push_back({ReplyEvent::Kind::call_begin, calls_, "", std::move(call.name), std::move(call.id)});
        out_->push_back({ReplyEvent::Kind::call_arguments, calls_, std::move(call.arguments)});
        out_->push_back({ReplyEvent::Kind::call_end, calls_});
        ++calls_;
    }
    given_ = reader_->good();
}

/// The region's text up to `good` was calls, from there to `used` it is text.
void ReplyParser::end_calls(size_t good, size_t used) {
    if (good > 0) {
        enter(Mode::content);
        has_content_ = false;
        at_ += good;
    }
    mode_ = text_mode_;
    emit(at_ + used - good);
    reader_.reset();
    given_ = broken_at_ = 0;
}

bool ReplyParser::read_calls(bool last) {
    const bool is_full = text_.size() - at_ > limits_.region_bytes;
    const std::string_view region = std::string_view(text_).substr(at_, limits_.region_bytes);
    for (;;) {
        const CallReader::Step step = reader_->read(region, last || is_full);
        switch (step) {
        case CallReader::Step::more:
            return false;
        case CallReader::Step::calls:
            if (calls_ >= limits_.calls) return end_calls(given_, region.size()), true;
            give_calls();
            break;
        case CallReader::Step::ended:
            end_calls(reader_->good(), reader_->used());
            return true;
        case CallReader::Step::broken:
            if (reader_->good() == 0 && retry_calls()) break;
            end_calls(reader_->good(), std::max(broken_at_, reader_->used()));
            return true;
        }
    }
}

void ReplyParser::read(bool last) {
    for (bool goes_on = true; goes_on;) {
        switch (mode_) {
        case Mode::header:
            goes_on = read_header(last);
            break;
        case Mode::calls:
            goes_on = read_calls(last);
            break;
        default:
            goes_on = read_text(last);
            break;
        }
    }
    silent_ -= std::min(silent_, at_);
    text_.erase(0, at_);
    at_ = 0;
}

void ReplyParser::feed(std::string_view piece, std::vector<ReplyEvent> &out) {
    out_ = &out;
    text_ += piece;
    read(false);
    out_ = nullptr;
}

void ReplyParser::finish(std::vector<ReplyEvent> &out) {
    out_ = &out;
    read(true);
    if (text_mode_ == Mode::content) push(ReplyEvent::Kind::content, blanks_);
    out_ = nullptr;
}

ParsedReply parse_reply(const ReplyFormat &format, std::string_view text, const json::value &tools,
                        bool starts_in_reasoning) {
    ReplyParser parser(format, tools, starts_in_reasoning);
    std::vector<ReplyEvent> events;
    parser.feed(text, events);
    parser.finish(events);
    ParsedReply out;
    for (ReplyEvent &event : events) {
        switch (event.kind) {
        case ReplyEvent::Kind::content:
            out.content += event.text;
            break;
        case ReplyEvent::Kind::reasoning:
            out.reasoning += event.text;
            break;
        case ReplyEvent::Kind::call_begin:
            out.calls.push_back({std::move(event.name), std::move(event.id), ""});
            break;
        case ReplyEvent::Kind::call_arguments:
            out.calls.back().arguments += event.text;
            break;
        case ReplyEvent::Kind::call_end:
            break;
        }
    }
    return out;
}

} // namespace quant
