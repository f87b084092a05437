#include "openai_reply.h"

#include "base/utf8.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <random>
#include <utility>

namespace quantd {

namespace {

std::string new_id(OpenAiKind kind) {
    static std::atomic<uint64_t> next = [] {
        std::random_device device;
        return uint64_t{device()} << 32 | device();
    }();
    // Scattered, so that ids of two daemons seldom meet.
    const uint64_t scattered = next++ * 0x9e3779b97f4a7c15u;
    return fmt::format("{}-{:016x}", kind == OpenAiKind::chat ? "chatcmpl" : "cmpl", scattered);
}

constexpr double least_log_probability = -9999; // JSON has no infinity.

/// A token may be part of a character: its bytes then tell what it is.
std::string valid_text(std::string_view piece) { return quant::is_utf8(piece) ? std::string(piece) : "\uFFFD"; }

const char *finish_reason(const quant_request_event &event) {
    return event.result->stop == QUANT_STOP_LENGTH || event.result->stop == QUANT_STOP_CONTEXT ? "length" : "stop";
}

json::object told_token(const quant_token_probability &p) {
    json::array bytes;
    for (size_t i = 0; i < p.piece_bytes; i++) bytes.push_back(static_cast<unsigned char>(p.piece[i]));
    return {{"token", valid_text({p.piece, p.piece_bytes})},
            {"logprob", std::max(p.log_probability, least_log_probability)},
            {"bytes", std::move(bytes)}};
}

// The token that came with the likeliest ones.
json::object told_entry(const quant_request_event &event) {
    json::object entry = told_token(event.probabilities[0]);
    json::array top;
    for (size_t i = 1; i < event.probability_count; i++) top.push_back(told_token(event.probabilities[i]));
    entry["top_logprobs"] = std::move(top);
    return entry;
}

json::value logprobs_of(json::array entries) {
    if (entries.empty()) return nullptr;
    return json::object{{"content", std::move(entries)}, {"refusal", nullptr}};
}

class ChoiceListener final : public GenerationListener {
public:
    ChoiceListener(std::shared_ptr<OpenAiAnswer> answer, uint32_t choice)
        : answer_(std::move(answer)),
          choice_(choice) {}
    void on_text(const quant_request_event &event) override { answer_->add(choice_, event); }
    void on_end(const quant_request_event &event) override { answer_->end(choice_, event); }

private:
    std::shared_ptr<OpenAiAnswer> answer_;
    uint32_t choice_;
};

} // namespace

std::shared_ptr<GenerationListener> choice_listener(std::shared_ptr<OpenAiAnswer> answer, uint32_t choice) {
    return std::make_shared<ChoiceListener>(std::move(answer), choice);
}

OpenAiAnswer::OpenAiAnswer(OpenAiKind kind, std::string model, uint32_t prompts, uint32_t per_prompt, bool stream,
                           bool include_usage, ReplyPtr reply)
    : kind_(kind),
      model_(std::move(model)),
      id_(new_id(kind)),
      created_(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())),
      stream_(stream),
      include_usage_(include_usage),
      reply_(std::move(reply)),
      choices_(prompts * per_prompt),
      per_prompt_(per_prompt),
      open_(choices_.size()) {}

json::object OpenAiAnswer::envelope(const char *object_kind) const {
    return {{"id", id_},
            {"object", object_kind},
            {"created", created_},
            {"model", model_},
            {"system_fingerprint", std::string("libquant-") + quant_version()}};
}

json::object OpenAiAnswer::chunk(uint32_t index, std::string_view text, json::value logprobs, json::value finish) {
    Choice &choice = choices_[index];
    json::object out = envelope(kind_ == OpenAiKind::chat ? "chat.completion.chunk" : "text_completion");
    json::object entry{{"index", index}};
    if (kind_ == OpenAiKind::chat) {
        json::object delta;
        if (!choice.begun) delta["role"] = "assistant";
        if (!choice.begun || !text.empty()) delta["content"] = text;
        entry["delta"] = std::move(delta);
    } else {
        entry["text"] = text;
    }
    choice.begun = true;
    entry["logprobs"] = std::move(logprobs);
    entry["finish_reason"] = std::move(finish);
    out["choices"] = json::array{std::move(entry)};
    if (include_usage_) out["usage"] = nullptr;
    return out;
}

