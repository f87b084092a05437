#include "text/json_pattern.h"

#include "base/error.h"
#include "base/utf8.h"
#include "text/code_point_text.h"
#include "text/grammar.h"

#include <algorithm>

namespace quant::grammar {

namespace {

constexpr uint64_t endless = UINT32_MAX;

uint64_t sum(uint64_t a, uint64_t b) { return std::min(a + b, endless); }
uint64_t product(uint64_t a, uint64_t b) { return std::min(a * b, endless); } // both at most `endless`

/// A part of the pattern, with the characters it matches.
struct Part {
    ExpressionId expression;
    uint64_t shortest, longest;
    std::optional<ExpressionId> repeated; ///< One character's expression, shortest to longest times.
};

const CodePointSet digit({{'0', '9'}});
const CodePointSet word({{'0', '9'}, {'A', 'Z'}, {'a', 'z'}, {'_', '_'}});
const CodePointSet blank({{'\t', '\r'},
                          {' ', ' '},
                          {0xA0, 0xA0},
                          {0x1680, 0x1680},
                          {0x2000, 0x200A},
                          {0x2028, 0x2029},
                          {0x202F, 0x202F},
                          {0x205F, 0x205F},
                          {0x3000, 0x3000},
                          {0xFEFF, 0xFEFF}});
const CodePointSet line_end({{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}});

class PatternParser {
public:
    PatternParser(std::string_view pattern, std::string_view pointer, JsonPieces &pieces, GrammarTree &tree)
        : pattern_(pattern),
          pointer_(pointer),
          pieces_(pieces),
          tree_(tree) {}

    JsonPattern parse() {
        if (pattern_.size() > GrammarLimits::source_bytes)
            fail(QUANT_ERR_LIMIT, "JSON schema: {}: more than {} bytes", pointer_, GrammarLimits::source_bytes);
        if (!is_utf8(pattern_)) wrong("not UTF-8");
        const Part all = alternatives(0);
        if (!at_end()) wrong("a ')' without its '('");
        return {all.expression, all.repeated, all.shortest, all.longest};
    }

private:
    bool at_end() const { return at_ == pattern_.size(); }
    bool at(std::string_view what) const { return pattern_.substr(at_).starts_with(what); }
    bool skip(std::string_view what) { return at(what) && (at_ += what.size(), true); }
    [[noreturn]] void wrong(std::string_view what) const {
        fail(QUANT_ERR_ARGUMENT, "JSON schema: {}: {} at byte {} of the pattern", pointer_, what, at_);
    }
    [[noreturn]] void unsupported(std::string_view what) const {
        fail(QUANT_ERR_UNSUPPORTED, "JSON schema: {}: {} at byte {} of the pattern", pointer_, what, at_);
    }

    // Only an alternative of the whole pattern may be anchored. One that is not matches
    // anywhere in the string.
    Part alternatives(uint32_t depth) {
        if (depth > GrammarLimits::nesting)
            fail(QUANT_ERR_LIMIT, "JSON schema: {}: groups nested deeper than {}", pointer_, GrammarLimits::nesting);
        std::vector<ExpressionId> out;
        Part all{0, endless, 0, {}};
        do {
            const bool from_begin = depth > 0 || skip("^");
            Part part = sequence(depth);
            const bool to_end = depth > 0 || skip("$");
            if (!from_begin || !to_end) {
                const ExpressionId any = tree_.repeat(pieces_.named("json-char"), 0, GrammarTree::unbounded);
                part = {
                    tree_.sequence({from_begin ? tree_.empty() : any, part.expression, to_end ? tree_.empty() : any}),
                    part.shortest,
                    endless,
                    {}};
            }
            out.push_back(part.expression);
            all.repeated = out.size() == 1 ? part.repeated : std::nullopt;
            all.shortest = std::min(all.shortest, part.shortest);
            all.longest = std::max(all.longest, part.longest);
        } while (skip("|"));
        all.expression = tree_.choice(std::move(out));
        return all;
    }

    Part sequence(uint32_t depth) {
        std::vector<Part> parts;
        while (!at_end() && !at("|") && !at(")") && !(depth == 0 && at_anchor())) {
            parts.push_back(atom(depth));
            quantify(parts.back());
        }
        if (parts.size() == 1) return parts[0];
        Part all{0, 0, 0, {}};
        std::vector<ExpressionId> out;
        for (const Part &part : parts) {
            out.push_back(part.expression);
            all.shortest = sum(all.shortest, part.shortest);
            all.longest = sum(all.longest, part.longest);
        }
        all.expression = out.empty() ? tree_.empty() : tree_.sequence(std::move(out));
        return all;
    }

    bool at_anchor() const { return at("$") && (at_ + 1 == pattern_.size() || pattern_[at_ + 1] == '|'); }

    Part atom(uint32_t depth) {
        if (at("^") || at("$") || at("\\b") || at("\\B")) unsupported("an anchor inside");
        if (skip("(")) return group(depth);
        if (skip("[")) return one(character_class());
        if (skip(".")) return one(line_end.complement());
        if (at("*") || at("+") || at("?") || at_bounds()) wrong("nothing to repeat");
        CodePointSet set;
        if (skip("\\")) {
            escape(set, false);
        } else {
            const uint32_t c = take_code_point(pattern_, at_);
            set = CodePointSet({{c, c}});
        }
        return one(set);
    }

    Part one(const CodePointSet &set) {
        const ExpressionId expression = pieces_.string_char(set);
        return {expression, 1, 1, expression};
    }

