#include "base/log.h"

#include <mutex>

namespace quant {

namespace {
std::mutex logger_mutex;
quant_log_fn logger = nullptr;
void *logger_user = nullptr;
} // namespace

void set_logger(quant_log_fn fn, void *user) noexcept {
    const std::lock_guard lock(logger_mutex);
    logger = fn;
    logger_user = user;
}

void log_text(quant_log_level level, const std::string &text) {
    quant_log_fn fn;
    void *user;
    {
        const std::lock_guard lock(logger_mutex);
        fn = logger;
        user = logger_user;
    }
    if (fn) fn(user, level, text.c_str());
}

} // namespace quant
