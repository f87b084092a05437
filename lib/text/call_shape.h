// How a template's model writes calls, for grammars that hold it to them: the text around names and arguments, as the
// template itself prints it. A family's marks say how calls are read, in more spellings than one; a grammar needs the
// one spelling that the model was trained on, blanks included, and only its template has that.
#pragma once

#include "text/reply_format.h"

#include <optional>
#include <string>

namespace quant {

/// Literal text around what differs from call to call:
///     first NAME middle ARGUMENTS (next NAME middle ARGUMENTS)* last
/// In it stand for ids, which a model makes up, the characters `id` and `number`.
struct CallShape {
    static constexpr char id = '\x01';     ///< Nine letters or digits, as Mistral's.
    static constexpr char number = '\x02'; ///< One or two digits.

    std::string first, middle, last;
    std::string next; ///< Empty: the template writes one call alone.

    /// Arguments between marks of their own: middle (member | more member)* end, a member being
    ///     KEY (text_value TEXT | value JSON)
    /// Otherwise they are a JSON object.
    bool tagged = false;
    std::string text_value, value; ///< From a key to its value: to one that is text, to any other.
    std::string value_close;       ///< The mark that ends a value.
    std::string more;              ///< From a value to the next key; holds `value_close`.
    std::string end;               ///< Behind the last value.
    std::string middle_of_none;    ///< From the name on, where there are no arguments, `end` included.

    /// Around reasoning that comes first, where the model reasons. `reasoning_last` begins with the mark that ends it.
    std::string reasoning_first, reasoning_last;
};

/// The shape, or nothing where the template prints no calls or none that ReplyParser reads back: of calls in its
/// style no grammar is made. Throws nothing but std::bad_alloc. Threads: any.
std::optional<CallShape> print_call_shape(std::string_view template_source, const ReplyFormat &format);

} // namespace quant
