// One generation: the prompt in, text out as it comes, and how it ended.
//
// A session guesses ahead; a scheduler holds text to rules. Both are a Generator.
#pragma once

#include "owned_handles.h"

#include <memory>
#include <string>
#include <vector>

namespace quantctl {

struct GenerationRequest {
    std::string prompt;
    uint32_t text_flags = QUANT_TEXT_ADD_SPECIAL | QUANT_TEXT_PARSE_SPECIAL;
    uint32_t max_tokens = 0;      ///< 0: until the end.
    quant_sampling sampling = initialized(quant_sampling_init);
    bool stream = true;           ///< Write the text to stdout as it comes.
    bool splits_reasoning = false; ///< A reply to a chat, which may begin with reasoning,
    bool opens_reasoning = true;   ///< or go on with what its prompt has opened; text that is held to rules does not.
    bool shows_reasoning = true;   ///< On a terminal, as it comes.
};

struct Generation {
    quant_status status = QUANT_OK;
    std::string message;            ///< Of a status that is not OK.
    std::string text;               ///< Also what came before a failure or Ctrl-C.
    std::string reasoning;          ///< Before it, where the request splits that off.
    quant_generate_result result{};
};

/// A failure, but Ctrl-C, as a Failure.
void check(const Generation &made, const std::string &hint);

class Generator {
public:
    virtual ~Generator() = default;
    /// The prompt is the whole sequence; what there is already in common with it is kept. Ctrl-C stops it:
    /// interrupt::requested() tells.
    virtual Generation generate(const GenerationRequest &request) = 0;
    /// Tokens that a sequence can hold.
    virtual uint32_t capacity() const = 0;
};

std::unique_ptr<Generator> make_session_generator(const quant_model *model, const quant_session_options &options);

/// Rules for what is generated.
struct TextRules {
    std::string grammar, json_schema; ///< GBNF, a JSON schema; "": none. At most one of these three.
    bool json_object = false;
    std::vector<std::string> stops; ///< Strings before whose first the text ends.

    /// What the text is, not only where it ends.
    bool shape_text() const { return !grammar.empty() || !json_schema.empty() || json_object; }
    bool given() const { return shape_text() || !stops.empty(); }
};

/// Of `options`, those that a scheduler has. Their adapters must outlive it.
std::unique_ptr<Generator> make_ruled_generator(const quant_model *model, const quant_session_options &options,
                                                TextRules rules);

/// "end", "length", "context", "caller" or "text".
const char *stop_name(quant_stop stop);

/// "prompt 12 tokens at 900 tok/s, generated 128 tokens at 90 tok/s"
std::string timing_words(const quant_generate_result &result);

} // namespace quantctl
