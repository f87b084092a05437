// Replies as models of each family write them, committed as literal text; what is like a call
// and is none; and hostile replies, which cost time in proportion to their length and no more.
#include "reply_events.h"

#include <algorithm>

using namespace quant;

namespace {

ReplyFormat format_of(std::string_view family, std::string_view reasoning = "think") {
    ReplyFormat format{};
    for (const ReplyFamily &row : reply_families())
        if (row.name == family) format.family = &row;
    for (const ReasoningSyntax &row : reasoning_syntaxes())
        if (row.name == reasoning) format.reasoning = &row;
    INFO("family " << family << ", reasoning " << reasoning);
    REQUIRE(format.family);
    REQUIRE(format.reasoning);
    if (format.family->header) format.lead = format.family->header->open;
    return format;
}

std::string text_at(const json::object &o, std::string_view key, std::string_view fallback = "") {
    const json::value *v = o.if_contains(key);
    return v ? std::string(v->get_string()) : std::string(fallback);
}

void check_case(const ReplyFormat &format, const json::object &one, const json::value &tools) {
    const json::value *open = one.if_contains("starts_in_reasoning");
    const std::string text = text_at(one, "text");
    INFO("text: " << text);
    const ParsedReply reply = test::parse_every_way(format, text, tools, open && open->get_bool());
    CHECK(reply.content == text_at(one, "content"));
    CHECK(reply.reasoning == text_at(one, "reasoning"));
    const json::value *calls = one.if_contains("calls");
    REQUIRE(reply.calls.size() == (calls ? calls->get_array().size() : 0));
    for (size_t i = 0; i < reply.calls.size(); ++i) {
        const json::object &expected = calls->get_array()[i].get_object();
        CHECK(reply.calls[i].name == text_at(expected, "name"));
        CHECK(reply.calls[i].id == text_at(expected, "id"));
        INFO("arguments: " << reply.calls[i].arguments);
        CHECK(json::parse(reply.calls[i].arguments, "arguments") == expected.at("arguments"));
    }
}

json::value committed_tools() {
    const auto path = test::data("reply_tools.json");
    return json::parse(test::read_file(path), path.string());
}

/// Calls `body` with each committed file's format and cases.
template <class Body> void for_each_file(Body &&body) {
    for (const auto &entry : std::filesystem::directory_iterator(test::data("replies"))) {
        INFO(entry.path());
        const json::value file = json::parse(test::read_file(entry.path()), entry.path().string());
        const json::object &root = file.get_object();
        body(format_of(text_at(root, "family"), text_at(root, "reasoning", "think")), root.at("cases").get_array());
    }
}

json::value two_tools() {
    return json::parse(R"([{"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}},
                           {"name": "g"}])",
                       "tools");
}

ParsedReply parse(std::string_view family, std::string_view text, bool in_reasoning = false) {
    return test::parse_every_way(format_of(family), text, two_tools(), in_reasoning, text.size() / 64 + 1);
}

std::string repeated(std::string_view part, size_t bytes) {
    std::string out;
    while (out.size() < bytes) out += part;
    return out;
}

} // namespace

TEST_CASE("replies of every family are taken apart, however they are cut") {
    const json::value tools = committed_tools();
    std::vector<std::string_view> missing;
    for (const ReplyFamily &family : reply_families()) missing.push_back(family.name);
    for_each_file([&](const ReplyFormat &format, const json::array &cases) {
        for (const json::value &one : cases) check_case(format, one.get_object(), tools);
        std::erase(missing, format.family->name);
    });
    CHECK(missing == std::vector<std::string_view>{});
}

TEST_CASE("damaged replies never fail, and are cut the same") {
    const json::value tools = committed_tools();
    std::minstd_rand random(97);
    for_each_file([&](const ReplyFormat &format, const json::array &cases) {
        for (const json::value &one : cases)
            for (int round = 0; round < 20; ++round) {
                std::string text = text_at(one.get_object(), "text");
                const size_t at = random() % text.size(), n = random() % 12, to = random() % text.size();
                const std::string part = text.substr(at, n);
                if (round % 2) text.erase(at, n);
                if (round % 3) text.insert(std::min(to, text.size()), part);
                INFO(text);
                const ParsedReply reply =
                    test::parse_every_way(format, text, tools, round % 5 == 0, text.size() / 8 + 1);
                for (const ToolCall &call : reply.calls) CHECK(json::parse(call.arguments, "arguments").is_object());
            }
    });
}

TEST_CASE("text passes on at once where no mark can begin") {
    ReplyParser parser(format_of("hermes"), two_tools(), false);
    std::vector<ReplyEvent> events;
    parser.feed("Hello", events);
    REQUIRE(events.size() == 1);
    CHECK(events[0] == ReplyEvent{ReplyEvent::Kind::content, 0, "Hello"});
    parser.feed(" wor", events);
    CHECK(events[0].text == "Hello wor");
    parser.feed("<tool", events);
    CHECK(events[0].text == "Hello wor");
    parser.feed("s>", events);
    CHECK(events[0].text == "Hello wor<tools>");
    parser.finish(events);
    CHECK(events.size() == 1);
}

