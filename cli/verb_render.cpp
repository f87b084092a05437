// quantctl render: a chat template and messages to exactly the prompt they make.
#include "failure.h"
#include "owned_handles.h"
#include "local_file.h"
#include "output.h"
#include "verb.h"


namespace quantctl {

namespace {

struct RenderOptions {
    std::string source, messages, tools, bos, eos, now;
    bool add_generation_prompt = false;
};

// The library takes JSON as a C string, in which a NUL byte would be the end.
std::string read_json(const std::string &path) {
    std::string text = read_file(path);
    if (text.find('\0') != std::string::npos)
        throw Failure(exit_failure, fmt::format("{}: expected JSON, found a NUL byte", path));
    return text;
}

const char *null_if_empty(const std::string &text) { return text.empty() ? nullptr : text.c_str(); }

void render(const RenderOptions &options) {
    const std::string source = read_file(options.source), messages = read_json(options.messages);
    const std::string tools = options.tools.empty() ? "" : read_json(options.tools);
    auto request = initialized(quant_render_options_init);
    request.messages_json = messages.c_str();
    request.tools_json = options.tools.empty() ? nullptr : tools.c_str();
    request.add_generation_prompt = options.add_generation_prompt;
    request.bos_token = null_if_empty(options.bos);
    request.eos_token = null_if_empty(options.eos);
    request.now = null_if_empty(options.now);
    StringHandle text;
    check(quant_template_render(source.data(), source.size(), options.source.c_str(), &request, Out(text)));
    put(text.get());
}

} // namespace

Action add_render(CLI::App &app) {
    auto o = std::make_shared<RenderOptions>();
    app.add_option("TEMPLATE", o->source, "A file with a Jinja chat template")->required();
    app.add_option("--messages", o->messages, "JSON array of {\"role\", \"content\"}")->required()->type_name("M.json");
    app.add_option("--tools", o->tools, "JSON array of tools")->type_name("T.json");
    app.add_flag("--add-generation-prompt", o->add_generation_prompt, "End with the opening of the answer");
    app.add_option("--bos", o->bos, "Text of the BOS token")->type_name("S");
    app.add_option("--eos", o->eos, "Text of the EOS token")->type_name("S");
    app.add_option("--now", o->now, "What strftime_now sees (default: the clock)")->type_name("2026-03-14T15:09:26");
    return [o] { render(*o); };
}

} // namespace quantctl
