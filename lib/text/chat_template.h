// Chat templates: the subset of Jinja2 that models' templates use, interpreted with
// limits, since a template is hostile input.
#pragma once

#include "base/json.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace quant {

struct TemplateLimits {
    uint64_t steps = 1'000'000;
    uint32_t depth = 256;
    uint64_t output_bytes = 4 << 20;
    uint64_t range_items = 100'000;
    uint64_t source_bytes = 4 << 20;
    uint64_t memory_bytes = 256 << 20; ///< Of the values alive at one time; one string may have a quarter of it.
};

struct TemplateInput {
    json::value messages;                ///< Array of {role, content, ...}.
    json::value tools;                   ///< Array; with null the variable is undefined.
    bool add_generation_prompt = false;
    std::string bos_token, eos_token;
    std::string now;                     ///< ISO 8601 local time for strftime_now; empty for the clock.
    json::object extra;                  ///< Further variables by name.
};

/// Parsed once; render() may be called from any thread at the same time.
class ChatTemplate {
public:
    /// Throws Error (QUANT_ERR_TEMPLATE) with name, line and what was expected.
    ChatTemplate(std::string_view source, std::string_view name, TemplateLimits limits = {});
    ~ChatTemplate();
    ChatTemplate(ChatTemplate &&) noexcept;

    /// Throws Error (QUANT_ERR_TEMPLATE): a failing expression, raise_exception(), a limit.
    std::string render(const TemplateInput &input) const;

private:
    struct Program;
    std::unique_ptr<const Program> program_;
};

} // namespace quant
