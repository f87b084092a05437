// Grammars of replies that call tools: for templates of each style, what a model may write and what not, and that what
// it may write is read back as calls.
#include "test_support.h"
#include "text/call_grammar.h"
#include "text/reply_parser.h"
#include "text/text_without.h"

#include <filesystem>
#include <map>

using namespace quant;

namespace {

// Calls as objects between marks, with reasoning before them.
constexpr std::string_view hermes = R"({%- for m in messages %}<|im_start|>{{ m.role }}
{% if m.reasoning_content %}<think>
{{ m.reasoning_content }}
</think>

{% endif %}{{ m.content }}{% for c in m.tool_calls or [] %}{{ "\n" if not loop.first }}<tool_call>
{{ {"name": c.function.name, "arguments": c.function.arguments} | tojson }}
</tool_call>{% endfor %}<|im_end|>
{% endfor %})";

// In a list, with ids; the mark is a control token.
constexpr std::string_view mistral =
    R"({%- for m in messages %}{% if m.role == "user" %}[INST] {{ m.content }}[/INST]{% else
%}{{ m.content }}{% if m.tool_calls %}[TOOL_CALLS][{% for c in m.tool_calls %}{{ ", " if not loop.first }}{"name": "{{
c.function.name }}", "arguments": {{ c.function.arguments | tojson }}, "id": "{{ c.id }}"}{% endfor %}]{% endif %}</s>{%
endif %}{% endfor %})";

// A bare object, and never two.
constexpr std::string_view llama = R"({%- for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>

{% if m.tool_calls %}{% if m.tool_calls | length > 1 %}{{ raise_exception("one call") }}{% endif %}{"name": "{{
m.tool_calls[0].function.name }}", "parameters": {{ m.tool_calls[0].function.arguments | tojson }}}{% else %}{{ m.content
}}{% endif %}<|eot_id|>{% endfor %})";

// Each argument between marks.
constexpr std::string_view coder = R"({%- for m in messages %}<|im_start|>{{ m.role }}
{{ m.content }}{% for c in m.tool_calls or [] %}
<tool_call>
<function={{ c.function.name }}>
{% for k, v in c.function.arguments.items() %}<parameter={{ k }}>
{{ v if v is string else v | tojson }}
</parameter>
{% endfor %}</function>
</tool_call>{% endfor %}<|im_end|>
{% endfor %})";

constexpr std::string_view no_calls = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}";

json::value tools(bool strict = false) {
    json::value out = json::parse(R"([
      {"type": "function", "function": {"name": "find", "parameters": {"type": "object",
        "properties": {"book": {"type": "string"}, "verse": {"type": "integer", "minimum": 1, "maximum": 176},
                       "kind": {"$ref": "#/$defs/Kind"}},
        "required": ["book", "verse"], "additionalProperties": false,
        "$defs": {"Kind": {"type": "string", "enum": ["psalm", "proverb"], "title": "Kind"}}}}},
      {"type": "function", "function": {"name": "now"}}])",
                                  "tools");
    for (json::value &tool : out.as_array()) tool.at("function").as_object()["strict"] = strict;
    return out;
}

struct World {
    ReplyFormat format;
    std::optional<CallShape> shape;
    MarkTokens tokens;

    explicit World(std::string_view source, MarkTokens marks = {})
        : format(detect_reply_format(source)),
          shape(print_call_shape(source, format)),
          tokens(std::move(marks)) {}

    GrammarPtr grammar(const CallRules &rules, const json::value &of = tools()) const {
        REQUIRE(shape);
        return call_grammar(format, *shape, of, rules, tokens);
    }
};

const CallRules required{.required = true}, one{.required = true, .single = true};

bool matches(const GrammarPtr &grammar, std::string_view text) {
    GrammarState state(grammar);
    return state.advance(text) && state.may_end();
}

void check(const GrammarPtr &grammar, std::initializer_list<std::string_view> accepted,
           std::initializer_list<std::string_view> refused) {
    for (const std::string_view text : accepted) {
        INFO("text: " << text);
        CHECK(matches(grammar, text));
    }
    for (const std::string_view text : refused) {
        INFO("text: " << text);
        CHECK_FALSE(matches(grammar, text));
    }
}

constexpr std::string_view find_23 =
    "<tool_call>\n{\"name\": \"find\", \"arguments\": {\"book\": \"Psalms\", \"verse\": 23}}\n</tool_call>";
constexpr std::string_view now_call = "<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>";

} // namespace

