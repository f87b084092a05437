// Regular expressions over tensor names (PCRE2), from the command line or an adapter's configuration.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace quant {

class NamePattern {
public:
    /// Throws Error (QUANT_ERR_ARGUMENT) with the offset of what does not parse.
    explicit NamePattern(std::string_view pattern);
    ~NamePattern();
    NamePattern(NamePattern &&) noexcept;

    /// Whether it is found anywhere in `name`. Throws Error (QUANT_ERR_LIMIT) where the
    /// pattern needs too many steps.
    bool matches(std::string_view name) const;
    const std::string &text() const { return text_; }

private:
    struct Compiled;
    std::string text_;
    std::unique_ptr<Compiled> compiled_;
};

} // namespace quant
