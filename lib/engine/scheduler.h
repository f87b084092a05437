// Many generations on one model at a time: continuous batching.
//
// One thread takes turns: some tokens of waiting prompts, then one token of each sequence that generates, at most
// `most_few_tokens` of them together, so that a sequence's numbers are those it would have alone. Prompts begin
// with what an earlier or running sequence has in common with them. Requests wait in a bounded queue, in turn
// among clients.
#pragma once

#include "engine/constraint.h"
#include "engine/fair_queue.h"
#include "engine/prefix_cache.h"
#include "engine/sampler.h"
#include "engine/session.h"
#include "engine/stop_text.h"
#include "engine/text_stream.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace quant {

struct SchedulerOptions {
    uint32_t context = 0;           ///< Tokens that a sequence holds; 0: the model's own length.
    uint32_t sequences = 16;        ///< That run at a time.
    uint32_t queue = 64;            ///< Requests that wait at most,
    uint32_t queue_per_client = 16; ///< and of one client.
    uint64_t cached_tokens = 32768; ///< Of ended sequences, whose keys and values are kept.
    KvTypes kv = generating_kv_types;
};

/// A token with its natural-logarithmic probability, and its bytes, which may be part of a character only.
struct ToldToken {
    int32_t id;
    double log_probability;
    std::string piece;
};

/// What has happened to a request: more text, or its end.
struct GenerationEvent {
    std::string_view text; ///< Whole UTF-8 characters; may be empty.
    bool ended = false;
    quant_status status = QUANT_OK; ///< Of the end: what went wrong; QUANT_ERR_CANCELLED where it was cancelled.
    std::string_view message;
    quant_generate_result result{};    ///< So far.
    int32_t token = -1;                ///< That was made; -1: none, as at the end.
    std::span<const ToldToken> told{}; ///< It and the likeliest, where asked for.
    double queue_seconds = 0;          ///< That it waited for its place.
};

struct GenerationRequest {
    std::vector<int32_t> prompt; ///< Token ids.
    quant_sampling sampling = default_sampling();
    std::optional<uint32_t> log_probabilities; ///< Of each token, and of so many of the likeliest with it; at most 20.
    uint32_t max_tokens = 0;                   ///< 0: until the end or the context is full.
    std::vector<std::string> stops;
    GrammarPtr grammar;      ///< That the text keeps to, or nullptr.
    bool grammar_has_controls = false; ///< It has control tokens in it, as call_grammar() makes them.
    bool control_text = false; ///< The text of control tokens is told, too.
    bool ignore_end = false;   ///< The model's end tokens are not chosen.
    uint64_t client = 0;     ///< Who shares turns.
    AdapterSet adapters = {}; ///< Of the scheduler's model, that it alone runs with.
    /// Called by the scheduler's thread, which waits for it; the last time with `ended`, when it must not throw. Before
    /// that std::bad_alloc ends the request.
    std::function<void(const GenerationEvent &)> on_event;
};

struct SchedulerStatistics {
    uint32_t running, waiting;
    uint64_t requests, refused, cancelled;
    uint64_t prompt_tokens, cached_tokens, generated_tokens; ///< Ever.
    uint64_t kept_tokens;                                    ///< Of ended sequences, now.
    double step_seconds; ///< That the step it is at has taken; 0: it waits for something to do.
};

/// Threads: any.
class Scheduler {
public:
    Scheduler(std::shared_ptr<const Model> model, const SchedulerOptions &options);
    /// Cancels what is there; its events have come when this returns.
    ~Scheduler();
    Scheduler(const Scheduler &) = delete;
    Scheduler &operator=(const Scheduler &) = delete;

    /// Begins as soon as there is a place; returns its number. Throws Error: QUANT_ERR_BUSY where the queue is full,
    /// QUANT_ERR_LIMIT for a prompt that does not fit, with both numbers, QUANT_ERR_ARGUMENT.
    uint64_t submit(GenerationRequest request);
    /// It ends before its next token, if it has not ended. From on_event, too.
    void cancel(uint64_t id);
    /// It makes no more tokens until it is resumed: its reader does not keep up.
    void pause(uint64_t id, bool paused);
    SchedulerStatistics statistics() const;
    const Model &model() const { return *model_; }
    uint32_t context() const { return context_; }

private:
    struct Sequence;
    struct Waiting;
    using Group = std::vector<Sequence *>;
    using EventSink = std::function<void(const GenerationEvent &)>;

    void run();
    bool take_turn();
    void admit(std::unique_lock<std::mutex> &lock);
    void never_begin(const Waiting &waiting, std::unique_lock<std::mutex> &lock);
    void begin(Waiting waiting);
    static void tell_end(const EventSink &on_event, quant_status status, std::string_view message, double waited);
    std::unique_ptr<Sequence> start(Waiting waiting);
    const Session *common_sequence(std::span<const int32_t> prompt, const AdapterSet &adapters) const;
    void read_prompts();
    void generate();
    bool compute(std::span<const Session::Step> steps, const Group &group);
    void choose(const Group &group);
    void take_token(Sequence &s, int32_t id);
    void tell_probabilities(Sequence &s);
    void emit(Sequence &s, int32_t token, std::string_view text);
    void end(Sequence &s, quant_stop stop);
    void fail_sequence(Sequence &s, quant_status status, std::string_view message);
    void fail_all(quant_status status, std::string_view message);
    void finish(Sequence &s, quant_status status, std::string_view message);
    void drop_ended();
    size_t prompt_room() const;

    std::shared_ptr<const Model> model_;
    SchedulerOptions options_;
    uint32_t context_;
    std::vector<int32_t> end_tokens_;
    /// Made when the first request has a grammar: without control tokens, and with them.
    struct {
        std::once_flag made;
        GrammarVocabularyPtr tokens;
    } vocabularies_[2];
    Forward forward_;

    mutable std::mutex mutex_; ///< Of what follows.
    std::condition_variable changed_;
    FairQueue<Waiting> queue_;
    std::map<uint64_t, bool> wishes_; ///< To pause or to go on, not yet heard by the thread.
    std::vector<uint64_t> cancels_;   ///< Likewise.
    uint64_t last_id_ = 0;
    bool closing_ = false;
    SchedulerStatistics statistics_{};

    // The thread's own.
    std::vector<std::unique_ptr<Sequence>> sequences_;
    PrefixCache kept_;
    double prompt_rate_ = 0; ///< Tokens a second.

    std::atomic<std::chrono::steady_clock::duration> step_began_{}; ///< Zero: none is under way.
    std::thread thread_;
};

} // namespace quant