TEST_CASE("a required call has its arguments' schema and nothing beside it") {
    const World world(hermes);
    const std::string two = std::string(find_23) + "\n" + std::string(now_call);
    const std::string thought = "<think>\nA <tool_call>?\n</think>\n\n" + std::string(find_23);
    check(world.grammar(required), {find_23, now_call, two, thought},
          {"", "Let me look.", "Well: <tool_call>\n",
           "<tool_call>\n{\"name\": \"find\", \"arguments\": {\"book\": \"Psalms\"}}\n</tool_call>",
           "<tool_call>\n{\"name\": \"find\", \"arguments\": {\"book\": \"Psalms\", \"verse\": 177}}\n</tool_call>",
           "<tool_call>\n{\"name\": \"find\", \"arguments\": {\"book\": \"P\", \"verse\": 1, \"kind\": "
           "\"song\"}}\n</tool_call>",
           "<tool_call>\n{\"name\": \"other\", \"arguments\": {}}\n</tool_call>",
           "<tool_call>\n{\"name\": \"now\", \"arguments\": {\"a\": 1}}\n</tool_call>",
           "<tool_call>\n{\"name\": \"now\", \"arguments\": {\n\n}}\n</tool_call>"});
    check(world.grammar(one), {find_23}, {two});
    check(world.grammar({.required = true, .single = true, .only = "now"}), {now_call}, {find_23});
    check(world.grammar({.required = true, .in_reasoning = true}), {"So I look.\n</think>\n\n" + std::string(find_23)},
          {find_23});
    GrammarState state(world.grammar(one));
    REQUIRE(state.advance(find_23));
    CHECK(state.must_end());
}

TEST_CASE("beside text only strict tools are held to their schemas") {
    const World world(hermes);
    constexpr std::string_view wrong =
        "<tool_call>\n{\"name\": \"find\", \"arguments\": {\"verse\": \"x\"}}\n</tool_call>";
    const std::string said = "Let me look: 1 < 2 <tool, {}.\n" + std::string(find_23);
    check(world.grammar({}), {"", "Hello", said, wrong, "<think>\nHm"}, {"a <tool_call> b", "{\"a\": 1}", " {"});
    check(world.grammar({}, tools(true)), {"Hello", said, now_call, "<think>\nHm\n</think>\n\nYes"},
          {wrong, "Well, " + std::string(wrong), "<think>\nHm\n</think>\n{"});
    const json::value yes = json::parse(R"({"type": "boolean"})", "schema");
    check(world.grammar({.content = &yes}, tools(true)), {"true", find_23}, {"Hello", "", wrong});
}

TEST_CASE("control tokens are written as such, ids as the model likes") {
    const World world(mistral, {{"[TOOL_CALLS]", "[INST]"}, {"</s>"}});
    const std::string mark = control_lead + std::string("[TOOL_CALLS]");
    const std::string now = "{\"name\": \"now\", \"arguments\": {}, \"id\": \"Ab3dE6gH9\"}";
    check(world.grammar(required), {mark + "[" + now + "]", mark + "[" + now + ", " + now + "]"},
          {"[TOOL_CALLS][" + now + "]", mark + now, mark + "[" + now, mark + "[]"});
    check(world.grammar({}), {"Hello " + std::string(1, control_lead) + "[INST]!", "Hi" + mark + "[" + now + "]"},
          {"a [TOOL_CALLS] b", mark});
}

TEST_CASE("a template that writes one bare call is held to one") {
    const World world(llama, {{"<|python_tag|>"}, {"<|eot_id|>"}});
    const std::string call = "{\"name\": \"now\", \"parameters\": {}}";
    check(world.grammar(required), {call}, {call + call, call + ", " + call, "{\"name\": \"now\", \"arguments\": {}}"});
    check(world.grammar({}, tools(true)), {"It is late.", call}, {"{\"name\": 1}", " {\"a\": 1}"});
}

