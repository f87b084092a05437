// Generation by a scheduler, which holds text to a grammar and ends it at stop strings.
#include "answer_stream.h"
#include "failure.h"
#include "generation.h"
#include "interrupt.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

namespace quantctl {

namespace {

constexpr std::chrono::milliseconds look_interval{50}; // At Ctrl-C, while no text comes.

// What the scheduler's thread tells, for the one that waits.
struct Mailbox {
    std::mutex mutex;
    std::condition_variable changed;
    std::string text;
    bool ended = false;
    Generation end;
};

void on_event(void *user, const quant_request_event *event) {
    auto &box = *static_cast<Mailbox *>(user);
    const std::lock_guard lock(box.mutex);
    box.text.append(event->text, event->text_bytes);
    if (event->ended) {
        box.ended = true;
        box.end.status = event->status;
        box.end.message = event->message;
        if (event->result) box.end.result = *event->result;
    }
    box.changed.notify_one();
}

class RuledGenerator : public Generator {
public:
    RuledGenerator(const quant_model *model, const quant_session_options &options, TextRules rules)
        : model_(model),
          rules_(std::move(rules)),
          adapters_(options.adapters, options.adapters + options.adapter_count) {
        auto info = sized<quant_model_info>();
        quantctl::check(quant_model_get_info(model, &info));
        capacity_ = options.context_length ? options.context_length : info.context_length;
        auto wanted = initialized(quant_scheduler_options_init);
        wanted.context_length = options.context_length;
        wanted.key_type = options.key_type, wanted.value_type = options.value_type;
        wanted.sequences = 1;
        wanted.cached_tokens = capacity_; // The turns so far.
        quantctl::check(quant_scheduler_new(Out(scheduler_), model, &wanted));
    }
    uint32_t capacity() const override { return capacity_; }

    Generation generate(const GenerationRequest &request) override {
        AnswerStream stream(model_, request);
        Mailbox box;
        uint64_t id = 0;
        if (const quant_status status = submit(request, box, id); status != QUANT_OK) {
            Generation refused;
            refused.status = status, refused.message = quant_error_message();
            return refused;
        }
        pass_on(box, id, stream);
        if (stream.failure) std::rethrow_exception(stream.failure);
        stream.finish();
        box.end.text = std::move(stream.text), box.end.reasoning = std::move(stream.reasoning);
        return box.end;
    }

private:
    quant_status submit(const GenerationRequest &request, Mailbox &box, uint64_t &id) const {
        std::vector<const char *> stops;
        for (const std::string &stop : rules_.stops) stops.push_back(stop.c_str());
        auto r = initialized(quant_request_init);
        r.prompt = request.prompt.data(), r.prompt_bytes = request.prompt.size();
        r.text_flags = request.text_flags;
        r.max_tokens = request.max_tokens;
        r.sampling = &request.sampling;
        r.stops = stops.data(), r.stop_count = stops.size();
        r.grammar = rules_.grammar.empty() ? nullptr : rules_.grammar.c_str();
        r.json_schema = rules_.json_schema.empty() ? nullptr : rules_.json_schema.c_str();
        r.json_object = rules_.json_object;
        r.adapters = adapters_.data(), r.adapter_count = adapters_.size();
        r.control_text = request.splits_reasoning;
        r.on_event = on_event, r.user = &box;
        return quant_scheduler_submit(scheduler_.get(), &r, &id);
    }

    // Until the end, which comes whatever happens: the scheduler uses the mailbox until then.
    void pass_on(Mailbox &box, uint64_t id, AnswerStream &stream) const {
        std::unique_lock lock(box.mutex);
        for (bool ended = false; !ended;) {
            box.changed.wait_for(lock, look_interval, [&] { return box.ended || !box.text.empty(); });
            const std::string text = std::exchange(box.text, "");
            ended = box.ended;
            lock.unlock();
            try {
                if (!text.empty() && !stream.failure) stream.receive(text);
            } catch (...) {
                stream.failure = std::current_exception();
            }
            if (interrupt::requested() || stream.failure) quant_scheduler_cancel(scheduler_.get(), id);
            lock.lock();
        }
    }

    const quant_model *model_;
    TextRules rules_;
    std::vector<quant_adapter_use> adapters_; ///< Which the caller keeps.
    uint32_t capacity_ = 0;
    SchedulerHandle scheduler_;
};

} // namespace

std::unique_ptr<Generator> make_ruled_generator(const quant_model *model, const quant_session_options &options,
                                                TextRules rules) {
    return std::make_unique<RuledGenerator>(model, options, std::move(rules));
}

} // namespace quantctl
