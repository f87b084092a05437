// One region of a reply, from the mark that opens calls to the one that closes them. The text
// grows and is read from where reading stopped, so that a region costs its length once. A call
// is given out when all of it was read and checked: its name is one of the tools', its
// arguments are a JSON object. The first thing that does not fit ends the region; the caller
// makes content of what was no call.
#pragma once

#include "text/bracket_scanner.h"
#include "text/mark_match.h"
#include "text/reply_format.h"
#include "text/tool_schema.h"

#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace quant {

struct ToolCall {
    std::string name;
    std::string id;        ///< As the model wrote it; empty in formats without.
    std::string arguments; ///< A JSON object.
};

class CallReader {
public:
    enum class Step : uint8_t {
        more,   ///< Text is missing.
        calls,  ///< One or more calls were read; read on.
        ended,  ///< The region ended behind `used`.
        broken, ///< What stands up to `used` is not the way calls are written.
    };

    static constexpr size_t max_name_bytes = 256; ///< With an id beside it.

    /// Both arguments must outlive the reader.
    CallReader(const CallSyntax &syntax, const ToolSchemas &tools) : syntax_(syntax), tools_(tools) {}

    /// Read on in `text`, the region from its opening mark: each time the text of last time
    /// with more at its end. With `last` nothing will follow. Nothing may be read after
    /// `ended` or `broken`.
    Step read(std::string_view text, bool last);

    /// The calls of the last step.
    std::vector<ToolCall> take_calls() { return std::move(calls_); }
    size_t used() const noexcept { return at_; }
    /// The end of what became calls; 0 without any.
    size_t good() const noexcept { return good_; }

private:
    enum class Phase : uint8_t { start, between, name, json, key, value, bracketed, nested, close };

    /// A step that the caller is told of, or nothing: another phase goes on at once.
    using Progress = std::optional<Step>;

    Progress advance(std::string_view text, bool last);
    Progress start(std::string_view text);
    Progress between(std::string_view text, bool last);
    Progress read_name(std::string_view text, bool last);
    Progress read_json(std::string_view text);
    Progress read_key(std::string_view text, bool last);
    Progress read_value(std::string_view text, bool last);
    Progress read_bracketed(std::string_view text);
    Progress read_nested(std::string_view text);
    Progress read_close(std::string_view text, bool last);

    Step stop(size_t at, bool is_good);
    Progress go(Phase phase) { return phase_ = phase, std::nullopt; }
    void begin(Phase phase, BracketScanner::Rules rules);
    bool take_name(std::string_view raw);
    Progress give(std::optional<std::vector<ToolCall>> calls);
    bool add_argument(std::string_view key, std::string_view value);
    Phase after_name() const;

    const CallSyntax &syntax_;
    const ToolSchemas &tools_;
    Phase phase_ = Phase::start;
    size_t at_ = 0, good_ = 0;
    size_t begin_ = 0;  ///< Of the value that is being read.
    size_t search_ = 0; ///< Where its end is looked for next.
    BracketScanner scanner_{BracketScanner::Rules::json};
    ToolCall call_;
    std::string key_;
    std::unordered_set<std::string> keys_;
    std::vector<ToolCall> calls_;
};

/// The calls that a JSON value is: an object with a known tool's name and arguments, in the
/// spellings that models use, or an array of such. Nothing where any of it is anything else.
std::optional<std::vector<ToolCall>> calls_of_json(std::string_view text, const ToolSchemas &tools);

/// JSON for arguments written as elements: MARK<key>VALUE MARK</key>..., up to the end of
/// `text`. Nothing where it is no such text, or is nested deeper than json::max_depth.
std::optional<std::string> nested_tags_json(std::string_view text, std::string_view mark, const json::value &schema);

} // namespace quant
