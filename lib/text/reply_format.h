// How a model writes its reply: which marks surround reasoning and calls of tools, and how a
// call's name and arguments stand between them. A format is a row of a table of data
// (reply_format_table.cpp), chosen by what a chat template prints; nothing here knows a
// model's name. The invariant: a format only points into static tables, so it is copied
// freely and outlives the template that it was found by.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace quant {

/// How the calls in one region are written.
enum class CallStyle : uint8_t {
    json,        ///< Objects with a name and arguments, one after another or in an array.
    named_json,  ///< A name, a mark, and a JSON object of arguments.
    tagged,      ///< A name, then each argument between marks of its own.
    nested_tags, ///< A name, then an element for each argument, named like it, and so on within.
    pythonic,    ///< name(key=literal, ...), alone or in a list.
    gemma,       ///< name{key:literal, ...} with strings in marks of their own.
};

/// Where a call's id stands in what is between `call_open` and `name_close`.
enum class IdPlace : uint8_t {
    none,
    after_name,  ///< NAME id_mark ID
    before_name, ///< ID id_mark NAME
    kimi,        ///< functions.NAME:INDEX, all of which is the id
    recipient,   ///< A header in which NAME follows id_mark up to a blank or "<"; there is no id
};

/// The marks of one way to write calls. Empty ones are not written. A region of calls begins
/// with `open`, or with `call_open`, since models leave the outer mark out.
struct CallSyntax {
    CallStyle style = CallStyle::json;
    bool control = false;     ///< The marks are control tokens: they end reasoning that was left open.
    bool bare = false;        ///< No mark: a reply that begins with "{" is read as calls.
    bool value_lines = false; ///< An argument's value stands on lines of its own.
    IdPlace id_place = IdPlace::none;
    std::string_view open = {}, close = {};           ///< Around all calls.
    std::string_view call_open = {}, call_close = {}; ///< Around one call; the latter may be missing after JSON.
    std::string_view name_close = {};                 ///< After a name; empty: it ends at a line's end or "<".
    std::string_view id_mark = {};
    std::string_view key_open = {}, key_close = {}, value_open = {}, value_close = {}; ///< Style tagged.
};

/// Around reasoning. With `open` empty it is opened by a header, or by the prompt alone.
struct ReasoningSyntax {
    std::string_view name;
    std::string_view sign; ///< In what a template prints, or in its text.
    std::string_view open, close;
    std::string_view dropped = {}; ///< A further mark that belongs to no text.
};

/// A reply in parts, each with a header that says what it is: open HEADER close BODY.
struct HeaderSyntax {
    std::string_view open, close;
    std::string_view reasoning = {}; ///< A header that holds this opens reasoning.
    std::string_view content = {};   ///< One that is this opens content; empty: every other one does.
    bool calls = false;              ///< Others are calls, by the id_mark of the first syntax.
};

/// One family of templates.
struct ReplyFamily {
    std::string_view name;
    std::array<std::string_view, 2> signs; ///< All of them are in what its template prints for a call.
    std::array<CallSyntax, 2> calls = {};
    size_t call_syntaxes = 1;
    const HeaderSyntax *header = nullptr;
    std::array<std::string_view, 4> dropped = {}; ///< Marks that belong to no text.
};

std::span<const ReplyFamily> reply_families();         ///< The last row is the fallback.
std::span<const ReasoningSyntax> reasoning_syntaxes(); ///< The last row is the fallback.

/// The way one template's model replies.
struct ReplyFormat {
    const ReplyFamily *family;        ///< Never null.
    const ReasoningSyntax *reasoning; ///< Never null.
    std::string_view lead = {};       ///< The prompt's last mark, which the reply continues: a header's.
    bool opens_reasoning = false;     ///< The prompt, rendered with no variables set, opens reasoning.
};

/// The format of a chat template, by rendering a conversation with a call through it, and by
/// the marks in its text where it cannot render one. A template that fits no row has the row
/// "plain": all is content, except a reply that is a JSON object with a known tool's name and
/// arguments; reasoning is what a reply has in <think> before any content. Throws nothing but
/// std::bad_alloc: a template that does not parse is judged by its text. Threads: any.
ReplyFormat detect_reply_format(std::string_view template_source);

/// Whether a rendered prompt ends within reasoning that the reply is to continue: what
/// ReplyParser is told. Templates decide by variables (enable_thinking), so this is asked of
/// each prompt. Threads: any.
bool prompt_opens_reasoning(const ReplyFormat &format, std::string_view prompt);

} // namespace quant
