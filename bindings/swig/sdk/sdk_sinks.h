// What the library calls back: SDKs derive from these (SWIG's directors). No exception may leave a method: the SDK keeps
// it, answers "stop", and throws it again when the call has ended.
#pragma once

#include <quant/quant.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace quant_sdk {

/// Called in the thread that made the call.
class ProgressSink {
public:
    virtual ~ProgressSink() = default;
    /// 0 to go on, anything else to cancel. `total` is 0 where it is not known.
    virtual int on_progress(const std::string &stage, uint64_t done, uint64_t total, double seconds,
                            const std::string &detail) = 0;

#ifndef SWIG
    static int call(void *user, const quant_progress *p) {
        return static_cast<ProgressSink *>(user)->on_progress(p->stage, p->done, p->total, p->seconds, p->detail);
    }
    /// The function to give beside `sink`, none where that is none.
    static quant_progress_fn of(const ProgressSink *sink) { return sink ? call : nullptr; }
#endif
};

/// Called in the thread that made the call.
class TextSink {
public:
    virtual ~TextSink() = default;
    /// `text` is whole UTF-8 characters, borrowed for the call. 0 to go on, anything else to stop.
    virtual int on_text(const char *text, size_t text_bytes) = 0;

#ifndef SWIG
    static int call(void *user, const char *text, size_t bytes) {
        return static_cast<TextSink *>(user)->on_text(text, bytes);
    }
#endif
};

/// Called in the scheduler's own thread, which waits for it.
class RequestSink {
public:
    virtual ~RequestSink() = default;
    virtual void on_event(const char *text, size_t text_bytes, int token) = 0;
    /// The last event of a request, after which its sink is not used any more.
    virtual void on_end(int status, const std::string &message, const quant_generate_result &result) = 0;

#ifndef SWIG
    static void call(void *user, const quant_request_event *event) {
        auto *sink = static_cast<RequestSink *>(user);
        if (event->text_bytes || event->token >= 0) sink->on_event(event->text, event->text_bytes, event->token);
        if (event->ended)
            sink->on_end(event->status, event->message, event->result ? *event->result : quant_generate_result{});
    }
#endif
};

/// Called from any thread of the process, maybe from several at a time.
class LogSink {
public:
    virtual ~LogSink() = default;
    virtual void on_log(int level, const std::string &text) = 0;

#ifndef SWIG
    static void call(void *user, quant_log_level level, const char *text) {
        static_cast<LogSink *>(user)->on_log(level, text);
    }
#endif
};

/// The sink must outlive its being set; NULL: silence.
inline void set_logger(LogSink *sink) { quant_set_logger(sink ? LogSink::call : nullptr, sink); }

} // namespace quant_sdk
