// Normalization by utf8proc in stretches that begin at characters which nothing before
// them can change, because its sorting of combining marks takes quadratic time on long
// runs of them. Bytes that are no UTF-8 pass as they are.
#include "text/normalizer.h"

#include "base/error.h"
#include "base/utf8.h"
#include "text/char_class.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>

namespace quant {

namespace {

constexpr size_t max_stretch_bytes = 4096;
constexpr size_t max_normalizer_steps = 16;
constexpr size_t max_normalized_bytes = size_t{1} << 32;

// Whether a stretch may begin with this character: a starter that no form composes
// with what stands before it (Hangul vowels and finals do compose).
bool begins_stretch(chars::Glyph g) {
    if (g.code_point < 0x300) return true;
    return g.code_point < 0x110000 && !g.is(chars::mark) && !(g.code_point >= 0x1160 && g.code_point <= 0x11FF) &&
           !(g.code_point >= 0xFF9E && g.code_point <= 0xFF9F) &&
           utf8proc_get_property(static_cast<utf8proc_int32_t>(g.code_point))->combining_class == 0;
}

std::string map_stretch(std::string_view text, utf8proc_option_t options) {
    utf8proc_uint8_t *mapped = nullptr;
    const auto length = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t *>(text.data()),
                                     static_cast<utf8proc_ssize_t>(text.size()), &mapped, options);
    const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(mapped, &std::free);
    if (length == UTF8PROC_ERROR_NOMEM) throw std::bad_alloc();
    if (length < 0) return std::string(text);
    return {reinterpret_cast<const char *>(mapped), static_cast<size_t>(length)};
}

struct Stretch {
    size_t end;
    bool changes; ///< Has characters that the form may change.
};

// A character and what follows it up to the next that begins a stretch.
Stretch next_stretch(std::string_view text, size_t at, uint32_t first_changed) {
    const auto &table = chars::Table::get();
    chars::Glyph g = table.read(text, at);
    if (g.code_point == chars::invalid_byte) return {at + 1, false};
    Stretch out{at, false};
    do {
        out.changes |= g.code_point >= first_changed;
        out.end += g.bytes;
        g = table.read(text, out.end);
    } while (g.bytes && g.code_point != chars::invalid_byte && !begins_stretch(g) && out.end - at < max_stretch_bytes);
    return out;
}

std::string map_text(std::string_view text, utf8proc_option_t options, uint32_t first_changed) {
    std::string out;
    out.reserve(text.size());
    for (size_t at = 0; at < text.size();) {
        Stretch stretch = next_stretch(text, at, first_changed);
        while (stretch.end < text.size() && stretch.end - at < max_stretch_bytes) {
            const Stretch next = next_stretch(text, stretch.end, first_changed);
            if (next.changes != stretch.changes) break;
            stretch.end = next.end;
        }
        const std::string_view part = text.substr(at, stretch.end - at);
        if (stretch.changes) out += map_stretch(part, options);
        else out += part;
        at = stretch.end;
    }
    return out;
}

std::string lower_case(std::string_view text) {
    const auto &table = chars::Table::get();
    std::string out;
    for (size_t at = 0; at < text.size();) {
        const chars::Glyph g = table.read(text, at);
        if (g.code_point < 0x110000)
            utf8_append(out, static_cast<uint32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(g.code_point))));
        else out += text[at];
        at += g.bytes;
    }
    return out;
}

std::string strip(std::string_view text) {
    const auto &table = chars::Table::get();
    while (!text.empty() && table.read(text, 0).is(chars::space)) text.remove_prefix(table.read(text, 0).bytes);
    while (!text.empty() && table.read_before(text, text.size()).is(chars::space))
        text.remove_suffix(table.read_before(text, text.size()).bytes);
    return std::string(text);
}

// Control and private characters, and U+FFFD; not those that Unicode has yet to assign. Tabs and ends of lines are white space here.
bool is_control(uint32_t c) {
    if (c == '\t' || c == '\n' || c == '\r') return false;
    switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CO: return true;
    default: return c == 0xFFFD;
    }
}

// The ideographs that BERT cuts out: not kana, not Hangul.
bool is_ideograph(uint32_t c) {
    constexpr std::pair<uint32_t, uint32_t> ranges[] = {{0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFAFF},
                                                        {0x20000, 0x2A6DF}, {0x2A700, 0x2B73F}, {0x2B740, 0x2B81F},
                                                        {0x2B920, 0x2CEAF}, {0x2F800, 0x2FA1F}};
    return std::any_of(std::begin(ranges), std::end(ranges),
                       [c](const auto &range) { return c >= range.first && c <= range.second; });
}

