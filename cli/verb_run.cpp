// quantctl run: one prompt, or a conversation line by line.
#include "chat_line.h"
#include "conversation.h"
#include "failure.h"
#include "generation.h"
#include "interrupt.h"
#include "kv_types.h"
#include "local_file.h"
#include "measurement.h"
#include "model_choice.h"
#include "numbers.h"
#include "output.h"
#include "sampling_options.h"
#include "verb.h"

namespace quantctl {

namespace {

// A model without a chat template seldom ends by itself.
constexpr uint32_t plain_text_tokens = 256;

struct Options {
    std::string model, draft, prompt, system, activations = "int8";
    OpenChoice open;
    bool has_prompt = false, raw = false, as_json = false, lookup = false;
    uint32_t max_tokens = 0, context = 0;
    SamplingOptions sampling;
    quant_session_options session = initialized(quant_session_options_init);
};

struct Runner {
    const Options &options;
    ModelChoice choice;
    ModelHandle model, draft;
    SessionHandle session;
    Conversation conversation;

    explicit Runner(const Options &o)
        : options(o), choice(choose(o.model)), model(open_model(choice.path, o.open)),
          draft(o.draft.empty() ? ModelHandle() : open_model(choose(o.draft).path, o.open)), session(new_session()),
          conversation(model.get(), o.raw, o.system) {}

    static ModelChoice choose(const std::string &text) {
        return is_path(text) ? ModelChoice{text, ""} : choose_model(open_catalog().get(), text);
    }

    SessionHandle new_session() const {
        quant_session_options request = options.session;
        request.context_length = options.context;
        request.activations = activations_by_name().at(options.activations);
        request.draft_model = draft.get();
        request.lookup = options.lookup;
        SessionHandle made;
        check(quant_session_new(Out(made), model.get(), &request));
        return made;
    }

    GenerationRequest request() const {
        GenerationRequest r;
        r.prompt = conversation.prompt();
        r.text_flags = conversation.text_flags();
        r.max_tokens = options.max_tokens;
        if (r.max_tokens == 0 && conversation.plain()) r.max_tokens = plain_text_tokens;
        r.sampling = options.sampling.request();
        r.stream = !options.as_json;
        return r;
    }

    // Why the text stops there, where the user did not ask for it.
    void tell_stop(const quant_generate_result &r) const {
        if (r.stop == QUANT_STOP_CONTEXT)
            note("The context of {} tokens is full: the text ends here. {}", quant_session_capacity(session.get()),
                 context_hint());
        if (r.stop == QUANT_STOP_LENGTH && options.max_tokens == 0)
            note("Stopped after {} tokens; --max-tokens N for more.", plain_text_tokens);
        if (stderr_is_terminal()) note("{}", timing_words(r));
    }

