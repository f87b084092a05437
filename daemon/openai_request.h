// What clients of the OpenAI API ask for, as what a scheduler takes.
#pragma once

#include "thinking.h"

namespace quantd {

struct OpenAiRequest {
    std::string model;
    bool stream = false, include_usage = false;
    uint32_t choices = 1; ///< n
    GenerationSpec spec;
    std::optional<ThinkingWish> thinking;
    json::array tools;                     ///< Of a chat; empty: it calls none.
    json::array messages;                  ///< Of a chat, contents as plain strings.
    std::vector<std::string> prompts;      ///< Of a completion: one or more texts,
    std::vector<std::vector<int32_t>> ids; ///< or token ids.
    bool echo = false;
};

/// Throws ApiError (400), naming the field; what this daemon does not do is refused, not passed over.
OpenAiRequest parse_chat(const json::object &body);
OpenAiRequest parse_completion(const json::object &body);

/// The fields of their bodies, those that are refused included.
FieldTable chat_fields();
FieldTable completion_fields();

} // namespace quantd
