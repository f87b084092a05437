// Grammars: what GBNF accepts and refuses, characters split between calls, hostile
// sources, and masks of tokens that say of each token what the state says of its bytes.
#include "test_support.h"
#include "text/grammar.h"
#include "text/token_masks.h"

#include <pthread.h>

#include <functional>
#include <random>

using namespace quant;

namespace {

using Texts = std::initializer_list<std::string_view>;

bool matches(const GrammarPtr &grammar, std::string_view text) {
    GrammarState state(grammar);
    return state.advance(text) && state.may_end();
}

bool begins(const GrammarPtr &grammar, std::string_view text) { return GrammarState(grammar).accepts(text); }

std::string repeated(std::string_view part, size_t n) {
    std::string out;
    for (size_t i = 0; i < n; ++i) out += part;
    return out;
}

void refused(std::string_view source, const std::vector<std::string> &words, quant_status status = QUANT_ERR_ARGUMENT) {
    INFO("source: " << source.substr(0, 200));
    test::require_error(status, words, [&] { parse_gbnf(source); });
}

struct GbnfCase {
    std::string_view source;
    std::vector<std::string_view> accepted, refused;
};

const GbnfCase gbnf_cases[] = {
    {R"(root ::= "abc")", {"abc"}, {"", "ab", "abcd", "abd"}},
    {R"(root ::= "")", {""}, {"a"}},
    {R"(root ::=)", {""}, {"a"}},
    {R"(root ::= "a" | "b" |)", {"a", "b", ""}, {"ab", "c"}},
    {"root ::= \"a\"\n  | \"b\"\n\n | \"c\"", {"a", "b", "c"}, {""}},
    {R"(root ::= "a"* "b"+ "c"?)", {"b", "aabbc", "bc"}, {"", "a", "c", "bcc"}},
    {R"(root ::= "ab"{2})", {"abab"}, {"ab", "ababab"}},
    {R"(root ::= "a"{2,})", {"aa", "aaaaa"}, {"", "a"}},
    {R"(root ::= "a"{ 1 , 3 })", {"a", "aa", "aaa"}, {"", "aaaa"}},
    {R"(root ::= "a"{0})", {""}, {"a"}},
    {R"(root ::= ("a" "b"){2} | [x-z]{0,2})", {"abab", "", "x", "zz"}, {"ab", "xyz"}},
    {R"(root ::= [a-c]+ [^a-c])", {"abcd", "a!", "a\xc3\xa9"}, {"abc", "d", "a"}},
    {R"(root ::= [a\-c] [-x] [x-] "]" [\]] [\^a] [a^])", {"--x]]^^", "ax-]]aa"}, {"b-x]]^^"}},
    {R"(root ::= . .)", {"ab", "\n\n", "\xe2\x82\xac\xf0\x9f\x98\x80"}, {"a", "\xe2\x82\xac", "abc"}},
    {R"(root ::= "\x41\u00e9\U0001F600\n\r\t\\\"\[\]")", {"A\xc3\xa9\xf0\x9f\x98\x80\n\r\t\\\"[]"}, {"A"}},
    {R"(root ::= [\u0430-\u044f\x21]+)", {"\xd0\xbf\xd1\x80!"}, {"p", "\xd0\x90"}},
    {R"(root ::= [^\x00-\x7f])", {"\xc2\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xf4\x8f\xbf\xbf"}, {"a", "\xc2"}},
    {"# a comment\nroot ::= a # b\n\n  a-1\na ::= \"x\" # c\na-1 ::= \"y\"\n", {}, {}},
    {"root ::= ( \"a\" # first\n  | # or\n \"b\" )+ end\r\nend ::= \".\"\r\n", {"ab.", "b."}, {".", "ab"}},
    {"root ::=\n  a b\na ::= \"a\"\nb ::= \"b\"", {"ab"}, {"a"}},
    {R"~(root ::= "(" root ")" | "x")~", {"x", "((x))"}, {"(x", "x)", "()"}},
    {"root ::= e\ne ::= t ((\"+\" | \"-\") t)*\nt ::= [0-9]+ | \"(\" e \")\"", {"1+(2-33)-4"}, {"1+", "(1", "1)"}},
    {R"(root ::= ("")* "a" ("" | "b")* (("c"?)*)* "d"{0,3})", {"a", "abb", "accdd"}, {"", "ad4", "dddd"}},
    {R"(root ::= ("a"?){3})", {"", "a", "aaa"}, {"aaaa"}},
    {R"(root ::= ("a"? "b"?){2,3})", {"", "ab", "ba", "ababab"}, {"abababa", "bbbb"}},
    {"root ::= \"a\" root | \"b\" never | \"c\"\nnever ::= \"x\" never", {"c", "aac"}, {"b", "bx"}},
};

} // namespace

