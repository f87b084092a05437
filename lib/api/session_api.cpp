#include <quant/session.h>

#include "api/adapter_list.h"
#include "api/guard.h"
#include "api/handles.h"
#include "engine/sampling.h"

using namespace quant;
using namespace quant::api;

namespace {

quant_session_options default_session_options() {
    quant_session_options o{};
    o.size = sizeof o;
    o.activations = QUANT_ACTIVATIONS_INT8;
    o.key_type = generating_kv_types.keys;
    o.value_type = generating_kv_types.values;
    o.draft_tokens = 4;
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

void quant_session_options_init(quant_session_options *options, size_t size) {
    init_struct(options, size, default_session_options());
}

quant_status quant_session_new(quant_session **out, const quant_model *model, const quant_session_options *options) {
    return guarded([&] {
        require(out, "out");
        *out = nullptr;
        require(model, "model");
        const quant_session_options o = read_struct(options, default_session_options(), "options");
        if (o.draft_model && o.lookup)
            fail(QUANT_ERR_ARGUMENT, "options: draft_model and lookup are both set: expected one of them");
        if (o.draft_tokens < 1 || o.draft_tokens > Session::most_drafted)
            fail(QUANT_ERR_ARGUMENT, "options.draft_tokens is {}: expected 1 to {}", o.draft_tokens, Session::most_drafted);
        auto made = std::make_unique<quant_session>(
            quant_session{Session(model->model, o.context_length, for_generating(checked_activations(o.activations)),
                                  {o.key_type, o.value_type})});
        Session &session = made->session;
        session.set_adapters(adapters_of(o.adapters, o.adapter_count, "options.adapters"));
        if (o.draft_model)
            session.speculate(std::make_unique<ModelDrafter>(o.draft_model->model, *model->model, session.capacity()),
                              o.draft_tokens);
        if (o.lookup) session.speculate(std::make_unique<LookupDrafter>(), o.draft_tokens);
        *out = made.release();
    });
}

quant_status quant_session_fork(quant_session **out, const quant_session *from, uint32_t length) {
    return guarded([&] {
        require(out, "out");
        *out = nullptr;
        require(from, "from");
        *out = new quant_session{Session(from->session, length)};
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

quant_status quant_session_set_adapters(quant_session *session, const quant_adapter_use *adapters, size_t count) {
    return guarded([&] {
        require(session, "session");
        session->session.set_adapters(adapters_of(adapters, count, "adapters"));
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

quant_status quant_session_run_batch(const quant_batch_step *steps, size_t count) {
    return guarded([&] {
        if (count != 0) require(steps, "steps");
        std::vector<quant_batch_step> asked;
        std::vector<Session::Step> work;
        const auto *at = reinterpret_cast<const std::byte *>(steps);
        for (size_t i = 0; i < count; i++) {
            const auto *step = reinterpret_cast<const quant_batch_step *>(at);
            const quant_batch_step &s = asked.emplace_back(read_struct(step, quant_batch_step{}, "steps"));
            at += step->size; // The caller's struct may be of an older version.
            require(s.session, "steps.session");
            if (s.count != 0) require(s.tokens, "steps.tokens");
            work.push_back({&s.session->session, {s.tokens, s.count}, s.logits ? s.count : s.last_logits ? 1u : 0u,
                            s.logits ? s.logits : s.last_logits});
        }
        Session::run(work);
        for (const quant_batch_step &s : asked) {
            const uint32_t vocabulary = s.session->session.model().hyperparameters().vocabulary;
            if (s.logits && s.last_logits) std::copy_n(s.logits + (s.count - 1) * vocabulary, vocabulary, s.last_logits);
        }
    });
}

void quant_sampling_init(quant_sampling *sampling, size_t size) {
    init_struct(sampling, size, default_sampling());
}

void quant_generate_options_init(quant_generate_options *options, size_t size) {
    init_struct(options, size, default_generate_options());
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
