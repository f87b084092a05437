// Generated text in the shapes of the OpenAI API: one object at the end, or chunks as server-sent events.
#pragma once

#include "generation_job.h"
#include "reply_reader.h"

#include <mutex>

namespace quantd {

/// Whose answers it is: of chats or of completions.
enum class OpenAiKind { chat, completion };

/// What an answer looks like.
struct OpenAiShape {
    OpenAiKind kind;
    std::string model;
    uint32_t prompts, per_prompt; ///< `per_prompt` choices of each.
    bool stream, include_usage;
};

/// One answer with one or more choices, each of which a scheduler's request fills. Threads: any.
class OpenAiAnswer {
public:
    /// `readers`: one for each choice of a chat, none of a completion.
    OpenAiAnswer(OpenAiShape shape, std::vector<std::unique_ptr<ReplyReader>> readers, ReplyPtr reply);

    /// What a choice begins with before what is generated (echo).
    void begin_with(uint32_t choice, std::string text);
    /// What an event tells but its end: text, and probabilities where they were asked for.
    void add(uint32_t choice, const quant_request_event &event);
    void end(uint32_t choice, const quant_request_event &event);
    /// A choice could not begin: the answer is this error, unless it is under way.
    void fail(const ApiError &error);

private:
    struct Call {
        std::string id, name, arguments;
    };
    struct Choice {
        std::string text, reasoning, finish;
        std::vector<Call> calls;
        json::array probabilities; ///< Not told yet.
        size_t offset = 0;         ///< Of the next told token in the text, in characters.
        std::unique_ptr<ReplyReader> reader;
        bool begun = false;
        std::string before_text, after_text; ///< Of a chunk that tells text and nothing else; "": not known yet.
    };
    json::object envelope(const char *object_kind) const;
    void take(uint32_t choice, const std::vector<ReplyPart> &parts);
    json::object take_part(Choice &choice, const ReplyPart &part) const;
    json::object make_chunk(uint32_t choice, json::object what, json::value finish);
    void write_chunk(uint32_t choice, json::object what, json::value finish);
    void write_text(uint32_t choice, std::string_view text);
    void write(const json::object &chunk);
    void write_event(std::string event);
    json::object message(Choice &choice) const;
    json::value take_logprobs(Choice &choice) const;
    void finish();
    json::object usage() const;
    void fail_locked(const ApiError &error);

    std::mutex mutex_;
    OpenAiShape shape_;
    std::string id_;
    int64_t created_;
    bool streaming_ = false, closed_ = false;
    ReplyPtr reply_;
    std::vector<Choice> choices_;
    size_t open_; ///< Choices that have not ended.
    uint64_t prompt_tokens_ = 0, cached_tokens_ = 0, generated_tokens_ = 0;
};

/// A listener for one of its choices.
std::shared_ptr<GenerationListener> choice_listener(std::shared_ptr<OpenAiAnswer> answer, uint32_t choice);

} // namespace quantd