TEST_CASE("arguments between marks are text as it is, and JSON of their schemas") {
    const World world(coder);
    const auto call = [](std::string_view inside) {
        return "\n<tool_call>\n<function=find>\n" + std::string(inside) + "</function>\n</tool_call>";
    };
    const std::string begin = call("").substr(1), book = "<parameter=book>\nPsalm \"23\" <b>\n</parameter>\n";
    const auto cut = [&](std::string_view inside) { return call(inside).substr(1); };
    const GrammarPtr grammar = world.grammar(required);
    check(grammar,
          {cut(book + "<parameter=verse>\n23\n</parameter>\n"),
           cut(book + "<parameter=verse>\n23\n</parameter>\n<parameter=kind>\npsalm\n</parameter>\n"),
           "<tool_call>\n<function=now>\n</function>\n</tool_call>"},
          {begin, cut(book), cut(book + "<parameter=verse>\n177\n</parameter>\n"),
           cut(book + "<parameter=verse>\n23\n</parameter>\n<parameter=kind>\nsong\n</parameter>\n"),
           cut("<parameter=verse>\n23\n</parameter>\n" + book)});
    check(world.grammar({}), {"Hello", "Hm\n" + cut("<parameter=x>\n1\n</parameter>\n")}, {"<function=now>"});
    const json::value optional = json::parse(
        R"([{"function": {"name": "find", "parameters": {"properties": {"a": {"default": null,
             "anyOf": [{"type": "string", "enum": ["x", "y"]}, {"type": "integer", "maximum": 3}, {"type": "null"}]}}}}}])",
        "tools");
    check(world.grammar(required, optional),
          {begin, cut("<parameter=a>\nx\n</parameter>\n"), cut("<parameter=a>\nnull\n</parameter>\n"),
           cut("<parameter=a>\n3\n</parameter>\n")},
          {cut("<parameter=a>\nz\n</parameter>\n"), cut("<parameter=a>\n4\n</parameter>\n")});
    const json::value pattern = json::parse(
        R"([{"function": {"name": "f", "parameters": {"properties": {"a": {"type": "string", "pattern": "x"}}}}}])",
        "tools");
    test::require_error(QUANT_ERR_UNSUPPORTED, {"'f'", "pattern"}, [&] { world.grammar(required, pattern); });
}

TEST_CASE("tools that are none, schemas that cannot be kept and templates without calls are refused") {
    const World world(hermes);
    const auto of = [&](const char *text) { world.grammar(required, json::parse(text, "tools")); };
    test::require_error(QUANT_ERR_ARGUMENT, {"other"}, [&] { world.grammar({.required = true, .only = "other"}); });
    test::require_error(QUANT_ERR_ARGUMENT, {"tools"}, [&] { of("[]"); });
    test::require_error(QUANT_ERR_ARGUMENT, {"name"}, [&] { of(R"([{"function": {}}])"); });
    test::require_error(QUANT_ERR_ARGUMENT, {"name"}, [&] { of(R"([{"function": {"name": "a\"b"}}])"); });
    test::require_error(QUANT_ERR_UNSUPPORTED, {"uniqueItems"}, [&] {
        of(R"([{"function": {"name": "f", "parameters": {"properties": {"a": {"type": "array", "uniqueItems": true}}}}}])");
    });
    CHECK_FALSE(World(no_calls).shape);
    CHECK_FALSE(World("{% if").shape);
    CHECK_FALSE(World("").shape);
}

TEST_CASE("text without marks has all other text") {
    grammar::GrammarTree tree;
    const auto root = tree.add_rule("root");
    tree.define(root, grammar::text_without(tree, {"aab", "abc", "<\xef\xbd\x9c>"}, 0));
    tree.set_root(root);
    check(Grammar::compile(tree), {"", "a", "aaaa", "ab ab", "<\xef\xbd\x9c", "acb\n\xf0\x9f\x99\x82"},
          {"aab", "xaaab", "aabc", "xabcx", "ababc", "<<\xef\xbd\x9c>"});
}

TEST_CASE("the shapes of third-party templates are read back") {
    const auto folder = test::shared("data/templates");
    if (folder.empty()) {
        WARN("skipped: no third-party templates here");
        return;
    }
    std::map<std::string, std::string> without;
    size_t with = 0;
    for (const auto &entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() != ".jinja") continue;
        const World world(test::read_file(entry.path()));
        INFO(entry.path().stem().string() << " as " << world.format.family->name);
        if (!world.shape) {
            without[entry.path().stem().string()] = world.format.family->name;
            continue;
        }
        ++with;
        // A greedy writer of the shortest text that is complete writes calls.
        GrammarState state(world.grammar(one));
        CHECK_FALSE(state.may_end());
    }
    std::string names;
    for (const auto &[name, family] : without) names += name + " (" + family + ")\n";
    INFO("without a shape:\n" << names);
    // Calls that are no JSON and have no marks around each argument, or that the template does not print.
    for (const char *family : {"kimi-k2", "lfm2", "minimax-m3", "plain", "gemma-4", "granite-3", "atem"})
        std::erase_if(without, [&](const auto &one) { return one.second == family; });
    CHECK(without.empty());
    CHECK(with > 0);
}
