// The head of an answer by HTTP/1.1, as a client of the daemon's own API needs it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quant::wire {

inline constexpr size_t most_head_bytes = 16 * 1024;

struct HttpAnswer {
    int status = 0;
    std::vector<std::pair<std::string, std::string>> headers; ///< Names in lower case.
    size_t head_bytes = 0;                                    ///< With the empty line.

    /// Of the first of that name (lower case), or "".
    std::string_view header(std::string_view name) const;
    /// What Content-Length says, if it is a number of at most `most`.
    std::optional<size_t> body_bytes(size_t most) const;
};

/// Nothing where more bytes are needed. Throws Error (QUANT_ERR_FORMAT; QUANT_ERR_LIMIT: over most_head_bytes).
std::optional<HttpAnswer> parse_http_answer(std::string_view bytes);

/// `text` for a query: all but letters, digits and -._~ as %XX.
std::string percent_encoded(std::string_view text);

/// error.message and error.code of the daemon's own errors; what is not there is "". Throws nothing.
std::pair<std::string, std::string> error_in(std::string_view body);

} // namespace quant::wire
