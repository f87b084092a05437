// How a failure looks to a client: each API has its own shape of it, chosen by the route's style.
#pragma once

#include "http_request.h"

#include <string>
#include <string_view>

namespace quantd {

/// Whose manners a route has. Own: {"error":{"message","code"}}.
enum class ApiStyle { own, openai, ollama };

/// By the prefix of the path: /v1 is openai's, /api ollama's.
ApiStyle style_of_path(std::string_view path);

/// Thrown by handlers, and made by the HTTP layer for what never reaches one.
struct ApiError {
    int status = 500;
    std::string message;      ///< For people. No store paths.
    std::string type = {};    ///< OpenAI's; empty: follows from the status.
    std::string code = {};    ///< For programs, e.g. "model_not_found"; empty: null, or follows from the status.
    std::string param = {};   ///< OpenAI's: the field at fault; empty: null.
    unsigned retry_after = 0; ///< Seconds, for 429 and 503; 0: no such header.
    HttpRequest::Pairs headers = {};
};

/// The JSON of `error` as clients of that API expect it.
std::string render_error(ApiStyle style, const ApiError &error);

/// The headers that go with it: error.headers, and Retry-After.
HttpRequest::Pairs error_headers(const ApiError &error);

/// "Not Found" for 404. Never null.
const char *reason_phrase(int status);

} // namespace quantd