    std::string context_hint() const {
        auto info = sized<quant_model_info>();
        check(quant_model_get_info(model.get(), &info));
        const uint32_t capacity = quant_session_capacity(session.get());
        if (capacity < info.context_length) return fmt::format("--ctx can be as large as {}.", info.context_length);
        return "That is all this model was trained for.";
    }
};

json::object result_json(const Runner &runner, const std::string &prompt, const Generation &made) {
    const quant_generate_result &r = made.result;
    return {{"schema_version", schema_version},
            {"model", runner.choice.title()},
            {"prompt", prompt},
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

std::string prompt_of(const Options &options) {
    if (options.prompt != "-") return options.prompt;
    std::string text = read_file("-");
    if (!text.empty() && text.back() == '\n') text.pop_back(); // What echo adds.
    return text;
}

void complete(Runner &runner) {
    const std::string prompt = prompt_of(runner.options);
    runner.conversation.say(prompt);
    const interrupt::Cooperative cooperative;
    const Generation made = generate(runner.session.get(), runner.request());
    if (!made.text.empty() && !runner.options.as_json && made.text.back() != '\n') put("\n");
    flush_output();
    interrupt::check();
    check(made.status, made.status == QUANT_ERR_LIMIT ? runner.context_hint() : "");
    if (runner.options.as_json) print_json(result_json(runner, prompt, made));
    runner.tell_stop(made.result);
}

void help_chat() {
    note("/clear  begin anew\n/help   this\n/bye    leave (or Ctrl-D)\nCtrl-C stops an answer.");
}

void answer(Runner &runner, const std::string &line) {
    runner.conversation.say(line);
    const Generation made = generate(runner.session.get(), runner.request());
    const bool stopped = interrupt::requested();
    if (!made.text.empty() && made.text.back() != '\n') put("\n");
    flush_output();
    if (made.status == QUANT_OK || (stopped && !made.text.empty())) {
        runner.conversation.answer(made.text);
        if (made.status == QUANT_OK && !stopped) runner.tell_stop(made.result);
        return;
    }
    runner.conversation.take_back();
    if (stopped) return;
    if (made.status != QUANT_ERR_LIMIT) check(made.status);
    put_error(quant_error_message(), "Nothing was cut off. /clear begins anew. " + runner.context_hint());
}

void chat(Runner &runner) {
    if (runner.options.as_json) usage_error("run: --json needs a prompt");
    const interrupt::Cooperative cooperative;
    ChatLine lines;
    if (lines.editing())
        note("{}{}. /help for help, Ctrl-D to leave.", runner.choice.title(),
             runner.conversation.plain() ? " (no chat template: it continues your text)" : "");
    bool interrupted_before = false;
    std::string line;
    for (;;) {
        const ChatLine::Event event = lines.read(line);
        if (event == ChatLine::Event::end) break;
        if (event == ChatLine::Event::interrupted) {
            if (!lines.editing() || interrupted_before) interrupt::check();
            interrupt::clear();
            interrupted_before = true;
            note("\n(Ctrl-C again or Ctrl-D leaves.)");
            continue;
        }
        interrupted_before = false;
        if (line == "/bye") break;
        if (line == "/help") {
            help_chat();
        } else if (line == "/clear") {
            runner.conversation.clear();
            note("Begun anew.");
        } else if (line.starts_with('/') && line.find(' ') == std::string::npos) {
            note("There is no {}; /help lists what there is.", line);
        } else if (!line.empty()) {
            answer(runner, line);
            interrupted_before = interrupt::requested();
            if (interrupted_before && !lines.editing()) interrupt::check();
            interrupt::clear();
        }
    }
    if (lines.editing()) put("\n");
}

void run(const Options &options) {
    Runner runner(options);
    options.has_prompt ? complete(runner) : chat(runner);
}

} // namespace

Action add_run(CLI::App &app) {
    auto o = std::make_shared<Options>();
    app.add_option("MODEL", o->model, "A name of the catalog, or a path")->required();
    CLI::Option *prompt = app.add_option("PROMPT", o->prompt, "What to say; - reads standard input; none: a chat line");
    app.add_option("--system", o->system, "The system message of a chat")->type_name("S");
    app.add_flag("--raw", o->raw, "Continue the text as it is, without the chat template");
    add_count(app, "--max-tokens", o->max_tokens, 1, "Stop after so many (default: at the end; 256 for plain text)");
    app.add_option("--activations", o->activations,
                   "Round activations before products with quantized weights: int8 (default) or, slower, f32 not at all")
        ->type_name("TYPE")
        ->check(CLI::IsMember(activations_by_name()));
    add_count(app, "--ctx", o->context, 1, "Tokens the context holds (default: the model's own)");
    auto *lookup = app.add_flag("--lookup", o->lookup, "Guess ahead what followed when the text's end occurred before; "
                                                       "the text stays the same");
    app.add_option("--draft", o->draft, "Guess ahead with this smaller model of the same vocabulary; the text stays the same")
        ->type_name("MODEL")
        ->excludes(lookup);
    add_count(app, "--draft-tokens", o->session.draft_tokens, 1, "Guesses at a time, up to 7 (4)", 7);
    add_kv_types(app, o->session.key_type, o->session.value_type, "F16");
    add_open_options(app, o->open);
    add_sampling_options(app, o->sampling);
    app.add_flag("--json", o->as_json, "Print a JSON document at the end instead of streaming");
    return [o, prompt] {
        o->has_prompt = prompt->count() > 0;
        run(*o);
    };
}

} // namespace quantctl
