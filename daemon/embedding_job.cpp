#include "embedding_job.h"

#include "prometheus.h"

#include "base/signals_blocked.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>

namespace quantd {

namespace {

/// At a time: more would only take turns, each for longer.
constexpr size_t threads = 3;
/// Numbers of one answer, about 13 bytes each as JSON.
constexpr uint64_t most_numbers = 4'000'000;

} // namespace

struct EmbeddingJobs::Job {
    std::shared_ptr<Resident> resident;
    EmbeddingSpec spec;
    ReplyPtr reply;
    ApiStyle style;
    Done done;
    std::atomic<bool> gone = false; ///< The peer.
};

quant_embedding EmbeddingResult::at(size_t index) const {
    auto out = sized<quant_embedding>();
    check(quant_embeddings_get(embeddings_.get(), index, &out));
    return out;
}

uint64_t EmbeddingResult::tokens() const {
    uint64_t sum = 0;
    for (size_t i = 0; i < count(); i++) sum += at(i).tokens;
    return sum;
}

uint64_t EmbeddingResult::tokens_cut() const {
    uint64_t sum = 0;
    for (size_t i = 0; i < count(); i++) sum += at(i).tokens_cut;
    return sum;
}

EmbeddingJobs::EmbeddingJobs(const EmbeddingLimits &limits) : limits_(limits) {
    const quant::SignalsBlocked in_threads;
    for (size_t i = 0; i < threads; i++) threads_.emplace_back([this] { work(); });
}

EmbeddingJobs::~EmbeddingJobs() { close(); }

void EmbeddingJobs::close() {
    {
        const std::lock_guard lock(mutex_);
        closing_ = true;
    }
    changed_.notify_all();
    for (std::thread &thread : threads_) thread.join();
    threads_.clear();
}

void EmbeddingJobs::change(const EmbeddingLimits &limits) {
    const std::lock_guard lock(mutex_);
    limits_ = limits;
}

void EmbeddingJobs::start(std::shared_ptr<Resident> resident, EmbeddingSpec spec, ReplyPtr reply, ApiStyle style,
                          Done done) {
    const uint64_t width = spec.dimensions ? spec.dimensions : resident->info.embedding_length;
    if (spec.count() * width > most_numbers)
        throw ApiError{.status = 400,
                       .message = fmt::format("{} embeddings of {} numbers are too many at once: expected at most {} "
                                              "numbers together",
                                              spec.count(), width, most_numbers),
                       .code = "invalid_value",
                       .param = "input"};
    auto job = std::make_shared<Job>();
    job->resident = std::move(resident), job->spec = std::move(spec);
    job->reply = std::move(reply), job->style = style, job->done = std::move(done);
    {
        const std::lock_guard lock(mutex_);
        if (closing_)
            throw ApiError{.status = 503, .message = "the daemon is stopping", .code = "stopping", .retry_after = 1};
        const auto of_client = std::count_if(waiting_.begin(), waiting_.end(), [&](const auto &waiting) {
            return waiting->spec.client == job->spec.client;
        });
        const auto refuse = [this](int status, std::string message) {
            totals_.refused++;
            throw ApiError{.status = status, .message = std::move(message), .code = "queue_full", .retry_after = 1};
        };
        if (waiting_.size() >= limits_.queue) refuse(503, fmt::format("{} requests wait already", waiting_.size()));
        if (of_client >= limits_.queue_per_client)
            refuse(429, fmt::format("{} requests of this client wait already", of_client));
        waiting_.push_back(job);
        totals_.requests++;
    }
    job->reply->on_gone([weak = std::weak_ptr(job)] {
        if (const auto j = weak.lock()) j->gone = true;
    });
    changed_.notify_one();
}

// The first whose client has the fewest running. With the lock held, and something waiting.
std::shared_ptr<EmbeddingJobs::Job> EmbeddingJobs::next() {
    const auto fewest = std::min_element(waiting_.begin(), waiting_.end(), [this](const auto &a, const auto &b) {
        return running_[a->spec.client] < running_[b->spec.client];
    });
    auto job = *fewest;
    waiting_.erase(fewest);
    running_[job->spec.client]++;
    return job;
}

void EmbeddingJobs::work() {
    for (;;) {
        std::shared_ptr<Job> job;
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [this] { return closing_ || !waiting_.empty(); });
            if (waiting_.empty()) return;
            job = next();
        }
        answer(*job->reply, job->style, [&] { run(*job); });
        const uint64_t client = job->spec.client;
        job.reset(); // Letting a model go takes a while: not with the lock.
        const std::lock_guard lock(mutex_);
        if (--running_[client] == 0) running_.erase(client);
    }
}

