#include "api_error.h"

#include "base/error.h"
#include "base/json.h"

namespace quantd {

namespace {

// The types that OpenAI's SDKs know, by status.
const char *default_type(int status) {
    switch (status) {
    case 401:
        return "authentication_error";
    case 403:
        return "permission_error";
    case 404:
        return "not_found_error";
    case 429:
        return "rate_limit_error";
    default:
        return status >= 500 ? "api_error" : "invalid_request_error";
    }
}

std::string snake_case(std::string_view phrase) {
    std::string out;
    for (const char c : phrase)
        out += c == ' ' || c == '-' ? '_' : c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    return out;
}

quant::json::value text_or_null(const std::string &text) {
    return text.empty() ? quant::json::value(nullptr) : quant::json::value(text);
}

} // namespace

ApiStyle style_of_path(std::string_view path) {
    if (path == "/v1" || path.starts_with("/v1/")) return ApiStyle::openai;
    if (path == "/api" || path.starts_with("/api/")) return ApiStyle::ollama;
    return ApiStyle::own;
}

std::string render_error(ApiStyle style, const ApiError &error) {
    const std::string message = quant::printable(error.message, 4096);
    quant::json::object body;
    if (style == ApiStyle::ollama) {
        body["error"] = message;
    } else if (style == ApiStyle::openai) {
        body["error"] = quant::json::object{{"message", message},
                                            {"type", error.type.empty() ? default_type(error.status) : error.type},
                                            {"param", text_or_null(error.param)},
                                            {"code", text_or_null(error.code)}};
    } else {
        const std::string code = error.code.empty() ? snake_case(reason_phrase(error.status)) : error.code;
        body["error"] = quant::json::object{{"message", message}, {"code", code}};
    }
    return quant::json::serialize(body);
}

HttpRequest::Pairs error_headers(const ApiError &error) {
    HttpRequest::Pairs headers = error.headers;
    if (error.retry_after) headers.emplace_back("Retry-After", std::to_string(error.retry_after));
    return headers;
}

const char *reason_phrase(int status) {
    static constexpr struct {
        int status;
        const char *phrase;
    } phrases[] = {{100, "Continue"},
                   {101, "Switching Protocols"},
                   {200, "OK"},
                   {201, "Created"},
                   {202, "Accepted"},
                   {204, "No Content"},
                   {206, "Partial Content"},
                   {304, "Not Modified"},
                   {400, "Bad Request"},
                   {401, "Unauthorized"},
                   {403, "Forbidden"},
                   {404, "Not Found"},
                   {405, "Method Not Allowed"},
                   {408, "Request Timeout"},
                   {409, "Conflict"},
                   {411, "Length Required"},
                   {413, "Content Too Large"},
                   {414, "URI Too Long"},
                   {415, "Unsupported Media Type"},
                   {417, "Expectation Failed"},
                   {421, "Misdirected Request"},
                   {422, "Unprocessable Content"},
                   {426, "Upgrade Required"},
                   {429, "Too Many Requests"},
                   {431, "Request Header Fields Too Large"},
                   {499, "Client Closed Request"},
                   {500, "Internal Server Error"},
                   {501, "Not Implemented"},
                   {502, "Bad Gateway"},
                   {503, "Service Unavailable"},
                   {504, "Gateway Timeout"},
                   {505, "HTTP Version Not Supported"},
                   {507, "Insufficient Storage"}};
    for (const auto &entry : phrases)
        if (entry.status == status) return entry.phrase;
    return status >= 500 ? "Server Error" : status >= 400 ? "Client Error" : "Status";
}

} // namespace quantd
