#include "api/render.h"

#include "api/guard.h"

namespace quant::api {

quant_render_options default_render_options() {
    quant_render_options o{};
    o.size = sizeof o;
    return o;
}

TemplateInput template_input(const quant_render_options &options) {
    require(options.messages_json, "options.messages_json");
    const auto array = [](const char *text, const char *name) {
        json::value v = json::parse(text, name);
        if (!v.is_array() && !v.is_null()) fail(QUANT_ERR_FORMAT, "{}: expected a JSON array", name);
        return v;
    };
    TemplateInput input;
    input.messages = array(options.messages_json, "messages");
    if (!input.messages.is_array()) fail(QUANT_ERR_FORMAT, "messages: expected a JSON array");
    if (options.tools_json) input.tools = array(options.tools_json, "tools");
    input.add_generation_prompt = options.add_generation_prompt != 0;
    if (options.bos_token) input.bos_token = options.bos_token;
    if (options.eos_token) input.eos_token = options.eos_token;
    if (options.now) input.now = options.now;
    if (options.variables_json) {
        const json::value variables = json::parse(options.variables_json, "variables");
        if (!variables.is_object()) fail(QUANT_ERR_FORMAT, "variables: expected a JSON object");
        input.extra = variables.get_object();
    }
    return input;
}

} // namespace quant::api
