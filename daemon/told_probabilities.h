// Probabilities of tokens in the shapes of the APIs.
#pragma once

#include "generation_job.h"

namespace quantd {

/// The token of an event with the likeliest ones: {"token", "logprob", "bytes", "top_logprobs"}, as chats of both APIs
/// have it. The event has probabilities.
json::object told_entry(const quant_request_event &event);

/// OpenAI's logprobs of a chat's choice; null where there are none.
json::value chat_logprobs(json::array entries);

/// Those of a completion: lists of tokens, of their log-probabilities, of the likeliest by text, and of where each
/// begins in the choice's text, in characters. `offset` is where the first begins, and is moved behind the last.
json::value completion_logprobs(const json::array &entries, size_t &offset);

/// Characters of UTF-8.
size_t characters(std::string_view text);

} // namespace quantd