void OpenAiAnswer::write(const json::object &chunk) {
    if (!streaming_) reply_->begin_stream(200, "text/event-stream", {{"Cache-Control", "no-cache"}});
    streaming_ = true;
    reply_->write("data: " + json::serialize(chunk) + "\n\n");
}

void OpenAiAnswer::begin_with(uint32_t choice, std::string text) {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    if (stream_)
        write(chunk(choice, text, nullptr, nullptr));
    else
        choices_[choice].text += text;
}

void OpenAiAnswer::add(uint32_t choice, const quant_request_event &event) {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    const std::string_view text(event.text, event.text_bytes);
    Choice &c = choices_[choice];
    if (event.probability_count != 0) c.probabilities.push_back(told_entry(event));
    if (!stream_) {
        c.text += text;
    } else if (!text.empty()) { // Of tokens without text of their own the next chunk tells.
        write(chunk(choice, text, logprobs_of(std::exchange(c.probabilities, {})), nullptr));
    }
}

void OpenAiAnswer::end(uint32_t choice, const quant_request_event &event) {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    if (event.status != QUANT_OK) return fail_locked(error_of_event(event));
    choices_[choice].finish = finish_reason(event);
    if (choice % per_prompt_ == 0)
        prompt_tokens_ += event.result->prompt_tokens, cached_tokens_ += event.result->cached_tokens;
    generated_tokens_ += event.result->generated_tokens;
    if (stream_)
        write(chunk(choice, "", logprobs_of(std::exchange(choices_[choice].probabilities, {})),
                    json::string(choices_[choice].finish)));
    if (--open_ == 0) finish();
}

json::object OpenAiAnswer::usage() const {
    return {{"prompt_tokens", prompt_tokens_},
            {"completion_tokens", generated_tokens_},
            {"total_tokens", prompt_tokens_ + generated_tokens_},
            {"prompt_tokens_details", {{"cached_tokens", cached_tokens_}}}};
}

void OpenAiAnswer::finish() {
    closed_ = true;
    if (stream_) {
        if (include_usage_) {
            json::object last = envelope(kind_ == OpenAiKind::chat ? "chat.completion.chunk" : "text_completion");
            last["choices"] = json::array();
            last["usage"] = usage();
            write(last);
        }
        reply_->write("data: [DONE]\n\n");
        return reply_->end();
    }
    json::object out = envelope(kind_ == OpenAiKind::chat ? "chat.completion" : "text_completion");
    json::array choices;
    for (size_t i = 0; i < choices_.size(); i++) {
        json::object entry{{"index", i}};
        if (kind_ == OpenAiKind::chat)
            entry["message"] = {{"role", "assistant"}, {"content", choices_[i].text}};
        else
            entry["text"] = choices_[i].text;
        entry["logprobs"] = logprobs_of(std::move(choices_[i].probabilities));
        entry["finish_reason"] = choices_[i].finish;
        choices.push_back(std::move(entry));
    }
    out["choices"] = std::move(choices);
    out["usage"] = usage();
    reply_->send(200, "application/json", json::serialize(out));
}

void OpenAiAnswer::fail(const ApiError &error) {
    const std::lock_guard lock(mutex_);
    if (!closed_) fail_locked(error);
}

// Once text is under way the status has gone out: then an event says it, and no [DONE] follows.
void OpenAiAnswer::fail_locked(const ApiError &error) {
    closed_ = true;
    if (!streaming_)
        return reply_->send(error.status, "application/json", render_error(ApiStyle::openai, error),
                            error_headers(error));
    reply_->write("data: " + render_error(ApiStyle::openai, error) + "\n\n");
    reply_->end();
}

} // namespace quantd
