#include "base/error.h"

#include "base/utf8.h"

#include <cerrno>
#include <cstring>

namespace quant {

namespace {

quant_status status_of_errno(int error_number) {
    switch (error_number) {
    case ENOENT:
    case ENOTDIR:
        return QUANT_ERR_NOT_FOUND;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return QUANT_ERR_NO_SPACE;
    case EACCES:
    case EPERM:
    case EROFS:
        return QUANT_ERR_PERMISSION;
    case ENOMEM:
        return QUANT_ERR_NO_MEMORY;
    case EEXIST:
        return QUANT_ERR_EXISTS;
    default:
        return QUANT_ERR_IO;
    }
}

} // namespace

void fail_errno(int error_number, std::string_view doing, std::string_view path) {
    char buffer[128];
    const char *why = strerror_r(error_number, buffer, sizeof buffer);
    fail(status_of_errno(error_number), "{}: cannot {}: {}", printable(path, 4096), doing, why);
}

std::string printable(std::string_view text, size_t max_bytes) {
    std::string out;
    size_t at = 0;
    while (at < text.size() && out.size() < max_bytes) {
        const auto byte = static_cast<unsigned char>(text[at]);
        const size_t length = utf8_sequence_length(text.substr(at));
        if (length == 0 || byte < 0x20 || byte == 0x7f) {
            out += fmt::format("\\x{:02x}", byte);
            at += 1;
        } else {
            out.append(text.substr(at, length));
            at += length;
        }
    }
    if (at < text.size()) out += "...";
    return out;
}

const char *status_name(quant_status status) noexcept {
    static constexpr const char *names[] = {
        "QUANT_OK",            "QUANT_ERR_ARGUMENT",  "QUANT_ERR_NOT_FOUND",
        "QUANT_ERR_IO",        "QUANT_ERR_FORMAT",    "QUANT_ERR_TRUNCATED",
        "QUANT_ERR_LIMIT",     "QUANT_ERR_UNSUPPORTED", "QUANT_ERR_MODEL",
        "QUANT_ERR_TOKENIZER", "QUANT_ERR_TEMPLATE",  "QUANT_ERR_NO_SPACE",
        "QUANT_ERR_NO_MEMORY", "QUANT_ERR_PERMISSION", "QUANT_ERR_CANCELLED",
        "QUANT_ERR_EXISTS",    "QUANT_ERR_BUSY",      "QUANT_ERR_CATALOG",
        "QUANT_ERR_VERIFY",    "QUANT_ERR_INTERNAL",
        "QUANT_ERR_UNAVAILABLE"};
    static_assert(std::size(names) == QUANT_ERR_UNAVAILABLE + 1);
    const auto index = static_cast<unsigned>(status);
    return index < std::size(names) ? names[index] : "QUANT_ERR_?";
}

} // namespace quant
