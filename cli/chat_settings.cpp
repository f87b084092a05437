#include "chat_settings.h"

#include "failure.h"
#include "numbers.h"
#include "output.h"
#include "sampling_fields.h"

#include <limits>

namespace quantctl {

namespace {

constexpr const char *max_tokens = "max_tokens", *system_message = "system", *think = "think", *default_word = "default";

std::string value_of(const Runner &runner, const std::string &name) {
    if (name == system_message) {
        const std::string &text = runner.conversation.system();
        return text.empty() ? "none" : text;
    }
    if (name == think) return runner.options.think;
    if (name == max_tokens) {
        const uint32_t n = runner.options.max_tokens;
        return n ? fmt::format("{}", n) : default_word;
    }
    for (const SamplingField &field : sampling_fields())
        if (name == field.name) return value_words(field, runner.options.sampling.values);
    std::string names;
    for (const std::string &known : chat_setting_names()) names += (names.empty() ? "" : ", ") + known;
    throw Failure(exit_usage, fmt::format("there is no setting \"{}\"", name), "There are " + names + ".");
}

void set(Runner &runner, const std::string &name, const std::string &value) {
    if (name == system_message) return runner.conversation.set_system(value == default_word ? "" : value);
    if (name == think) return runner.set_thinking(value);
    if (name == max_tokens) {
        constexpr uint32_t any = std::numeric_limits<uint32_t>::max();
        runner.options.max_tokens =
            value == default_word ? 0 : static_cast<uint32_t>(parse_count(max_tokens, value, 1, any));
        return;
    }
    const auto defaults = initialized(quant_sampling_init);
    for (const SamplingField &field : sampling_fields())
        if (name == field.name)
            set_value(runner.options.sampling.values, field, name,
                      value == default_word ? value_words(field, defaults) : value);
}

} // namespace

std::vector<std::string> chat_setting_names() {
    std::vector<std::string> names;
    for (const SamplingField &field : sampling_fields()) names.emplace_back(field.name);
    names.insert(names.end(), {max_tokens, system_message, think});
    return names;
}

void change_chat_setting(Runner &runner, const std::string &words) {
    if (words.empty()) return put_note(chat_settings_words(runner));
    const size_t blank = words.find_first_of(" \n");
    const std::string name = words.substr(0, blank);
    const std::string before = value_of(runner, name); // Throws where there is no such setting.
    const size_t begin = blank == std::string::npos ? blank : words.find_first_not_of(" \n", blank);
    if (begin != std::string::npos) set(runner, name, words.substr(begin));
    note("{}: {}", name, value_of(runner, name));
}

std::string chat_settings_words(const Runner &runner) {
    std::string text;
    for (const SamplingField &field : sampling_fields())
        text += fmt::format("{:<18}{:<9}{:<15}{}\n", field.name, value_words(field, runner.options.sampling.values),
                            range_words(field), field.help);
    text += fmt::format("{:<18}{:<9}{:<15}Stop after so many (default: when the model ends; 256 for plain text)\n", max_tokens,
                        value_of(runner, max_tokens), "of 1 or more");
    text += fmt::format("{:<18}{:<9}{:<15}Reason before answering: on, off, or hide what is thought\n", think, value_of(runner, think), "");
    return text + fmt::format("{:<18}{}", system_message, value_of(runner, system_message));
}

} // namespace quantctl
