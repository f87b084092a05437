// quantctl run: one prompt, or a conversation line by line.
#include "chat.h"
#include "failure.h"
#include "interrupt.h"
#include "kv_types.h"
#include "local_file.h"
#include "measurement.h"
#include "numbers.h"
#include "output.h"
#include "runner.h"
#include "verb.h"

namespace quantctl {

namespace {

json::object result_json(const Runner &runner, const std::string &prompt, const Generation &made) {
    const quant_generate_result &r = made.result;
    return {{"schema_version", schema_version},
            {"model", runner.opened.choice.title()},
            {"adapters", adapters_json(runner.options.adapters)},
            {"prompt", prompt},
            {"reasoning", made.reasoning.empty() ? json::value(nullptr) : json::value(made.reasoning)},
            {"text", made.text},
            {"stop", stop_name(r.stop)},
            {"prompt_tokens", r.prompt_tokens},
            {"generated_tokens", r.generated_tokens},
            {"drafted_tokens", r.drafted_tokens},
            {"accepted_tokens", r.accepted_tokens},
            {"prefill_seconds", number_or_null(r.prefill_seconds)},
            {"decode_seconds", number_or_null(r.decode_seconds)},
            {"seed", r.seed}};
}

std::string prompt_of(const RunOptions &options) {
    if (options.prompt != "-") return options.prompt;
    std::string text = read_file("-");
    if (!text.empty() && text.back() == '\n') text.pop_back(); // What echo adds.
    return text;
}

void complete(Runner &runner) {
    const std::string prompt = prompt_of(runner.options);
    runner.conversation.say(prompt);
    const interrupt::Cooperative cooperative;
    const Generation made = runner.generate_answer();
    if (!made.text.empty() && !runner.options.as_json && made.text.back() != '\n') put("\n");
    flush_output();
    interrupt::check();
    check(made, made.status == QUANT_ERR_LIMIT ? runner.context_hint() : "");
    if (runner.options.as_json) print_json(result_json(runner, prompt, made));
    runner.tell_stop(made.result);
}

void run(const RunOptions &options) {
    Runner runner(options);
    options.has_prompt ? complete(runner) : Chat(runner).run();
}

// A scheduler keeps to them, which neither guesses nor leaves activations as they are.
void add_rule_options(CLI::App &app, TextRules &rules, const std::vector<CLI::Option *> &of_sessions) {
    const auto add_file = [&](const char *name, std::string &text, const char *help) {
        const auto read = [&text, name](const std::string &path) {
            text = read_file(path);
            if (text.empty() || text.find('\0') != std::string::npos)
                usage_error("{}: {}: expected text, found {}", name, path, text.empty() ? "nothing" : "a NUL byte");
        };
        return app.add_option_function<std::string>(name, read, help)->type_name("FILE");
    };
    auto *grammar = add_file("--grammar", rules.grammar, "Keep the text to this grammar, in GBNF");
    auto *schema = add_file("--json-schema", rules.json_schema, "Have the text be JSON of this schema");
    auto *object = app.add_flag("--json-object", rules.json_object, "Have the text be a JSON object");
    auto *stop = app.add_option("--stop", rules.stops, "End the text before this one; repeat for more")
                     ->type_name("TEXT")
                     ->allow_extra_args(false)
                     ->check([](const std::string &text) { return text.empty() ? std::string("is empty") : ""; });
    schema->excludes(grammar);
    object->excludes(grammar)->excludes(schema);
    for (CLI::Option *rule : {grammar, schema, object, stop})
        for (CLI::Option *other : of_sessions) rule->excludes(other);
}

} // namespace

Action add_run(CLI::App &app) {
    auto o = std::make_shared<RunOptions>();
    app.add_option("MODEL", o->model, "A name of the catalog, or a path")->required();
    CLI::Option *prompt = app.add_option("PROMPT", o->prompt, "What to say; - reads standard input; none: a chat line");
    app.add_option("--system", o->system, "The system message of a chat")->type_name("S");
    app.add_flag("--raw", o->raw, "Continue the text as it is, without the chat template");
    add_count(app, "--max-tokens", o->max_tokens, 1, "Stop after so many (default: at the end; 256 for plain text)");
    auto *activations =
        app.add_option("--activations", o->activations,
                   "Round activations before products with quantized weights: int8 (default) or, slower, f32 not at all")
        ->type_name("TYPE")
        ->check(CLI::IsMember(activations_by_name()));
    add_count(app, "--ctx", o->context, 1, "Tokens the context holds (default: the model's own)");
    auto *lookup = app.add_flag("--lookup", o->lookup, "Guess ahead what followed when the text's end occurred before; "
                                                       "the text stays the same");
    auto *draft = app.add_option("--draft", o->draft, "Guess ahead with this smaller model of the same vocabulary; the text stays the same")
        ->type_name("MODEL")
        ->excludes(lookup);
    app.add_option("--think", o->think, "Have it reason first, as far as its chat template can be told: on, off, or hide what is thought")
        ->type_name("on|off|hide")
        ->check(CLI::IsMember({"on", "off", "hide"}));
    add_rule_options(app, o->rules, {activations, lookup, draft});
    add_count(app, "--draft-tokens", o->session.draft_tokens, 1, "Guesses at a time, up to 7 (4)", 7);
    add_adapter_option(app, o->adapters, "Run with this LoRA adapter, by SCALE (1); repeat for more");
    add_kv_types(app, o->session.key_type, o->session.value_type, "F16");
    add_open_options(app, o->open);
    add_local_option(app, o->open);
    add_sampling_options(app, o->sampling);
    app.add_flag("--json", o->as_json, "Print a JSON document at the end instead of streaming");
    return [o, prompt] {
        o->has_prompt = prompt->count() > 0;
        run(*o);
    };
}

} // namespace quantctl
