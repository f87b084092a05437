#include "runner.h"

#include "failure.h"
#include "measurement.h"
#include "output.h"

namespace quantctl {

namespace {

// A model without a chat template seldom ends by itself.
constexpr uint32_t plain_text_tokens = 256;

} // namespace

Runner::Runner(RunOptions run_options)
    : options(std::move(run_options)),
      opened(open_named_model(options.model, options.open)),
      draft(options.draft.empty() ? OpenedModel() : open_named_model(options.draft, options.open)),
      adapters(opened.model.get(), options.adapters),
      generator(new_generator()),
      conversation(opened.model.get(), options.raw, options.system) {
    set_thinking(options.think);
}

void Runner::set_thinking(const std::string &word) {
    if (word == "default" || word == "hide") conversation.set_thinking(std::nullopt);
    else if (word == "on") conversation.set_thinking(true);
    else if (word == "off") conversation.set_thinking(false);
    else usage_error("think: expected on, off, hide or default, found \"{}\"", word);
    options.think = word;
}

std::unique_ptr<Generator> Runner::new_generator() const {
    quant_session_options request = options.session;
    request.context_length = options.context;
    request.adapters = adapters.uses().data(), request.adapter_count = adapters.uses().size();
    if (options.rules.given()) return make_ruled_generator(opened.model.get(), request, options.rules);
    request.activations = activations_by_name().at(options.activations);
    request.draft_model = draft.model.get();
    request.lookup = options.lookup;
    return make_session_generator(opened.model.get(), request);
}

Generation Runner::generate_answer() const {
    GenerationRequest request;
    request.prompt = conversation.prompt();
    request.text_flags = conversation.text_flags();
    request.max_tokens = options.max_tokens;
    if (request.max_tokens == 0 && conversation.plain()) request.max_tokens = plain_text_tokens;
    request.sampling = options.sampling.request();
    request.stream = !options.as_json;
    request.splits_reasoning = !conversation.plain();
    request.opens_reasoning = !options.rules.shape_text();
    request.shows_reasoning = options.think != "hide";
    return generator->generate(request);
}

void Runner::tell_stop(const quant_generate_result &r) const {
    if (r.stop == QUANT_STOP_CONTEXT)
        note("The context of {} tokens is full: the text ends here. {}", generator->capacity(), context_hint());
    if (r.stop == QUANT_STOP_LENGTH && options.max_tokens == 0)
        note("Stopped after {} tokens; {} for more.", plain_text_tokens,
             options.has_prompt ? "--max-tokens N" : "/set max_tokens N");
    if (stderr_is_terminal()) note("{}", timing_words(r));
}

std::string Runner::context_hint() const {
    const uint32_t capacity = generator->capacity(), trained = info().context_length;
    if (capacity < trained) return fmt::format("--ctx can be as large as {}.", trained);
    return "That is all this model was trained for.";
}

quant_model_info Runner::info() const {
    auto info = sized<quant_model_info>();
    check(quant_model_get_info(opened.model.get(), &info));
    return info;
}

} // namespace quantctl
