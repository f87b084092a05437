#include "chat_commands.h"

#include "chat.h"
#include "chat_settings.h"
#include "conversation_file.h"
#include "failure.h"
#include "output.h"
#include "template_source.h"

#include <algorithm>
#include <cstdlib>

namespace quantctl {

namespace {

struct Command {
    const char *name, *arguments, *help;
    void (*run)(Chat &chat, const std::string &words);
};
struct Topic {
    const char *name;
    std::string (*text)(const Runner &runner);
};

std::string model_words(const Runner &runner) {
    const quant_model_info i = runner.info();
    return fmt::format("{}\n{} {}, {} parameters, {}, {:.2f} bits a weight, trained for {} tokens\n{}",
                       runner.opened.choice.title(), i.architecture, i.type_name,
                       human_count(static_cast<double>(i.parameters)), human_bytes(i.file_bytes), i.bits_per_weight,
                       grouped(i.context_length), runner.opened.choice.path);
}

std::string system_words(const Runner &runner) {
    const std::string &text = runner.conversation.system();
    return text.empty() ? "No system message; /set system TEXT gives one." : text;
}

std::string template_words(const Runner &runner) {
    const std::string text = template_source(runner.opened.choice.path);
    return text.empty() ? "This model has no chat template." : text;
}

std::string context_words(const Runner &runner) {
    const uint32_t capacity = runner.generator->capacity();
    const size_t used = runner.conversation.tokens(), turns = runner.conversation.messages().size();
    return fmt::format("{} of {} tokens used, in {} message{}; keys and values take {} a token", grouped(used),
                       grouped(capacity), turns, turns == 1 ? "" : "s", human_bytes(runner.info().kv_bytes_per_token));
}

constexpr Topic topics[] = {
    {"model", model_words},     {"settings", chat_settings_words}, {"system", system_words},
    {"context", context_words}, {"template", template_words},
};

void show(Chat &chat, const std::string &words) {
    std::string names;
    for (const Topic &topic : topics) {
        if (words == topic.name) return put_note(topic.text(chat.runner));
        names += fmt::format("{}{}", names.empty() ? "" : ", ", topic.name);
    }
    if (!words.empty())
        throw Failure(exit_usage, fmt::format("/show has no \"{}\"", words), "There are " + names + ".");
    for (const Topic &topic : topics) // A template is long.
        if (topic.text != template_words) note("{}:\n{}\n", topic.name, topic.text(chat.runner));
    note("/show template shows the chat template.");
}

void set(Chat &chat, const std::string &words) {
    constexpr std::string_view as_ollama = "parameter ";
    change_chat_setting(chat.runner, words.starts_with(as_ollama) ? words.substr(as_ollama.size()) : words);
}

void clear(Chat &chat, const std::string &) {
    chat.runner.conversation.clear();
    note("Begun anew.");
}

void retry(Chat &chat, const std::string &) { chat.answer_again(); }

void bye(Chat &chat, const std::string &) { chat.leave(); }

// A path as a shell would take it, where only the home folder needs a word.
std::string file_of(const char *command, const std::string &words) {
    if (words.empty()) usage_error("{} needs the name of a file", command);
    const char *home = std::getenv("HOME");
    return words.starts_with("~/") && home ? home + words.substr(1) : words;
}

void save(Chat &chat, const std::string &words) {
    const std::string path = file_of("/save", words);
    save_conversation(chat.runner.conversation, chat.runner.opened.choice.title(), path);
    note("Saved {} messages to {}.", chat.runner.conversation.messages().size(), path);
}

void load(Chat &chat, const std::string &words) {
    Conversation &conversation = chat.runner.conversation;
    load_conversation(conversation, file_of("/load", words));
    note("Loaded {} messages from {}: {} of {} tokens used.", conversation.messages().size(), words,
         grouped(conversation.tokens()), grouped(chat.runner.generator->capacity()));
}

void help(Chat &chat, const std::string &words);

constexpr Command commands[] = {
    {"/set", "[NAME [VALUE]]", "Change how it answers, or list what can be changed", set},
    {"/show", "[TOPIC]", "Tell of the model, settings, system message, context or template", show},
    {"/clear", "", "Begin anew; settings and the system message stay", clear},
    {"/retry", "", "Have the last turn answered again", retry},
    {"/save", "FILE", "Write the conversation as JSON", save},
    {"/load", "FILE", "Go on with a conversation that was saved", load},
    {"/help", "", "This", help},
    {"/bye", "", "Leave", bye},
};

void help(Chat &, const std::string &) {
    std::string text;
    for (const Command &command : commands)
        text += fmt::format("{:<22}{}\n", fmt::format("{} {}", command.name, command.arguments), command.help);
    put_note(text + "\n"
                    "Several lines: between \"\"\" and \"\"\", or Alt-Enter, or a backslash at the end of each but\n"
                    "the last. Pasted text is one turn. A blank before a slash makes it text.\n"
                    "Ctrl-C stops an answer, or drops what is typed; Ctrl-D leaves. Tab completes commands,\n"
                    "the up key and Ctrl-R find what was typed before.");
}

// "/bye", but not "/usr/bin" and not "/".
bool looks_like_a_command(const std::string &word) {
    return word.size() > 1 && word[0] == '/' &&
           std::all_of(word.begin() + 1, word.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '?'; });
}

} // namespace

bool run_chat_command(Chat &chat, const std::string &line) {
    const size_t blank = line.find_first_of(" \n");
    const std::string word = line.substr(0, blank) == "/?" ? "/help" : line.substr(0, blank);
    if (!looks_like_a_command(word)) return false;
    const size_t begin = line.find_first_not_of(' ', std::min(blank, line.size()));
    std::string words = begin == std::string::npos ? "" : line.substr(begin), names;
    while (words.ends_with(' ')) words.pop_back();
    for (const Command &command : commands) {
        names += fmt::format("{}{}", names.empty() ? "" : ", ", command.name);
        if (word != command.name) continue;
        if (!words.empty() && !*command.arguments) usage_error("{} takes nothing behind it", word);
        command.run(chat, words);
        return true;
    }
    put_error(fmt::format("there is no {}", word), "There are " + names + ". A blank before the slash makes it text.");
    return true;
}

std::vector<std::string> complete_chat_command(const std::string &before) {
    const size_t blank = before.rfind(' ');
    const std::string word = blank == std::string::npos ? before : before.substr(blank + 1);
    std::vector<std::string> all, fitting;
    if (blank == std::string::npos) {
        for (const Command &command : commands) all.emplace_back(command.name);
    } else if (before.substr(0, blank) == "/set") {
        all = chat_setting_names();
    } else if (before.substr(0, blank) == "/show") {
        for (const Topic &topic : topics) all.emplace_back(topic.name);
    }
    if (!before.starts_with('/')) return {};
    for (const std::string &candidate : all)
        if (candidate.starts_with(word)) fitting.push_back(candidate);
    return fitting;
}

} // namespace quantctl
