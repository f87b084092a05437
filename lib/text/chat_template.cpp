// A ChatTemplate is a parsed Jinja template and its limits; every rendering gets accounts
// and variables of its own, so that renderings share nothing that changes.
#include "text/chat_template.h"

#include "text/jinja_interpreter.h"
#include "text/jinja_parser.h"

namespace quant {

struct ChatTemplate::Program {
    jinja::Template code;
    TemplateLimits limits;
};

ChatTemplate::ChatTemplate(std::string_view source, std::string_view name, TemplateLimits limits)
    : program_(new Program{jinja::Parser(source, name, limits).parse(), limits}) {}

ChatTemplate::~ChatTemplate() = default;
ChatTemplate::ChatTemplate(ChatTemplate &&) noexcept = default;

std::string ChatTemplate::render(const TemplateInput &input) const {
    jinja::Runtime runtime(program_->code.name, program_->limits);
    runtime.now = input.now;
    jinja::Interpreter interpreter(program_->code, runtime);
    interpreter.define("messages", input.messages);
    // Without tools there is no variable, not one that is none: templates loop over it.
    if (!input.tools.is_null()) interpreter.define("tools", input.tools);
    interpreter.define("add_generation_prompt", json::value(input.add_generation_prompt));
    interpreter.define("bos_token", json::value(input.bos_token));
    interpreter.define("eos_token", json::value(input.eos_token));
    for (const auto &[name, value] : input.extra) interpreter.define(std::string_view(name), value);
    return interpreter.run();
}

} // namespace quant
