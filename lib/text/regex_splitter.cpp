// Patterns that no hand-coded rule knows, run by PCRE2. The pattern may come from a
// hostile file, so: no JIT, limits on matching steps and memory for each call, the
// subject cut into windows so that no single call sees more than window_bytes, and a
// budget of this thread's CPU time over all calls on one text.
#include "text/splitter.h"

#include "base/error.h"
#include "base/utf8.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <ctime>

#include <algorithm>

namespace quant {

namespace {

constexpr size_t max_pattern_bytes = 16384;
constexpr size_t window_bytes = 16384;
constexpr size_t window_margin = 1024; ///< A match that ends so near the window's end is tried again in the next.
constexpr size_t look_behind = 64;
constexpr uint32_t max_match_steps = 200'000;
constexpr uint32_t max_heap_kib = 16384;

double thread_seconds() {
    timespec t{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

struct CodeDeleter {
    void operator()(pcre2_code *p) const { pcre2_code_free(p); }
    void operator()(pcre2_match_data *p) const { pcre2_match_data_free(p); }
    void operator()(pcre2_match_context *p) const { pcre2_match_context_free(p); }
    void operator()(pcre2_compile_context *p) const { pcre2_compile_context_free(p); }
};
template <class T>
using Handle = std::unique_ptr<T, CodeDeleter>;

class RegexSplitter final : public Splitter {
public:
    RegexSplitter(const std::string &pattern, const std::string &name) : pattern_(pattern), name_(name) {
        if (pattern.size() > max_pattern_bytes)
            fail(QUANT_ERR_LIMIT, "{}: a pre-tokenizer's pattern has {} bytes, more than {}", name, pattern.size(),
                 max_pattern_bytes);
        if (pattern.find("&&[") != std::string::npos)
            fail(QUANT_ERR_UNSUPPORTED, "{}: the pre-tokenizer's pattern '{}' intersects sets, which only known patterns may",
                 name, printable(pattern));
        Handle<pcre2_compile_context> context(pcre2_compile_context_create(nullptr));
        if (!context) throw std::bad_alloc();
        pcre2_set_parens_nest_limit(context.get(), 64);
        int error = 0;
        PCRE2_SIZE offset = 0;
        code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                                  PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C, &error,
                                  &offset, context.get()));
        if (!code_)
            fail(QUANT_ERR_TOKENIZER, "{}: the pre-tokenizer's pattern '{}' does not compile (at {})", name,
                 printable(pattern), offset);
    }

    std::optional<Span> next(std::string_view text, size_t from, SplitBudget &budget) const override {
        Handle<pcre2_match_data> match(pcre2_match_data_create_from_pattern(code_.get(), nullptr));
        Handle<pcre2_match_context> limits(pcre2_match_context_create(nullptr));
        if (!match || !limits) throw std::bad_alloc();
        pcre2_set_match_limit(limits.get(), max_match_steps);
        pcre2_set_depth_limit(limits.get(), max_match_steps);
        pcre2_set_heap_limit(limits.get(), max_heap_kib);
        while (from < text.size()) {
            const size_t begin = look_behind_start(text, from);
            const size_t end = character_start(text, std::min(text.size(), from + window_bytes));
            const double started = thread_seconds();
            const auto found = match_once(text.substr(begin, end - begin), from - begin, match.get(), limits.get());
            const bool at_edge = end < text.size();
            if ((budget.seconds -= thread_seconds() - started) < 0) too_slow();
            if (found && (!at_edge || begin + found->end + window_margin <= end || begin + found->begin == from))
                return Span{begin + found->begin, begin + found->end};
            if (!at_edge) return std::nullopt;
            // Nothing sure in this window: go on where a match may begin that it cuts.
            const size_t sure = found ? begin + found->begin : end - window_margin;
            from = std::max(character_start(text, sure), from + 1);
        }
        return std::nullopt;
    }

private:
    [[noreturn]] void too_slow() const {
        fail(QUANT_ERR_LIMIT, "{}: the pre-tokenizer's pattern '{}' takes too many steps on this text", name_,
             printable(pattern_));
    }

    static size_t character_start(std::string_view text, size_t at) {
        for (int i = 0; i < 3 && at > 0 && at < text.size() && (text[at] & 0xC0) == 0x80; ++i) --at;
        return at;
    }
    static size_t look_behind_start(std::string_view text, size_t at) {
        return character_start(text, at - std::min(at, look_behind));
    }

    // The first match that is not empty.
    std::optional<Span> match_once(std::string_view window, size_t from, pcre2_match_data *match,
                                   pcre2_match_context *limits) const {
        const int rc = pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(window.data()), window.size(), from,
                                   PCRE2_NOTEMPTY, match, limits);
        if (rc == PCRE2_ERROR_NOMATCH) return std::nullopt;
        if (rc < 0) too_slow();
        const PCRE2_SIZE *place = pcre2_get_ovector_pointer(match);
        if (place[0] < from || place[1] <= place[0]) return std::nullopt; // \K or a look-behind at work
        return Span{place[0], place[1]};
    }

    std::string pattern_, name_;
    Handle<pcre2_code> code_;
};

} // namespace

std::unique_ptr<Splitter> make_regex_splitter(const std::string &pattern, const std::string &name) {
    return std::make_unique<RegexSplitter>(pattern, name);
}

} // namespace quant
