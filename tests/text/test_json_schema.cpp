// JSON schemas as grammars: for each what it accepts and refuses, the messages for what
// cannot be expressed, and schemas that are made to hurt.
#include "test_support.h"
#include "text/json_schema.h"

#include <functional>

using namespace quant;

namespace {

bool matches(const GrammarPtr &grammar, std::string_view text) {
    GrammarState state(grammar);
    return state.advance(text) && state.may_end();
}

GrammarPtr compiled(std::string_view schema) { return json_schema_grammar(json::parse(schema, "schema")); }

struct SchemaCase {
    std::string_view schema;
    std::vector<std::string_view> accepted, refused;
};

void check(const SchemaCase &one) {
    INFO("schema: " << one.schema);
    const GrammarPtr grammar = compiled(one.schema);
    for (const std::string_view text : one.accepted) {
        INFO("text: " << text);
        CHECK(matches(grammar, text));
    }
    for (const std::string_view text : one.refused) {
        INFO("text: " << text);
        CHECK_FALSE(matches(grammar, text));
    }
}

void refused(std::string_view schema, quant_status status, const std::vector<std::string> &words) {
    INFO("schema: " << schema.substr(0, 200));
    test::require_error(status, words, [&] { compiled(schema); });
}

std::string repeated(std::string_view part, size_t n) {
    std::string out;
    for (size_t i = 0; i < n; ++i) out += part;
    return out;
}

constexpr std::string_view any_documents[] = {
    "{}",
    "[]",
    "null",
    "true",
    "-0.5e+10",
    "\"\"",
    "0",
    "{ \"a\": [1, {\"b\": null}], \"\\u00e9\":\"\\ud83d\\ude00\"}",
    "[\n  1,\n  2\n]",
    "\"\xc3\xa9\\n\\\\\"",
};
constexpr std::string_view no_documents[] = {
    "",    "{",       "[1,]",       "[,1]", "{\"a\"}", "{\"a\":1,}", "{a:1}",       "01",          "1.",
    ".5",  "+1",      "tru",        "\"",   "\"\n\"",  "\"\\x\"",    "\"\\ud83d\"", "\"\\ude00\"", " {}",
    "{} ", "[1  ,2]", "[ \n \n 1]", "NaN",  "1e",      "[1 2]",      "\"\\u12\"",
};

} // namespace

TEST_CASE("an empty schema is any JSON document, an object the one of json_object") {
    for (const char *schema : {"{}", "true", R"({"title": "x", "description": "y", "$schema": "z", "default": 1})"})
        check({schema,
               {std::begin(any_documents), std::end(any_documents)},
               {std::begin(no_documents), std::end(no_documents)}});
    for (const std::string_view text : any_documents) CHECK(matches(any_json_grammar(), text) == (text[0] == '{'));
    CHECK_FALSE(matches(any_json_grammar(), "{\"a\":1"));
}

TEST_CASE("types, constants and enumerations") {
    check({R"({"type": "string"})", {"\"a\"", "\"\""}, {"1", "null"}});
    check({R"({"type": "boolean"})", {"true", "false"}, {"null", "0"}});
    check({R"({"type": "null"})", {"null"}, {"true", ""}});
    check({R"({"type": "number"})", {"1", "-1.5", "1e9"}, {"\"1\"", "-"}});
    check({R"({"type": "integer"})", {"1", "-10", "0"}, {"1.5", "-0", "01", "1e3"}});
    check({R"({"type": "object"})", {"{}", "{\"x\": 1}"}, {"[]"}});
    check({R"({"type": "array"})", {"[]", "[1, \"a\"]"}, {"{}"}});
    check({R"({"type": ["string", "null"]})", {"\"a\"", "null"}, {"1"}});
    check({R"({"type": ["integer", "number"]})", {"1", "1.5"}, {"\"a\""}});
    check({R"({"const": "a\"b\\\n\u0001\u00e9/"})", {"\"a\\\"b\\\\\\n\\u0001\xc3\xa9/\""}, {"\"a\""}});
    check({R"({"const": null})", {"null"}, {"{}"}});
    check({R"({"const": {"a": [1, 2.5, {}], "b": []}})",
           {"{\"a\":[1,2.5,{}],\"b\":[]}", "{ \"a\": [1, 2.5, { } ], \"b\": []}"},
           {"{\"a\":[1,2.5]}"}});
    check({R"({"enum": ["red", "redder", "green", "", 1, 12, null, [1], true]})",
           {"\"red\"", "\"redder\"", "\"green\"", "\"\"", "1", "12", "null", "[1]", "true"},
           {"\"re\"", "\"redd\"", "2", "122", "[]", "false"}});
    check({R"({"type": "string", "enum": ["a", 1, null]})", {"\"a\""}, {"1", "null"}});
    check({R"({"type": "integer", "enum": [1.0, 1.5]})", {"1"}, {"1.5"}});
    check({R"({"enum": ["a", "b"], "const": "b"})", {"\"b\""}, {"\"a\""}});
}

