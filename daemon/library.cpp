#include "library.h"

#include <algorithm>

namespace quantd {

namespace {

constexpr unsigned retry_seconds = 2;

struct Meaning {
    quant_status status;
    int http;
    const char *code;
};
// Others are the server's: 500.
constexpr Meaning meanings[] = {
    {QUANT_ERR_ARGUMENT, 400, "invalid_value"},  {QUANT_ERR_LIMIT, 400, "context_length_exceeded"},
    {QUANT_ERR_TEMPLATE, 400, "template_error"}, {QUANT_ERR_FORMAT, 400, "invalid_value"},
    {QUANT_ERR_UNSUPPORTED, 400, "unsupported"}, {QUANT_ERR_NOT_FOUND, 404, "not_found"},
    {QUANT_ERR_NO_SPACE, 507, "no_space"},       {QUANT_ERR_EXISTS, 409, "exists"},
    {QUANT_ERR_BUSY, 503, "queue_full"},         {QUANT_ERR_NO_MEMORY, 503, "out_of_memory"},
};

} // namespace

std::string without_paths(std::string_view text) {
    std::string out;
    for (size_t at = 0; at < text.size();) {
        const bool begins =
            text[at] == '/' && (at == 0 || std::string_view(" \"'(=").find(text[at - 1]) != std::string_view::npos);
        if (!begins) {
            out += text[at++];
            continue;
        }
        const size_t end = std::min(text.find_first_of(" \"'),;", at), text.size());
        std::string_view path = text.substr(at, end - at);
        const bool colon = path.ends_with(':');
        if (colon) path.remove_suffix(1);
        out += path.substr(path.rfind('/') + 1);
        if (colon) out += ':';
        at = end;
    }
    return out;
}

ApiError error_of(quant_status status, std::string message) {
    for (const Meaning &m : meanings)
        if (m.status == status)
            return {.status = m.http,
                    .message = std::move(message),
                    .code = m.code,
                    .retry_after = m.http == 503 ? retry_seconds : 0};
    return {.status = 500, .message = std::move(message)};
}

void check(quant_status status) {
    if (status != QUANT_OK) throw error_of(status, quant_error_message());
}

} // namespace quantd
