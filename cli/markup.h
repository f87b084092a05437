// A writer of HTML and SVG elements. Everything that goes in, attribute or text, is
// escaped here and nowhere else, so that a name of the catalog cannot become markup.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quantctl {

/// `text` for an element or an attribute: markup escaped, bytes that are no UTF-8 and
/// characters that XML forbids replaced.
std::string escaped(std::string_view text);

/// A coordinate: at most two decimals.
std::string coordinate(double value);

/// The value of an attribute.
class AttributeValue {
public:
    AttributeValue(const char *text) : text_(text) {}
    AttributeValue(std::string_view text) : text_(text) {}
    AttributeValue(const std::string &text) : text_(text) {}
    AttributeValue(double number) : text_(coordinate(number)) {}
    const std::string &text() const { return text_; }

private:
    std::string text_;
};

class Markup {
public:
    using Attributes = std::initializer_list<std::pair<const char *, AttributeValue>>;

    /// Open an element; close() ends the last one that is open.
    Markup &open(const char *name, Attributes attributes = {});
    Markup &close();
    /// An element without content: <circle/>.
    Markup &leaf(const char *name, Attributes attributes = {});
    Markup &text(std::string_view text);
    /// An element with text only.
    Markup &element(const char *name, std::string_view text, Attributes attributes = {});
    /// Markup as it is: templates of our own, or what another writer made.
    Markup &trusted(std::string_view markup);

    const std::string &str() const { return out_; }

private:
    void start(const char *name, Attributes attributes);

    std::string out_;
    std::vector<const char *> open_;
};

} // namespace quantctl