TEST_CASE("objects have their members in order, with commas between them") {
    check(
        {R"({"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "null"}, "c": true}, "required": ["b"]})",
         {"{\"b\":null}", "{\"a\":1,\"b\":null}", "{\"a\": 1, \"b\": null, \"c\": [] }",
          "{\n  \"b\": null,\n  \"c\": 1\n}"},
         {"{}", "{\"a\":1}", "{\"b\":null,\"a\":1}", "{\"b\":null,}", "{,\"b\":null}", "{\"b\":null,\"d\":1}",
          "{\"b\":null \"c\":1}"}});
    check({R"({"properties": {"a": {"type": "integer"}, "b": {"type": "null"}}})",
           {"{}", "{ }", "{\"a\":1}", "{\"b\":null}", "{\"a\":1,\"b\":null}"},
           {"{\"a\":1,}", "{\"b\":null,\"a\":1}", "1"}});
    check({R"({"properties": {}, "additionalProperties": false})", {"{}"}, {"{\"a\":1}"}});
    check({R"({"type": "object", "additionalProperties": {"type": "integer"}})",
           {"{}", "{\"a\":1,\"\":2}"},
           {"{\"a\":null}"}});
    check(
        {R"({"properties": {"ab": {"type": "null"}, "a": {"type": "null"}, "\u00e9": {"type": "null"}, "x\"y": {"type": "null"}}, "additionalProperties": {"type": "integer"}})",
         {"{}", "{\"ab\":null,\"a\":null,\"abc\":1,\"b\":2,\"\":3}", "{\"\xc3\xa8\":1}", "{\"x\":1}",
          "{\"x\\\"y\":null}", "{\"ac\":1}"},
         {"{\"ab\":1}", "{\"a\":1}", "{\"b\":null}", "{\"\xc3\xa9\":1}", "{\"x\\\"y\":1}", "{\"\\u0061b\":1}",
          "{\"b\":1,\"ab\":null}"}});
    check({R"({"type": "object", "required": ["z", "a"], "additionalProperties": {"type": "integer"}})",
           {"{\"z\":1,\"a\":2}", "{\"z\":1,\"a\":2,\"b\":3}"},
           {"{\"z\":1}", "{\"z\":1,\"a\":2,\"z\":3}"}});
    check({R"({"type": "object", "required": ["z"], "properties": {"a": {"type": "null"}}})",
           {"{\"z\":{}}", "{\"a\":null,\"z\":1}"},
           {"{\"a\":null}"}});
    check({R"({"properties": {"a": false, "b": {"type": "null"}}})", {"{}", "{\"b\":null}"}, {"{\"a\":1}"}});
    check({R"({"properties": {"a/b~": {"type": "null"}}})", {"{\"a/b~\":null}"}, {}});
}

