#include <quant/scheduler.h>

#include "api/adapter_list.h"
#include "api/guard.h"
#include "api/handles.h"
#include "base/json.h"
#include "engine/scheduler.h"
#include "text/call_grammar.h"
#include "text/json_schema.h"

#include <mutex>
#include <optional>

using namespace quant;
using namespace quant::api;

struct quant_scheduler {
    Scheduler scheduler;
    // How the model's template writes replies, found when tools are first asked for.
    std::once_flag calls_found = {};
    ReplyFormat format = {};
    std::optional<CallShape> shape = {};
    MarkTokens marks = {};
};

namespace {

constexpr size_t most_stops = 64;

quant_scheduler_options default_options() {
    const SchedulerOptions d;
    quant_scheduler_options o{};
    o.size = sizeof o;
    o.sequences = d.sequences, o.queue = d.queue, o.queue_per_client = d.queue_per_client;
    o.cached_tokens = d.cached_tokens;
    o.key_type = d.kv.keys, o.value_type = d.kv.values;
    return o;
}

quant_request default_request() {
    quant_request r{};
    r.size = sizeof r;
    r.text_flags = QUANT_TEXT_ADD_SPECIAL | QUANT_TEXT_PARSE_SPECIAL;
    return r;
}

std::vector<int32_t> prompt_of(const quant_request &r, const Model &model) {
    if (r.token_count != 0) {
        require(r.tokens, "request.tokens");
        if (r.prompt_bytes != 0)
            fail(QUANT_ERR_ARGUMENT, "request: prompt and tokens are both given, expected one of them");
        return {r.tokens, r.tokens + r.token_count};
    }
    if (r.prompt_bytes != 0) require(r.prompt, "request.prompt");
    return prompt_tokens(model, {r.prompt ? r.prompt : "", r.prompt_bytes}, r.text_flags);
}

// What the template of the scheduler's model writes; it is rendered some times for that.
void find_calls(quant_scheduler &s) {
    std::call_once(s.calls_found, [&] {
        const Tokenizer &tokenizer = s.scheduler.model().tokenizer();
        const std::string &source = tokenizer.spec().chat_template;
        s.format = detect_reply_format(source);
        s.shape = print_call_shape(source, s.format);
        s.marks = mark_tokens(tokenizer);
    });
}

GrammarPtr grammar_of_calls(const quant_request &r, quant_scheduler &s) {
    if (r.grammar || r.json_object)
        fail(QUANT_ERR_ARGUMENT, "request: expected no grammar and no json_object beside tools_json");
    find_calls(s);
    if (!s.shape)
        fail(QUANT_ERR_UNSUPPORTED,
             "calls cannot be held to schemas, or required, with this model: its chat template {}",
             std::string_view(s.format.family->name) == "plain"
                 ? "does not know tools"
                 : fmt::format("writes them in a way that no grammar is made of ({})", s.format.family->name));
    const json::value tools = json::parse(r.tools_json, "request.tools_json");
    json::value schema;
    CallRules rules{.required = r.tools_required != 0, .single = r.tools_single != 0};
    if (r.tool_name) rules.only = r.tool_name;
    if (r.json_schema) schema = json::parse(r.json_schema, "request.json_schema"), rules.content = &schema;
    rules.in_reasoning = prompt_opens_reasoning(s.format, {r.prompt ? r.prompt : "", r.prompt_bytes});
    return call_grammar(s.format, *s.shape, tools, rules, s.marks);
}

GrammarPtr grammar_of(const quant_request &r, quant_scheduler &s) {
    if (r.tools_json) return grammar_of_calls(r, s);
    if (r.tools_required || r.tools_single || r.tool_name)
        fail(QUANT_ERR_ARGUMENT, "request: tools_required, tools_single or tool_name, but no tools_json");
    if ((r.grammar != nullptr) + (r.json_schema != nullptr) + (r.json_object != 0) > 1)
        fail(QUANT_ERR_ARGUMENT, "request: expected at most one of grammar, json_schema and json_object");
    if (r.grammar) return parse_gbnf(r.grammar);
    if (r.json_schema) return json_schema_grammar(json::parse(r.json_schema, "request.json_schema"));
    return r.json_object ? any_json_grammar() : nullptr;
}

// What an event has apart from its strings.
quant_request_event without_text(const GenerationEvent &e) {
    quant_request_event event{};
    event.size = sizeof event;
    event.text = event.message = "";
    event.ended = e.ended, event.status = e.status;
    event.queue_seconds = e.queue_seconds, event.result = &e.result;
    event.token = e.token;
    return event;
}

void tell_event(quant_request_fn on_event, void *user, const GenerationEvent &e) {
    const std::string text(e.text), message(e.message); // NUL-terminated.
    quant_request_event event = without_text(e);
    event.text = text.c_str(), event.text_bytes = text.size(), event.message = message.c_str();
    std::vector<quant_token_probability> told;
    for (const ToldToken &t : e.told) told.push_back({t.id, t.log_probability, t.piece.c_str(), t.piece.size()});
    event.probabilities = told.empty() ? nullptr : told.data(), event.probability_count = told.size();
    on_event(user, &event);
}

// The last text is lost, so that it did not end well.
void tell_end_without_memory(quant_request_fn on_event, void *user, const GenerationEvent &e) {
    quant_request_event event = without_text(e);
    if (event.status == QUANT_OK) event.status = QUANT_ERR_NO_MEMORY;
    event.message = "out of memory";
    on_event(user, &event);
}

GenerationRequest request_of(const quant_request &r, quant_scheduler &s) {
    GenerationRequest out;
    if (!r.on_event) fail(QUANT_ERR_ARGUMENT, "request.on_event is NULL");
    out.prompt = prompt_of(r, s.scheduler.model());
    if (r.sampling) out.sampling = read_struct(r.sampling, default_sampling(), "request.sampling");
    out.max_tokens = r.max_tokens, out.ignore_end = r.ignore_end != 0, out.control_text = r.control_text != 0, out.client = r.client;
    out.grammar = grammar_of(r, s), out.grammar_has_controls = r.tools_json != nullptr;
    out.adapters = adapters_of(r.adapters, r.adapter_count, "request.adapters");
    if (r.probabilities) out.log_probabilities = r.top_probabilities;
    if (r.stop_count > most_stops)
        fail(QUANT_ERR_ARGUMENT, "request.stop_count is {}: expected at most {}", r.stop_count, most_stops);
    if (r.stop_count != 0) require(r.stops, "request.stops");
    for (size_t i = 0; i < r.stop_count; i++) {
        require(r.stops[i], "a string of request.stops");
        out.stops.emplace_back(r.stops[i]);
    }
    out.on_event = [on_event = r.on_event, user = r.user](const GenerationEvent &e) {
        try {
            tell_event(on_event, user, e);
        } catch (const std::bad_alloc &) {
            if (!e.ended) throw;
            tell_end_without_memory(on_event, user, e);
        }
    };
    return out;
}

} // namespace

