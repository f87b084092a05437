// Many generations on one model at a time.
#pragma once

#include "sdk_session.h"

namespace quant_sdk {

/// What to generate, as quant_request has it; "" is what is not given.
struct Request {
    std::string prompt, grammar, json_schema;
    std::vector<std::string> stops;
    uint32_t text_flags = QUANT_TEXT_ADD_SPECIAL | QUANT_TEXT_PARSE_SPECIAL;
    uint32_t max_tokens = 0;
    bool json_object = false, ignore_end = false;
    uint64_t client = 0; ///< Who asks: requests of one number wait in one line.

    void add_stop(const std::string &text) { stops.push_back(text); }
};

/// May be used by several threads.
class Scheduler {
public:
    /// NULL on failure.
    static Scheduler *open(const Model &model, const quant_scheduler_options &options, Outcome &outcome) {
        quant_scheduler *handle = nullptr;
        if (!outcome.take(quant_scheduler_new(&handle, model.handle(), &options))) return nullptr;
        return new Scheduler(handle);
    }
    /// Cancels what it has, whose sinks are told so before this returns. Not from a sink.
    ~Scheduler() { quant_scheduler_free(handle_); }
    Scheduler(const Scheduler &) = delete;
    Scheduler &operator=(const Scheduler &) = delete;

    /// The request's number. `sink` must live until its on_end(), which comes for certain unless this fails.
    uint64_t submit(const Request &what, const quant_sampling &sampling, RequestSink *sink, Outcome &outcome) {
        uint64_t id = 0;
        outcome.run([&] {
            std::vector<const char *> stops;
            for (const std::string &stop : what.stops) stops.push_back(stop.c_str());
            auto request = initialized(quant_request_init);
            request.prompt = what.prompt.data();
            request.prompt_bytes = what.prompt.size();
            request.text_flags = what.text_flags;
            request.max_tokens = what.max_tokens;
            request.ignore_end = what.ignore_end;
            request.sampling = &sampling;
            request.stops = stops.data();
            request.stop_count = stops.size();
            request.grammar = or_null(what.grammar);
            request.json_schema = or_null(what.json_schema);
            request.json_object = what.json_object;
            request.client = what.client;
            request.on_event = RequestSink::call;
            request.user = sink;
            return quant_scheduler_submit(handle_, &request, &id);
        });
        return id;
    }
    void cancel(uint64_t id) { quant_scheduler_cancel(handle_, id); }
    void pause(uint64_t id, bool paused) { quant_scheduler_pause(handle_, id, paused); }
    quant_scheduler_statistics statistics(Outcome &outcome) const {
        auto out = sized<quant_scheduler_statistics>();
        outcome.take(quant_scheduler_get_statistics(handle_, &out));
        return out;
    }

private:
    explicit Scheduler(quant_scheduler *handle) : handle_(handle) {}
    quant_scheduler *handle_;
};

} // namespace quant_sdk
