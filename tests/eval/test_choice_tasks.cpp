// Multiple-choice tasks: their file, what is picked, and a model that answers them.
#include "engine/session.h"
#include "eval/choice_tasks.h"
#include "test_support.h"

#include <cmath>

using namespace quant;
using test::require_error;

namespace {

std::string line(const std::string &question, const std::string &choices, const std::string &answer) {
    return "{\"question\": \"" + question + "\", \"choices\": " + choices + ", \"answer\": " + answer + "}\n";
}

quant_task_options options(const std::string &text) {
    quant_task_options o{};
    o.size = sizeof o;
    o.text = text.data(), o.text_bytes = text.size();
    o.name = "t.jsonl";
    return o;
}

} // namespace

TEST_CASE("tasks are read line by line, and other members are passed over") {
    const auto tasks = parse_choice_tasks("\xef\xbb\xbf\n" + line("Who?", "[\"I\", \"you\"]", "1") +
                                              "  \r\n{\"id\": 7, \"answer\": 0, \"choices\": [\"a\", \"b\", \"c\"], "
                                              "\"question\": \"caf\\u00e9\"}\r",
                                          "t");
    REQUIRE(tasks.size() == 2);
    REQUIRE(tasks[0].line == 2);
    REQUIRE(tasks[0].answer == 1);
    REQUIRE(tasks[1].line == 4);
    REQUIRE(tasks[1].question == "caf\xc3\xa9");
    REQUIRE(tasks[1].choices == std::vector<std::string>{"a", "b", "c"});
}

TEST_CASE("a line that is no task is named with the file and its number") {
    const std::string good = line("Who?", "[\"I\", \"you\"]", "0");
    const auto refuse = [&](const std::string &bad, const std::string &word) {
        require_error(QUANT_ERR_FORMAT, {"t.jsonl", "line 2", word}, [&] { parse_choice_tasks(good + bad, "t.jsonl"); });
    };
    refuse("{\"question\": ", "line 2");
    refuse("[1, 2]", "object");
    refuse("{\"choices\": [\"a\", \"b\"], \"answer\": 0}", "question");
    refuse(line("x", "\"ab\"", "0"), "choices");
    refuse(line("x", "[\"a\", 2]", "0"), "choices");
    refuse(line("x", "[\"a\", \"\"]", "0"), "not empty");
    refuse(line("x", "[\"a\"]", "0"), "1 choices");
    refuse(line("x", "[\"a\", \"b\"]", "2"), "0 to 1");
    refuse(line("x", "[\"a\", \"b\"]", "-1"), "answer");
    refuse(line("x", "[\"a\", \"b\"]", "0.5"), "answer");
    refuse(line("x", "[\"a\", \"b\"]", "\"a\""), "answer");
    refuse(line("\xff", "[\"a\", \"b\"]", "0"), "line 2");
    for (const char *nothing : {"", "\n \n"})
        require_error(QUANT_ERR_FORMAT, {"no tasks"}, [&] { parse_choice_tasks(nothing, "t.jsonl"); });
}

TEST_CASE("the pick is the likeliest choice, as it is and for each character") {
    ChoiceTask task;
    task.choices = {"abc", "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", "ab"}; // 3, 6 and 2 characters.
    const ChoicePick pick = pick_choice(task, {-3.0, -5.4, -2.5});
    REQUIRE(pick.plain == 2);
    REQUIRE(pick.normalized == 1); // -1, -0.9, -1.25
    REQUIRE(pick_choice(task, {-1, -1, -1}).plain == 0);
}

TEST_CASE("choices follow the question after one space, unless there is white space") {
    const auto model = Model::open(test::data("model/llama-3-rope"));
    const auto &tokenizer = model->tokenizer();
    const auto tokens = [&](const std::string &question, const std::string &choice) {
        ChoiceTask task;
        task.question = question, task.choices = {choice, choice + " more"};
        return tokenize_choices(*model, task, "t").choices[0];
    };
    REQUIRE(tokens("The end", "of it") == tokenizer.encode("The end of it", {true, false}));
    REQUIRE(tokens("The end ", "of it") == tokenizer.encode("The end of it", {true, false}));
    REQUIRE(tokens("The end", "\nof") == tokenizer.encode("The end\nof", {true, false}));
    ChoiceTask task;
    task.question = "The end", task.choices = {"of it", "of that"};
    const ChoiceTokens split = tokenize_choices(*model, task, "t");
    REQUIRE(split.shared == tokenizer.encode("The end", {true, false}).size());
    task.choices[1] = std::string(4000, 'x');
    task.line = 9;
    require_error(QUANT_ERR_ARGUMENT, {"t.jsonl", "line 9", "512"}, [&] { tokenize_choices(*model, task, "t.jsonl"); });
}

TEST_CASE("tasks are answered by log-likelihood, as a plain run of each choice has it") {
    const auto model = Model::open(test::data("model/llama-3-rope"));
    const std::string question = "A quantized model stores";
    const std::vector<std::string> choices = {"its weights in few bits", "bread", "nothing at all, number 7"};
    ChoiceTask task;
    task.question = question, task.choices = choices;
    const ChoiceTokens tokens = tokenize_choices(*model, task, "t");
    std::vector<double> expected;
    for (const auto &ids : tokens.choices) {
        Session session(model, 0);
        std::vector<float> logits(ids.size() * 512);
        session.run(ids, ids.size(), logits.data());
        double sum = 0;
        for (size_t i = tokens.shared; i < ids.size(); i++) {
            double total = 0;
            for (size_t v = 0; v < 512; v++) total += std::exp(double{logits[(i - 1) * 512 + v]});
            sum += logits[(i - 1) * 512 + static_cast<size_t>(ids[i])] - std::log(total);
        }
        expected.push_back(sum);
    }
    const ChoicePick pick = pick_choice(task, expected);
    const std::string list = "[\"" + choices[0] + "\", \"" + choices[1] + "\", \"" + choices[2] + "\"]";
    const auto other = [](uint32_t i) { return std::to_string((i + 1) % 3); };
    const std::string text = line(question, list, std::to_string(pick.plain)) + line(question, list, other(pick.plain));
    const quant_task_result r = evaluate_tasks(model, nullptr, options(text));
    REQUIRE(r.tasks == 2);
    REQUIRE(r.accuracy == 0.5);
    REQUIRE(r.accuracy_se == Approx(0.5));
    REQUIRE(std::isnan(r.agreement));
    REQUIRE(std::isnan(r.base_accuracy));
    const std::string by_length = line(question, list, std::to_string(pick.normalized));
    const quant_task_result n = evaluate_tasks(model, model, options(by_length));
    REQUIRE(n.accuracy_norm == 1);
    REQUIRE(n.base_accuracy_norm == 1);
    REQUIRE(n.agreement == 1);
    REQUIRE(n.agreement_norm == 1);
    require_error(QUANT_ERR_ARGUMENT, {"512", "352"}, [&] {
        evaluate_tasks(model, Model::open(test::data("model/llama-f16-sharded")), options(by_length));
    });
}