TEST_CASE("arrays have as many items as they may") {
    check({R"({"items": {"type": "integer"}})", {"[]", "[1]", "[1,2, 3]", "[\n1 ]"}, {"[null]", "[1,]", "[1 2]"}});
    check({R"({"items": {"type": "integer"}, "minItems": 2, "maxItems": 3})",
           {"[1,2]", "[1,2,3]"},
           {"[]", "[1]", "[1,2,3,4]"}});
    check({R"({"items": {"type": "integer"}, "minItems": 1})", {"[1]", "[1,2,3,4]"}, {"[]"}});
    check({R"({"items": {"type": "integer"}, "maxItems": 1})", {"[]", "[1]"}, {"[1,2]"}});
    check({R"({"type": "array", "maxItems": 0})", {"[]"}, {"[1]"}});
    check({R"({"type": "array", "minItems": 2})", {"[1,null]"}, {"[1]"}});
    check({R"({"prefixItems": [{"type": "null"}, {"type": "integer"}]})",
           {"[]", "[null]", "[null,1]"},
           {"[1]", "[null,1,1]", "[null,]"}});
    check(
        {R"({"prefixItems": [{"type": "null"}, {"type": "integer"}], "items": {"type": "boolean"}, "minItems": 1, "maxItems": 4})",
         {"[null]", "[null,1]", "[null,1,true]", "[null,1,true,false]"},
         {"[]", "[null,true]", "[null,1,true,true,true]"}});
    check({R"({"prefixItems": [{"type": "null"}, {"type": "integer"}], "minItems": 3})",
           {"[null,1,{}]", "[null,1,2,3]"},
           {"[null,1]"}});
    check({R"({"prefixItems": [{"type": "null"}, {"type": "integer"}], "minItems": 2})",
           {"[null,1]"},
           {"[null]", "[]", "[null,1,1]"}});
    check(
        {R"({"prefixItems": [{"type": "null"}, {"type": "integer"}], "maxItems": 1})", {"[]", "[null]"}, {"[null,1]"}});
    check({R"({"items": [{"type": "null"}], "additionalItems": {"type": "integer"}})", {"[null,1,2]", "[]"}, {"[1]"}});
    check({R"({"prefixItems": [true, false]})", {"[]", "[1]"}, {"[1,1]"}});
}

TEST_CASE("strings have lengths in characters") {
    check({R"({"type": "string", "minLength": 2, "maxLength": 3})",
           {"\"ab\"", "\"\xe2\x82\xac\xf0\x9f\x98\x80\xc3\xa9\"", "\"\\n\\\"\\u0041\"", "\"\\ud83d\\ude00a\""},
           {"\"a\"", "\"abcd\"", "\"\\ud83d\\ude00\"", "\"\""}});
    check({R"({"maxLength": 0})", {"\"\""}, {"\"a\""}});
    check({R"({"minLength": 1})", {"\"a\"", "\"aaaa\""}, {"\"\"", "1"}});
    CHECK(matches(compiled(R"({"maxLength": 60000})"), '"' + repeated("\xc3\xa9", 60000) + '"'));
    CHECK_FALSE(matches(compiled(R"({"maxLength": 60000})"), '"' + repeated("a", 60001) + '"'));
}

