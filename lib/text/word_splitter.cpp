// The regexes by which byte-level BPE cuts text into words are one family: optional
// contraction, a word with at most one character before it, digits, symbols, white
// space. WordRules holds what differs; match() walks the alternatives in their order.
// Each character is looked at a bounded number of times, so all of it is linear.
#include "base/error.h"
#include "text/char_class.h"
#include "text/splitter.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace quant {

using chars::Glyph;

namespace {

enum class Contraction : uint8_t { none, lower, any_case };
enum class Before : uint8_t { space, not_letter_number, not_letter_symbol }; ///< What may stand before a word.
enum class Tail : uint8_t { none, line_ends, line_ends_slash };              ///< What symbols take with them.

constexpr uint8_t any_count = 255;

struct WordRules {
    std::string_view name;
    Contraction leading = Contraction::any_case;
    Before before = Before::not_letter_number;
    uint16_t body = chars::letter;     ///< What words are made of.
    bool cased = false;                ///< A word is capitals, then small letters (GPT-4o's regex).
    bool trailing_contraction = false; ///< 's and the like belong to the word before.
    bool han_apart = false;            ///< Runs of Han first, and no Han in words (Kimi).
    bool symbol_word = false;          ///< An ASCII symbol with ASCII letters first (DeepSeek V3).
    uint8_t digits = 1;                ///< At most so many in a piece; 0: no rule for digits.
    bool space_before_digits = false;
    uint16_t symbols = 0;              ///< Classes of symbols; 0: all but space, body letters and numbers.
    Tail tail = Tail::line_ends;
    bool line_end_rule = true;         ///< White space up to its last line end is a piece.
    bool text_end_rule = false;        ///< Before that: white space up to the end of the text is.
};

class WordSplitter final : public Splitter {
public:
    explicit WordSplitter(const WordRules &rules) : rules_(rules), table_(chars::Table::get()) {}

    std::optional<Span> next(std::string_view text, size_t from, SplitBudget &) const override {
        while (from < text.size()) {
            const Glyph first = table_.read(text, from);
            if (const size_t length = match(text, from, first)) return Span{from, from + length};
            from += first.bytes;
        }
        return std::nullopt;
    }

private:
    size_t match(std::string_view text, size_t at, Glyph first) const {
        size_t n = 0;
        if (rules_.leading != Contraction::none && (n = contraction(text, at, rules_.leading))) return n;
        if (rules_.han_apart && first.is(chars::han)) return run(text, at, [](Glyph g) { return g.is(chars::han); });
        if (rules_.symbol_word && (n = symbol_word(text, at, first))) return n;
        if ((n = rules_.cased ? cased_word(text, at, first) : plain_word(text, at, first))) return n;
        if ((n = digits(text, at, first))) return n;
        if ((n = symbols(text, at, first))) return n;
        return first.is(chars::space) ? white_space(text, at) : 0;
    }

    template <class In>
    size_t run(std::string_view text, size_t at, In in, size_t most = SIZE_MAX) const {
        size_t end = at;
        for (size_t n = 0; n < most; ++n) {
            const Glyph g = table_.read(text, end);
            if (g.bytes == 0 || !in(g)) break;
            end += g.bytes;
        }
        return end - at;
    }

    // 's 't 're 've 'm 'll 'd; U+017F (long s) folds to s where case is ignored.
    static size_t contraction(std::string_view text, size_t at, Contraction kind) {
        if (at + 1 >= text.size() || text[at] != '\'') return 0;
        const auto letter = [&](size_t i) {
            const char c = at + i < text.size() ? text[at + i] : '\0';
            return kind == Contraction::any_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
        };
        const char a = letter(1), b = letter(2);
        if (a == 's' || a == 't' || a == 'm' || a == 'd') return 2;
        if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l')) return 3;
        return kind == Contraction::any_case && text.substr(at + 1, 2) == "\u017F" ? 3 : 0;
    }

    static bool ascii_letter(Glyph g) {
        return (g.code_point | 0x20) >= 'a' && (g.code_point | 0x20) <= 'z' && g.code_point < 0x80;
    }

