// What every call that may fail reports. SDKs make one, hand it over, and throw their own error where it is not ok: the
// C library's message is the calling thread's, and a goroutine may be on another thread by the time it asks.
#pragma once

#include <quant/handles.hpp>

#include <new>
#include <string>

namespace quant_sdk {

class Outcome {
public:
    bool ok() const { return status_ == QUANT_OK; }
    int status() const { return status_; }
    const std::string &message() const { return message_; }

#ifndef SWIG
    /// Takes the result of a C call, and its message while it is this thread's.
    bool take(quant_status status) {
        status_ = status;
        message_ = status == QUANT_OK ? "" : quant_error_message();
        return status == QUANT_OK;
    }
    /// `body()` returns a quant_status, and may run out of memory.
    template <class Body> bool run(Body &&body) {
        try {
            return take(body());
        } catch (const std::bad_alloc &) {
            status_ = QUANT_ERR_NO_MEMORY;
            message_ = "no memory for what the call makes";
            return false;
        }
    }
#endif

private:
    int status_ = QUANT_OK;
    std::string message_;
};

#ifndef SWIG
using quant::initialized;
using quant::sized;

/// NULL for "", which is how the C library spells what is not given.
inline const char *or_null(const std::string &text) { return text.empty() ? nullptr : text.c_str(); }

/// A string that the library handed over.
inline std::string taken(char *text) {
    std::string out = text ? text : "";
    quant_string_free(text);
    return out;
}
inline std::string taken(char *text, size_t bytes) {
    std::string out = text ? std::string(text, bytes) : "";
    quant_string_free(text);
    return out;
}
#endif

} // namespace quant_sdk