TEST_CASE("patterns") {
    check({R"({"pattern": "^[a-c]+\\d{2}$"})", {"\"a12\"", "\"cab00\""}, {"\"12\"", "\"a1\"", "\"xa12\"", "\"a123\""}});
    check({R"({"pattern": "b"})", {"\"b\"", "\"abc\"", "\"\\u0061b\\n\""}, {"\"a\"", "\"\""}});
    check({R"({"pattern": "^a|b$"})", {"\"ax\"", "\"xb\""}, {"\"xa\"", "\"bx\""}});
    check({R"({"pattern": "^(?:yes|no|(maybe)?)$"})", {"\"yes\"", "\"no\"", "\"maybe\"", "\"\""}, {"\"y\""}});
    check({R"({"pattern": "^[^a]$"})",
           {"\"b\"", "\"\\n\"", "\"\\\"\"", "\"\\\\\"", "\"\\u0001\"", "\"\xc3\xa9\""},
           {"\"a\"", "\"\\u0061\"", "\"bb\""}});
    check({R"({"pattern": "^.$"})", {"\"b\"", "\"\\t\""}, {"\"\\n\"", "\"\xe2\x80\xa8\""}});
    check({R"({"pattern": "^\\(\\w\\S\\s\\/\\.\\u00e9\\x41[\\w-]\\)$"})",
           {"\"(a! /.\xc3\xa9"
            "A-)\""},
           {"\"(a!!/.\xc3\xa9"
            "A-)\""}});
    check({R"({"pattern": "^a{2}b{1,}c{0,1}d??e*?f+?$"})", {"\"aabf\"", "\"aabbcdeeff\""}, {"\"abf\"", "\"aabccf\""}});
    check({R"({"pattern": "^x{,2}{}$"})", {"\"x{,2}{}\""}, {"\"xx\""}});
    check({R"({"pattern": "^(?<year>[0-9]{4})[\\]\\-a]$"})", {"\"2026]\"", "\"2026-\""}, {"\"2026\""}});
    check({R"({"pattern": "^[a-z]+$", "maxLength": 3, "minLength": 2})",
           {"\"ab\"", "\"abc\""},
           {"\"a\"", "\"abcd\"", "\"a1\""}});
    check({R"({"pattern": "^[a-z]{2}[0-9]?$", "maxLength": 3})", {"\"ab\"", "\"ab1\""}, {"\"a\""}});
    check({R"({"pattern": "^$"})", {"\"\""}, {"\"a\""}});
    check({R"({"pattern": ""})", {"\"\"", "\"a\""}, {"1"}});
    for (const char *pattern :
         {"(?=a)", "(?!a)", "(?<=a)", "\\\\bx", "(a)\\\\1", "\\\\p{L}", "a^b", "a$b", "(^a)", "\\\\k<a>", "\\\\ud83d"})
        refused(fmt::format(R"({{"properties": {{"a": {{"pattern": "{}"}}}}}})", pattern), QUANT_ERR_UNSUPPORTED,
                {"#/properties/a/pattern", "byte"});
    for (const char *pattern :
         {"(a", "a)", "[a", "*a", "a**", "[b-a]", "a{2,1}", "\\\\", "\\\\xg0", "[\\\\d-a", "[a-\\\\d]"})
        refused(fmt::format(R"({{"pattern": "{}"}})", pattern), QUANT_ERR_ARGUMENT, {"#/pattern", "byte"});
}

TEST_CASE("formats") {
    check({R"({"format": "date"})",
           {"\"2026-01-31\"", "\"2024-02-29\"", "\"2000-02-29\"", "\"2026-11-30\""},
           {"\"2026-13-01\"", "\"2026-02-29\"", "\"1900-02-29\"", "\"2026-11-31\"", "\"2026-00-10\"", "\"2026-1-1\"",
            "\"2026-01-00\""}});
    check({R"({"format": "time"})",
           {"\"23:59:59Z\"", "\"00:00:00.123+05:30\""},
           {"\"24:00:00Z\"", "\"12:60:00Z\"", "\"12:00:00\"", "\"12:00Z\""}});
    check({R"({"format": "date-time"})", {"\"2026-01-31T10:00:00Z\""}, {"\"2026-01-31\"", "\"2026-01-31 10:00:00Z\""}});
    check({R"({"format": "uuid"})",
           {"\"123e4567-E89b-12d3-a456-426614174000\""},
           {"\"123e4567e89b12d3a456426614174000\""}});
    check({R"({"format": "email"})",
           {"\"a.b+c@mail.example.org\""},
           {"\"a\"", "\"@a.b\"", "\"a.@b.c\"", "\"a@b\"", "\"a@-b.c\""}});
    check({R"({"format": "hostname"})", {"\"a\"", "\"www.example-1.org\""}, {"\"\"", "\"-a\"", "\"a..b\"", "\"a-\""}});
    check({R"({"format": "ipv4"})",
           {"\"127.0.0.1\"", "\"255.249.10.99\""},
           {"\"256.0.0.1\"", "\"1.2.3\"", "\"01.2.3.4\""}});
    check({R"({"format": "ipv6"})", {"\"2001:db8:0:0:0:0:0:1\""}, {"\"1:2\"", "\"12345:0:0:0:0:0:0:0\""}});
    check({R"({"format": "uri"})",
           {"\"https://example.org:8080/a/%20b?q=1&r=2#top\"", "\"http://a\""},
           {"\"a\"", "\"http://\"", "\"http://a/%2\"", "\"http://a b\""}});
}

