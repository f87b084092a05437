// Chat templates: small templates with what the reference prints for them, limits that
// hold against hostile ones, and the third-party templates where they are at hand.
#include "test_support.h"
#include "text/chat_template.h"

#include <pthread.h>

using namespace quant;

namespace {

std::string render(std::string_view source, const TemplateInput &input = {}, TemplateLimits limits = {}) {
    return ChatTemplate(source, "t.jinja", limits).render(input);
}

void fails(std::string_view source, const std::vector<std::string> &words, TemplateLimits limits = {}) {
    INFO("source: " << source.substr(0, 200));
    test::require_error(QUANT_ERR_TEMPLATE, words, [&] { render(source, {}, limits); });
}

json::value read_json(const std::filesystem::path &path) { return json::parse(test::read_file(path), path.string()); }
std::string text_of(const json::value &v) { return std::string(v.get_string()); }

std::string repeated(std::string_view part, size_t n) {
    std::string out;
    for (size_t i = 0; i < n; ++i) out += part;
    return out;
}

} // namespace

TEST_CASE("small templates print what Jinja2 prints") {
    const json::value file = read_json(test::data("templates/jinja_snippets.json"));
    TemplateInput input;
    input.now = "2026-03-14T15:09:26";
    input.extra = file.at("vars").get_object();
    for (const json::value &snippet : file.at("snippets").get_array()) {
        const std::string source = text_of(snippet.at("source"));
        INFO("source: " << source);
        if (const json::value *out = snippet.get_object().if_contains("out")) CHECK(render(source, input) == text_of(*out));
        else CHECK_THROWS_AS(render(source, input), Error);
    }
}

TEST_CASE("third-party templates render as the transformers library renders them") {
    const auto folder = test::shared("data/templates");
    if (folder.empty()) {
        WARN("skipped: no third-party templates here");
        return;
    }
    size_t cases = 0;
    for (const auto &entry : std::filesystem::directory_iterator(folder)) {
        if (!entry.path().string().ends_with(".cases.json")) continue;
        const json::value file = read_json(entry.path());
        const std::string name = text_of(file.at("template"));
        const ChatTemplate chat(test::read_file(folder / name), name);
        for (const json::value &one : file.at("cases").get_array()) {
            INFO(name << ", case " << text_of(one.at("name")));
            TemplateInput input;
            input.messages = one.at("messages");
            input.tools = one.at("tools");
            input.add_generation_prompt = one.at("add_generation_prompt").get_bool();
            input.bos_token = text_of(file.at("bos_token"));
            input.eos_token = text_of(file.at("eos_token"));
            input.now = text_of(file.at("now"));
            if (const json::value *expected = one.get_object().if_contains("expected")) CHECK(chat.render(input) == text_of(*expected));
            else CHECK_THROWS_AS(chat.render(input), Error);
            ++cases;
        }
    }
    CHECK(cases > 0);
}

TEST_CASE("messages name the template, the line and the cause") {
    fails("a\nb\n{{ raise_exception('roles must alternate') }}", {"t.jinja", "line 3", "roles must alternate"});
    fails("{% if true %}\n\n{{ nope.x }}{% endif %}", {"line 3", "'nope' is undefined"});
    fails("{{ {'a': 1}.b.c }}", {"'dict object' has no attribute 'b'"});
    fails("\n{% for x in y %}", {"endfor"});
    fails("{{ 'abc }}", {"end of a string"});
    fails("{% nosuch %}", {"unknown tag 'nosuch'"});
    fails("{{ 1|nosuch }}", {"no filter named 'nosuch'"});
    fails("{{ [].append(1) }}", {"access to attribute 'append' of 'list' object is unsafe"});
    fails("a\xff", {"not UTF-8 at byte 1"});
}

TEST_CASE("a template that does not end, or wants too much, is stopped") {
    fails("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", {"steps"});
    fails("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", {"deeper"});
    fails("{{ 'a' * 1000000000000 }}", {"memory"});
    fails("{{ [1] * 1000000000000 }}", {"memory"});
    fails("{% set ns = namespace(x='ab') %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}", {"memory"});
    fails("{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}", {"bytes of memory"});
    fails("{% set ns = namespace(x=[]) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}", {"t.jinja"});
    fails("{% set ns = namespace(x=[]) %}{% for i in range(9999) %}{% set ns.x = [ns.x] %}{% endfor %}", {"nested deeper"});
    fails("{% for a in range(9999) %}{{ 'x' * 1000 }}{% endfor %}", {"output"});
    fails("{{ range(100001) }}", {"range"});
    fails("{{ '%99999999d' % 1 }}", {"width"});
    fails("{{ '{:99999999}'.format(1) }}", {"width"});
    fails("{{ [1]|batch(100000000000, 0)|list }}", {"memory"});
    fails("{{ 'a'.ljust(100000000000) }}", {"memory"});
    fails("{{ 9223372036854775807 + 1 }}", {"too large"});
    TemplateLimits small;
    small.source_bytes = 10;
    fails("more than ten bytes", {"bytes"}, small);
}

TEST_CASE("a namespace that holds itself is freed, and fails to print") {
    fails("{% set ns = namespace() %}{% set ns.me = ns %}{{ ns }}", {"deeper"});
    CHECK(render("{% set ns = namespace() %}{% set ns.me = [ns] %}{{ ns.me|length }}") == "1");
}

TEST_CASE("nesting is limited in a small stack") {
    const auto body = [](void *) -> void * {
        const std::string sources[] = {
            "{{ " + repeated("(", 100'000) + "1" + repeated(")", 100'000) + " }}",
            "{{ " + repeated("[", 100'000) + " }}",
            "{{ " + repeated("not ", 100'000) + "1 }}",
            "{{ " + repeated("- ", 100'000) + "1 }}",
            "{{ " + repeated("1 if 1 else ", 100'000) + "1 }}",
            repeated("{% if 1 %}", 100'000),
            "{% set " + repeated("(", 100'000),
            "{% macro f(x) %}{{ f(((x))) }}{% endmacro %}{{ f(1) }}",
        };
        size_t refused = 0;
        for (const std::string &source : sources) {
            try {
                render(source);
            } catch (const Error &) {
                ++refused;
            }
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
    CHECK(render("{{ 0" + repeated(" + 1", 20'000) + " }}") == "20000");
    CHECK(render("{% if 0 %}" + repeated("{% elif 0 %}", 20'000) + "{% endif %}").empty());
}

TEST_CASE("any cut of a template parses or fails cleanly") {
    const std::string source = "{%- for m in messages if m.x is not none -%}{{ m['a'][1:]|join(', ') ~ \"\\u00e9\" }}{# c #}"
                               "{% raw %}{{ {% endraw %}{% else %}{% set a.b, c = 1, {'k': [1.5e3, -2]} %}{%+ endfor %}";
    for (size_t n = 0; n <= source.size(); ++n) {
        try {
            render(source.substr(0, n));
            render(source.substr(n));
        } catch (const Error &e) {
            CHECK(e.status() == QUANT_ERR_TEMPLATE);
        }
    }
}

TEST_CASE("the clock is used where no time is given") {
    CHECK(render("{{ strftime_now('%Y') }}").size() == 4);
    TemplateInput input;
    input.now = "2026-03-14T15:09:26.25";
    CHECK(render("{{ strftime_now('%j %a %f') }}", input) == "073 Sat 250000");
    input.now = "yesterday";
    test::require_error(QUANT_ERR_TEMPLATE, {"yesterday", "ISO 8601"}, [&] { render("{{ strftime_now('%Y') }}", input); });
}
