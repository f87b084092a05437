// A model's reply, taken apart as it is generated: text that is shown, reasoning, and calls of
// tools. Marks may be cut anywhere; what may yet become one is held back, and all else passes
// on at once; blanks around a mark go with it. Nothing is lost: what is written like a call and
// is none (cut short, not JSON, a name that no tool has, nested too deep, too large) comes out
// as content. How the reply is cut into pieces changes how events are cut, never what they say
// together.
#pragma once

#include "text/call_reader.h"
#include "text/reply_format.h"
#include "text/tool_schema.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quant {

struct ReplyLimits {
    size_t region_bytes = 8 << 20; ///< Of one region of calls; what is longer becomes content.
    uint32_t calls = 256;          ///< In one reply; what is written like one after so many is content.
};

struct ReplyEvent {
    enum class Kind : uint8_t {
        content,        ///< `text` goes on.
        reasoning,      ///< `text` goes on.
        call_begin,     ///< `index`, `name`, and `id` where the format has one.
        call_arguments, ///< `text` is a fragment; all fragments of a call are one JSON object.
        call_end,       ///< `index`.
    };
    Kind kind;
    uint32_t index = 0; ///< Of the call, from 0.
    std::string text = {}, name = {}, id = {};

    bool operator==(const ReplyEvent &) const = default;
};

/// One reply. A call's events come together once it was read to its end and checked, since a
/// client cannot be told that a call it was shown is none. Threads: one at a time.
class ReplyParser {
public:
    /// `tools` is an array as in ToolSchemas; null or empty: no calls are looked for.
    /// `starts_in_reasoning`: see prompt_opens_reasoning().
    ReplyParser(const ReplyFormat &format, const json::value &tools, bool starts_in_reasoning, ReplyLimits limits = {});
    ReplyParser(const ReplyParser &) = delete; // the reader of a region refers to the tools
    ReplyParser &operator=(const ReplyParser &) = delete;

    /// Append the events of further text to `out`; text that goes on where the last event there
    /// ended is added to it, so a caller that streams clears `out` in between. The text is what
    /// the tokens stand for, control tokens included, without the one that ended the reply; any
    /// bytes are allowed.
    /// Throws nothing but std::bad_alloc.
    void feed(std::string_view piece, std::vector<ReplyEvent> &out);

    /// The reply is over: append what was held back. Nothing may be fed after it.
    void finish(std::vector<ReplyEvent> &out);

private:
    enum class Mode : uint8_t { content, reasoning, header, calls };
    enum class MarkKind : uint8_t { reasoning_open, reasoning_close, header, dropped, calls };
    struct Mark {
        std::string_view text;
        MarkKind kind;
        const CallSyntax *syntax = nullptr;
    };
    struct Found {
        MarkMatch match = MarkMatch::no;
        Mark mark = {};
    };

    void collect_marks();
    bool is_active(const Mark &mark) const;
    Found find_mark(bool last) const;
    void read(bool last);
    bool read_text(bool last);
    bool read_header(bool last);
    bool read_calls(bool last);
    void take_mark(const Mark &mark);
    void begin_calls(const CallSyntax &syntax, std::string_view open);
    bool retry_calls();
    void end_calls(size_t good, size_t used);
    void give_calls();
    void enter(Mode mode); ///< Content or reasoning.
    void emit(size_t end);
    void emit_text(std::string_view text);
    void push(ReplyEvent::Kind kind, std::string_view text);

    ReplyFormat format_;
    ToolSchemas tools_;
    ReplyLimits limits_;
    std::vector<Mark> marks_;
    std::array<bool, 256> may_begin_mark_{};

    Mode mode_ = Mode::content;
    Mode text_mode_ = Mode::content; ///< Content or reasoning: what a header or a region stands in.
    std::string text_;               ///< Text that is not done with.
    size_t at_ = 0;                  ///< What was read of it; a header or a region begins here.
    size_t silent_ = 0;              ///< Bytes of `text_` that the prompt wrote, not the model.
    std::string blanks_;             ///< Held until text follows: before a mark they are dropped.
    bool skip_blanks_ = false;       ///< After a mark, until text follows.
    bool has_content_ = false;       ///< Since calls were last read.
    bool has_reasoning_ = false;
    uint32_t calls_ = 0;
    std::optional<CallReader> reader_;
    const CallSyntax *syntax_ = nullptr;
    std::string_view region_open_;
    size_t given_ = 0;                       ///< End of what became calls in the region.
    size_t broken_at_ = 0;                   ///< How far syntaxes that failed had read it.
    std::vector<ReplyEvent> *out_ = nullptr; ///< During feed() and finish().
};

struct ParsedReply {
    std::string content, reasoning;
    std::vector<ToolCall> calls;
};

/// All of a reply at once. Throws nothing but std::bad_alloc. Threads: any.
ParsedReply parse_reply(const ReplyFormat &format, std::string_view text, const json::value &tools,
                        bool starts_in_reasoning = false);

} // namespace quant
