#include <quant/status.h>
#include <quant/version.h>

#include "api/guard.h"
#include "base/log.h"

#include <cstdlib>

namespace quant::api {

namespace {
constexpr size_t max_message = 4096;
thread_local char message[max_message];
} // namespace

quant_status failed(quant_status status, const char *text) noexcept {
    const size_t length = std::min(std::strlen(text), max_message - 1);
    std::memcpy(message, text, length);
    message[length] = '\0';
    return status;
}

char *new_string(std::string_view text) {
    char *copy = static_cast<char *>(std::malloc(text.size() + 1));
    if (!copy) throw std::bad_alloc();
    std::memcpy(copy, text.data(), text.size());
    copy[text.size()] = '\0';
    return copy;
}

} // namespace quant::api

extern "C" {

const char *quant_status_name(quant_status status) { return quant::status_name(status); }

const char *quant_error_message(void) { return quant::api::message; }

#define QUANT_STRING_OF(x) #x
#define QUANT_DOTTED(a, b, c) QUANT_STRING_OF(a) "." QUANT_STRING_OF(b) "." QUANT_STRING_OF(c)
const char *quant_version(void) {
    return QUANT_DOTTED(QUANT_VERSION_MAJOR, QUANT_VERSION_MINOR, QUANT_VERSION_PATCH);
}

void quant_set_logger(quant_log_fn fn, void *user) { quant::set_logger(fn, user); }

void quant_string_free(char *text) { std::free(text); }

} // extern "C"
