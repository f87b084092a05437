// Generated text in the shapes of the Ollama API: one object, or a line of JSON for each piece.
#pragma once

#include "generation_job.h"
#include "reply_reader.h"

#include <chrono>

namespace quantd {

/// Whose answers it is: of /api/chat or of /api/generate.
enum class OllamaKind { chat, generate };

/// What one request has been through before it generates.
struct OllamaStart {
    std::chrono::steady_clock::time_point asked = std::chrono::steady_clock::now();
    double load_seconds = 0;
    bool tells_context = false; ///< The last object has the tokens of `context` and those that were made.
    std::vector<int32_t> context = {};
};

/// `reader`: takes the reply of a chat model apart; nullptr: all is text.
std::shared_ptr<GenerationListener> ollama_listener(OllamaKind kind, std::string model, bool stream, OllamaStart start,
                                                    std::unique_ptr<ReplyReader> reader, ReplyPtr reply);

/// The answer to a request without a prompt: "load" or "unload".
void send_loaded(OllamaKind kind, const std::string &model, bool stream, const char *reason, Reply &reply);

/// RFC 3339 with fractions, in UTC.
std::string ollama_time(std::chrono::system_clock::time_point when);
/// Durations of this API are whole nanoseconds.
inline int64_t ollama_nanoseconds(double seconds) { return static_cast<int64_t>(seconds * 1e9); }
/// The media type of its streams.
inline constexpr const char *ollama_stream_type = "application/x-ndjson";

} // namespace quantd