extern "C" {

void quant_scheduler_options_init(quant_scheduler_options *options, size_t size) {
    init_struct(options, size, default_options());
}

quant_status quant_scheduler_new(quant_scheduler **out, const quant_model *model,
                                 const quant_scheduler_options *options) {
    return guarded([&] {
        require(out, "out");
        *out = nullptr;
        require(model, "model");
        const quant_scheduler_options o = read_struct(options, default_options(), "options");
        SchedulerOptions given;
        given.context = o.context_length, given.sequences = o.sequences;
        given.queue = o.queue, given.queue_per_client = o.queue_per_client;
        given.cached_tokens = o.cached_tokens;
        given.kv = {o.key_type, o.value_type};
        *out = new quant_scheduler{.scheduler = {model->model, given}};
    });
}

void quant_scheduler_free(quant_scheduler *scheduler) { delete scheduler; }

void quant_request_init(quant_request *request, size_t size) {
    init_struct(request, size, default_request());
}

quant_status quant_scheduler_submit(quant_scheduler *scheduler, const quant_request *request, uint64_t *out_id) {
    return guarded([&] {
        require(scheduler, "scheduler"), require(request, "request");
        const quant_request r = read_struct(request, default_request(), "request");
        const uint64_t id = scheduler->scheduler.submit(request_of(r, *scheduler));
        if (out_id) *out_id = id;
    });
}

void quant_scheduler_cancel(quant_scheduler *scheduler, uint64_t id) {
    if (scheduler) scheduler->scheduler.cancel(id);
}

void quant_scheduler_pause(quant_scheduler *scheduler, uint64_t id, int32_t paused) {
    if (scheduler) scheduler->scheduler.pause(id, paused != 0);
}

quant_status quant_scheduler_get_statistics(const quant_scheduler *scheduler, quant_scheduler_statistics *out) {
    return guarded([&] {
        require(scheduler, "scheduler");
        const SchedulerStatistics s = scheduler->scheduler.statistics();
        quant_scheduler_statistics given{};
        given.running = s.running, given.waiting = s.waiting;
        given.requests = s.requests, given.refused = s.refused, given.cancelled = s.cancelled;
        given.prompt_tokens = s.prompt_tokens, given.cached_tokens = s.cached_tokens;
        given.generated_tokens = s.generated_tokens, given.kept_tokens = s.kept_tokens;
        given.step_seconds = s.step_seconds;
        write_struct(out, given, "out");
    });
}

} // extern "C"
