#include "openai_tools.h"

#include <algorithm>

namespace quantd {

namespace {

bool is_strict(const json::value &tool) {
    const json::object *outer = tool.if_object();
    const json::value *function = outer ? outer->if_contains("function") : nullptr;
    const json::object *inner = function ? function->if_object() : nullptr;
    const json::value *strict = inner ? inner->if_contains("strict") : nullptr;
    return strict && *strict == json::value(true);
}

void check_tools(const Fields &f, const json::array &tools) {
    for (const json::value &tool : tools) {
        if (!tool.is_object()) f.wrong("tools", "an array of objects");
        const Fields fields(tool.as_object(), "tools.");
        if (fields.required_text("type") != "function") fields.wrong("type", "\"function\"");
        const json::object *function = fields.object("function");
        if (!function) fields.wrong("function", "an object");
        const Fields inner(*function, "tools.function.");
        inner.required_text("name"), inner.flag("strict"), inner.object("parameters");
    }
}

/// "auto", "none", "required" or "function", whose name goes into `spec`.
std::string read_choice(const Fields &f, GenerationSpec &spec) {
    constexpr std::string_view expected =
        "\"none\", \"auto\", \"required\" or {\"type\": \"function\", \"function\": {\"name\"}}";
    const json::value *choice = f.find("tool_choice");
    if (!choice) return "auto";
    if (choice->is_string()) {
        const std::string word(choice->as_string());
        if (word != "none" && word != "auto" && word != "required") f.wrong("tool_choice", expected);
        return word;
    }
    if (!choice->is_object()) f.wrong("tool_choice", expected);
    const Fields fields(choice->as_object(), "tool_choice.");
    if (fields.required_text("type") != "function") f.wrong("tool_choice", expected);
    const json::object *function = fields.object("function");
    if (!function) f.wrong("tool_choice", expected);
    spec.tool_name = Fields(*function, "tool_choice.function.").required_text("name");
    return "function";
}

void hold(const json::array &tools, GenerationSpec &spec) {
    spec.tools = json::serialize(tools);
    // Beside a grammar of calls an object of any kind is said by a schema.
    if (std::exchange(spec.json_object, false)) spec.json_schema = R"({"type":"object"})";
}

} // namespace

void keep_strict(const json::array &tools, GenerationSpec &spec) {
    if (std::any_of(tools.begin(), tools.end(), is_strict)) hold(tools, spec);
}

json::array read_tools(const Fields &f, GenerationSpec &spec) {
    const json::array *tools = f.array("tools");
    const bool parallel = f.flag("parallel_tool_calls").value_or(true);
    const std::string choice = read_choice(f, spec);
    if (!tools || tools->empty()) {
        if (choice == "required" || choice == "function") f.wrong("tool_choice", "it only with tools");
        return {};
    }
    check_tools(f, *tools);
    if (choice == "none") return {};
    spec.tools_required = choice != "auto";
    spec.tools_single = !parallel || choice == "function"; // A tool that is named is called once.
    if (spec.tools_required || spec.tools_single)
        hold(*tools, spec);
    else
        keep_strict(*tools, spec);
    if (spec.tools_required) spec.json_schema.clear(); // Of content, and there is none.
    return *tools;
}

void take_out_arguments(json::object &message) {
    json::value *calls = message.if_contains("tool_calls");
    if (!calls || !calls->is_array()) return;
    for (json::value &call : calls->as_array()) {
        json::value *function = call.is_object() ? call.as_object().if_contains("function") : nullptr;
        json::value *arguments =
            function && function->is_object() ? function->as_object().if_contains("arguments") : nullptr;
        if (!arguments || !arguments->is_string()) continue;
        try {
            json::value parsed = json::parse(std::string(arguments->as_string()), "arguments");
            if (parsed.is_object()) *arguments = std::move(parsed);
        } catch (const std::exception &) { // A model's own words, which need not be JSON: they stay text.
        }
    }
}

} // namespace quantd