    size_t symbol_word(std::string_view text, size_t at, Glyph first) const {
        const bool ascii_symbol = first.code_point < 0x80 && first.is(chars::punctuation | chars::symbol);
        const size_t letters = ascii_symbol ? run(text, at + 1, ascii_letter) : 0;
        return letters ? letters + 1 : 0;
    }

    bool may_precede(Glyph g) const {
        switch (rules_.before) {
        case Before::space: return g.code_point == ' ';
        case Before::not_letter_number: return !g.is(chars::line_end | chars::letter | chars::number);
        case Before::not_letter_symbol:
            return !g.is(chars::line_end | chars::letter | chars::punctuation | chars::symbol);
        }
        return false;
    }

    size_t plain_word(std::string_view text, size_t at, Glyph first) const {
        const auto in = [this](Glyph g) { return g.is(rules_.body); };
        if (in(first)) return run(text, at, in);
        const size_t length = may_precede(first) ? run(text, at + first.bytes, in) : 0;
        return length ? length + first.bytes : 0;
    }

    bool big(Glyph g) const {
        return g.is(chars::upper | chars::other_letter | chars::mark) && !(rules_.han_apart && g.is(chars::han));
    }
    bool small(Glyph g) const {
        return g.is(chars::lower | chars::other_letter | chars::mark) && !(rules_.han_apart && g.is(chars::han));
    }

    // `big* small+` at `at`. Letters without case and marks are both big and small, so
    // where no small letter follows the big ones, the match goes back to the last of those.
    size_t big_then_small(std::string_view text, size_t at) const {
        size_t end = at, after_both = at;
        for (Glyph g = table_.read(text, end); g.bytes && big(g); g = table_.read(text, end)) {
            end += g.bytes;
            if (small(g)) after_both = end;
        }
        const size_t small_run = run(text, end, [this](Glyph g) { return small(g); });
        return small_run ? end + small_run - at : after_both - at;
    }

    size_t cased_word(std::string_view text, size_t at, Glyph first) const {
        const size_t lead = may_precede(first) ? first.bytes : 0;
        size_t length = lead ? big_then_small(text, at + lead) : 0;
        if (length) {
            length += lead;
        } else if (!(length = big_then_small(text, at))) {
            length = run(text, at + lead, [this](Glyph g) { return big(g); });
            if (!length) return 0;
            length += lead;
        }
        return length + (rules_.trailing_contraction ? contraction(text, at + length, Contraction::any_case) : 0);
    }

    size_t digits(std::string_view text, size_t at, Glyph first) const {
        if (rules_.digits == 0) return 0;
        const size_t lead = rules_.space_before_digits && first.code_point == ' ' ? 1 : 0;
        const size_t most = rules_.digits == any_count ? SIZE_MAX : rules_.digits;
        const size_t length = run(text, at + lead, [](Glyph g) { return g.is(chars::number); }, most);
        return length ? length + lead : 0;
    }

    bool is_symbol(Glyph g) const {
        return rules_.symbols ? g.is(rules_.symbols) : !g.is(chars::space | chars::number | chars::letter | rules_.body);
    }

    size_t symbols(std::string_view text, size_t at, Glyph first) const {
        const size_t lead = first.code_point == ' ' ? 1 : 0;
        const size_t length = run(text, at + lead, [this](Glyph g) { return is_symbol(g); });
        if (!length) return 0;
        const size_t end = at + lead + length;
        if (rules_.tail == Tail::none) return end - at;
        const bool slash = rules_.tail == Tail::line_ends_slash;
        return end - at + run(text, end, [&](Glyph g) { return g.is(chars::line_end) || (slash && g.code_point == '/'); });
    }

    // `\s*[\r\n]+|\s+(?!\S)|\s+`, the first of them only where the rules have it.
    size_t white_space(std::string_view text, size_t at) const {
        size_t end = at, last = at, after_line_end = at;
        for (Glyph g = table_.read(text, at); g.bytes && g.is(chars::space); g = table_.read(text, end)) {
            last = end;
            end += g.bytes;
            if (g.is(chars::line_end)) after_line_end = end;
        }
        if (rules_.text_end_rule && end == text.size()) return end - at;
        if (rules_.line_end_rule && after_line_end > at) return after_line_end - at;
        return end == text.size() || last == at ? end - at : last - at;
    }

