#include <quant/session.h>

#include "api/guard.h"
#include "api/handles.h"
#include "engine/sampler.h"

using namespace quant;
using namespace quant::api;

namespace {

quant_session_options default_session_options() {
    quant_session_options o{};
    o.size = sizeof o;
    o.activations = QUANT_ACTIVATIONS_INT8;
    return o;
}

quant_generate_options default_generate_options() {
    quant_generate_options o{};
    o.size = sizeof o;
    o.text_flags = QUANT_TEXT_ADD_SPECIAL | QUANT_TEXT_PARSE_SPECIAL;
    return o;
}

} // namespace

extern "C" {

void quant_session_options_init(quant_session_options *options) {
    if (options) *options = default_session_options();
}

quant_status quant_session_new(quant_session **out, const quant_model *model, const quant_session_options *options) {
    return guarded([&] {
        require(out, "out");
        *out = nullptr;
        require(model, "model");
        const quant_session_options o = read_struct(options, default_session_options(), "options");
        *out = new quant_session{Session(model->model, o.context_length, for_generating(checked_activations(o.activations)))};
    });
}

void quant_session_free(quant_session *session) { delete session; }

uint32_t quant_session_length(const quant_session *session) { return session ? session->session.length() : 0; }

uint32_t quant_session_capacity(const quant_session *session) { return session ? session->session.capacity() : 0; }

quant_status quant_session_truncate(quant_session *session, uint32_t length) {
    return guarded([&] {
        require(session, "session");
        session->session.truncate(length);
    });
}

quant_status quant_session_run(quant_session *session, const int32_t *tokens, size_t count, float *logits,
                               float *last_logits) {
    return guarded([&] {
        require(session, "session");
        if (count != 0) require(tokens, "tokens");
        const uint32_t vocabulary = session->session.model().hyperparameters().vocabulary;
        const size_t rows = logits ? count : last_logits ? 1 : 0;
        session->session.run({tokens, count}, rows, logits ? logits : last_logits);
        if (logits && last_logits) std::copy_n(logits + (count - 1) * vocabulary, vocabulary, last_logits);
    });
}

void quant_sampling_init(quant_sampling *sampling) {
    if (sampling) *sampling = default_sampling();
}

void quant_generate_options_init(quant_generate_options *options) {
    if (options) *options = default_generate_options();
}

quant_status quant_generate(quant_session *session, const quant_generate_options *options,
                            quant_generate_result *result) {
    return guarded([&] {
        require(session, "session"), require(options, "options");
        quant_generate_options o = read_struct(options, default_generate_options(), "options");
        if (o.prompt_bytes != 0) require(o.prompt, "options.prompt");
        quant_sampling sampling = default_sampling();
        if (o.sampling) sampling = read_struct(o.sampling, default_sampling(), "options.sampling");
        o.sampling = &sampling;
        const quant_generate_result r = session->session.generate(o);
        if (result) write_struct(result, r, "result");
    });
}

} // extern "C"
