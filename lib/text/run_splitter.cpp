// Patterns that match one run of one set of characters, perhaps with a character
// before it: `\p{N}{1,3}`, `\s?\p{L}+`, ` ?[^(\s|.,]+`, `[0-9][0-9][0-9]`, `\s+$`.
// A run is scanned once, whether it matches or not.
#include "text/char_set.h"
#include "text/splitter.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>

namespace quant {

namespace {

constexpr size_t unlimited = SIZE_MAX;

struct RunRule {
    std::optional<CharSet> lead; ///< `lead?` before the run.
    CharSet set;
    size_t least = 1, most = 1;
    bool at_end = false;         ///< Only where the text ends after it.
};

bool same(const CharSet &a, const CharSet &b) {
    return a.flags == b.flags && a.ranges == b.ranges && a.negated == b.negated;
}

std::optional<size_t> take_number(std::string_view &pattern) {
    size_t out = 0;
    const auto [end, error] = std::from_chars(pattern.data(), pattern.data() + pattern.size(), out);
    if (error != std::errc() || out == 0 || out > 1000) return std::nullopt;
    pattern.remove_prefix(static_cast<size_t>(end - pattern.data()));
    return out;
}

// `+`, `{3}`, `{1,3}` or nothing.
bool take_repetition(std::string_view &pattern, RunRule &rule) {
    if (pattern.starts_with('+')) {
        pattern.remove_prefix(1);
        rule.most = unlimited;
        return true;
    }
    if (!pattern.starts_with('{')) return true;
    pattern.remove_prefix(1);
    const auto least = take_number(pattern);
    if (!least) return false;
    rule.least = rule.most = *least;
    if (pattern.starts_with(',')) {
        pattern.remove_prefix(1);
        const auto most = take_number(pattern);
        if (!most || *most < *least) return false;
        rule.most = *most;
    }
    if (!pattern.starts_with('}')) return false;
    pattern.remove_prefix(1);
    return true;
}

std::optional<RunRule> parse(std::string_view pattern) {
    RunRule rule;
    auto set = parse_char_set(pattern);
    if (set && pattern.starts_with('?')) {
        pattern.remove_prefix(1);
        rule.lead = std::move(set);
        set = parse_char_set(pattern);
    }
    if (!set) return std::nullopt;
    rule.set = std::move(*set);
    if (!take_repetition(pattern, rule)) return std::nullopt;
    if (pattern == "$") {
        rule.at_end = rule.most == unlimited;
        return rule.at_end && !rule.lead ? std::optional(rule) : std::nullopt;
    }
    // The same set again, once or more: a longer run.
    while (!pattern.empty() && rule.least == rule.most && rule.least < 16) {
        const auto again = parse_char_set(pattern);
        if (!again || !same(*again, rule.set)) return std::nullopt;
        rule.least = ++rule.most;
    }
    return pattern.empty() ? std::optional(rule) : std::nullopt;
}

class RunSplitter final : public Splitter {
public:
    explicit RunSplitter(RunRule rule) : rule_(std::move(rule)), table_(chars::Table::get()) {}

    std::optional<Span> next(std::string_view text, size_t from, SplitBudget &) const override {
        while (from < text.size()) {
            const chars::Glyph first = table_.read(text, from);
            size_t skip = first.bytes;
            if (rule_.lead && rule_.lead->has(first)) {
                if (const auto end = run(text, from + first.bytes)) return Span{from, *end};
            }
            if (rule_.set.has(first)) {
                if (const auto end = run(text, from, &skip)) return Span{from, *end};
            }
            from += skip;
        }
        return std::nullopt;
    }

private:
    // The end of the run at `at`; where it does not match as a whole, nothing, and
    // `skip` is what need not be looked at again.
    std::optional<size_t> run(std::string_view text, size_t at, size_t *skip = nullptr) const {
        size_t end = at, count = 0;
        while (count < rule_.most) {
            const chars::Glyph g = table_.read(text, end);
            if (g.bytes == 0 || !rule_.set.has(g)) break;
            end += g.bytes;
            ++count;
        }
        if (count >= rule_.least && (!rule_.at_end || end == text.size())) return end;
        if (skip && end > at) *skip = end - at;
        return std::nullopt;
    }

    RunRule rule_;
    const chars::Table &table_;
};

class LiteralSplitter final : public Splitter {
public:
    explicit LiteralSplitter(std::string literal) : literal_(std::move(literal)) {}
    std::optional<Span> next(std::string_view text, size_t from, SplitBudget &) const override {
        const size_t at = literal_.empty() ? std::string_view::npos : text.find(literal_, from);
        return at == std::string_view::npos ? std::nullopt : std::optional(Span{at, at + literal_.size()});
    }

private:
    std::string literal_;
};

} // namespace

std::unique_ptr<Splitter> make_run_splitter(std::string_view pattern) {
    auto rule = parse(pattern);
    return rule ? std::make_unique<RunSplitter>(std::move(*rule)) : nullptr;
}

std::string splitter_key(std::string_view pattern) {
    std::string key = word_splitter_key(pattern);
    if (!key.empty()) return key;
    const auto rule = parse(pattern);
    if (!rule) return std::string(pattern);
    const auto describe = [](const CharSet &set) {
        std::string out = fmt::format("{}{}", set.negated ? "not " : "", set.flags);
        for (const auto &[first, last] : set.ranges) out += fmt::format(" {:x}-{:x}", first, last);
        return out;
    };
    return fmt::format("run of {} after {}, {} to {}{}", describe(rule->set), rule->lead ? describe(*rule->lead) : "",
                       rule->least, rule->most, rule->at_end ? " at the end" : "");
}

std::unique_ptr<Splitter> make_literal_splitter(std::string literal) {
    return std::make_unique<LiteralSplitter>(std::move(literal));
}

std::unique_ptr<Splitter> make_splitter(const std::string &pattern, const std::string &name) {
    if (auto words = make_word_splitter(pattern)) return words;
    if (auto run = make_run_splitter(pattern)) return run;
    return make_regex_splitter(pattern, name);
}

} // namespace quant
