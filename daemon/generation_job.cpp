#include "generation_job.h"

#include "http_limits.h"

#include <atomic>
#include <functional>

namespace quantd {

namespace {

/// One request; the scheduler's callback holds it until the end.
struct Running {
    ModelPool &pool;
    std::shared_ptr<Resident> resident;
    ReplyPtr reply;
    std::shared_ptr<GenerationListener> listener;
    std::atomic<uint64_t> id = 0; ///< 0 until it is known.
    std::atomic<bool> paused = false;

    void pause_for_reader(const std::shared_ptr<Running> &self) {
        if (paused || id == 0 || reply->backlog() <= limits::stream_buffer_bytes) return;
        paused = true;
        quant_scheduler_pause(resident->scheduler.get(), id, 1);
        reply->on_drained(limits::stream_buffer_bytes / 2, [self] {
            self->paused = false;
            quant_scheduler_pause(self->resident->scheduler.get(), self->id, 0);
        });
    }
};

void on_event(void *user, const quant_request_event *event) {
    auto *held = static_cast<std::shared_ptr<Running> *>(user);
    const std::shared_ptr<Running> running = *held;
    try {
        if (event->text_bytes != 0 || !event->ended) running->listener->on_text(*event);
        if (!event->ended) return running->pause_for_reader(running);
        running->listener->on_end(*event);
    } catch (...) { // Out of memory: no exception may go through the library.
        running->reply->abort();
        if (!event->ended) return quant_scheduler_cancel(running->resident->scheduler.get(), running->id);
    }
    // The last hold on a model may not go here: its scheduler cannot wait for its own thread.
    running->pool.post([held] { delete held; });
}

} // namespace

void start_generation(ModelPool &pool, std::shared_ptr<Resident> resident, const GenerationSpec &spec, ReplyPtr reply,
                      std::shared_ptr<GenerationListener> listener) {
    if (!resident->info.generates)
        throw ApiError{.status = 400,
                       .message = "model '" + resident->name + "' makes embeddings; it does not generate text",
                       .code = "unsupported",
                       .param = "model"};
    auto running = std::make_shared<Running>(pool, std::move(resident), std::move(reply), std::move(listener));
    std::vector<const char *> stops;
    for (const std::string &s : spec.stops) stops.push_back(s.c_str());
    auto request = initialized(quant_request_init);
    request.prompt = spec.prompt.data(), request.prompt_bytes = spec.prompt.size();
    request.text_flags = spec.text_flags;
    request.tokens = spec.tokens.data(), request.token_count = spec.tokens.size();
    quant_sampling sampling = spec.sampling;
    sampling.logit_bias = spec.biases.data(), sampling.logit_bias_count = spec.biases.size();
    request.sampling = &sampling;
    request.probabilities = spec.probabilities.has_value();
    request.top_probabilities = spec.probabilities.value_or(0);
    request.max_tokens = spec.max_tokens;
    request.grammar = spec.grammar.empty() ? nullptr : spec.grammar.c_str();
    request.json_schema = spec.json_schema.empty() ? nullptr : spec.json_schema.c_str();
    request.tools_json = spec.tools.empty() ? nullptr : spec.tools.c_str();
    request.tool_name = spec.tool_name.empty() ? nullptr : spec.tool_name.c_str();
    request.tools_required = spec.tools_required, request.tools_single = spec.tools_single;
    request.json_object = spec.json_object, request.control_text = spec.control_text;
    request.stops = stops.data(), request.stop_count = stops.size();
    request.ignore_end = spec.ignore_end, request.client = spec.client;
    auto held = std::make_unique<std::shared_ptr<Running>>(running);
    request.on_event = on_event, request.user = held.get();
    uint64_t id = 0;
    check(quant_scheduler_submit(running->resident->scheduler.get(), &request, &id));
    held.release(); // The last event's.
    running->id = id;
    running->reply->on_gone([weak = std::weak_ptr(running), id] {
        if (const auto r = weak.lock()) quant_scheduler_cancel(r->resident->scheduler.get(), id);
    });
}

uint64_t client_number(const Peer &peer) { return std::hash<std::string>()(peer.key()); }

void render_messages(const Resident &resident, const json::array &messages, const json::array *tools,
                     GenerationSpec &spec) {
    if (!resident.info.has_chat_template) {
        for (const json::value &m : messages)
            if (const json::value *content = m.as_object().if_contains("content"); content && content->is_string()) {
                if (!spec.prompt.empty()) spec.prompt += '\n';
                spec.prompt += content->as_string();
            }
        return;
    }
    const std::string messages_text = json::serialize(messages), tools_text = tools ? json::serialize(*tools) : "",
                      variables = json::serialize(spec.variables);
    auto options = initialized(quant_render_options_init);
    options.messages_json = messages_text.c_str();
    options.tools_json = tools ? tools_text.c_str() : nullptr;
    options.add_generation_prompt = 1;
    options.variables_json = variables.c_str();
    StringHandle text;
    check(quant_model_render_chat(resident.model.get(), &options, Out(text)));
    spec.prompt = text.get();
    spec.text_flags = QUANT_TEXT_PARSE_SPECIAL; // The template writes BOS itself.
}

std::vector<int32_t> tokens_of(const Resident &resident, const std::string &text, uint32_t text_flags) {
    const quant_tokenizer *tokenizer = quant_model_tokenizer(resident.model.get());
    size_t count = 0;
    check(quant_tokenize(tokenizer, text.data(), text.size(), text_flags, nullptr, 0, &count));
    std::vector<int32_t> out(count);
    if (count != 0)
        check(quant_tokenize(tokenizer, text.data(), text.size(), text_flags, out.data(), out.size(), &count));
    return out;
}

std::string text_of(const Resident &resident, const std::vector<int32_t> &tokens) {
    StringHandle text;
    size_t bytes = 0;
    check(quant_detokenize(quant_model_tokenizer(resident.model.get()), tokens.data(), tokens.size(),
                           QUANT_TEXT_SKIP_SPECIAL, Out(text), &bytes));
    return {text.get(), bytes};
}

ApiError error_of_event(const quant_request_event &event) {
    if (event.status == QUANT_ERR_CANCELLED)
        return {.status = 503, .message = "the request was cancelled", .code = "cancelled", .retry_after = 1};
    return error_of(event.status, event.message);
}

} // namespace quantd
