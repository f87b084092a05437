// quantctl: the table of verbs, the command line, and how a failure is told.
#include "failure.h"
#include "interrupt.h"
#include "output.h"
#include "verb.h"

#include <quant/status.h>

#include <algorithm>
#include <clocale>
#include <cstdlib>
#include <fcntl.h>
#include <langinfo.h>
#include <new>
#include <string_view>
#include <unistd.h>

namespace quantctl {

namespace {

constexpr const char *models = "Models", *catalog = "Catalog", *daemon = "Daemon", *plumbing = "Plumbing, for scripts";

constexpr Verb verbs[] = {
    {"quantize", models, "Make a smaller variant of a model", "quantize kjv-5m Q4_K_M", add_quantize},
    {"merge", models, "Write a model with adapters merged into its weights", "merge kjv-5m my-lora -o merged.gguf --type Q8_0",
     add_merge},
    {"convert", models, "Write a model in another format, exactly where that can be",
     "convert llama-gptq llama.gguf --to gguf:Q4_0", add_convert},
    {"eval", models, "Measure what quantization cost: perplexity and KL divergence", "eval kjv-5m:Q4_K_M", add_eval},
    {"run", models, "Generate text, or chat when no prompt is given", "run kjv-5m:Q4_K_M \"In the beginning\"",
     add_run},
    {"embed", models, "Turn texts into embeddings", "embed minilm \"In the beginning\"", add_embed},
    {"bench", models, "Time prompt reading and generation on this machine", "bench kjv-5m:Q4_K_M", add_bench},
    {"doctor", models, "Say what this machine is, what is used of it, and how fast it is at most", "doctor", add_doctor},
    {"imatrix", models, "Gather what the importance method weighs errors by",
     "imatrix kjv-5m --output kjv-5m.imatrix.gguf", add_imatrix},
    {"types", models, "List the type mixes and encodings", "types", add_types},
    {"list", catalog, "List the variants with their measured loss and speed", "list kjv-5m", add_list},
    {"show", catalog, "Show a variant: recipe by tensor, measurements, provenance", "show kjv-5m:Q4_K_M", add_show},
    {"plot", catalog, "Draw loss, error by tensor and speed of a model's variants", "plot kjv-5m --output kjv-5m.html",
     add_plot},
    {"recommend", catalog, "Say which variant loses least within some memory", "recommend kjv-5m --memory 6G",
     add_recommend},
    {"import", catalog, "Record a model file or folder where it is", "import ~/models/llama.gguf --name llama",
     add_import},
    {"rm", catalog, "Forget variants, and delete the files that were made for them", "rm kjv-5m:Q4_K_M", add_rm},
    {"serve", daemon, "Run quantd, which keeps models resident for all programs", "serve --tcp 127.0.0.1:11434 --tcp-no-token yes",
     add_serve},
    {"ps", daemon, "List the models that quantd holds, and who uses them", "ps", add_ps},
    {"pin", daemon, "Have quantd keep a model for good", "pin kjv-5m:Q4_K_M", add_pin},
    {"stop", daemon, "Have quantd let a model go", "stop kjv-5m:Q4_K_M", add_stop},
    {"tokenize", plumbing, "Text to a JSON array of token ids", "tokenize kjv-5m --text \"In the beginning\"",
     add_tokenize},
    {"detokenize", plumbing, "Token ids to text", "detokenize kjv-5m 1,2,3", add_detokenize},
    {"render", plumbing, "Render a chat template", "render chat.jinja --messages m.json --add-generation-prompt",
     add_render},
    {"logits", plumbing, "Run tokens and write the logits of each", "logits kjv-5m --tokens 1,2,3 --out l.f32",
     add_logits},
    {"tensors", plumbing, "List the tensors of a file", "tensors model.gguf --json --metadata", add_tensors},
    {"tensor", plumbing, "Decode one tensor to float32", "tensor model.gguf output_norm.weight --out t.f32",
     add_tensor},
    {"encode", plumbing, "Encode float32 weights", "encode Q4_K --rows 8 --cols 256 in.f32 out.bin", add_encode},
    {"decode", plumbing, "Decode weights to float32", "decode Q4_K --rows 8 --cols 256 in.bin out.f32", add_decode},
};

// A closed stream would lend its number to the next file opened, and results would
// land in it. Opened the wrong way round, it gives an honest error instead.
void guard_standard_streams() {
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(fd, F_GETFD) != -1) continue;
        const int opened = ::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
        if (opened > STDERR_FILENO) ::close(opened);
    }
}