    WordRules rules_;
    const chars::Table &table_;
};

constexpr WordRules gpt2_rules = {.name = "gpt-2",
                                  .leading = Contraction::lower,
                                  .before = Before::space,
                                  .digits = any_count,
                                  .space_before_digits = true,
                                  .tail = Tail::none,
                                  .line_end_rule = false};
constexpr WordRules llama3_rules = {.name = "llama3", .digits = 3};
constexpr WordRules qwen2_rules = {.name = "qwen2"};
constexpr WordRules qwen35_rules = {.name = "qwen35", .body = chars::letter | chars::mark};
constexpr WordRules minicpm_rules = {.name = "long-digits", .digits = any_count};
constexpr WordRules cl100k_rules = {.name = "cl100k", .digits = 3, .text_end_rule = true};
constexpr WordRules cl100k_long_rules = {.name = "cl100k-long-digits", .digits = any_count, .text_end_rule = true};
constexpr WordRules seed_rules = {.name = "seed-coder", .tail = Tail::none};
constexpr WordRules deepseek_rules = {.name = "deepseek-v3",
                                      .leading = Contraction::none,
                                      .before = Before::not_letter_symbol,
                                      .body = chars::letter | chars::mark,
                                      .symbol_word = true,
                                      .digits = 0,
                                      .symbols = chars::punctuation | chars::symbol};
constexpr WordRules gpt4o_rules = {.name = "gpt-4o",
                                   .leading = Contraction::none,
                                   .cased = true,
                                   .trailing_contraction = true,
                                   .digits = 3,
                                   .tail = Tail::line_ends_slash};
constexpr WordRules tekken_rules = {
    .name = "tekken", .leading = Contraction::none, .cased = true, .tail = Tail::line_ends_slash};
constexpr WordRules kimi_rules = {.name = "kimi-k2",
                                  .leading = Contraction::none,
                                  .cased = true,
                                  .trailing_contraction = true,
                                  .han_apart = true,
                                  .digits = 3};

struct KnownPattern {
    std::string_view pattern;
    const WordRules *rules;
};

// The parts that the regexes are put together from.
#define ANY_CASE "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define WORD R"(|[^\r\n\p{L}\p{N}]?\p{L}+)"
#define SYMBOLS R"(| ?[^\s\p{L}\p{N}]+[\r\n]*)"
#define SPACES R"(|\s*[\r\n]+|\s+(?!\S)|\s+)"
#define BIG R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])"
#define SMALL R"([\p{Ll}\p{Lm}\p{Lo}\p{M}])"
#define NOT_WORD R"([^\r\n\p{L}\p{N}]?)"
#define KIMI_BIG R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]])"
#define KIMI_SMALL R"([\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]])"

constexpr KnownPattern known_patterns[] = {
    {R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)", &gpt2_rules},
    {R"('(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)", &gpt2_rules},
    {ANY_CASE WORD R"(|\p{N}{1,3})" SYMBOLS SPACES, &llama3_rules},
    {ANY_CASE WORD R"(|\p{N})" SYMBOLS SPACES, &qwen2_rules},
    {ANY_CASE WORD R"(|\p{N}+)" SYMBOLS SPACES, &minicpm_rules},
    {ANY_CASE WORD R"(|\p{N}{1,3})" SYMBOLS R"(|\s++$)" SPACES, &cl100k_rules},
    {ANY_CASE WORD R"(|\p{N}+)" SYMBOLS R"(|\s++$)" SPACES, &cl100k_long_rules},
    {ANY_CASE WORD R"(|\p{N}| ?[^\s\p{L}\p{N}\r\n]+)" SPACES, &seed_rules},
    {ANY_CASE R"(|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*)" SPACES, &qwen35_rules},
    {R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*)" SPACES,
     &deepseek_rules},
    {NOT_WORD BIG "*" SMALL "+" ANY_CASE "?|" NOT_WORD BIG "+" SMALL "*" ANY_CASE
                  R"(?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*)" SPACES,
     &gpt4o_rules},
    {NOT_WORD BIG "*" SMALL "+|" NOT_WORD BIG "+" SMALL R"(*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*)" SPACES, &tekken_rules},
    {R"([\p{Han}]+|)" NOT_WORD KIMI_BIG "*" KIMI_SMALL "+" ANY_CASE "?|" NOT_WORD KIMI_BIG "+" KIMI_SMALL "*" ANY_CASE
     R"(?|\p{N}{1,3})" SYMBOLS SPACES,
     &kimi_rules},
};

