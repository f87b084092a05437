// Models and tokenizers. An object is released by its destructor; what it needs, it keeps alive.
#pragma once

#include "sdk_outcome.h"
#include "sdk_sinks.h"

#include <cstdint>
#include <vector>

namespace quant_sdk {

#ifndef SWIG
inline std::vector<int32_t> tokens_of(const quant_tokenizer *tokenizer, const std::string &text, uint32_t flags,
                                      Outcome &outcome) {
    std::vector<int32_t> ids;
    outcome.run([&] {
        size_t count = 0;
        quant_status status =
            quant_tokenize(tokenizer, text.data(), text.size(), flags, nullptr, 0, &count);
        if (status != QUANT_OK || count == 0) return status;
        ids.resize(count);
        return quant_tokenize(tokenizer, text.data(), text.size(), flags, ids.data(), ids.size(), &count);
    });
    return ids;
}
inline std::string text_of(const quant_tokenizer *tokenizer, const int32_t *ids, size_t count, uint32_t flags,
                           Outcome &outcome) {
    char *text = nullptr;
    size_t bytes = 0;
    outcome.take(quant_detokenize(tokenizer, ids, count, flags, &text, &bytes));
    return taken(text, bytes);
}
#endif

class Tokenizer {
public:
    /// NULL on failure.
    static Tokenizer *open(const std::string &path, Outcome &outcome) {
        quant_tokenizer *handle = nullptr;
        if (!outcome.take(quant_tokenizer_open(&handle, path.c_str()))) return nullptr;
        return new Tokenizer(handle);
    }
    ~Tokenizer() { quant_tokenizer_free(handle_); }
    Tokenizer(const Tokenizer &) = delete;
    Tokenizer &operator=(const Tokenizer &) = delete;

    size_t size() const { return quant_tokenizer_size(handle_); }
    std::vector<int32_t> tokenize(const std::string &text, uint32_t flags, Outcome &outcome) const {
        return tokens_of(handle_, text, flags, outcome);
    }
    std::string detokenize(const int32_t *ids, size_t count, uint32_t flags, Outcome &outcome) const {
        return text_of(handle_, ids, count, flags, outcome);
    }

private:
    explicit Tokenizer(quant_tokenizer *handle) : handle_(handle) {}
    quant_tokenizer *handle_;
};

/// What a chat template is rendered with; JSON as quant_render_options has it, "" where it is not given.
struct RenderOptions {
    std::string messages_json, tools_json, variables_json, now;
    bool add_generation_prompt = true;

#ifndef SWIG
    quant_render_options options() const {
        auto out = initialized(quant_render_options_init);
        out.messages_json = messages_json.c_str();
        out.tools_json = or_null(tools_json);
        out.variables_json = or_null(variables_json);
        out.now = or_null(now);
        out.add_generation_prompt = add_generation_prompt;
        return out;
    }
#endif
};

inline std::string render_template(const std::string &source, const std::string &name, const RenderOptions &how,
                                   Outcome &outcome) {
    char *text = nullptr;
    const quant_render_options options = how.options();
    outcome.take(quant_template_render(source.data(), source.size(), name.c_str(), &options, &text));
    return taken(text);
}

/// May be used by several threads.
class Model {
public:
    /// NULL on failure. "" for numa and pack_cache: as quant_open_options leaves them.
    static Model *open(const std::string &path, uint32_t flags, const std::string &numa,
                       const std::string &pack_cache, ProgressSink *progress, Outcome &outcome) {
        auto options = initialized(quant_open_options_init);
        options.flags = flags;
        options.numa = or_null(numa);
        options.pack_cache = or_null(pack_cache);
        options.progress = ProgressSink::of(progress);
        options.user = progress;
        quant_model *handle = nullptr;
        if (!outcome.take(quant_model_open(&handle, path.c_str(), &options))) return nullptr;
        return new Model(handle);
    }
    /// Borrowed from the daemon. "" for the socket: the one that quant_shared_options says.
    static Model *open_shared(const std::string &name, uint32_t flags, const std::string &socket,
                              double timeout_seconds, ProgressSink *progress, Outcome &outcome) {
        auto options = initialized(quant_shared_options_init);
        options.flags = flags;
        options.socket = or_null(socket);
        options.timeout_seconds = timeout_seconds;
        options.progress = ProgressSink::of(progress);
        options.user = progress;
        quant_model *handle = nullptr;
        if (!outcome.take(quant_model_open_shared(&handle, name.c_str(), &options))) return nullptr;
        return new Model(handle);
    }
    ~Model() { quant_model_free(handle_); }
    Model(const Model &) = delete;
    Model &operator=(const Model &) = delete;

    /// Strings of it are the model's.
    quant_model_info info(Outcome &outcome) const {
        auto out = sized<quant_model_info>();
        outcome.take(quant_model_get_info(handle_, &out));
        return out;
    }
    std::vector<int32_t> tokenize(const std::string &text, uint32_t flags, Outcome &outcome) const {
        const quant_tokenizer *tokenizer = tokenizer_of(outcome);
        return tokenizer ? tokens_of(tokenizer, text, flags, outcome) : std::vector<int32_t>();
    }
    std::string detokenize(const int32_t *ids, size_t count, uint32_t flags, Outcome &outcome) const {
        const quant_tokenizer *tokenizer = tokenizer_of(outcome);
        return tokenizer ? text_of(tokenizer, ids, count, flags, outcome) : std::string();
    }
    std::string render_chat(const RenderOptions &how, Outcome &outcome) const {
        char *text = nullptr;
        const quant_render_options options = how.options();
        outcome.take(quant_model_render_chat(handle_, &options, &text));
        return taken(text);
    }

#ifndef SWIG
    const quant_model *handle() const { return handle_; }
#endif

private:
    explicit Model(quant_model *handle) : handle_(handle) {}
    const quant_tokenizer *tokenizer_of(Outcome &outcome) const {
        const quant_tokenizer *tokenizer = quant_model_tokenizer(handle_);
        if (!tokenizer) outcome.take(QUANT_ERR_TOKENIZER);
        return tokenizer;
    }
    quant_model *handle_;
};

} // namespace quant_sdk
