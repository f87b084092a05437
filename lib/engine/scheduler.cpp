#include "engine/scheduler.h"

#include "base/error.h"
#include "base/signals_blocked.h"
#include "engine/log_probabilities.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <cmath>

namespace quant {

namespace {

using Clock = std::chrono::steady_clock;

/// Products of more tokens round activations to 8 bits, of fewer to 15: each piece of a prompt but a whole short
/// prompt is longer, so that its numbers do not depend on how it was cut.
constexpr size_t least_piece = most_panel_tokens + 1;
/// Beginnings shorter than this are run anew.
constexpr size_t least_shared = 16;
/// What prompts are run for at a time where others wait for tokens, and where none do: a cancelled one ends after it.
constexpr double seconds_among_others = 0.1, seconds_alone = 0.25;
constexpr size_t least_prompt_room = 64;
constexpr uint32_t most_told = 20; ///< Tokens whose log-probabilities are told, with each.
constexpr std::string_view out_of_memory = "out of memory";

double seconds_between(Clock::time_point a, Clock::time_point b) {
    return std::chrono::duration<double>(b - a).count();
}

/// How many of `left` tokens of a prompt go into `room`.
size_t piece_of(size_t left, size_t room) {
    if (left <= room) return left;
    const size_t most = std::min(room, left - std::min(left, least_piece));
    return most < least_piece ? 0 : most;
}

} // namespace

struct Scheduler::Waiting {
    uint64_t id;
    GenerationRequest request;
    Clock::time_point since;
    Sampler sampler; ///< Made at once: it copies what its options point to.
    std::unique_ptr<Constraint> constraint;
};

struct Scheduler::Sequence {
    uint64_t id;
    GenerationRequest request;
    std::unique_ptr<Session> session;
    Sampler sampler;
    std::unique_ptr<Constraint> constraint; ///< nullptr: the text is free.
    StopText stops;
    TextStream characters;
    std::vector<float> logits;
    int32_t next = -1;   ///< Chosen, not yet run.
    int32_t chosen = -1; ///< By a worker, not yet taken.
    quant_status choice_status = QUANT_OK;
    std::string choice_error;
    std::vector<ToldToken> told;
    bool paused = false, ended = false;
    quant_generate_result result{};
    Clock::time_point begun = Clock::now(), generating = begun;
    double queue_seconds;

    Sequence(Waiting w, std::unique_ptr<Session> begun_session)
        : id(w.id),
          request(std::move(w.request)),
          session(std::move(begun_session)),
          sampler(std::move(w.sampler)),
          constraint(std::move(w.constraint)),
          stops(request.stops),
          logits(session->model().hyperparameters().vocabulary),
          queue_seconds(seconds_between(w.since, begun)) {
        result.size = sizeof result;
        result.seed = sampler.seed();
        result.prompt_tokens = static_cast<uint32_t>(request.prompt.size());
        result.cached_tokens = session->length();
    }