#undef ANY_CASE
#undef WORD
#undef SYMBOLS
#undef SPACES
#undef BIG
#undef SMALL
#undef NOT_WORD
#undef KIMI_BIG
#undef KIMI_SMALL

// Spellings of one and the same thing, brought to that of the table; applied in order.
constexpr std::pair<std::string_view, std::string_view> spellings[] = {
    {"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])", "(?i:'s|'t|'re|'ve|'m|'ll|'d)"},
    {"'(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])", "(?i:'s|'t|'re|'ve|'m|'ll|'d)"},
    {"'(?i:[sdmt]|ll|ve|re)", "(?i:'s|'t|'re|'ve|'m|'ll|'d)"},
    {"\r", "\\r"},
    {"\n", "\\n"},
    {R"([^\r\n\p{L}\p{N}]?+\p{L}++)", R"([^\r\n\p{L}\p{N}]?\p{L}+)"},
    {R"([^\r\n\p{L}\p{N}]?+\p{L}+)", R"([^\r\n\p{L}\p{N}]?\p{L}+)"},
    {R"([^\s\p{L}\p{N}]++)", R"([^\s\p{L}\p{N}]+)"},
    {R"(\p{N}{1,3}+)", R"(\p{N}+)"}, // Oniguruma repeats the repetition
    {R"([\r\n]*+)", R"([\r\n]*)"},
    {R"(\p{N}{1}|)", R"(\p{N}|)"},
    {R"(\p{N}{1,1}|)", R"(\p{N}|)"},
    {R"(\s*[\r\n]|\s)", R"(\s*[\r\n]+|\s)"},
    {R"(|\s+(?!\S)|\s)", R"(|\s+(?!\S)|\s+)"},
    {R"(|\s+(?!\S)|\s++)", R"(|\s+(?!\S)|\s+)"},
};

std::string canonical(std::string_view pattern) {
    std::string out(pattern);
    for (const auto &[from, to] : spellings) {
        for (size_t at = out.find(from); at != std::string::npos; at = out.find(from, at + to.size()))
            out.replace(at, from.size(), to);
    }
    if (out.ends_with(R"(|\s+(?!\S))")) out += R"(|\s+)";
    return out;
}

const WordRules *find_rules(std::string_view pattern) {
    if (pattern.size() > 2000) return nullptr;
    const std::string text = canonical(pattern);
    for (const KnownPattern &known : known_patterns)
        if (known.pattern == text) return known.rules;
    return nullptr;
}

const KnownPattern &require_pattern(std::string_view name) {
    for (const KnownPattern &known : known_patterns)
        if (known.rules->name == name) return known;
    fail(QUANT_ERR_INTERNAL, "there is no splitting rule '{}'", name);
}

} // namespace

std::unique_ptr<Splitter> make_word_splitter(std::string_view pattern) {
    const WordRules *rules = find_rules(pattern);
    return rules ? std::make_unique<WordSplitter>(*rules) : nullptr;
}

std::unique_ptr<Splitter> make_named_word_splitter(std::string_view name) {
    return std::make_unique<WordSplitter>(*require_pattern(name).rules);
}

std::string_view pattern_of_word_splitter(std::string_view name) { return require_pattern(name).pattern; }

std::string word_splitter_key(std::string_view pattern) {
    const WordRules *rules = find_rules(pattern);
    return rules ? std::string("@").append(rules->name) : std::string();
}

} // namespace quant
