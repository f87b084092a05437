// What calls of tools hold: literals that are not JSON, types by schema, and JSON in the
// spellings of several families.
#include "test_support.h"
#include "text/call_reader.h"
#include "text/json_span.h"
#include "text/loose_literal.h"

using namespace quant;

namespace {

std::string repeated(std::string_view part, size_t n) {
    std::string out;
    for (size_t i = 0; i < n; ++i) out += part;
    return out;
}

} // namespace

TEST_CASE("literals of Python and of Gemma become JSON") {
    const std::string good[][2] = {
        {"True", "true"},
        {" None ", "null"},
        {"-1.50e3", "-1.50e3"},
        {"'it\\'s \"x\"'", "\"it's \\\"x\\\"\""},
        {"\"a\\n\\x41\\u00e9\\q\"", "\"a\\nA\u00e9\\\\q\""},
        {"(1, 'b', [],)", "[1,\"b\",[]]"},
        {"{'a': {'b': None}, \"c\": ()}", "{\"a\":{\"b\":null},\"c\":[]}"},
        {"{a:<|\"|>x'\"<<|\"|>,b:[true]}", "{\"a\":\"x'\\\"<\",\"b\":[true]}"},
        {std::string("'\0\xff'", 4), "\"\\u0000\uFFFD\""},
    };
    for (const auto &[text, expected] : good) {
        INFO(text);
        CHECK(loose_literal_json(text) == expected);
    }
    for (const std::string &text :
         {std::string(), std::string("nothing"), std::string("01"), std::string("1 2"), std::string("'open"),
          std::string("'\\u12'"), std::string("{'a': 1, 'a': 2}"), std::string("[1 2]"), std::string("{1, 2}"),
          std::string("<|\"|>open"), std::string("nan"), repeated("[", 100'000), repeated("{a:", 100'000)}) {
        INFO(text.substr(0, 40));
        CHECK(!loose_literal_json(text));
    }
}

TEST_CASE("an argument's type is its schema's, where the text can be that") {
    const std::string cases[][3] = {
        {R"({"type": "string"})", "12", R"("12")"},
        {R"({"type": "string"})", "{\"a\": 1}", R"("{\"a\": 1}")"},
        {R"({"type": "integer"})", " 12\n", "12"},
        {R"({"type": "integer"})", "twelve", R"("twelve")"},
        {R"({"type": "boolean"})", "True", "true"},
        {R"({"type": ["string", "null"]})", "null", "null"},
        {R"({"type": ["string", "null"]})", "12", R"("12")"},
        {R"({"anyOf": [{"type": "string"}, {"type": "array"}]})", "['a']", R"(["a"])"},
        {R"({"anyOf": [{"type": "string"}, {"$ref": "#/x"}]})", "7", "7"},
        {R"({"enum": ["1", "2"]})", "1", R"("1")"},
        {R"({"properties": {}})", "{'a': None}", R"({"a":null})"},
        {R"({"items": {}})", "[1, 2]", "[1, 2]"},
        {"true", "7", "7"},
        {"null", "\"quoted\"", R"("\"quoted\"")"},
        {"null", "", R"("")"},
    };
    for (const auto &[schema, text, expected] : cases) {
        INFO(schema << ": " << text);
        CHECK(argument_json(text, allowed_types(json::parse(schema, "schema"))) == expected);
    }
    json::value deep = json::object{{"type", "string"}};
    for (int i = 0; i < 50; ++i) deep = json::object{{"anyOf", json::array{deep}}};
    CHECK(allowed_types(deep) == 0);
}

TEST_CASE("tools are found in either form, and what is none is passed over") {
    const ToolSchemas tools(json::parse(
        R"([{"type": "function", "function": {"name": "a"}}, {"name": "b", "parameters": {"type": "object"}}, 1, {"name": ""},
            {"function": "c"}, {"name": 2}])",
        "tools"));
    CHECK(tools.knows("a"));
    CHECK(tools.knows("b"));
    CHECK(!tools.knows("c"));
    CHECK(!tools.knows(""));
    CHECK(tools.parameters("a").is_null());
    CHECK(allowed_types(tools.parameters("b")) == type_object);
}

TEST_CASE("JSON is a call in the spellings that models use") {
    const ToolSchemas tools(json::parse(R"([{"name": "f"}])", "tools"));
    for (const char *text :
         {R"({"name": "f", "arguments": {"a" : [1, "}"] }})", R"({"parameters": {"a" : [1, "}"] }, "name": "\u0066"})",
          R"({"tool_name": "f", "parameters": "{\"a\" : [1, \"}\"] }"})", R"({"f": {"a" : [1, "}"] }})",
          R"([ {"type": "function", "function": {"name": "f", "arguments": {"a" : [1, "}"] }}} ])"}) {
        INFO(text);
        const auto calls = calls_of_json(text, tools);
        REQUIRE(calls);
        REQUIRE(calls->size() == 1);
        CHECK(calls->front().name == "f");
        CHECK(calls->front().arguments == R"({"a" : [1, "}"] })");
    }
    for (const char *text : {"", "{", "[]]", "1", "{}", R"({"name": 1})", R"({"name": "g"})", R"([{"name": "f"}, 2])",
                             R"({"name": "f", "arguments": "[1]"})", R"({"name": "f", "arguments": "{"})"}) {
        INFO(text);
        CHECK(!calls_of_json(text, tools));
    }
}
