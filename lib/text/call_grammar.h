// Grammars of replies that call tools: the text that a template's model writes around a call, with the JSON schemas of
// the tools' parameters between. A reply that keeps to one is read by ReplyParser as calls whose arguments are valid.
#pragma once

#include "base/json.h"
#include "text/call_shape.h"
#include "text/grammar.h"

#include <span>
#include <string>
#include <vector>

namespace quant {

/// Before the text of a control token, in a grammar and in the vocabulary that goes with it: a byte that UTF-8 never
/// has. So the mark of a call is one token, and no text in between can be taken for it.
inline constexpr char control_lead = '\xff';

/// How the tokens of a vocabulary spell marks.
struct MarkTokens {
    std::vector<std::string> controls; ///< Texts of control tokens.
    std::vector<std::string> ends;     ///< Texts of those that end a reply; a grammar ends before them.
};

/// What a reply must be.
struct CallRules {
    bool required = false;     ///< It calls; otherwise it may, and tools without "strict" take any arguments.
    bool single = false;       ///< At most one call.
    std::string only = {};     ///< The one tool that is called; empty: any.
    bool in_reasoning = false; ///< As ReplyParser's starts_in_reasoning.
    const json::value *content = nullptr; ///< A JSON schema of what is no call, or nullptr: any text.
};

/// `tools` as ToolSchemas takes them. Throws Error: QUANT_ERR_UNSUPPORTED where a schema, or this style of calls, says
/// what text cannot be held to; QUANT_ERR_ARGUMENT for tools that are none, or no tool `only`; QUANT_ERR_LIMIT.
GrammarPtr call_grammar(const ReplyFormat &format, const CallShape &shape, const json::value &tools,
                        const CallRules &rules, const MarkTokens &tokens);

} // namespace quant
