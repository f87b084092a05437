#include "engine/session.h"

#include "base/error.h"
#include "base/progress.h"
#include "engine/prefix_cache.h"
#include "engine/sampler.h"
#include "engine/text_stream.h"

#include <algorithm>
#include <chrono>

namespace quant {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::shared_ptr<const Model> ready_to_run(std::shared_ptr<const Model> model, Activations activations) {
    model->require_causal("generate or predict text");
    return activations == Activations::int8_of_many ? model->with_panels() : model;
}

} // namespace

Session::Session(std::shared_ptr<const Model> model, uint32_t context, Activations activations, KvTypes kv)
    : model_(ready_to_run(std::move(model), activations)),
      activations_(activations), kv_(kv),
      cache_(model_->hyperparameters(), context ? context : model_->hyperparameters().context, kv),
      forward_(*model_, default_pool(), activations) {}

Session::Session(const Session &other, uint32_t length)
    : model_(other.model_), activations_(other.activations_), kv_(other.kv_),
      cache_(model_->hyperparameters(), other.capacity(), kv_), forward_(*model_, default_pool(), activations_),
      adapters_(other.adapters_) {
    if (length > other.length())
        fail(QUANT_ERR_ARGUMENT, "cannot share {} tokens of a sequence that has {}", length, other.length());
    cache_.share(other.cache_, length);
    long_keys_ = other.long_keys_;
    tokens_.assign(other.tokens_.begin(), other.tokens_.begin() + length);
    if (length == other.length()) pending_ = other.pending_;
}

void Session::truncate(uint32_t length) {
    if (length > tokens_.size())
        fail(QUANT_ERR_ARGUMENT, "cannot cut the sequence to {} tokens: it has {}", length, tokens_.size());
    tokens_.resize(length);
    pending_.clear();
}

void Session::set_adapters(AdapterSet adapters) {
    adapters = checked_adapters(std::move(adapters), model_->file());
    if (adapters == adapters_) return;
    truncate(0);
    adapters_ = std::move(adapters);
}

void Session::check(std::span<const int32_t> tokens) const {
    if (tokens.empty()) fail(QUANT_ERR_ARGUMENT, "no tokens to run");
    const uint32_t vocabulary = model_->hyperparameters().vocabulary;
    for (const int32_t id : tokens)
        if (id < 0 || static_cast<uint32_t>(id) >= vocabulary)
            fail(QUANT_ERR_ARGUMENT, "token {} is outside the vocabulary of {}", id, vocabulary);
    if (tokens.size() > capacity() - length())
        fail(QUANT_ERR_LIMIT, "{} tokens do not fit: the context holds {}, of which {} are used", tokens.size(),
             capacity(), length());
}

// Where a sequence becomes so long, or short again, that all of it is rotated otherwise, it is run from its first token.
bool Session::turns_all_again(size_t tokens) const {
    const auto length_then = static_cast<uint32_t>(tokens_.size() + tokens);
    return !tokens_.empty() && model_->hyperparameters().rope.changes_at(length_then) != long_keys_;
}

void Session::run(std::span<const int32_t> tokens, size_t logit_rows, float *logits) {
    const Step step{this, tokens, logit_rows, logits};
    run({&step, 1});
}

void Session::run(std::span<const Step> steps) {
    if (!steps.empty()) run(steps, steps[0].session->forward_);
}