TEST_CASE("what is like a call and is none stays content") {
    const std::string cases[][2] = {
        {"hermes", "<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": 1}"},
        {"hermes", "<tool_call>{\"name\": \"nope\", \"arguments\": {}}</tool_call>"},
        {"hermes", "<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": }}</tool_call>"},
        {"hermes", "<tool_call>{\"name\": \"f\", \"name\": \"f\"}</tool_call>"},
        {"hermes", "<tool_call>{\"name\": \"f\", \"arguments\": [1]}</tool_call>"},
        {"hermes", "The mark <tool_call> opens a call, </tool_call> closes it."},
        {"qwen3-coder", "<tool_call>\n<function=f>\n<parameter=a>\n1\n</parameter>"},
        {"qwen3-coder", "<tool_call>\n<function=nope>\n</function>\n</tool_call>"},
        {"qwen3-coder", "<function=f>\n<parameter=a>\n1\n</parameter>\n<parameter=a>\n2\n</parameter>\n</function>"},
        {"glm", "<tool_call>f\n<arg_key>a</arg_key>\n</tool_call>"},
        {"mistral", "[TOOL_CALLS][{\"name\": \"f\", \"arguments\": {}}, {\"name\": \"nope\", \"arguments\": {}}]"},
        {"mistral-args", "[TOOL_CALLS]f[ARGS]{\"a\": 1"},
        {"mistral-args", "[TOOL_CALLS]f is called"},
        {"kimi-k2", "<|tool_call_begin|>functions.nope:0<|tool_call_argument_begin|>{}<|tool_call_end|>"},
        {"lfm2", "<|tool_call_start|>[f(1)]<|tool_call_end|>"},
        {"gemma-4", "<|tool_call>call:f{a:nothing}<tool_call|>"},
        {"minimax-m3", "]<]minimax[>[<tool_call>]<]minimax[>[<invoke "
                       "name=\"f\">]<]minimax[>[<a>1]<]minimax[>[</b>]<]minimax[>[</invoke>"},
        {"functionary-v3.2", ">>>nope\n{}"},
        {"llama-3", "{\"name\": \"nope\", \"parameters\": {}}"},
        {"plain", "{\"answer\": 42}"},
        {"plain", "{\"name\": \"f\"} and {\"name\": \"f\"}"},
    };
    for (const auto &[family, text] : cases) {
        INFO(family << ": " << text);
        const ParsedReply reply = parse(family, text);
        if (text.starts_with("{\"name\": \"f\"} and")) {
            CHECK(reply.calls.size() == 1);
            CHECK(reply.content == "and {\"name\": \"f\"}");
            continue;
        }
        CHECK(reply.calls.empty());
        CHECK(reply.content == text);
    }
}

TEST_CASE("without tools no calls are looked for") {
    const std::string text = "<tool_call>{\"name\": \"f\", \"arguments\": {}}</tool_call>";
    for (const json::value &none : {json::value(), json::value(json::array()), json::value("f")}) {
        const ParsedReply reply = parse_reply(format_of("hermes"), text, none);
        CHECK(reply.calls.empty());
        CHECK(reply.content == text);
    }
}

TEST_CASE("a call before a broken one is kept, and so is one behind it") {
    const std::string good = "<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": 1}}</tool_call>";
    const std::string bad = "<tool_call>{\"name\": \"f\", \"arguments\": {a}}</tool_call>";
    const ParsedReply reply = parse("hermes", good + "\n" + bad + "\n" + good);
    CHECK(reply.calls.size() == 2);
    CHECK(reply.content == bad);
}

TEST_CASE("arguments are handed on as numbers are spelt") {
    const ParsedReply reply =
        parse("hermes", R"(<tool_call>{"name": "g", "arguments": {"n": 123456789012345678901234567890}}</tool_call>)");
    REQUIRE(reply.calls.size() == 1);
    CHECK(reply.calls[0].arguments == R"({"n": 123456789012345678901234567890})");
}

TEST_CASE("nesting, regions and the number of calls are bounded") {
    for (const size_t depth : {20u, 70u, 100'000u}) {
        const std::string nested = repeated("[", depth) + repeated("]", depth);
        const bool is_call = depth == 20;
        INFO("depth " << depth);
        CHECK(parse("hermes", "<tool_call>{\"name\": \"g\", \"arguments\": {\"x\": " + nested + "}}</tool_call>")
                  .calls.size() == is_call);
        CHECK(parse("lfm2", "<|tool_call_start|>[g(x=" + nested + ")]<|tool_call_end|>").calls.size() == is_call);
        CHECK(parse("gemma-4", "<|tool_call>call:g{x:" + nested + "}<tool_call|>").calls.size() == is_call);
        std::string tags = "]<]minimax[>[<invoke name=\"g\">" + repeated("]<]minimax[>[<x>", depth * 16);
        tags += repeated("]<]minimax[>[</x>", depth * 17) + "]<]minimax[>[</invoke>";
        CHECK(parse("minimax-m3", tags).calls.size() == is_call);
    }
    const json::value tools = two_tools();
    const auto parse_limited = [&](const std::string &text, ReplyLimits limits) {
        ReplyParser parser(format_of("hermes"), tools, false, limits);
        std::vector<ReplyEvent> events;
        parser.feed(text, events);
        parser.finish(events);
        return test::join(events);
    };
    const std::string call = "<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": 1}}</tool_call>";
    CHECK(parse_limited(call, {.region_bytes = 20}).content == call);
    CHECK(parse_limited(call + call + call, {.calls = 2}).calls.size() == 2);
    CHECK(parse_limited(call + call + call, {.calls = 2}).content == call);
}

