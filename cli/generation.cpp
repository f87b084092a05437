#include "generation.h"

#include "answer_stream.h"
#include "failure.h"
#include "interrupt.h"
#include "output.h"

#include <algorithm>
#include <exception>

namespace quantctl {

namespace {

int on_text(void *user, const char *text, size_t bytes) {
    auto *stream = static_cast<AnswerStream *>(user);
    try {
        stream->receive({text, bytes});
    } catch (...) {
        stream->failure = std::current_exception();
        return 1;
    }
    return interrupt::requested();
}

int on_prefill(void *user, const quant_progress *progress) {
    return ProgressBar::report(&static_cast<AnswerStream *>(user)->bar, progress);
}

double rate(uint32_t tokens, double seconds) { return seconds > 0 ? tokens / seconds : 0; }

class SessionGenerator : public Generator {
public:
    SessionGenerator(const quant_model *model, const quant_session_options &options) : model_(model) {
        quantctl::check(quant_session_new(Out(session_), model, &options));
    }
    uint32_t capacity() const override { return quant_session_capacity(session_.get()); }

    Generation generate(const GenerationRequest &request) override {
        AnswerStream stream(model_, request);
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
        options.control_text = request.splits_reasoning;
        Generation made;
        made.result = sized<quant_generate_result>();
        made.status = quant_generate(session_.get(), &options, &made.result);
        if (made.status != QUANT_OK) made.message = quant_error_message();
        if (stream.failure) std::rethrow_exception(stream.failure);
        stream.finish();
        made.text = std::move(stream.text), made.reasoning = std::move(stream.reasoning);
        return made;
    }

private:
    const quant_model *model_;
    SessionHandle session_;
};

} // namespace

void check(const Generation &made, const std::string &hint) {
    if (made.status == QUANT_OK || interrupt::requested()) return;
    throw Failure(exit_code_of(made.status), made.message, hint);
}

std::unique_ptr<Generator> make_session_generator(const quant_model *model, const quant_session_options &options) {
    return std::make_unique<SessionGenerator>(model, options);
}

const char *stop_name(quant_stop stop) {
    static constexpr const char *names[] = {"end", "length", "context", "caller", "text"};
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