TEST_CASE("GBNF accepts what it says and nothing else") {
    for (const GbnfCase &one : gbnf_cases) {
        INFO("source: " << one.source);
        if (one.accepted.empty()) {
            CHECK_THROWS_AS(parse_gbnf(one.source), Error);
            continue;
        }
        const GrammarPtr grammar = parse_gbnf(one.source);
        for (const std::string_view text : one.accepted) {
            INFO("text: " << text);
            CHECK(matches(grammar, text));
            for (size_t n = 0; n <= text.size(); ++n) CHECK(begins(grammar, text.substr(0, n)));
        }
        for (const std::string_view text : one.refused) {
            INFO("text: " << text);
            CHECK_FALSE(matches(grammar, text));
        }
    }
}

TEST_CASE("messages name the line and the rule") {
    refused("root ::= a\n\nb ::= \"x\"", {"'a'", "not defined"});
    refused("a ::= \"x\"", {"no rule 'root'"});
    refused("root ::= \"a\"\nroot ::= \"b\"", {"line 2", "'root' is defined twice"});
    refused("root ::= \"a\n\"", {"line 1", "expected '\"'"});
    refused("root ::= [a", {"expected ']'"});
    refused("root ::= []", {"empty character class"});
    refused("root ::= [b-a]", {"range"});
    refused("\nroot ::= (\"a\"", {"line 2", "expected ')', found the end"});
    refused("root ::= \"a\")", {"end of the rule"});
    refused("root ::= *", {"something to repeat"});
    refused("root ::= \"a\"{2,1}", {"less than its least"});
    refused("root ::= \"a\"{x}", {"expected a number"});
    refused("root ::= \"a\"{2", {"expected '}'"});
    refused("root ::= \"\\q\"", {"unknown escape"});
    refused("root ::= \"\\xg0\"", {"hexadecimal"});
    refused("root ::= \"\\ud800\"", {"no character"});
    refused("root = \"a\"", {"expected '::='"});
    refused("root ::= <think>", {"end of the rule"});
    refused("root ::= \"\xff\"", {"not UTF-8"});
    refused("root ::= \"a\"{70000}", {"repetitions"}, QUANT_ERR_LIMIT);
}

TEST_CASE("rules that begin with themselves, and rules that never end, are refused") {
    refused("root ::= root \"a\" | \"b\"", {"'root'", "left-recursive"});
    refused("root ::= a\na ::= b \"x\"\nb ::= \"\" (c | \"y\")\nc ::= \"z\"* a", {"left-recursive"});
    refused("root ::= (\"\" root)*", {"left-recursive"});
    refused("root ::= \"a\" root", {"no text matches rule 'root'"});
    refused("root ::= \"a\" b\nb ::= \"c\" b", {"no text matches rule 'root'"});
    refused("root ::= [^\\x00-\\U0010ffff]", {"no text matches rule 'root'"});
}

TEST_CASE("a character may be split at every byte") {
    const GrammarPtr grammar =
        parse_gbnf("root ::= [\\u20ac\\u20ad\\U0001F600-\\U0001F64F]+ [^\\u0080-\\uffff\\U0001F600-\\U0001F64F]");
    for (const std::string_view text :
         Texts{"\xe2\x82\xac\xf0\x9f\x98\x80!", "\xe2\x82\xad\xf0\x9f\x99\x8f\xf0\x90\x80\x80"}) {
        GrammarState state(grammar);
        for (size_t i = 0; i < text.size(); ++i) {
            CHECK(state.may_end() == false);
            CHECK(state.advance(text.substr(i, 1)));
        }
        CHECK(state.may_end());
    }
    // As soon as no character of the class can begin so, the bytes are refused.
    CHECK(begins(grammar, "\xe2\x82"));
    for (const std::string_view text :
         Texts{"\xe2\x81", "\xe2\x82\xae", "\xe3", "\xf0\x9f\x97", "\x80", "\xe2\x82!", "\xc0", "\xff"})
        CHECK_FALSE(begins(grammar, text));
    const GrammarPtr any = parse_gbnf("root ::= .*");
    for (const std::string_view text :
         Texts{"\xc0\x80", "\xc1", "\xe0\x9f", "\xed\xa0", "\xf0\x8f", "\xf4\x90", "\xf5", "\xc2\xc2"})
        CHECK_FALSE(begins(any, text));
}

TEST_CASE("a state that refuses stays as it was, and copies are independent") {
    GrammarState state(parse_gbnf("root ::= \"abc\" | \"abd\" \"e\"?"));
    CHECK_FALSE(state.advance("abx"));
    REQUIRE(state.advance("ab"));
    GrammarState copy = state;
    CHECK(copy.advance("d"));
    CHECK(copy.may_end());
    CHECK_FALSE(copy.must_end());
    CHECK(state.accepts("c"));
    CHECK_FALSE(state.may_end());
    CHECK(state.advance("c"));
    CHECK(state.must_end());
    CHECK_FALSE(state.accepts("c"));
    CHECK(state.advance(""));
}

