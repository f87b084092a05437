// Sessions and what they generate.
#pragma once

#include "sdk_model.h"

namespace quant_sdk {

/// A prompt and how to go on from it.
struct GenerateOptions {
    std::string prompt; ///< UTF-8.
    uint32_t text_flags = QUANT_TEXT_ADD_SPECIAL | QUANT_TEXT_PARSE_SPECIAL;
    bool whole = false;      ///< The prompt is the whole sequence, of which what is there already is kept.
    uint32_t max_tokens = 0; ///< 0: until the end or the context is full.
};

/// One sequence. One thread at a time.
class Session {
public:
    /// NULL on failure. `draft` may be NULL.
    static Session *open(const Model &model, const quant_session_options &options, const Model *draft,
                         Outcome &outcome) {
        quant_session_options given = options;
        given.draft_model = draft ? draft->handle() : nullptr;
        quant_session *handle = nullptr;
        if (!outcome.take(quant_session_new(&handle, model.handle(), &given))) return nullptr;
        return made(handle, model.handle(), outcome);
    }
    /// The first `length` tokens of this one, shared in memory. NULL on failure.
    Session *fork(uint32_t length, Outcome &outcome) const {
        quant_session *handle = nullptr;
        if (!outcome.take(quant_session_fork(&handle, handle_, length))) return nullptr;
        return new Session(handle, vocabulary_);
    }
    ~Session() { quant_session_free(handle_); }
    Session(const Session &) = delete;
    Session &operator=(const Session &) = delete;

    uint32_t length() const { return quant_session_length(handle_); }
    uint32_t capacity() const { return quant_session_capacity(handle_); }
    void truncate(uint32_t length, Outcome &outcome) { outcome.take(quant_session_truncate(handle_, length)); }

    /// Appends tokens. What comes is vocabulary_size logits of the last one, or with `all` of each.
    std::vector<float> run(const int32_t *ids, size_t count, bool all, Outcome &outcome) {
        std::vector<float> logits;
        const bool done = outcome.run([&] {
            if (count <= capacity()) logits.resize((all ? count : 1) * vocabulary_); // Else the library says why not.
            return quant_session_run(handle_, ids, count, all && !logits.empty() ? logits.data() : nullptr,
                                     !all && !logits.empty() ? logits.data() : nullptr);
        });
        if (!done) logits.clear();
        return logits;
    }

    /// `text` and `prefill` may be NULL.
    quant_generate_result generate(const GenerateOptions &how, const quant_sampling &sampling, TextSink *text,
                                   ProgressSink *prefill, Outcome &outcome) {
        Sinks sinks{text, prefill};
        auto options = initialized(quant_generate_options_init);
        options.prompt = how.prompt.data();
        options.prompt_bytes = how.prompt.size();
        options.text_flags = how.text_flags;
        options.whole = how.whole;
        options.max_tokens = how.max_tokens;
        options.sampling = &sampling;
        options.on_text = text ? Sinks::on_text : nullptr;
        options.on_prefill = prefill ? Sinks::on_prefill : nullptr;
        options.user = &sinks;
        auto result = sized<quant_generate_result>();
        outcome.take(quant_generate(handle_, &options, &result));
        return result;
    }

private:
    struct Sinks { // Both callbacks of a generation have one `user`.
        TextSink *text;
        ProgressSink *prefill;
        static int on_text(void *user, const char *text, size_t bytes) {
            return static_cast<Sinks *>(user)->text->on_text(text, bytes);
        }
        static int on_prefill(void *user, const quant_progress *p) {
            return ProgressSink::call(static_cast<Sinks *>(user)->prefill, p);
        }
    };

    Session(quant_session *handle, size_t vocabulary) : handle_(handle), vocabulary_(vocabulary) {}
    static Session *made(quant_session *handle, const quant_model *model, Outcome &outcome) {
        auto info = sized<quant_model_info>();
        if (outcome.take(quant_model_get_info(model, &info))) return new Session(handle, info.vocabulary_size);
        quant_session_free(handle);
        return nullptr;
    }

    quant_session *handle_;
    size_t vocabulary_; ///< Logits of a token.
};

} // namespace quant_sdk
