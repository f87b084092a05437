// One generation: the prompt in, text out as it comes, and how it ended.
#pragma once

#include "owned_handles.h"

#include <string>

namespace quantctl {

struct GenerationRequest {
    std::string prompt;
    uint32_t text_flags = QUANT_TEXT_ADD_SPECIAL | QUANT_TEXT_PARSE_SPECIAL;
    uint32_t max_tokens = 0;      ///< 0: until the end.
    quant_sampling sampling = initialized(quant_sampling_init);
    bool stream = true;           ///< Write the text to stdout as it comes.
};

struct Generation {
    quant_status status = QUANT_OK; ///< Not OK: the message is quant_error_message().
    std::string text;               ///< Also what came before a failure or Ctrl-C.
    quant_generate_result result{};
};

/// The prompt is the whole sequence; what the session already has in common with it
/// is kept. Ctrl-C stops it: interrupt::requested() tells.
Generation generate(quant_session *session, const GenerationRequest &request);

/// "end", "length", "context" or "caller".
const char *stop_name(quant_stop stop);

/// "prompt 12 tokens at 900 tok/s, generated 128 tokens at 90 tok/s"
std::string timing_words(const quant_generate_result &result);

} // namespace quantctl