void require_known_verb(int argc, char **argv) {
    if (argc < 2) throw Failure(exit_usage, "no verb was given", "See quantctl --help.");
    const std::string_view word = argv[1];
    if (word.starts_with('-')) return;
    std::string names;
    for (const Verb &verb : verbs) {
        if (word == verb.name || word == "ls") return;
        names += names.empty() ? verb.name : std::string(", ") + verb.name;
    }
    throw Failure(exit_usage, fmt::format("there is no verb \"{}\"", word), "The verbs are " + names + ".");
}

// CLI11's words for the two commonest mistakes are hard to read.
std::string sentence_of(const CLI::ParseError &error) {
    const std::string text = error.what();
    const std::string option = text.substr(0, text.find(':'));
    if (dynamic_cast<const CLI::ArgumentMismatch *>(&error)) {
        if (text.ends_with("missing")) return option + " needs a value";
        if (text.find("At Most 1") != std::string::npos) return option + " was given more than once";
    }
    return text;
}

struct CommandLine {
    CLI::App app{"Make language models smaller, and know what was lost.", "quantctl"};
    std::vector<std::pair<CLI::App *, Action>> actions;

    CommandLine() {
        app.set_version_flag("--version", std::string("quantctl ") + quant_version());
        app.require_subcommand(1);
        app.get_formatter()->label("SUBCOMMAND", "VERB");
        app.footer("Example:\n  quantctl quantize kjv-5m Q4_K_M && quantctl eval kjv-5m:Q4_K_M\n\n"
                   "quantctl VERB --help says more on each.\n"
                   "Exit codes: 0 ok, 1 failure, 2 usage, 3 not found, 4 verification failed,\n"
                   "6 no space or memory, 7 permission, 8 no daemon, 130 interrupted.");
        for (const Verb &verb : verbs) {
            CLI::App *sub = app.add_subcommand(verb.name, verb.summary)->group(verb.group);
            if (std::string_view(verb.name) == "list") sub->alias("ls");
            sub->footer(std::string("Example:\n  quantctl ") + verb.example);
            actions.emplace_back(sub, verb.add(*sub));
        }
    }
};

void run_command(int argc, char **argv) {
    require_known_verb(argc, argv);
    CommandLine line;
    try {
        line.app.parse(argc, argv);
    } catch (const CLI::CallForHelp &) {
        return put(line.app.help());
    } catch (const CLI::CallForVersion &version) {
        return print("{}\n", version.what());
    } catch (const CLI::ParseError &error) {
        const auto chosen = line.app.get_subcommands();
        const std::string verb = chosen.empty() ? "" : " " + chosen.front()->get_name();
        throw Failure(exit_usage, sentence_of(error), fmt::format("See quantctl{} --help.", verb));
    }
    for (const auto &[sub, action] : line.actions)
        if (sub->parsed()) action();
}

int run_and_report(int argc, char **argv) {
    try {
        run_command(argc, argv);
        flush_output();
        return exit_ok;
    } catch (const Failure &failure) {
        // What was already printed goes first, if it can.
        std::fflush(stdout);
        if (*failure.what()) put_error(failure.what(), failure.hint());
        return failure.exit_code();
    } catch (const std::bad_alloc &) {
        put_error("not enough memory for this", "");
        return exit_no_space;
    } catch (const std::exception &error) {
        put_error(error.what(), "");
        return exit_failure;
    }
}

} // namespace

} // namespace quantctl

int main(int argc, char **argv) {
    quantctl::guard_standard_streams();
    // Only for how wide characters are; numbers are read and written the same everywhere. What is written is
    // UTF-8 whatever the locale is.
    std::setlocale(LC_CTYPE, "");
    if (std::string_view(::nl_langinfo(CODESET)) != "UTF-8") std::setlocale(LC_CTYPE, "C.UTF-8");
    quantctl::interrupt::install();
    // What the library does otherwise than one would expect is told, from any thread; QUANT_LOG=info has more told.
    const char *log = std::getenv("QUANT_LOG");
    static const quant_log_level told_from = log && std::string_view(log) == "info" ? QUANT_LOG_INFO : QUANT_LOG_WARNING;
    quant_set_logger(
        [](void *, quant_log_level level, const char *text) {
            if (level >= QUANT_LOG_WARNING) return quantctl::put_warning(text);
            if (level >= told_from) quantctl::put_note(text);
        },
        nullptr);
    return quantctl::run_and_report(argc, argv);
}