void Session::run(std::span<const Step> steps, Forward &forward) {
    std::vector<SequenceRun> sequences;
    std::vector<std::vector<int32_t>> whole(steps.size());
    for (size_t i = 0; i < steps.size(); i++) {
        Session &s = *steps[i].session;
        const Session &first = *steps[0].session;
        const auto refuse = [&](const char *why) { fail(QUANT_ERR_ARGUMENT, "session {} of the batch {}", i, why); };
        if (s.model_ != first.model_) refuse("is of another model than the first");
        if (s.activations_ != first.activations_ || s.kv_ != first.kv_)
            refuse("has other activations or types of keys and values than the first");
        for (size_t j = 0; j < i; j++)
            if (steps[j].session == &s) refuse("came before");
        s.check(steps[i].tokens);
        sequences.push_back({&s.cache_, steps[i].tokens, s.length(), steps[i].logit_rows, steps[i].logits, nullptr,
                             s.adapters_.empty() ? nullptr : &s.adapters_});
        if (!s.turns_all_again(steps[i].tokens.size())) continue;
        whole[i] = s.tokens_;
        whole[i].insert(whole[i].end(), steps[i].tokens.begin(), steps[i].tokens.end());
        sequences.back().tokens = whole[i], sequences.back().position = 0;
    }
    if (sequences.empty()) return;
    forward.run(sequences);
    for (const Step &step : steps) {
        step.session->tokens_.insert(step.session->tokens_.end(), step.tokens.begin(), step.tokens.end());
        step.session->pending_.clear();
        step.session->long_keys_ = step.session->model_->hyperparameters().rope.changes_at(step.session->length());
    }
}

std::vector<int32_t> prompt_tokens(const Model &model, std::string_view text, uint32_t flags) {
    constexpr uint32_t known = QUANT_TEXT_ADD_SPECIAL | QUANT_TEXT_PARSE_SPECIAL;
    if (flags & ~known)
        fail(QUANT_ERR_ARGUMENT, "text_flags {:#x}: expected QUANT_TEXT_ADD_SPECIAL and QUANT_TEXT_PARSE_SPECIAL only", flags);
    const TokenizeOptions how{(flags & QUANT_TEXT_ADD_SPECIAL) != 0, (flags & QUANT_TEXT_PARSE_SPECIAL) != 0};
    std::vector<int32_t> ids = model.tokenizer().encode(text, how);
    const TokenizerSpec &spec = model.tokenizer().spec();
    if (how.add_special && spec.add_eos && spec.eos && !ids.empty() && ids.back() == *spec.eos) ids.pop_back();
    return ids;
}

// The tokens still to be run. BOS belongs at the start of a sequence only.
std::vector<int32_t> Session::tokens_to_run(const quant_generate_options &options, uint32_t &cached) {
    const uint32_t not_at_start = options.whole || tokens_.empty() ? 0 : QUANT_TEXT_ADD_SPECIAL;
    std::vector<int32_t> ids = prompt_tokens(*model_, {options.prompt ? options.prompt : "", options.prompt_bytes},
                                             options.text_flags & ~not_at_start);
    cached = 0;
    if (!options.whole) ids.insert(ids.begin(), pending_.begin(), pending_.end());
    if (options.whole) {
        if (ids.empty()) fail(QUANT_ERR_ARGUMENT, "the prompt is empty: there is nothing to continue");
        // The last token is always run, since its logits are needed.
        cached = static_cast<uint32_t>(std::min(common_prefix(tokens_, ids), ids.size() - 1));
        truncate(cached);
        ids.erase(ids.begin(), ids.begin() + cached);
    }
    if (ids.empty() && !tokens_.empty()) {
        ids.push_back(tokens_.back());
        truncate(length() - 1);
    }
    if (ids.empty()) fail(QUANT_ERR_ARGUMENT, "the prompt is empty: there is nothing to continue");
    return ids;
}

void Session::speculate(std::unique_ptr<Drafter> drafter, uint32_t most) {
    if (most > most_drafted) fail(QUANT_ERR_ARGUMENT, "{} drafted tokens at a time: expected at most {}", most, most_drafted);
    drafter_ = std::move(drafter), most_guesses_ = most;
}

std::span<const float> Session::next_logits() const {
    const size_t vocabulary = model_->hyperparameters().vocabulary;
    return std::span(logits_).subspan(taken_ * vocabulary, vocabulary);
}

// Where `id` is the next guess, what running it gives is there already.
bool Session::take_guess(int32_t id) {
    if (taken_ == guesses_.size() || guesses_[taken_] != id) return false;
    tokens_.push_back(id);
    pending_.clear();
    taken_++;
    return true;
}

