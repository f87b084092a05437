#include <quant/reply.h>

#include "api/guard.h"
#include "api/handles.h"
#include "base/json.h"
#include "text/reply_parser.h"

using namespace quant;
using namespace quant::api;

struct quant_reply_parser {
    ReplyParser parser;
};

namespace {

// A model's template is looked at once: it is rendered some times for that.
const ReplyFormat &reply_format(const quant_model &model) {
    std::call_once(model.reply_format_found,
                   [&] { model.reply_format = detect_reply_format(model.model->chat_template()); });
    return model.reply_format;
}

void tell(const std::vector<ReplyEvent> &events, quant_reply_fn on_event, void *user) {
    for (const ReplyEvent &e : events) {
        quant_reply_event event{};
        event.size = sizeof event;
        event.kind = static_cast<quant_reply_kind>(e.kind);
        event.index = e.index;
        event.text = e.text.c_str(), event.text_bytes = e.text.size();
        event.name = e.name.c_str(), event.id = e.id.c_str();
        on_event(user, &event);
    }
}

static_assert(static_cast<int>(ReplyEvent::Kind::content) == QUANT_REPLY_CONTENT);
static_assert(static_cast<int>(ReplyEvent::Kind::reasoning) == QUANT_REPLY_REASONING);
static_assert(static_cast<int>(ReplyEvent::Kind::call_begin) == QUANT_REPLY_CALL_BEGIN);
static_assert(static_cast<int>(ReplyEvent::Kind::call_arguments) == QUANT_REPLY_CALL_ARGUMENTS);
static_assert(static_cast<int>(ReplyEvent::Kind::call_end) == QUANT_REPLY_CALL_END);

/// What the template makes of a short conversation with these variables; "" where it refuses.
std::string probed(const Model &model, json::object variables) {
    TemplateInput input;
    input.messages = json::array{json::object{{"role", "user"}, {"content", "probe"}}};
    input.extra = std::move(variables);
    input.add_generation_prompt = true;
    input.now = "2026-01-01T00:00:00"; // So that what differs is no clock.
    try {
        return model.render_chat(std::move(input));
    } catch (const Error &) {
        return "";
    }
}

quant_reasoning_info probe_reasoning(const quant_model &model) {
    quant_reasoning_info out{};
    out.size = sizeof out;
    const auto render = [&](json::object variables) { return probed(*model.model, std::move(variables)); };
    const std::string on = render({{"enable_thinking", true}, {"thinking", true}}),
                      off = render({{"enable_thinking", false}, {"thinking", false}});
    out.can_switch = on != off;
    out.has_levels = render({{"reasoning_effort", "low"}}) != render({{"reasoning_effort", "high"}});
    out.always = on == off && prompt_opens_reasoning(reply_format(model), on);
    return out;
}

} // namespace

extern "C" {

quant_status quant_reply_parser_new(quant_reply_parser **out, const quant_model *model, const char *tools_json,
                                    const char *prompt, size_t prompt_bytes) {
    return guarded([&] {
        require(out, "out");
        *out = nullptr;
        require(model, "model");
        if (prompt_bytes != 0) require(prompt, "prompt");
        const json::value tools = tools_json ? json::parse(tools_json, "tools_json") : json::value();
        if (!tools.is_null() && !tools.is_array()) fail(QUANT_ERR_FORMAT, "tools_json is not a JSON array");
        const ReplyFormat &format = reply_format(*model);
        const bool calls = tools.is_array() && !tools.as_array().empty();
        if (calls && std::string_view(format.family->name) == "plain")
            fail(QUANT_ERR_UNSUPPORTED, "this model's chat template does not know tools");
        const bool reasons = prompt_opens_reasoning(format, {prompt ? prompt : "", prompt_bytes});
        *out = new quant_reply_parser{{format, tools, reasons}};
    });
}

void quant_reply_parser_free(quant_reply_parser *parser) { delete parser; }

quant_status quant_reply_parser_feed(quant_reply_parser *parser, const char *text, size_t text_bytes,
                                     quant_reply_fn on_event, void *user) {
    return guarded([&] {
        require(parser, "parser");
        if (!on_event) fail(QUANT_ERR_ARGUMENT, "on_event is NULL");
        if (text_bytes != 0) require(text, "text");
        std::vector<ReplyEvent> events;
        parser->parser.feed({text ? text : "", text_bytes}, events);
        tell(events, on_event, user);
    });
}

quant_status quant_reply_parser_finish(quant_reply_parser *parser, quant_reply_fn on_event, void *user) {
    return guarded([&] {
        require(parser, "parser");
        if (!on_event) fail(QUANT_ERR_ARGUMENT, "on_event is NULL");
        std::vector<ReplyEvent> events;
        parser->parser.finish(events);
        tell(events, on_event, user);
    });
}

quant_status quant_model_get_reasoning(const quant_model *model, quant_reasoning_info *info) {
    return guarded([&] {
        require(model, "model");
        write_struct(info, probe_reasoning(*model), "info");
    });
}

} // extern "C"