TEST_CASE("bounds of whole numbers hold for every number near them") {
    struct Range {
        std::string keywords;
        int low, high;
    };
    const Range ranges[] = {
        {R"("minimum": 7, "maximum": 123)", 7, 123},
        {R"("minimum": -15, "maximum": 7)", -15, 7},
        {R"("minimum": -120, "maximum": -9)", -120, -9},
        {R"("exclusiveMinimum": 0, "exclusiveMaximum": 10)", 1, 9},
        {R"("minimum": 99.5, "maximum": 101.5)", 100, 101},
        {R"("minimum": 0)", 0, 100'000},
        {R"("maximum": -1)", -100'000, -1},
        {R"("minimum": 199, "maximum": 199)", 199, 199},
        {R"("minimum": 5, "exclusiveMinimum": 7, "maximum": 1000)", 8, 1000},
        {R"("minimum": -1e300, "maximum": 21)", -100'000, 21},
    };
    for (const Range &range : ranges) {
        INFO(range.keywords);
        const GrammarPtr grammar = compiled("{\"type\": \"integer\", " + range.keywords + "}");
        size_t wrong = 0;
        for (int i = -1200; i <= 1200; ++i)
            wrong += matches(grammar, std::to_string(i)) != (i >= range.low && i <= range.high);
        CHECK(wrong == 0);
        CHECK_FALSE(matches(grammar, "-0"));
    }
    check({R"({"type": "integer", "minimum": 9223372036854775800})",
           {"9223372036854775807", "9223372036854775800"},
           {"9223372036854775799", "9223372036854775808"}});
    check({R"({"type": "integer", "maximum": -9223372036854775808})",
           {"-9223372036854775808"},
           {"-9223372036854775807"}});
}

TEST_CASE("bounds of numbers are whole") {
    check({R"({"type": "number", "minimum": 0, "maximum": 1})",
           {"0", "1", "0.5", "1.00", "0.0"},
           {"1.01", "-0.1", "2", "-1"}});
    check({R"({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1})",
           {"0.5", "0.001"},
           {"0", "0.0", "1", "1.0"}});
    check({R"({"type": "number", "minimum": -90, "maximum": 90})",
           {"-90", "-90.0", "-89.9", "-0.5", "0.5", "90.0", "12.25"},
           {"-90.1", "90.1", "91"}});
    check({R"({"type": "number", "exclusiveMaximum": -2})", {"-2.5", "-3"}, {"-2", "-2.0", "0", "1"}});
    check({R"({"type": "number", "minimum": 10})", {"10", "10.5", "123"}, {"9.9", "-10"}});
    refused(R"({"type": "number", "minimum": 0.5})", QUANT_ERR_UNSUPPORTED, {"#/minimum", "whole"});
}

TEST_CASE("references, also to what they are in") {
    check(
        {R"({"$ref": "#/$defs/node", "$defs": {"node": {"type": "object", "properties": {"v": {"type": "integer"}, "next": {"$ref": "#/$defs/node"}}, "required": ["v"]}}})",
         {"{\"v\":1}", "{\"v\":1,\"next\":{\"v\":2,\"next\":{\"v\":3}}}"},
         {"{\"v\":1,\"next\":{}}"}});
    check({R"({"anyOf": [{"type": "null"}, {"type": "array", "items": {"$ref": "#"}}]})",
           {"null", "[[],[null,[]]]"},
           {"[1]"}});
    check({R"({"properties": {"a": {"$ref": "#/definitions/x~1y%20z"}}, "definitions": {"x/y z": {"type": "null"}}})",
           {"{\"a\":null}"},
           {"{\"a\":1}"}});
    check({R"({"prefixItems": [{"type": "null"}, {"$ref": "#/prefixItems/0"}]})", {"[null,null]"}, {"[null,1]"}});
    check(
        {R"({"$ref": "#/$defs/a", "maxLength": 2, "$defs": {"a": {"type": "string"}}})", {"\"ab\""}, {"\"abc\"", "1"}});
    refused(R"({"$ref": "#/$defs/none"})", QUANT_ERR_ARGUMENT, {"#/$ref", "'#/$defs/none'"});
    refused(R"({"items": {"$ref": "http://x/y"}})", QUANT_ERR_UNSUPPORTED, {"#/items/$ref"});
    refused(R"({"$ref": "#"})", QUANT_ERR_ARGUMENT, {"left-recursive"});
    refused(R"({"anyOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"$ref": "#"}}})", QUANT_ERR_ARGUMENT,
            {"left-recursive"});
    refused(R"({"properties": {"a": {"$ref": "#"}}, "required": ["a"]})", QUANT_ERR_ARGUMENT, {"no text matches"});
    refused(R"({"$ref": "#", "minLength": 1})", QUANT_ERR_LIMIT, {"nested too deeply"});
}

TEST_CASE("anyOf, allOf and oneOf combine with what stands beside them") {
    check({R"({"anyOf": [{"type": "string"}, {"type": "integer", "minimum": 5}]})", {"\"a\"", "7"}, {"4", "null"}});
    check(
        {R"({"type": "object", "properties": {"a": {"type": "null"}, "b": {"type": "null"}}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]})",
         {"{\"a\":null}", "{\"b\":null}", "{\"a\":null,\"b\":null}"},
         {"{}"}});
    check(
        {R"({"allOf": [{"properties": {"a": {"type": ["integer", "null"]}}, "required": ["a"]}, {"properties": {"a": {"minimum": 3, "type": "number"}, "b": {"type": "null"}}, "required": ["b"]}]})",
         {"{\"a\":3,\"b\":null}"},
         {"{\"a\":3}", "{\"a\":2,\"b\":null}", "{\"a\":null,\"b\":null}", "{\"a\":3.5,\"b\":null}"}});
    check(
        {R"({"allOf": [{"properties": {"a": true}, "additionalProperties": false}, {"properties": {"b": {"type": "null"}}}]})",
         {"{\"a\":1}", "{}"},
         {"{\"b\":null}"}});
    check({R"({"allOf": [{"minLength": 2}, {"maxLength": 3}, {"type": "string", "minLength": 1}]})",
           {"\"ab\""},
           {"\"a\"", "\"abcd\""}});
    check({R"({"allOf": [{"enum": [1, 2, 3]}, {"enum": [2, 3, 4]}], "type": "integer"})", {"2", "3"}, {"1", "4"}});
    check(
        {R"({"allOf": [{"items": {"type": "integer"}}, {"prefixItems": [{"minimum": 5}], "items": {"maximum": 3}}, {"maxItems": 2}]})",
         {"[]", "[5]", "[7,3]"},
         {"[4]", "[5,4]", "[5,1,1]", "[5.5]"}});
    check(
        {R"({"allOf": [{"anyOf": [{"type": "string"}, {"type": "integer"}]}, {"anyOf": [{"type": "integer"}, {"type": "null"}]}]})",
         {"1"},
         {"\"a\"", "null"}});
    check({R"({"oneOf": [{"type": "string"}, {"type": "integer"}, {"const": 1.5}]})", {"\"a\"", "1", "1.5"}, {"2.5"}});
    check(
        {R"({"oneOf": [{"properties": {"kind": {"const": "a"}, "x": {"type": "null"}}, "required": ["kind"], "type": "object"},
                         {"properties": {"kind": {"enum": ["b", "c"]}}, "required": ["kind"], "type": "object"}]})",
         {"{\"kind\":\"a\",\"x\":null}", "{\"kind\":\"c\"}"},
         {"{\"kind\":\"b\",\"x\":null}", "{}"}});
    check(
        {R"({"type": "object", "oneOf": [{"properties": {"a": {"type": "null"}}, "required": ["a"]}, {"properties": {"b": true}, "additionalProperties": false}]})",
         {"{\"a\":null}", "{\"b\":1}", "{}"},
         {"{\"a\":null,\"b\":1}"}});
    refused(R"({"properties": {"p": {"oneOf": [{"type": "integer"}, {"type": "string"}, {"type": "number"}]}}})",
            QUANT_ERR_UNSUPPORTED, {"#/properties/p/oneOf", "alternatives 0 and 2"});
    refused(R"({"oneOf": [{"type": "object", "required": ["a"]}, {"type": "object", "required": ["b"]}]})",
            QUANT_ERR_UNSUPPORTED, {"#/oneOf"});
    refused(R"({"allOf": [{"pattern": "a"}, {"pattern": "b"}]})", QUANT_ERR_UNSUPPORTED, {"#/allOf/1/pattern"});
    refused(R"({"allOf": [{"type": "string"}, {"type": "null"}]})", QUANT_ERR_ARGUMENT, {"no text matches"});
    // Merging that goes on in a circle comes back to where it was.
    check({R"({"allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}], "$defs": {
                 "a": {"properties": {"x": {"$ref": "#/$defs/a"}, "n": {"type": "integer"}}},
                 "b": {"properties": {"x": {"$ref": "#/$defs/b"}, "n": {"minimum": 5}}, "type": "object"}}})",
           {"{\"x\":{\"x\":{\"n\":6}},\"n\":5}"},
           {"{\"x\":{\"x\":{\"n\":4}}}"}});
}

TEST_CASE("what cannot be expressed is refused where it stands") {
    for (const char *keyword :
         {"not", "if", "patternProperties", "propertyNames", "dependentRequired", "contains", "multipleOf",
          "minProperties", "unevaluatedProperties", "$dynamicRef", "nullable", "requried"})
        refused(fmt::format(R"({{"properties": {{"a/b": {{"{}": {{}}}}}}}})", keyword), QUANT_ERR_UNSUPPORTED,
                {std::string("#/properties/a~1b/") + keyword});
    refused(R"({"items": {"format": "regex"}})", QUANT_ERR_UNSUPPORTED, {"#/items/format", "'regex'"});
    refused(R"({"uniqueItems": true})", QUANT_ERR_UNSUPPORTED, {"#/uniqueItems"});
    refused(R"({"pattern": "^a*b$", "maxLength": 3})", QUANT_ERR_UNSUPPORTED, {"#/pattern"});
    CHECK_NOTHROW(compiled(R"({"format": "uri", "minLength": 1, "maxLength": 2083})"));
    refused(R"({"format": "date", "maxLength": 3})", QUANT_ERR_UNSUPPORTED, {"#/format"});
    refused(R"({"enum": ["a"], "maxLength": 3})", QUANT_ERR_UNSUPPORTED, {"#/maxLength"});
    refused(R"({"type": "text"})", QUANT_ERR_ARGUMENT, {"#/type", "'text'"});
    refused(R"({"type": 1})", QUANT_ERR_ARGUMENT, {"#/type"});
    refused(R"({"minLength": -1})", QUANT_ERR_ARGUMENT, {"#/minLength"});
    refused(R"({"minItems": 1.5})", QUANT_ERR_ARGUMENT, {"#/minItems"});
    refused(R"({"required": "a"})", QUANT_ERR_ARGUMENT, {"#/required"});
    refused(R"({"required": [1]})", QUANT_ERR_ARGUMENT, {"#/required"});
    refused(R"({"properties": []})", QUANT_ERR_ARGUMENT, {"#/properties"});
    refused(R"({"properties": {"a": 1}})", QUANT_ERR_ARGUMENT, {"#/properties/a"});
    refused(R"({"anyOf": {}})", QUANT_ERR_ARGUMENT, {"#/anyOf"});
    refused(R"({"enum": 1})", QUANT_ERR_ARGUMENT, {"#/enum"});
    refused(R"({"type": "integer", "exclusiveMinimum": true})", QUANT_ERR_ARGUMENT, {"#/exclusiveMinimum"});
    refused("1", QUANT_ERR_ARGUMENT, {"#"});
    refused("false", QUANT_ERR_ARGUMENT, {"no text matches"});
    refused(R"({"type": []})", QUANT_ERR_ARGUMENT, {"no text matches"});
}

TEST_CASE("hostile schemas are errors") {
    json::value deep = json::object();
    for (int i = 0; i < 300; ++i) deep = json::object{{"items", deep}};
    test::require_error(QUANT_ERR_LIMIT, {"deeper"}, [&] { json_schema_grammar(deep); });
    refused(R"({"maxLength": 99999999})", QUANT_ERR_LIMIT, {"#/maxLength"});
    refused(R"({"minItems": 18446744073709551615})", QUANT_ERR_LIMIT, {"#/minItems"});
    refused("{\"pattern\": \"" + repeated("(", 60'000) + "\"}", QUANT_ERR_LIMIT, {"#/pattern"});

    // Merging that doubles at each step, and choices that multiply.
    std::string doubling = R"({"$ref": "#/$defs/s0", "minLength": 1, "$defs": {)", choices = "{\"allOf\": [";
    for (int i = 0; i < 60; ++i)
        doubling +=
            fmt::format(R"("s{0}": {{"allOf": [{{"$ref": "#/$defs/s{1}"}}, {{"$ref": "#/$defs/s{1}"}}]}},)", i, i + 1);
    refused(doubling + "\"s60\": true}}", QUANT_ERR_LIMIT, {"combine to too much"});
    for (int i = 0; i < 40; ++i)
        choices += fmt::format(R"({{"anyOf": [{{"minLength": {}}}, {{"maxLength": {}}}]}},)", i, i + 50);
    refused(choices + "true]}", QUANT_ERR_LIMIT, {"combine to too much"});

    json::object members;
    for (int i = 0; i < 30'000; ++i) members[fmt::format("m{}", i)] = json::object{{"type", "null"}};
    test::require_error(QUANT_ERR_LIMIT, {"rules"}, [&] {
        json_schema_grammar(json::object{{"properties", members}});
    });
    json::object growing{
        {"properties",
         json::object{{"x", json::object{{"allOf", {json::object{{"$ref", "#"}}, json::object{{"minItems", 1}}}}}}}}};
    CHECK_NOTHROW(json_schema_grammar(growing));
}

TEST_CASE("large but harmless schemas are accepted") {
    json::array words;
    json::object members;
    for (int i = 0; i < 5000; ++i)
        words.push_back(json::value(fmt::format("word {} {}", i * 7919 % 5000, repeated("a", size_t(i) % 50))));
    for (int i = 0; i < 1000; ++i)
        members[fmt::format("member {}", i)] = json::object{{"enum", json::array{words[size_t(i)], i}}};
    const GrammarPtr grammar = json_schema_grammar(json::object{
        {"properties", members}, {"required", {"member 500", "member 999"}}, {"additionalProperties", false}});
    CHECK(matches(grammar, "{\"member 3\":3,\"member 500\":500,\"member 999\":999}"));
    CHECK_FALSE(matches(grammar, "{\"member 3\":3,\"member 999\":999}"));
    CHECK(matches(json_schema_grammar(json::object{{"enum", words}}), json::serialize(words[4321])));
    json::object many;
    for (int i = 0; i < 10'000; ++i) many[fmt::format("m{}", i)] = true;
    CHECK(
        matches(json_schema_grammar(json::object{{"properties", many}}), "{\"m7000\":[],\"m7001\":1,\"m9999\":null}"));
    const GrammarPtr any = compiled("{}");
    CHECK(matches(any, repeated("[", 900) + repeated("]", 900)));
    CHECK_FALSE(GrammarState(any).accepts(repeated("[", 3000)));
}