    size_t prompt_left() const {
        return request.prompt.size() - std::min<size_t>(request.prompt.size(), session->length());
    }
};

Scheduler::Scheduler(std::shared_ptr<const Model> model, const SchedulerOptions &options)
    : model_((model->require_causal("generate text"), model->with_panels())),
      options_(options),
      context_(options.context ? options.context : model_->hyperparameters().context),
      forward_(*model_, default_pool(), Activations::int8_of_many),
      kept_(options.cached_tokens) {
    if (options.sequences == 0) fail(QUANT_ERR_ARGUMENT, "sequences is 0: expected at least 1");
    kv_layout(model_->hyperparameters(), options.kv); // Throws now rather than in the thread.
    for (uint32_t id = 0; id < model_->hyperparameters().vocabulary; id++)
        if (model_->tokenizer().ends_generation(static_cast<int32_t>(id)))
            end_tokens_.push_back(static_cast<int32_t>(id));
    const SignalsBlocked in_thread;
    thread_ = std::thread([this] { run(); });
}

Scheduler::~Scheduler() {
    {
        const std::lock_guard lock(mutex_);
        closing_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

uint64_t Scheduler::submit(GenerationRequest request) {
    check_sampling(request.sampling, model_->hyperparameters().vocabulary);
    request.adapters = checked_adapters(std::move(request.adapters), model_->file());
    if (request.log_probabilities && *request.log_probabilities > most_told)
        fail(QUANT_ERR_ARGUMENT, "log-probabilities of {} tokens: expected at most {}", *request.log_probabilities,
             most_told);
    if (request.prompt.empty()) fail(QUANT_ERR_ARGUMENT, "the prompt is empty: there is nothing to continue");
    for (const int32_t id : request.prompt)
        if (id < 0 || static_cast<uint32_t>(id) >= model_->hyperparameters().vocabulary)
            fail(QUANT_ERR_ARGUMENT, "token {} is outside the vocabulary of {}", id,
                 model_->hyperparameters().vocabulary);
    if (request.prompt.size() > context_)
        fail(QUANT_ERR_LIMIT, "the prompt of {} tokens does not fit: the context holds {}", request.prompt.size(),
             context_);
    std::unique_ptr<Constraint> constraint;
    if (request.grammar) {
        const bool controls = request.grammar_has_controls;
        auto &vocabulary = vocabularies_[controls];
        std::call_once(vocabulary.made, [&] { vocabulary.tokens = grammar_vocabulary(model_->tokenizer(), controls); });
        constraint = std::make_unique<Constraint>(request.grammar, vocabulary.tokens, end_tokens_);
    }
    const std::lock_guard lock(mutex_);
    const auto refuse = [&](const char *whose, uint32_t most) {
        statistics_.refused++;
        fail(QUANT_ERR_BUSY, "{} queue is full: {} requests wait already", whose, most);
    };
    // A place that is free now is filled from the queue, which then is longer than it may be for a moment only.
    const size_t free = options_.sequences - std::min(options_.sequences, statistics_.running);
    if (queue_.size() >= options_.queue + free) refuse("the", options_.queue);
    if (queue_.size_of(request.client) >= options_.queue_per_client + free)
        refuse("this client's", options_.queue_per_client);
    const uint64_t client = request.client, id = ++last_id_;
    Sampler sampler(request.sampling);
    queue_.push(client, {id, std::move(request), Clock::now(), std::move(sampler), std::move(constraint)});
    statistics_.requests++;
    changed_.notify_all();
    return id;
}

void Scheduler::cancel(uint64_t id) {
    const std::lock_guard lock(mutex_);
    cancels_.push_back(id);
    changed_.notify_all();
}

void Scheduler::pause(uint64_t id, bool paused) {
    const std::lock_guard lock(mutex_);
    wishes_[id] = paused;
    changed_.notify_all();
}

SchedulerStatistics Scheduler::statistics() const {
    const std::lock_guard lock(mutex_);
    SchedulerStatistics out = statistics_;
    out.waiting = static_cast<uint32_t>(queue_.size());
    const Clock::duration began = step_began_;
    out.step_seconds = began == Clock::duration::zero() ? 0 : seconds_between(Clock::time_point(began), Clock::now());
    return out;
}

void Scheduler::run() {
    ::pthread_setname_np(::pthread_self(), "quant-scheduler");
    for (bool goes_on = true; goes_on;) {
        // Who runs cannot go on without what a turn needs; who comes later may.
        try {
            goes_on = take_turn();
        } catch (const std::bad_alloc &) {
            fail_all(QUANT_ERR_NO_MEMORY, out_of_memory);
        } catch (const std::exception &e) {
            fail_all(QUANT_ERR_INTERNAL, e.what());
        }
    }
}

/// False when there is nothing to come.
bool Scheduler::take_turn() {
    {
        step_began_ = Clock::duration::zero();
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] {
            const bool runs =
                std::any_of(sequences_.begin(), sequences_.end(), [](const auto &s) { return !s->paused; });
            return closing_ || !cancels_.empty() || !wishes_.empty() || runs ||
                   (queue_.size() != 0 && sequences_.size() < options_.sequences);
        });
        step_began_ = Clock::now().time_since_epoch();
        admit(lock);
        if (closing_ && sequences_.empty() && queue_.size() == 0) return false;
    }
    read_prompts();
    generate();
    drop_ended();
    return true;
}

// What others asked for meanwhile. Events are told without the lock: they may ask for more. Nothing here needs memory but
// what begins a sequence: who waits is told of his end even when there is none.
void Scheduler::admit(std::unique_lock<std::mutex> &lock) {
    const std::vector<uint64_t> cancels = std::exchange(cancels_, {});
    for (const auto &[id, paused] : wishes_)
        for (const auto &s : sequences_)
            if (s->id == id) s->paused = paused;
    wishes_.clear();
    const bool closing = closing_;
    for (const uint64_t id : cancels)
        if (auto waiting = queue_.take([id](const Waiting &w) { return w.id == id; })) never_begin(*waiting, lock);
    while (closing && queue_.size() != 0) {
        auto waiting = queue_.pop();
        never_begin(*waiting, lock);
    }
    for (const auto &s : sequences_)
        if (closing || std::find(cancels.begin(), cancels.end(), s->id) != cancels.end()) {
            lock.unlock();
            fail_sequence(*s, QUANT_ERR_CANCELLED, "cancelled");
            lock.lock();
        }
    while (sequences_.size() < options_.sequences && queue_.size() != 0) {
        auto waiting = queue_.pop();
        lock.unlock();
        begin(std::move(*waiting));
        lock.lock();
    }
    lock.unlock();
    drop_ended();
    lock.lock();
}

// Cancelled before its turn.
void Scheduler::never_begin(const Waiting &waiting, std::unique_lock<std::mutex> &lock) {
    statistics_.cancelled++;
    lock.unlock();
    tell_end(waiting.request.on_event, QUANT_ERR_CANCELLED, "cancelled", seconds_between(waiting.since, Clock::now()));
    lock.lock();
}

void Scheduler::begin(Waiting waiting) {
    const auto on_event = waiting.request.on_event;
    try {
        sequences_.push_back(start(std::move(waiting)));
    } catch (const Error &e) {
        tell_end(on_event, e.status(), e.what(), 0);
    } catch (const std::exception &) {
        tell_end(on_event, QUANT_ERR_NO_MEMORY, out_of_memory, 0);
    }
}

// Of a request that has no sequence.
void Scheduler::tell_end(const EventSink &on_event, quant_status status, std::string_view message, double waited) {
    GenerationEvent event;
    event.ended = true, event.status = status, event.message = message;
    event.queue_seconds = waited;
    if (on_event) on_event(event);
}

/// Where the longest beginning stands already, among those that run and that have ended.
const Session *Scheduler::common_sequence(std::span<const int32_t> prompt, const AdapterSet &adapters) const {
    const Session *best = nullptr;
    size_t longest = 0;
    for (const auto &s : sequences_) {
        if (s->session->adapters() != adapters) continue;
        if (const size_t n = common_prefix(s->session->tokens(), prompt); n > longest)
            longest = n, best = s->session.get();
    }
    return best;
}

std::unique_ptr<Scheduler::Sequence> Scheduler::start(Waiting w) {
    const std::vector<int32_t> &prompt = w.request.prompt;
    const AdapterSet &adapters = w.request.adapters;
    const Session *from = kept_.find(prompt, adapters), *running = common_sequence(prompt, adapters);
    const auto shared_with = [&](const Session *s) { return s ? common_prefix(s->tokens(), prompt) : 0; };
    if (shared_with(running) > shared_with(from)) from = running;
    const size_t most = prompt.size() - std::min(prompt.size(), least_piece),
                 shared = std::min(shared_with(from), most);
    auto session = shared >= least_shared
                       ? std::make_unique<Session>(*from, static_cast<uint32_t>(shared))
                       : std::make_unique<Session>(model_, context_, Activations::int8_of_many, options_.kv);
    session->set_adapters(adapters); // What is shared has them already.
    return std::make_unique<Sequence>(std::move(w), std::move(session));
}

/// Tokens of prompts to run now, as long as they may take.
size_t Scheduler::prompt_room() const {
    const bool others = std::any_of(sequences_.begin(), sequences_.end(),
                                    [](const auto &s) { return !s->ended && !s->paused && s->next >= 0; });
    const double tokens = prompt_rate_ * (others ? seconds_among_others : seconds_alone);
    return std::clamp(static_cast<size_t>(tokens), least_prompt_room, Forward::batch);
}

// Some of the prompts, those first that came first. Of at most as many sequences the end as products of few tokens
// take: their logits are then what they would be alone.
void Scheduler::read_prompts() {
    std::vector<Session::Step> steps;
    Group group, done;
    size_t room = prompt_room(), tokens = 0;
    for (const auto &s : sequences_) {
        const size_t left = s->prompt_left();
        if (s->ended || s->paused || left == 0) continue;
        const bool is_short = left < least_piece; // A whole prompt: run by itself.
        if (is_short && !group.empty()) continue;
        const size_t count = is_short ? left : piece_of(left, room - tokens);
        if (count == 0) break;
        const bool ends = count == left;
        steps.push_back({s->session.get(), std::span(s->request.prompt).subspan(s->session->length(), count),
                         ends ? size_t{1} : size_t{0}, s->logits.data()});
        group.push_back(s.get());
        if (ends) done.push_back(s.get());
        tokens += count;
        if (is_short || room - tokens < least_piece || done.size() == most_panel_tokens) break;
    }
    if (group.empty()) return;
    const Clock::time_point start = Clock::now();
    const bool together = compute(steps, group);
    const Clock::time_point now = Clock::now();
    if (together && tokens >= least_prompt_room)
        prompt_rate_ = static_cast<double>(tokens) / seconds_between(start, now);
    std::erase_if(done, [](const Sequence *s) { return s->ended; });
    for (Sequence *s : done) {
        s->result.prefill_seconds = seconds_between(s->begun, now), s->generating = now;
        const std::lock_guard lock(mutex_);
        statistics_.prompt_tokens += s->result.prompt_tokens, statistics_.cached_tokens += s->result.cached_tokens;
    }
    choose(done);
}

// One token of each sequence that has one chosen; groups alike in size.
void Scheduler::generate() {
    Group ready;
    for (const auto &s : sequences_)
        if (!s->ended && !s->paused && s->next >= 0) ready.push_back(s.get());
    const size_t groups = (ready.size() + most_few_tokens - 1) / most_few_tokens;
    for (size_t g = 0; g < groups; g++) {
        const Group group(ready.begin() + static_cast<ptrdiff_t>(ready.size() * g / groups),
                          ready.begin() + static_cast<ptrdiff_t>(ready.size() * (g + 1) / groups));
        std::vector<Session::Step> steps;
        for (Sequence *s : group) steps.push_back({s->session.get(), {&s->next, 1}, 1, s->logits.data()});
        compute(steps, group);
        Group fresh = group;
        std::erase_if(fresh, [](const Sequence *s) { return s->ended; });
        choose(fresh);
    }
}

// All at once, or, where that fails, one by one: then only those end that are to blame.
bool Scheduler::compute(std::span<const Session::Step> steps, const Group &group) {
    try {
        Session::run(steps, forward_);
        return true;
    } catch (const std::exception &) {
        for (size_t i = 0; i < steps.size(); i++) {
            try {
                Session::run(steps.subspan(i, 1), forward_);
            } catch (const Error &e) {
                fail_sequence(*group[i], e.status(), e.what());
            } catch (const std::exception &) {
                fail_sequence(*group[i], QUANT_ERR_NO_MEMORY, out_of_memory);
            }
        }
        return false;
    }
}

// Each worker chooses for some sequences; what comes of it is told in their order.
void Scheduler::choose(const Group &group) {
    default_pool().parallel_for(group.size(), 1, [&](size_t begin, size_t end, unsigned) {
        for (size_t i = begin; i < end; i++) {
            Sequence &s = *group[i];
            try {
                if (s.request.ignore_end)
                    for (const int32_t id : end_tokens_) s.logits[static_cast<size_t>(id)] = -INFINITY;
                // What counts as recent includes the token that was just run.
                const size_t unpenalized = s.request.sampling.penalize_prompt ? 0 : s.request.prompt.size();
                const TokenFilter allowed = s.constraint ? s.constraint->allowed() : TokenFilter();
                s.chosen = s.sampler.choose(s.logits, std::span(s.session->tokens()).subspan(unpenalized), allowed);
                if (s.request.log_probabilities) tell_probabilities(s);
            } catch (const Error &e) {
                s.chosen = -1, s.choice_status = e.status(), s.choice_error = e.what();
            } catch (const std::bad_alloc &) {
                s.chosen = -1, s.choice_status = QUANT_ERR_NO_MEMORY, s.choice_error.clear();
            } catch (const std::exception &e) {
                s.chosen = -1, s.choice_status = QUANT_ERR_INTERNAL, s.choice_error = e.what();
            }
        }
    });
    for (Sequence *s : group) {
        if (s->chosen < 0) {
            fail_sequence(*s, s->choice_status, s->choice_error.empty() ? out_of_memory : s->choice_error);
            continue;
        }
        try {
            take_token(*s, s->chosen);
        } catch (const std::bad_alloc &) {
            fail_sequence(*s, QUANT_ERR_NO_MEMORY, out_of_memory);
        }
    }
}

// Of the model's own distribution, whatever was made of it to choose.
void Scheduler::tell_probabilities(Sequence &s) {
    const LogProbabilities found = log_probabilities(s.logits, s.chosen, *s.request.log_probabilities);
    s.told.clear();
    const auto tell = [&](const TokenLogProbability &t) {
        s.told.push_back({t.id, t.log_probability, model_->tokenizer().piece(t.id)});
    };
    tell(found.chosen);
    for (const TokenLogProbability &t : found.top) tell(t);
}

void Scheduler::take_token(Sequence &s, int32_t id) {
    s.next = -1;
    if (model_->tokenizer().ends_generation(id) && !s.request.ignore_end) return end(s, QUANT_STOP_END);
    s.result.generated_tokens++;
    const std::string piece = generated_piece(model_->tokenizer(), id, s.request.control_text);
    if (s.constraint)
        s.constraint->advance(grammar_piece(model_->tokenizer(), id, s.request.grammar_has_controls));
    const std::string text = s.stops.push(s.characters.push(piece));
    if (s.stops.stopped()) {
        emit(s, id, text);
        return end(s, QUANT_STOP_TEXT);
    }
    const bool full = s.session->length() == s.session->capacity(),
               enough = s.result.generated_tokens == s.request.max_tokens;
    emit(s, id, text);
    if (s.constraint && s.constraint->must_end()) return end(s, QUANT_STOP_END);
    if (full || enough) return end(s, enough ? QUANT_STOP_LENGTH : QUANT_STOP_CONTEXT);
    s.next = id;
}

void Scheduler::emit(Sequence &s, int32_t token, std::string_view text) {
    s.result.decode_seconds = seconds_between(s.generating, Clock::now());
    GenerationEvent event;
    event.text = text, event.result = s.result, event.queue_seconds = s.queue_seconds;
    event.token = token, event.told = s.told;
    if (s.request.on_event) s.request.on_event(event);
}

void Scheduler::end(Sequence &s, quant_stop stop) {
    s.result.stop = stop;
    finish(s, QUANT_OK, "");
}

void Scheduler::fail_sequence(Sequence &s, quant_status status, std::string_view message) {
    if (s.ended) return;
    s.result.stop = QUANT_STOP_CALLER;
    finish(s, status, message);
}

void Scheduler::fail_all(quant_status status, std::string_view message) {
    for (const auto &s : sequences_) fail_sequence(*s, status, message);
    drop_ended();
}

// Needs no memory: who waits for the end must get it.
void Scheduler::finish(Sequence &s, quant_status status, std::string_view message) {
    s.ended = true, s.next = -1;
    std::string rest;
    try {
        if (!s.stops.stopped()) rest = s.stops.push(s.characters.finish()) + s.stops.finish();
    } catch (const std::bad_alloc &) {
        if (status == QUANT_OK) status = QUANT_ERR_NO_MEMORY, message = out_of_memory;
    }
    s.result.decode_seconds = seconds_between(s.generating, Clock::now());
    GenerationEvent event;
    event.text = rest, event.ended = true, event.status = status, event.message = message;
    event.result = s.result, event.queue_seconds = s.queue_seconds;
    {
        const std::lock_guard lock(mutex_);
        statistics_.generated_tokens += s.result.generated_tokens;
        statistics_.cancelled += status == QUANT_ERR_CANCELLED;
    }
    if (s.request.on_event) s.request.on_event(event);
}

void Scheduler::drop_ended() {
    for (const auto &s : sequences_)
        if (s->ended) try {
                kept_.keep(std::move(s->session));
            } catch (const std::bad_alloc &) { // Its beginning is made again where it is needed.
            }
    std::erase_if(sequences_, [](const auto &s) { return s->ended; });
    const std::lock_guard lock(mutex_);
    statistics_.running = static_cast<uint32_t>(sequences_.size());
    statistics_.kept_tokens = kept_.tokens();
}

} // namespace quant
