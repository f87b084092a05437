// Applying the steps. Isolated matches, the common case, stream straight through;
// the other behaviours first collect the matches and gaps of one piece.
#include "text/pretokenizer.h"

#include "base/error.h"

namespace quant {

namespace {

constexpr size_t max_split_steps = 16;

struct Part {
    size_t begin, end;
    bool is_match;
};

// Joins neighbours as the behaviour says; what is left are the pieces, in order.
std::vector<Part> joined(const std::vector<Part> &parts, SplitBehavior behavior) {
    std::vector<Part> out;
    bool previous_was_match = false;
    for (const Part &part : parts) {
        const bool is_new_kind = out.empty() || part.is_match != previous_was_match;
        const bool join = !out.empty() &&
                          ((behavior == SplitBehavior::contiguous && !is_new_kind) ||
                           (behavior == SplitBehavior::merged_with_previous && part.is_match && !previous_was_match) ||
                           (behavior == SplitBehavior::merged_with_next && !part.is_match && previous_was_match));
        if (behavior != SplitBehavior::removed || !part.is_match) {
            if (join) out.back().end = part.end;
            else out.push_back(part);
        }
        previous_was_match = part.is_match;
    }
    return out;
}

} // namespace

PreTokenizer::PreTokenizer(const TokenizerSpec &spec) {
    if (spec.splits.size() > max_split_steps)
        fail(QUANT_ERR_LIMIT, "{}: the pre-tokenizer has {} steps, more than {}", spec.name, spec.splits.size(), max_split_steps);
    for (const SplitRule &rule : spec.splits) {
        Step step{.splitter = rule.literal ? make_literal_splitter(rule.pattern) : make_splitter(rule.pattern, spec.name),
                  .behavior = rule.behavior,
                  .invert = rule.invert};
        steps_.push_back(std::move(step));
    }
    if (!spec.splits.empty()) return;
    const PreTokenizerName *known = find_pre_tokenizer(spec.pre);
    if (!known)
        fail(QUANT_ERR_UNSUPPORTED, "{}: unknown pre-tokenizer '{}' (tokenizer.ggml.pre)", spec.name, printable(spec.pre));
    for (const std::string_view pattern : known->steps)
        steps_.push_back({.splitter = pattern.starts_with('@') ? make_named_word_splitter(pattern.substr(1))
                                                               : make_splitter(std::string(pattern), spec.name)});
}

void PreTokenizer::split(std::string_view text, SplitBudget &budget, const Sink &sink) const {
    if (!text.empty()) apply(0, text, budget, sink);
}

void PreTokenizer::apply(size_t index, std::string_view text, SplitBudget &budget, const Sink &sink) const {
    if (index == steps_.size()) return sink(text);
    const Step &step = steps_[index];
    const auto pass_on = [&](std::string_view part) { apply(index + 1, part, budget, sink); };
    if (step.behavior != SplitBehavior::isolated) return apply_other(step, text, budget, pass_on);
    size_t done = 0;
    while (const auto match = step.splitter->next(text, done, budget)) {
        if (match->begin > done) pass_on(text.substr(done, match->begin - done));
        pass_on(text.substr(match->begin, match->end - match->begin));
        done = match->end;
    }
    if (done < text.size()) pass_on(text.substr(done));
}

void PreTokenizer::apply_other(const Step &step, std::string_view text, SplitBudget &budget, const Sink &sink) const {
    std::vector<Part> parts;
    size_t done = 0;
    while (const auto match = step.splitter->next(text, done, budget)) {
        if (match->begin > done) parts.push_back({done, match->begin, step.invert});
        parts.push_back({match->begin, match->end, !step.invert});
        done = match->end;
    }
    if (done < text.size()) parts.push_back({done, text.size(), step.invert});
    for (const Part &part : joined(parts, step.behavior)) sink(text.substr(part.begin, part.end - part.begin));
}

} // namespace quant
