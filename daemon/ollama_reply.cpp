#include "ollama_reply.h"

#include "new_id.h"
#include "router.h"
#include "told_probabilities.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <utility>

namespace quantd {

namespace {

constexpr const char *whole = "application/json";

/// What an object of the answer tells.
struct Told {
    std::string text, thinking;
    json::array calls, probabilities;

    bool empty() const { return text.empty() && thinking.empty() && calls.empty(); } ///< Probabilities wait for text.
};

json::object envelope(OllamaKind kind, const std::string &model, Told told) {
    json::object out{{"model", model}, {"created_at", ollama_time(std::chrono::system_clock::now())}};
    json::object message{{"role", "assistant"}, {"content", told.text}};
    json::object &where = kind == OllamaKind::chat ? message : out;
    if (kind == OllamaKind::generate) out["response"] = told.text;
    if (!told.thinking.empty()) where["thinking"] = told.thinking;
    if (!told.calls.empty()) where["tool_calls"] = std::move(told.calls);
    if (kind == OllamaKind::chat) out["message"] = std::move(message);
    if (!told.probabilities.empty()) out["logprobs"] = std::move(told.probabilities);
    return out;
}

class OllamaListener final : public GenerationListener {
public:
    OllamaListener(OllamaKind kind, std::string model, bool stream, OllamaStart start,
                   std::unique_ptr<ReplyReader> reader, ReplyPtr reply)
        : kind_(kind),
          model_(std::move(model)),
          stream_(stream),
          start_(std::move(start)),
          reader_(std::move(reader)),
          reply_(std::move(reply)) {}

    void on_text(const quant_request_event &event) override {
        const std::string_view text(event.text, event.text_bytes);
        if (event.probability_count != 0) told_.probabilities.push_back(told_entry(event));
        if (start_.tells_context && event.token >= 0) start_.context.push_back(event.token);
        if (text.empty()) return;
        if (reader_)
            take(reader_->feed(text));
        else
            told_.text += text;
        if (stream_ && !told_.empty()) write(piece(false));
    }

    void on_end(const quant_request_event &event) override {
        if (event.status != QUANT_OK) return fail(error_of_event(event));
        if (reader_) take(reader_->finish());
        json::object last = piece(true);
        const quant_generate_result &r = *event.result;
        const double since = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_.asked).count();
        last["done_reason"] = r.stop == QUANT_STOP_LENGTH || r.stop == QUANT_STOP_CONTEXT ? "length" : "stop";
        last["total_duration"] = ollama_nanoseconds(since);
        last["load_duration"] = ollama_nanoseconds(start_.load_seconds);
        last["prompt_eval_count"] = r.prompt_tokens;
        last["prompt_eval_duration"] = ollama_nanoseconds(r.prefill_seconds);
        last["eval_count"] = r.generated_tokens;
        last["eval_duration"] = ollama_nanoseconds(r.decode_seconds);
        if (start_.tells_context) last["context"] = json::array(start_.context.begin(), start_.context.end());
        if (!stream_) return reply_->send(200, whole, json::serialize(last));
        write(last);
        reply_->end();
    }

private:
    void take(const std::vector<ReplyPart> &parts) {
        for (const ReplyPart &part : parts) {
            if (part.kind == QUANT_REPLY_CONTENT) told_.text += part.text;
            if (part.kind == QUANT_REPLY_REASONING) told_.thinking += part.text;
            if (part.kind == QUANT_REPLY_CALL_BEGIN) call_ = part, arguments_.clear();
            if (part.kind == QUANT_REPLY_CALL_ARGUMENTS) arguments_ += part.text;
            if (part.kind == QUANT_REPLY_CALL_END)
                told_.calls.push_back(json::object{{"id", call_.id.empty() ? new_id("call_") : call_.id},
                                                   {"function",
                                                    {{"index", call_.index},
                                                     {"name", call_.name},
                                                     {"arguments", json::parse(arguments_, "arguments")}}}});
        }
    }
    /// What has come since the last one.
    json::object piece(bool done) {
        json::object out = envelope(kind_, model_, std::exchange(told_, {}));
        out["done"] = done;
        return out;
    }
    void write(const json::object &line) {
        if (!begun_) reply_->begin_stream(200, ollama_stream_type);
        begun_ = true;
        reply_->write(json::serialize(line) + "\n");
    }
    void fail(const ApiError &error) {
        if (!begun_) return send_error(*reply_, ApiStyle::ollama, error);
        reply_->write(render_error(ApiStyle::ollama, error) + "\n");
        reply_->end();
    }

    OllamaKind kind_;
    std::string model_, arguments_;
    bool stream_, begun_ = false;
    OllamaStart start_;
    std::unique_ptr<ReplyReader> reader_;
    Told told_; ///< That has not gone out.
    ReplyPart call_{};
    ReplyPtr reply_;
};

} // namespace

std::string ollama_time(std::chrono::system_clock::time_point when) {
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(when.time_since_epoch()).count();
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(static_cast<std::time_t>(us / 1'000'000)),
                       us % 1'000'000);
}

std::shared_ptr<GenerationListener> ollama_listener(OllamaKind kind, std::string model, bool stream, OllamaStart start,
                                                    std::unique_ptr<ReplyReader> reader, ReplyPtr reply) {
    return std::make_shared<OllamaListener>(kind, std::move(model), stream, std::move(start), std::move(reader),
                                            std::move(reply));
}

void send_loaded(OllamaKind kind, const std::string &model, bool stream, const char *reason, Reply &reply) {
    json::object out = envelope(kind, model, {});
    out["done"] = true;
    out["done_reason"] = reason;
    reply.send(200, stream ? ollama_stream_type : whole, json::serialize(out) + (stream ? "\n" : ""));
}

} // namespace quantd
