#include "ollama_reply.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace quantd {

namespace {

constexpr const char *lines = "application/x-ndjson", *whole = "application/json";

int64_t nanoseconds(double seconds) { return static_cast<int64_t>(seconds * 1e9); }

json::object envelope(OllamaKind kind, const std::string &model, std::string_view text) {
    json::object out{{"model", model}, {"created_at", ollama_time(std::chrono::system_clock::now())}};
    if (kind == OllamaKind::chat)
        out["message"] = {{"role", "assistant"}, {"content", text}};
    else
        out["response"] = text;
    return out;
}

class OllamaListener final : public GenerationListener {
public:
    OllamaListener(OllamaKind kind, std::string model, bool stream, OllamaStart start, ReplyPtr reply)
        : kind_(kind),
          model_(std::move(model)),
          stream_(stream),
          start_(start),
          reply_(std::move(reply)) {}

    void on_text(const quant_request_event &event) override {
        const std::string_view text(event.text, event.text_bytes);
        if (!stream_)
            text_ += text;
        else if (!text.empty())
            write(piece(text, false));
    }

    void on_end(const quant_request_event &event) override {
        if (event.status != QUANT_OK) return fail(error_of_event(event));
        json::object last = piece(text_, true);
        const quant_generate_result &r = *event.result;
        const double since = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_.asked).count();
        last["done_reason"] = r.stop == QUANT_STOP_LENGTH || r.stop == QUANT_STOP_CONTEXT ? "length" : "stop";
        last["total_duration"] = nanoseconds(since);
        last["load_duration"] = nanoseconds(start_.load_seconds);
        last["prompt_eval_count"] = r.prompt_tokens;
        last["prompt_eval_duration"] = nanoseconds(r.prefill_seconds);
        last["eval_count"] = r.generated_tokens;
        last["eval_duration"] = nanoseconds(r.decode_seconds);
        if (!stream_) return reply_->send(200, whole, json::serialize(last));
        write(last);
        reply_->end();
    }

private:
    json::object piece(std::string_view text, bool done) const {
        json::object out = envelope(kind_, model_, text);
        out["done"] = done;
        return out;
    }
    void write(const json::object &line) {
        if (!begun_) reply_->begin_stream(200, lines);
        begun_ = true;
        reply_->write(json::serialize(line) + "\n");
    }
    void fail(const ApiError &error) {
        const std::string text = render_error(ApiStyle::ollama, error);
        if (!begun_) return reply_->send(error.status, whole, text, error_headers(error));
        reply_->write(text + "\n");
        reply_->end();
    }

    OllamaKind kind_;
    std::string model_, text_;
    bool stream_, begun_ = false;
    OllamaStart start_;
    ReplyPtr reply_;
};

} // namespace

std::string ollama_time(std::chrono::system_clock::time_point when) {
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(when.time_since_epoch()).count();
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(static_cast<std::time_t>(us / 1'000'000)),
                       us % 1'000'000);
}

std::shared_ptr<GenerationListener> ollama_listener(OllamaKind kind, std::string model, bool stream, OllamaStart start,
                                                    ReplyPtr reply) {
    return std::make_shared<OllamaListener>(kind, std::move(model), stream, start, std::move(reply));
}

void send_loaded(OllamaKind kind, const std::string &model, bool stream, const char *reason, Reply &reply) {
    json::object out = envelope(kind, model, "");
    out["done"] = true;
    out["done_reason"] = reason;
    reply.send(200, stream ? lines : whole, json::serialize(out) + (stream ? "\n" : ""));
}

} // namespace quantd
