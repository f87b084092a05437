#include "json_body.h"

#include "api_error.h"
#include "http_limits.h"

#include "base/error.h"

namespace quantd {

namespace {

// Values are counted by what stands between them, before memory is spent on any.
size_t count_values(std::string_view text) {
    size_t count = 1;
    bool quoted = false;
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted && c == '\\')
            ++i;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == ',' || c == '[' || c == '{'))
            ++count;
    }
    return count;
}

} // namespace

quant::json::object json_body(const HttpRequest &request) {
    if (request.body.find_first_not_of(" \t\r\n") == std::string::npos) return {};
    if (count_values(request.body) > limits::json_values)
        throw ApiError{400, fmt::format("the request's body has more than {} values", limits::json_values)};
    quant::json::value value;
    try {
        value = quant::json::parse(request.body, "the request's body");
    } catch (const quant::Error &error) {
        throw ApiError{400, error.what()};
    }
    if (!value.is_object()) throw ApiError{400, "the request's body must be a JSON object"};
    return std::move(value.get_object());
}

} // namespace quantd