TEST_CASE("what is nested too deep is refused before it is entered") {
    GrammarState state(parse_gbnf("root ::= \"[\" root? \"]\""));
    size_t depth = 0;
    while (depth < 3000 && state.advance("[")) ++depth;
    CHECK(depth == GrammarLimits::stack_depth);
    while (depth > 0 && state.advance("]")) --depth;
    CHECK(depth == 0);
    CHECK(state.must_end());
    // Right recursion takes no stack.
    GrammarState list(parse_gbnf("root ::= \"a\" root | \"b\""));
    CHECK(list.advance(repeated("a", 100'000) + "b"));
}

TEST_CASE("hostile grammars are errors, in a small stack") {
    const auto body = [](void *) -> void * {
        std::string chain = "root ::= r0\n", calls = chain;
        for (int i = 0; i < 100'000; ++i) chain += fmt::format("r{} ::= r{}\n", i, i + 1);
        for (int i = 0; i < 50'000; ++i) calls += fmt::format("r{} ::= r{} \"x\"\n", i, i + 1);
        calls += "r50000 ::= \"y\"\n";
        std::string circle = "root ::= r0\n";
        for (int i = 0; i < 60'000; ++i) circle += fmt::format("r{} ::= \"\" r{}\n", i, (i + 1) % 60'000);
        const std::string sources[] = {
            "root ::= " + repeated("(", 60'000) + "\"a\"" + repeated(")", 60'000),
            "root ::= " + repeated("(", 60'000),
            "root ::= " + repeated("(\"a\" ", 300) + repeated(")*", 300),
            chain,
            calls,
            circle,
            "root ::= \"a\"{4000000000}",
            "root ::= \"a\"{99999999999999999999}",
            "root ::= ((((\"a\"?){60000}){60000}){60000}){60000}",
            "root ::= " + repeated("\"abcdefgh\"{60000} ", 100),
            "root ::= " + repeated(".", 300'000),
            "root ::= " + repeated("[a", 500'000),
            repeated("#", 2'000'000),
        };
        size_t refused = 0;
        for (const std::string &source : sources) {
            try {
                GrammarState state(parse_gbnf(source));
            } catch (const Error &) {
                ++refused;
                continue;
            }
            fmt::print("accepted: {}\n", source.substr(0, 60));
        }
        return refused == std::size(sources) ? nullptr : const_cast<char *>("accepted");
    };
    pthread_attr_t attributes;
    REQUIRE(pthread_attr_init(&attributes) == 0);
#ifdef __SANITIZE_ADDRESS__
    constexpr size_t stack_bytes = 16 << 20; // its frames are several times as large
#else
    constexpr size_t stack_bytes = 1 << 20;
#endif
    REQUIRE(pthread_attr_setstacksize(&attributes, stack_bytes) == 0);
    pthread_t thread{};
    REQUIRE(pthread_create(&thread, &attributes, body, nullptr) == 0);
    void *result = nullptr;
    REQUIRE(pthread_join(thread, &result) == 0);
    CHECK(result == nullptr);
}

TEST_CASE("large but harmless grammars are accepted") {
    std::string chain = "root ::= r0\n";
    for (int i = 0; i < 30'000; ++i) chain += fmt::format("r{} ::= r{}\n", i, i + 1);
    CHECK(matches(parse_gbnf(chain + "r30000 ::= \"y\"\n"), "y"));
    CHECK(matches(parse_gbnf("root ::= " + repeated("(", 250) + "\"a\"" + repeated(")+", 250)), "aaa"));
    const GrammarPtr counted = parse_gbnf("root ::= ((\"ab\"{100}){100}){2}");
    CHECK(matches(counted, repeated("ab", 20'000)));
    CHECK_FALSE(matches(counted, repeated("ab", 20'001)));
    std::string classes = "root ::=";
    for (int i = 0; i < 60'000; ++i) classes += fmt::format(" [a\\U{:08x}]", 0x10000 + i);
    CHECK(matches(parse_gbnf(classes), repeated("a", 60'000)));
    // Exponentially many ways to match are still few stacks.
    const GrammarPtr ambiguous =
        parse_gbnf("root ::= a a a a a a a a\na ::= (\"x\" | \"xx\" | b)*\nb ::= \"x\" \"x\"? | \"x\" b");
    CHECK(matches(ambiguous, repeated("x", 2000)));
}

namespace {

constexpr std::string_view json_source = R"~(
root ::= object
value ::= object | array | string | number | "true" | "false" | "null"
object ::= "{" ws (string ":" ws value ("," ws string ":" ws value)*)? ws "}"
array ::= "[" ws (value ("," ws value)*)? ws "]"
string ::= "\"" char* "\""
char ::= [^"\\\x00-\x1f] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4})
number ::= "-"? ("0" | [1-9] [0-9]{0,15}) ("." [0-9]{1,15})? ([eE] [-+]? [0-9]{1,3})?
ws ::= (" " | "\n" " "{0,20})?
)~";

std::vector<std::string> random_vocabulary(std::mt19937 &random, size_t size, std::string_view alphabet) {
    std::vector<std::string> out(size);
    for (std::string &token : out)
        for (size_t n = random() % 7; n > 0; --n) token += alphabet[random() % alphabet.size()];
    return out;
}

bool bit(std::span<const uint64_t> bits, size_t id) { return (bits[id / 64] >> (id % 64) & 1) != 0; }

/// Walks through random texts of the grammar and compares at each step.
void compare_masks(const GrammarPtr &grammar, std::string_view alphabet, uint32_t seed) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    const std::vector<std::string> tokens = random_vocabulary(random, 500, alphabet);
    TokenMasks masks(grammar, std::make_shared<const GrammarVocabulary>(tokens));
    for (int text = 0; text < 5; ++text) {
        GrammarState state(grammar);
        for (int step = 0; step < 40; ++step) {
            const std::span<const uint64_t> bits = masks.allowed(state);
            REQUIRE(bits.size() * 64 >= tokens.size());
            std::vector<size_t> allowed;
            size_t wrong = 0;
            for (size_t id = 0; id < tokens.size(); ++id) {
                wrong += bit(bits, id) != (!tokens[id].empty() && state.accepts(tokens[id]));
                if (bit(bits, id)) allowed.push_back(id);
            }
            for (size_t id = tokens.size(); id < bits.size() * 64; ++id) wrong += bit(bits, id);
            REQUIRE(wrong == 0);
            if (allowed.empty()) break;
            REQUIRE(state.advance(tokens[allowed[random() % allowed.size()]]));
        }
    }
}

} // namespace

TEST_CASE("a mask says of each token what the state says of its bytes") {
    const GrammarPtr grammar = parse_gbnf(json_source);
    for (uint32_t seed = 1; seed <= 4; ++seed) {
        compare_masks(grammar, "{}[]\"\"\"::,,aeu\\t10-.\n  \xc3\xa9\xe2\x82\xac", seed);
        compare_masks(
            parse_gbnf("root ::= (a | b)* \nb ::= \"b\" a* \"b\"\na ::= \"[\" root \"]\" | [\\u20ac-\\u20ff]"),
            "ab[]\xe2\x82\xac\x83\xbf", seed);
        compare_masks(parse_gbnf("root ::= (\"a\"{0,300} \"b\"{2,500} c)*\nc ::= \"(\" root \")\""), "aaabbb()", seed);
    }
}

TEST_CASE("masks stay right when the automaton is begun again in the middle of a walk") {
    // Each count is a state of its own, far more of them than are kept.
    std::vector<std::string> tokens;
    for (size_t n = 1; n <= 4000; n += 37)
        tokens.push_back(repeated("a", n)), tokens.push_back(repeated("ab", n / 2 + 1));
    tokens.push_back("");
    tokens.push_back("a");
    const GrammarPtr grammar = parse_gbnf("root ::= [ab]{9000} | \"a\"{5000}");
    TokenMasks masks(grammar, std::make_shared<const GrammarVocabulary>(tokens));
    GrammarState state(grammar);
    for (int step = 0; step < 4; ++step) {
        const std::span<const uint64_t> bits = masks.allowed(state);
        size_t wrong = 0;
        for (size_t id = 0; id < tokens.size(); ++id)
            wrong += bit(bits, id) != (!tokens[id].empty() && state.accepts(tokens[id]));
        CHECK(wrong == 0);
        REQUIRE(state.advance(repeated("a", 2000)));
    }
}

TEST_CASE("tokens of the same bytes are allowed together, and none of 5000 bytes is") {
    const GrammarPtr grammar = parse_gbnf("root ::= \"ab\"");
    TokenMasks masks(grammar, std::make_shared<const GrammarVocabulary>(
                                  std::vector<std::string>{"b", "ab", "", "a", "ab", "abc", "a"}));
    GrammarState state(grammar);
    CHECK(masks.allowed(state)[0] == 0b1011010);
    REQUIRE(state.advance("a"));
    CHECK(masks.allowed(state)[0] == 0b1);
    REQUIRE(state.advance("b"));
    CHECK(masks.allowed(state)[0] == 0);
    test::require_error(QUANT_ERR_LIMIT, {"token 1", "5000"}, [] { GrammarVocabulary({"a", std::string(5000, 'a')}); });
}
