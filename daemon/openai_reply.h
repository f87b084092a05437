// Generated text in the shapes of the OpenAI API: one object at the end, or chunks as server-sent events.
#pragma once

#include "generation_job.h"

#include <mutex>

namespace quantd {

/// Whose answers it is: of chats or of completions.
enum class OpenAiKind { chat, completion };

/// One answer with one or more choices, each of which a scheduler's request fills. Threads: any.
class OpenAiAnswer {
public:
    /// `per_prompt` choices of each of `prompts`.
    OpenAiAnswer(OpenAiKind kind, std::string model, uint32_t prompts, uint32_t per_prompt, bool stream,
                 bool include_usage, ReplyPtr reply);

    /// What a choice begins with before what is generated (echo).
    void begin_with(uint32_t choice, std::string text);
    /// What an event tells but its end: text, and probabilities where they were asked for.
    void add(uint32_t choice, const quant_request_event &event);
    void end(uint32_t choice, const quant_request_event &event);
    /// A choice could not begin: the answer is this error, unless it is under way.
    void fail(const ApiError &error);

private:
    struct Choice {
        std::string text, finish;
        json::array probabilities;
        bool begun = false;
    };
    json::object envelope(const char *object_kind) const;
    json::object chunk(uint32_t choice, std::string_view text, json::value logprobs, json::value finish);
    void write(const json::object &chunk);
    void finish();
    json::object usage() const;
    void fail_locked(const ApiError &error);

    std::mutex mutex_;
    OpenAiKind kind_;
    std::string model_, id_;
    int64_t created_;
    bool stream_, include_usage_, streaming_ = false, closed_ = false;
    ReplyPtr reply_;
    std::vector<Choice> choices_;
    uint32_t per_prompt_;
    size_t open_; ///< Choices that have not ended.
    uint64_t prompt_tokens_ = 0, cached_tokens_ = 0, generated_tokens_ = 0;
};

/// A listener for one of its choices.
std::shared_ptr<GenerationListener> choice_listener(std::shared_ptr<OpenAiAnswer> answer, uint32_t choice);

} // namespace quantd