/// append(glyph, bytes, out) for each character.
template <class Append>
std::string map_characters(std::string_view text, const Append &append) {
    const auto &table = chars::Table::get();
    std::string out;
    out.reserve(text.size());
    for (size_t at = 0; at < text.size();) {
        const chars::Glyph g = table.read(text, at);
        append(g, text.substr(at, g.bytes), out);
        at += g.bytes;
    }
    return out;
}

std::string clean_text(std::string_view text) {
    return map_characters(text, [](chars::Glyph g, std::string_view bytes, std::string &out) {
        if (g.code_point == chars::invalid_byte) out += bytes;
        else if (g.is(chars::space) && !is_control(g.code_point)) out += ' ';
        else if (!is_control(g.code_point)) out += bytes;
    });
}

std::string space_han(std::string_view text) {
    return map_characters(text, [](chars::Glyph g, std::string_view bytes, std::string &out) {
        const bool apart = is_ideograph(g.code_point);
        if (apart) out += ' ';
        out += bytes;
        if (apart) out += ' ';
    });
}

std::string strip_marks(std::string_view text) {
    return map_characters(text, [](chars::Glyph g, std::string_view bytes, std::string &out) {
        const bool is_mark = g.is(chars::mark) && utf8proc_category(static_cast<utf8proc_int32_t>(g.code_point)) ==
                                                      UTF8PROC_CATEGORY_MN;
        if (!is_mark) out += bytes;
    });
}

constexpr int form_options(bool compose, bool compatible) {
    return UTF8PROC_STABLE | (compose ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE) | (compatible ? UTF8PROC_COMPAT : 0);
}

} // namespace

Normalizer::Normalizer(const TokenizerSpec &spec) {
    if (spec.normalizer.size() > max_normalizer_steps)
        fail(QUANT_ERR_LIMIT, "{}: the normalizer has {} steps, more than {}", spec.name, spec.normalizer.size(), max_normalizer_steps);
    for (const NormalizerStep &from : spec.normalizer) {
        Step step{from.kind, from.content, nullptr, nullptr};
        if (from.kind == NormalizerKind::charsmap) {
            step.charsmap = std::make_unique<Charsmap>(spec.charsmap, spec.name);
        } else if (from.kind == NormalizerKind::replace) {
            if (from.pattern.empty())
                fail(QUANT_ERR_TOKENIZER, "{}: the normalizer replaces an empty pattern", spec.name);
            step.find = from.literal ? make_literal_splitter(from.pattern) : make_splitter(from.pattern, spec.name);
        }
        steps_.push_back(std::move(step));
    }
}

std::string Normalizer::apply_step(const Step &step, std::string_view text, SplitBudget &budget) {
    const auto form = [&](bool compose, bool compatible, uint32_t first_changed) {
        return map_text(text, static_cast<utf8proc_option_t>(form_options(compose, compatible)), first_changed);
    };
    switch (step.kind) {
    case NormalizerKind::nfc: return form(true, false, 0x300);
    case NormalizerKind::nfd: return form(false, false, 0xC0);
    case NormalizerKind::nfkc: return form(true, true, 0xA0);
    case NormalizerKind::nfkd: return form(false, true, 0xA0);
    case NormalizerKind::lowercase: return lower_case(text);
    case NormalizerKind::prepend: return text.empty() ? std::string() : std::string(step.content).append(text);
    case NormalizerKind::strip: return strip(text);
    case NormalizerKind::clean_text: return clean_text(text);
    case NormalizerKind::space_han: return space_han(text);
    case NormalizerKind::strip_marks: return strip_marks(text);
    case NormalizerKind::charsmap: return step.charsmap->normalize(text);
    case NormalizerKind::replace: break;
    }
    std::string out;
    size_t done = 0;
    while (const auto match = step.find->next(text, done, budget)) {
        out += text.substr(done, match->begin - done);
        out += step.content;
        done = match->end;
    }
    return out += text.substr(done);
}

std::string Normalizer::apply(std::string_view text, SplitBudget &budget) const {
    std::string out(text);
    for (const Step &step : steps_) {
        out = apply_step(step, out, budget);
        if (out.size() > max_normalized_bytes)
            fail(QUANT_ERR_LIMIT, "the normalized text has more than {} bytes", max_normalized_bytes);
    }
    return out;
}

} // namespace quant