void EmbeddingJobs::run(Job &job) {
    struct Stop {
        const std::atomic<bool> &gone, &closing;
    } stop{job.gone, closing_};
    const auto start = std::chrono::steady_clock::now();
    std::vector<quant_embedding_input> inputs;
    for (const std::string &text : job.spec.texts) inputs.push_back({text.data(), text.size(), nullptr, 0});
    for (const auto &ids : job.spec.ids) inputs.push_back({nullptr, 0, ids.data(), ids.size()});
    auto options = initialized(quant_embedding_options_init);
    options.dimensions = job.spec.dimensions;
    options.normalize = job.spec.normalize;
    options.truncate = job.spec.truncate;
    options.progress = [](void *user, const quant_progress *) {
        const auto &s = *static_cast<const Stop *>(user);
        return s.gone || s.closing ? 1 : 0;
    };
    options.user = &stop;
    EmbeddingsHandle out;
    const quant_status status =
        quant_model_embed(Out(out), job.resident->model.get(), inputs.data(), inputs.size(), &options);
    if (status == QUANT_ERR_CANCELLED) {
        const std::lock_guard lock(mutex_);
        totals_.cancelled++;
        throw ApiError{.status = 503, .message = "the request was cancelled", .code = "cancelled", .retry_after = 1};
    }
    check(status);
    const EmbeddingResult result(std::move(out));
    count(result, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    job.done(result);
}

void EmbeddingJobs::count(const EmbeddingResult &result, double seconds) {
    const uint64_t tokens = result.tokens();
    const std::lock_guard lock(mutex_);
    totals_.inputs += result.count(), totals_.tokens += tokens, totals_.seconds += seconds;
}

std::string EmbeddingJobs::render_prometheus() const {
    Totals all;
    size_t waiting = 0, running = 0;
    {
        const std::lock_guard lock(mutex_);
        all = totals_, waiting = waiting_.size();
        for (const auto &[client, jobs] : running_) running += jobs;
    }
    std::string out;
    const auto add = [&out](const char *name, const char *type, const char *help, const auto &value) {
        append_metric(out, fmt::format("quantd_embedding_{}", name), type, help, value);
    };
    add("requests_running", "gauge", "Requests for embeddings that run.", running);
    add("requests_waiting", "gauge", "Requests for embeddings that wait for their turn.", waiting);
    add("requests_total", "counter", "Requests for embeddings taken in.", all.requests);
    add("requests_refused_total", "counter", "Requests for embeddings refused, for too many waited.", all.refused);
    add("requests_cancelled_total", "counter", "Requests for embeddings whose client left.", all.cancelled);
    add("inputs_total", "counter", "Texts of which embeddings were made.", all.inputs);
    add("tokens_total", "counter", "Tokens of these texts.", all.tokens);
    add("seconds_total", "counter", "Seconds that making them took, each request's by itself.",
        fmt::format("{:.6f}", all.seconds));
    return out;
}

void append_numbers(std::string &out, const float *values, size_t count) {
    out += '[';
    for (size_t i = 0; i < count; i++) fmt::format_to(std::back_inserter(out), "{}{}", i ? "," : "", values[i]);
    out += ']';
}

} // namespace quantd
