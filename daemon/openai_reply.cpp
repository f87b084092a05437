#include "openai_reply.h"

#include "new_id.h"
#include "router.h"
#include "told_probabilities.h"

#include <boost/json/serializer.hpp>
#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace quantd {

namespace {

const char *finish_reason(const quant_request_event &event) {
    return event.result->stop == QUANT_STOP_LENGTH || event.result->stop == QUANT_STOP_CONTEXT ? "length" : "stop";
}

// As a string of JSON, in quotes.
void append_json(std::string &out, std::string_view text) {
    boost::json::serializer writer;
    writer.reset(boost::json::string_view(text.data(), text.size()));
    char piece[256];
    while (!writer.done()) out += std::string_view(writer.read(piece));
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

OpenAiAnswer::OpenAiAnswer(OpenAiShape shape, std::vector<std::unique_ptr<ReplyReader>> readers, ReplyPtr reply)
    : shape_(std::move(shape)),
      id_(new_id(shape_.kind == OpenAiKind::chat ? "chatcmpl-" : "cmpl-")),
      created_(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())),
      reply_(std::move(reply)),
      choices_(shape_.prompts * shape_.per_prompt),
      open_(choices_.size()) {
    for (size_t i = 0; i < readers.size(); i++) choices_[i].reader = std::move(readers[i]);
}

json::object OpenAiAnswer::envelope(const char *object_kind) const {
    return {{"id", id_},
            {"object", object_kind},
            {"created", created_},
            {"model", shape_.model},
            {"system_fingerprint", std::string("libquant-") + quant_version()}};
}

/// `what` is a chat's delta, or has a completion's text.
json::object OpenAiAnswer::make_chunk(uint32_t index, json::object what, json::value finish) {
    Choice &choice = choices_[index];
    const bool chat = shape_.kind == OpenAiKind::chat;
    json::object out = envelope(chat ? "chat.completion.chunk" : "text_completion");
    json::object entry{{"index", index}};
    if (chat) {
        if (!choice.begun) what["role"] = "assistant";
        entry["delta"] = std::move(what);
    } else {
        entry["text"] = what.empty() ? json::value("") : what["text"];
    }
    choice.begun = true;
    entry["logprobs"] = take_logprobs(choice);
    entry["finish_reason"] = std::move(finish);
    out["choices"] = json::array{std::move(entry)};
    if (shape_.include_usage) out["usage"] = nullptr;
    return out;
}

void OpenAiAnswer::write_chunk(uint32_t index, json::object what, json::value finish) {
    write(make_chunk(index, std::move(what), std::move(finish)));
}

// Of a stream's chunks all is alike but the text: around it stands what was written of the first one. The model's thread
// waits for this at every token.
void OpenAiAnswer::write_text(uint32_t index, std::string_view text) {
    Choice &choice = choices_[index];
    const char *key = shape_.kind == OpenAiKind::chat ? "content" : "text";
    const bool has_role = shape_.kind == OpenAiKind::chat && !choice.begun;
    if (has_role || !choice.probabilities.empty()) return write_chunk(index, {{key, text}}, nullptr);
    if (choice.before_text.empty()) {
        const std::string whole = "data: " + json::serialize(make_chunk(index, {{key, ""}}, nullptr)) + "\n\n";
        const std::string place = fmt::format("\"{}\":\"\"", key);
        const size_t at = whole.rfind(place) + place.size() - 2; // Behind it stand no texts.
        choice.before_text = whole.substr(0, at), choice.after_text = whole.substr(at + 2);
    }
    std::string event;
    event.reserve(choice.before_text.size() + choice.after_text.size() + 2 * text.size() + 16);
    event += choice.before_text;
    append_json(event, text);
    event += choice.after_text;
    write_event(std::move(event));
}

json::value OpenAiAnswer::take_logprobs(Choice &choice) const {
    json::array entries = std::exchange(choice.probabilities, {});
    if (shape_.kind == OpenAiKind::chat) return chat_logprobs(std::move(entries));
    return completion_logprobs(entries, choice.offset);
}

void OpenAiAnswer::write(const json::object &chunk) { write_event("data: " + json::serialize(chunk) + "\n\n"); }

void OpenAiAnswer::write_event(std::string event) {
    if (!streaming_) reply_->begin_stream(200, "text/event-stream", {{"Cache-Control", "no-cache"}});
    streaming_ = true;
    reply_->write(std::move(event));
}

void OpenAiAnswer::begin_with(uint32_t choice, std::string text) {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    choices_[choice].offset += characters(text);
    if (shape_.stream)
        write_text(choice, text);
    else
        choices_[choice].text += text;
}

void OpenAiAnswer::add(uint32_t choice, const quant_request_event &event) {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    const std::string_view text(event.text, event.text_bytes);
    Choice &c = choices_[choice];
    if (event.probability_count != 0) c.probabilities.push_back(told_entry(event));
    if (text.empty()) return; // Of tokens without text of their own the next chunk tells.
    if (c.reader) return take(choice, c.reader->feed(text));
    c.text += text;
    if (shape_.stream) write_text(choice, text);
}

void OpenAiAnswer::take(uint32_t choice, const std::vector<ReplyPart> &parts) {
    for (const ReplyPart &part : parts) {
        if (part.kind == QUANT_REPLY_CONTENT) {
            choices_[choice].text += part.text;
            if (shape_.stream) write_text(choice, part.text);
            continue;
        }
        json::object delta = take_part(choices_[choice], part);
        if (shape_.stream && !delta.empty()) write_chunk(choice, std::move(delta), nullptr);
    }
}

/// Keeps a part that is no content, and says what a stream tells of it.
json::object OpenAiAnswer::take_part(Choice &c, const ReplyPart &part) const {
    switch (part.kind) {
    case QUANT_REPLY_REASONING:
        c.reasoning += part.text;
        return {{"reasoning_content", part.text}};
    case QUANT_REPLY_CALL_BEGIN: {
        const Call &call = c.calls.emplace_back(Call{part.id.empty() ? new_id("call_") : part.id, part.name, ""});
        json::object told{{"index", part.index},
                          {"id", call.id},
                          {"type", "function"},
                          {"function", {{"name", call.name}, {"arguments", ""}}}};
        return {{"tool_calls", json::array{std::move(told)}}};
    }
    case QUANT_REPLY_CALL_ARGUMENTS: {
        if (!c.calls.empty()) c.calls.back().arguments += part.text;
        json::object told{{"index", part.index}, {"function", {{"arguments", part.text}}}};
        return {{"tool_calls", json::array{std::move(told)}}};
    }
    default:
        return {};
    }
}

void OpenAiAnswer::end(uint32_t choice, const quant_request_event &event) {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    if (event.status != QUANT_OK) return fail_locked(error_of_event(event));
    Choice &c = choices_[choice];
    if (c.reader) take(choice, c.reader->finish());
    c.finish = c.calls.empty() ? finish_reason(event) : "tool_calls";
    if (choice % shape_.per_prompt == 0)
        prompt_tokens_ += event.result->prompt_tokens, cached_tokens_ += event.result->cached_tokens;
    generated_tokens_ += event.result->generated_tokens;
    if (shape_.stream) {
        if (!c.begun && shape_.kind == OpenAiKind::chat)
            write_chunk(choice, {{"content", ""}}, nullptr); // An answer of nothing has a role, too.
        write_chunk(choice, {}, json::string(c.finish));
    }
    if (--open_ == 0) finish();
}

json::object OpenAiAnswer::usage() const {
    return {{"prompt_tokens", prompt_tokens_},
            {"completion_tokens", generated_tokens_},
            {"total_tokens", prompt_tokens_ + generated_tokens_},
            {"prompt_tokens_details", {{"cached_tokens", cached_tokens_}}}};
}

json::object OpenAiAnswer::message(Choice &c) const {
    json::object out{{"role", "assistant"}, {"content", c.text}};
    if (!c.reasoning.empty()) out["reasoning_content"] = c.reasoning;
    if (c.calls.empty()) return out;
    if (c.text.empty()) out["content"] = nullptr;
    json::array calls;
    for (const Call &call : c.calls)
        calls.push_back(json::object{
            {"id", call.id}, {"type", "function"}, {"function", {{"name", call.name}, {"arguments", call.arguments}}}});
    out["tool_calls"] = std::move(calls);
    return out;
}

void OpenAiAnswer::finish() {
    closed_ = true;
    const bool chat = shape_.kind == OpenAiKind::chat;
    if (shape_.stream) {
        if (shape_.include_usage) {
            json::object last = envelope(chat ? "chat.completion.chunk" : "text_completion");
            last["choices"] = json::array();
            last["usage"] = usage();
            write(last);
        }
        reply_->write("data: [DONE]\n\n");
        return reply_->end();
    }
    json::object out = envelope(chat ? "chat.completion" : "text_completion");
    json::array choices;
    for (size_t i = 0; i < choices_.size(); i++) {
        json::object entry{{"index", i}};
        if (chat)
            entry["message"] = message(choices_[i]);
        else
            entry["text"] = choices_[i].text;
        entry["logprobs"] = take_logprobs(choices_[i]);
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
    if (!streaming_) return send_error(*reply_, ApiStyle::openai, error);
    reply_->write("data: " + render_error(ApiStyle::openai, error) + "\n\n");
    reply_->end();
}

} // namespace quantd