// Runs `id` with guesses at what follows, at most `more` of which could be of use. Only `id` becomes part of the
// sequence; what lies behind it in the cache is written over unless it is chosen.
void Session::run_guessing(int32_t id, uint32_t more) {
    const size_t room = capacity() - length() - 1, most = std::min<size_t>({most_guesses_, more, room});
    guesses_.clear(), taken_ = 0;
    if (drafter_ && most != 0) {
        std::vector<int32_t> sequence = tokens_;
        sequence.push_back(id);
        guesses_ = drafter_->propose(sequence, most);
    }
    std::vector<int32_t> together{id};
    together.insert(together.end(), guesses_.begin(), guesses_.end());
    logits_.resize(together.size() * model_->hyperparameters().vocabulary);
    run(together, together.size(), logits_.data());
    truncate(length() - static_cast<uint32_t>(guesses_.size()));
}

quant_generate_result Session::generate(const quant_generate_options &options) {
    const quant_sampling sampling = options.sampling ? *options.sampling : default_sampling();
    check_sampling(sampling, model_->hyperparameters().vocabulary);
    Sampler sampler(sampling);
    quant_generate_result result{};
    result.size = sizeof result;
    result.seed = sampler.seed();

    const Clock::time_point start = Clock::now();
    const std::vector<int32_t> prompt = tokens_to_run(options, result.cached_tokens);
    result.prompt_tokens = result.cached_tokens + static_cast<uint32_t>(prompt.size());
    if (prompt.size() > capacity() - length())
        fail(QUANT_ERR_LIMIT, "the prompt of {} tokens does not fit: the context holds {}, of which {} are used",
             prompt.size(), capacity(), length());
    logits_.resize(model_->hyperparameters().vocabulary);
    Progress progress(options.on_prefill, options.user);
    progress.begin("prompt", prompt.size());
    for (size_t done = 0; done < prompt.size();) {
        const size_t count = std::min(Forward::batch, prompt.size() - done);
        const bool last = done + count == prompt.size();
        run(std::span(prompt).subspan(done, count), last ? 1 : 0, logits_.data());
        done += count;
        progress.advance(count);
    }
    progress.finish();
    result.prefill_seconds = seconds_since(start);

    const Clock::time_point decode_start = Clock::now();
    const size_t unpenalized = sampling.penalize_prompt ? 0 : tokens_.size();
    guesses_.clear(), taken_ = 0;
    TextStream stream;
    const auto emit = [&](const std::string &text) {
        return !text.empty() && options.on_text && options.on_text(options.user, text.c_str(), text.size()) != 0;
    };
    result.stop = QUANT_STOP_LENGTH;
    while (options.max_tokens == 0 || result.generated_tokens < options.max_tokens) {
        // tokens_ has only what was chosen, whatever was guessed, so that what the sampler sees and remembers is
        // the same with guesses as without.
        const int32_t id = sampler.choose(next_logits(), std::span(tokens_).subspan(unpenalized));
        if (model_->tokenizer().ends_generation(id)) {
            result.stop = QUANT_STOP_END;
            break;
        }
        result.generated_tokens++;
        pending_.assign(1, id);
        if (emit(stream.push(generated_piece(model_->tokenizer(), id, options.control_text != 0)))) {
            result.stop = QUANT_STOP_CALLER;
            break;
        }
        if (length() == capacity()) {
            result.stop = QUANT_STOP_CONTEXT;
            break;
        }
        if (result.generated_tokens == options.max_tokens) break;
        if (take_guess(id)) {
            result.accepted_tokens++;
            continue;
        }
        run_guessing(id, options.max_tokens == 0 ? UINT32_MAX : options.max_tokens - result.generated_tokens);
        result.drafted_tokens += static_cast<uint32_t>(guesses_.size());
    }
    guesses_.clear(), taken_ = 0;
    emit(stream.finish());
    result.decode_seconds = seconds_since(decode_start);
    return result;
}

} // namespace quant