    Part group(uint32_t depth) {
        if (!skip("?:") && at("?")) {
            const bool named = at("?<") && !at("?<=") && !at("?<!");
            const size_t name_end = named ? pattern_.find('>', at_) : pattern_.npos;
            if (name_end == pattern_.npos) unsupported("a group that looks around");
            at_ = name_end + 1;
        }
        Part out = alternatives(depth + 1);
        if (!skip(")")) wrong("expected ')'");
        return out;
    }

    bool at_bounds() const {
        size_t i = at_ + 1;
        const auto digits = [&] {
            const size_t begin = i;
            while (i < pattern_.size() && pattern_[i] >= '0' && pattern_[i] <= '9') ++i;
            return i > begin;
        };
        if (!at("{") || !digits()) return false;
        if (i < pattern_.size() && pattern_[i] == ',') ++i, digits();
        return i < pattern_.size() && pattern_[i] == '}';
    }

    void quantify(Part &part) {
        uint32_t min = 0, max = GrammarTree::unbounded;
        if (skip("+"))
            min = 1;
        else if (skip("?"))
            max = 1;
        else if (at_bounds())
            bounds(min, max);
        else if (!skip("*"))
            return;
        skip("?"); // lazy or not, the same strings match
        const bool simple = part.repeated && part.shortest == 1 && part.longest == 1;
        part.expression = tree_.repeat(part.expression, min, max);
        part.shortest = product(part.shortest, min);
        part.longest = product(part.longest, max == GrammarTree::unbounded ? endless : max);
        if (!simple) part.repeated.reset();
        if (at("*") || at("+") || at("?") || at_bounds()) wrong("a repetition of a repetition");
    }

    void bounds(uint32_t &min, uint32_t &max) {
        ++at_;
        min = max = count();
        if (skip(",")) max = at("}") ? GrammarTree::unbounded : count();
        ++at_;
        if (max < min) wrong("a repetition whose most is less than its least");
    }

    uint32_t count() {
        uint32_t out = 0;
        for (; pattern_[at_] >= '0' && pattern_[at_] <= '9'; ++at_) {
            out = out * 10 + static_cast<uint32_t>(pattern_[at_] - '0');
            if (out > GrammarLimits::repetitions)
                fail(QUANT_ERR_LIMIT, "JSON schema: {}: more than {} repetitions", pointer_,
                     GrammarLimits::repetitions);
        }
        return out;
    }

    CodePointSet character_class() {
        const bool negated = skip("^");
        std::vector<CodePointRange> out;
        while (!skip("]")) {
            CodePointSet item;
            if (class_item(item) && at("-") && !at("-]")) {
                ++at_;
                CodePointSet last;
                if (!class_item(last)) wrong("a range that ends in a class");
                const uint32_t from = item.ranges()[0].first, to = last.ranges()[0].first;
                if (to < from) wrong("a range whose end comes before its beginning");
                item = CodePointSet({{from, to}});
            }
            out.insert(out.end(), item.ranges().begin(), item.ranges().end());
        }
        const CodePointSet set(std::move(out));
        return negated ? set.complement() : set;
    }

    /// False for a class like \d, which can be no end of a range.
    bool class_item(CodePointSet &out) {
        if (at_end()) wrong("expected ']'");
        if (skip("\\")) return escape(out, true);
        const uint32_t c = take_code_point(pattern_, at_);
        out = CodePointSet({{c, c}});
        return true;
    }

    /// After the backslash. False for a class.
    bool escape(CodePointSet &out, bool in_class) {
        if (at_end()) wrong("nothing after '\\'");
        const char c = pattern_[at_];
        if (const CodePointSet *set = named_class(c)) {
            ++at_;
            out = c >= 'a' ? *set : set->complement();
            return false;
        }
        const uint32_t value = escaped(c, in_class);
        out = CodePointSet({{value, value}});
        if (out.empty()) unsupported("half of a surrogate pair");
        return true;
    }

    static const CodePointSet *named_class(char c) {
        switch (c) {
        case 'd':
        case 'D':
            return &digit;
        case 'w':
        case 'W':
            return &word;
        case 's':
        case 'S':
            return &blank;
        default:
            return nullptr;
        }
    }

    uint32_t escaped(char c, bool in_class) {
        constexpr std::string_view names = "nrtfv", values = "\n\r\t\f\v";
        if (const size_t i = names.find(c); i != names.npos) return ++at_, static_cast<uint8_t>(values[i]);
        if (c == 'b' && in_class) return ++at_, uint32_t{'\b'};
        if (c == 'x') return ++at_, hexadecimal(2);
        if (c == 'u') return ++at_, hexadecimal(4);
        const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (alphanumeric) unsupported(fmt::format("the escape '\\{}'", c));
        return take_code_point(pattern_, at_);
    }

    uint32_t hexadecimal(unsigned count) {
        const auto out = take_hexadecimal(pattern_, at_, count);
        if (!out) wrong(fmt::format("expected {} hexadecimal digits", count));
        return *out;
    }

    std::string_view pattern_, pointer_;
    JsonPieces &pieces_;
    GrammarTree &tree_;
    size_t at_ = 0;
};

} // namespace

JsonPattern json_pattern(std::string_view pattern, std::string_view pointer, JsonPieces &pieces, GrammarTree &tree) {
    return PatternParser(pattern, pointer, pieces, tree).parse();
}

} // namespace quant::grammar
