#include "generation.h"

#include "interrupt.h"
#include "output.h"
#include "progress_bar.h"

#include <algorithm>
#include <exception>

namespace quantctl {

namespace {

// What both callbacks share. No exception may pass through the library, so that one
// is kept here until the call is over.
struct Stream {
    ProgressBar bar{"reading the prompt", " tok", 0.5};
    std::string text;
    bool show;
    std::exception_ptr failure;

    explicit Stream(bool show_text) : show(show_text) {}

    void receive(std::string_view piece) {
        bar.erase();
        text += piece;
        if (!show) return;
        put(stdout_is_terminal() ? harmless(piece, true) : std::string(piece));
        flush_output();
    }
};

int on_text(void *user, const char *text, size_t bytes) {
    auto *stream = static_cast<Stream *>(user);
    try {
        stream->receive({text, bytes});
    } catch (...) {
        stream->failure = std::current_exception();
        return 1;
    }
    return interrupt::requested();
}

int on_prefill(void *user, const quant_progress *progress) {
    return ProgressBar::report(&static_cast<Stream *>(user)->bar, progress);
}

double rate(uint32_t tokens, double seconds) { return seconds > 0 ? tokens / seconds : 0; }

} // namespace

Generation generate(quant_session *session, const GenerationRequest &request) {
    Stream stream(request.stream);
    auto options = initialized(quant_generate_options_init);
    options.prompt = request.prompt.data();
    options.prompt_bytes = request.prompt.size();
    options.text_flags = request.text_flags;
    options.whole = 1;
    options.max_tokens = request.max_tokens;
    options.sampling = &request.sampling;
    options.on_text = on_text;
    options.on_prefill = on_prefill;
    options.user = &stream;
    Generation made;
    made.result = sized<quant_generate_result>();
    made.status = quant_generate(session, &options, &made.result);
    if (stream.failure) std::rethrow_exception(stream.failure);
    made.text = std::move(stream.text);
    return made;
}

const char *stop_name(quant_stop stop) {
    static constexpr const char *names[] = {"end", "length", "context", "caller"};
    const auto index = static_cast<size_t>(stop);
    return index < std::size(names) ? names[index] : "?";
}

std::string timing_words(const quant_generate_result &r) {
    const uint32_t run = r.prompt_tokens - std::min(r.prompt_tokens, r.cached_tokens);
    const std::string guesses =
        r.drafted_tokens == 0 ? "" : fmt::format(", {} of {} guesses right", r.accepted_tokens, r.drafted_tokens);
    return fmt::format("prompt {} tokens ({} new, {:.0f} tok/s), generated {} tokens ({:.1f} tok/s{}), seed {}",
                       r.prompt_tokens, run, rate(run, r.prefill_seconds), r.generated_tokens,
                       rate(r.generated_tokens, r.decode_seconds), guesses, r.seed);
}

} // namespace quantctl
