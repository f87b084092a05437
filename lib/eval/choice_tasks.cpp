#include "eval/choice_tasks.h"

#include "base/error.h"
#include "base/json.h"

#include <algorithm>

namespace quant {

namespace {

constexpr size_t max_choices = 256;
constexpr std::string_view byte_order_mark = "\xef\xbb\xbf"; // Some editors begin UTF-8 with it.
constexpr std::string_view white = " \t\r\n";

ChoiceTask parse_task(std::string_view text, const std::string &where) {
    const json::value document = json::parse(text, where);
    const json::Reader reader(document, where);
    ChoiceTask task;
    task.question = reader.require_string("question");
    for (const json::value &choice : reader.require_array("choices")) {
        if (!choice.is_string() || choice.get_string().empty())
            fail(QUANT_ERR_FORMAT, "{}: \"choices\": expected texts that are not empty", where);
        task.choices.emplace_back(choice.get_string());
    }
    if (task.choices.size() < 2 || task.choices.size() > max_choices)
        fail(QUANT_ERR_FORMAT, "{}: {} choices: expected 2 to {}", where, task.choices.size(), max_choices);
    const uint64_t answer = reader.require_uint("answer");
    if (answer >= task.choices.size())
        fail(QUANT_ERR_FORMAT, "{}: the answer is {}: expected an index from 0 to {}", where, answer,
             task.choices.size() - 1);
    task.answer = static_cast<uint32_t>(answer);
    return task;
}

uint64_t characters(std::string_view text) {
    return static_cast<uint64_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

// What a text begins with: no EOS at its end, since more follows.
std::vector<int32_t> encode_open(const Tokenizer &tokenizer, std::string_view text) {
    std::vector<int32_t> ids = tokenizer.encode(text, {true, false});
    const TokenizerSpec &spec = tokenizer.spec();
    if (spec.add_eos && spec.eos && !ids.empty() && ids.back() == *spec.eos) ids.pop_back();
    return ids;
}

} // namespace

std::vector<ChoiceTask> parse_choice_tasks(std::string_view text, std::string_view name) {
    std::vector<ChoiceTask> tasks;
    size_t number = 0;
    for (size_t begin = text.starts_with(byte_order_mark) ? byte_order_mark.size() : 0; begin < text.size();) {
        const size_t end = std::min(text.find('\n', begin), text.size());
        const std::string_view line = text.substr(begin, end - begin);
        begin = end + 1;
        number++;
        if (line.find_first_not_of(white) == line.npos) continue;
        tasks.push_back(parse_task(line, fmt::format("{}: line {}", printable(name, 4096), number)));
        tasks.back().line = number;
    }
    if (tasks.empty())
        fail(QUANT_ERR_FORMAT, "{}: no tasks: expected lines of {{\"question\": text, \"choices\": [text, ...], "
             "\"answer\": index}}", printable(name, 4096));
    return tasks;
}

ChoiceTokens tokenize_choices(const Model &model, const ChoiceTask &task, std::string_view name) {
    const Tokenizer &tokenizer = model.tokenizer();
    const std::vector<int32_t> question = encode_open(tokenizer, task.question);
    const bool open = !task.question.empty() && white.find(task.question.back()) == white.npos;
    ChoiceTokens tokens;
    size_t shared = question.size();
    for (const std::string &choice : task.choices) {
        const char *space = open && white.find(choice.front()) == white.npos ? " " : "";
        std::vector<int32_t> ids = encode_open(tokenizer, task.question + space + choice);
        if (ids.size() > model.hyperparameters().context)
            fail(QUANT_ERR_ARGUMENT, "{}: line {}: {} tokens are more than the model's context of {}",
                 printable(name, 4096), task.line, ids.size(), model.hyperparameters().context);
        const auto differ = std::mismatch(question.begin(), question.end(), ids.begin(), ids.end()).first;
        shared = std::min({shared, static_cast<size_t>(differ - question.begin()), ids.size() - 1});
        tokens.choices.push_back(std::move(ids));
    }
    if (shared == 0)
        fail(QUANT_ERR_ARGUMENT, "{}: line {}: expected a question of at least one token before the choices, since "
             "the model adds none", printable(name, 4096), task.line);
    tokens.shared = static_cast<uint32_t>(shared);
    return tokens;
}

ChoicePick pick_choice(const ChoiceTask &task, const std::vector<double> &log_likelihoods) {
    ChoicePick pick{0, 0};
    const auto normalized = [&](uint32_t i) {
        return log_likelihoods[i] / static_cast<double>(characters(task.choices[i]));
    };
    for (uint32_t i = 1; i < log_likelihoods.size(); i++) {
        if (log_likelihoods[i] > log_likelihoods[pick.plain]) pick.plain = i;
        if (normalized(i) > normalized(pick.normalized)) pick.normalized = i;
    }
    return pick;
}

} // namespace quant