TEST_CASE("hostile replies cost their length, and nothing of them is lost") {
    const std::string parts[] = {"<",
                                 "<tool_call>",
                                 "<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": \"",
                                 "{",
                                 "[TOOL_CALLS]",
                                 "<function=f><parameter=a></parameter>",
                                 "<function=f><parameter=a>",
                                 "</parameter> ",
                                 "<think>",
                                 "[TOOL_CALLS]f[ARGS]{\"",
                                 "<|start|>assistant",
                                 "<|start|>assistant to=functions.f<|message|>{",
                                 ">>>",
                                 ">>>f\n{",
                                 "]<]minimax[>[",
                                 "]<]minimax[>[<invoke name=\"f\">]<]minimax[>[<x>",
                                 "<tool_call>f\n<arg_key>a</arg_key><arg_value>",
                                 "<|tool_call>call:f{a:<|\"|>",
                                 "<|\"|",
                                 "<|tool_call_start|>[f(a='",
                                 "\xff\xfe",
                                 std::string("\0<", 2),
                                 "\xf0\x9f",
                                 " \n"};
    for (const ReplyFamily &family : reply_families())
        for (const std::string &part : parts) {
            INFO(family.name << ", " << part);
            const std::string text = repeated(part, 64 << 10);
            ReplyParser parser(format_of(family.name), two_tools(), false);
            std::vector<ReplyEvent> events;
            for (size_t at = 0; at < text.size(); at += 3) parser.feed(std::string_view(text).substr(at, 3), events);
            parser.finish(events);
            size_t bytes = 0;
            for (const ReplyEvent &event : events) bytes += event.text.size();
            // Marks of reasoning and of headers go, as does the blank behind them.
            const bool has_marks = text.find("<think>") != text.npos || text.find("<|start|>") != text.npos;
            if (!has_marks) CHECK(bytes >= text.size() - 64);
        }
    const std::string large = repeated("<", 1 << 20);
    CHECK(parse_reply(format_of("hermes"), large, two_tools()).content == large);
}

TEST_CASE("arguments of any bytes become JSON that parses") {
    std::string value;
    for (int c = 0; c < 256; ++c) value += static_cast<char>(c);
    const ParsedReply reply = parse("qwen3-coder", "<function=g><parameter=x>\n" + value + "\n</parameter></function>");
    REQUIRE(reply.calls.size() == 1);
    CHECK(json::parse(reply.calls[0].arguments, "arguments")
              .at("x")
              .get_string()
              .starts_with(std::string_view("\0\1", 2)));
}

TEST_CASE("random replies never fail, and are cut the same") {
    const std::string_view words[] = {"<tool_call>",
                                      "</tool_call>",
                                      "<think>",
                                      "</think>",
                                      "{",
                                      "}",
                                      "\"name\"",
                                      ":",
                                      "\"f\"",
                                      "\"arguments\"",
                                      "<function=",
                                      "f",
                                      ">",
                                      "</function>",
                                      "<parameter=",
                                      "a",
                                      "</parameter>",
                                      "\n",
                                      " ",
                                      "[TOOL_CALLS]",
                                      "[ARGS]",
                                      "[",
                                      "]",
                                      ",",
                                      "1",
                                      "\\",
                                      "'",
                                      "(",
                                      ")",
                                      "<|\"|>",
                                      "<|start|>assistant",
                                      "<|message|>",
                                      ">>>",
                                      "to=functions.",
                                      "]<]minimax[>[",
                                      "<invoke name=\"",
                                      "<x>",
                                      "</x>",
                                      "<arg_key>",
                                      "</arg_key>",
                                      "<arg_value>",
                                      "</arg_value>",
                                      "<|tool_call>call:",
                                      "\xc3"};
    std::minstd_rand random(20260314);
    for (const ReplyFamily &family : reply_families())
        for (int round = 0; round < 40; ++round) {
            std::string text;
            for (size_t n = random() % 60; n > 0; --n) text += words[random() % std::size(words)];
            INFO(family.name << ": " << text);
            const ParsedReply reply = parse(family.name, text, round % 4 == 0);
            for (const ToolCall &call : reply.calls) CHECK(json::parse(call.arguments, "arguments").is_object());
        }
}
