// What clients of the Ollama API ask for, as what a scheduler takes.
#pragma once

#include "thinking.h"

#include <chrono>
#include <optional>

namespace quantd {

struct OllamaRequest {
    std::string model;
    bool stream = true;     ///< This API streams unless told not to.
    bool load_only = false; ///< No prompt: the model is only loaded, or let go.
    std::optional<std::chrono::seconds> keep;
    GenerationSpec spec;
    json::array tools;           ///< Of /api/chat; empty: it calls none.
    json::array messages;        ///< Of /api/chat, and of /api/generate unless raw.
    bool raw = false;            ///< spec.prompt goes to the model as it is.
    uint32_t context = 0;        ///< num_ctx: tokens that prompt and answer may have; 0: as the model is loaded.
    std::vector<int32_t> before; ///< context of /api/generate: tokens of what was said before.
    std::optional<ThinkingWish> thinking;
};

/// Throws ApiError (400), naming the field; what this daemon does not do is refused, not passed over. Unknown options
/// are: clients send those of long ago.
OllamaRequest parse_ollama_generate(const json::object &body);
OllamaRequest parse_ollama_chat(const json::object &body);

/// The fields of their bodies, those that are refused included.
FieldTable ollama_generate_fields();
FieldTable ollama_chat_fields();
/// Of the endpoints that want a model's name alone.
FieldTable ollama_name_fields();
FieldTable ollama_show_fields();

/// The model's name, under "model" or, as older clients have it, "name".
std::string ollama_model(const Fields &fields);

/// How long the model is to stay behind this use; negative: for ever.
std::optional<std::chrono::seconds> ollama_keep_alive(const Fields &fields);

} // namespace quantd
