// Embeddings for requests: threads of their own, which may block, take them in turn, a client who has one running
// behind those who have none. Beside generation they take turns at each product of the library.
#pragma once

#include "api_work.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <string>
#include <thread>
#include <vector>

namespace quantd {


/// What to embed, of whatever API.
struct EmbeddingSpec {
    std::string model;
    std::vector<std::string> texts;
    std::vector<std::vector<int32_t>> ids; ///< Instead of texts.
    uint32_t dimensions = 0;               ///< 0: all.
    bool normalize = true;
    bool truncate = false; ///< Texts that are too long lose their end; else they are refused.
    uint64_t client = 0;

    size_t count() const { return texts.size() + ids.size(); }
};

/// Embeddings of all inputs of a request, in their order.
class EmbeddingResult {
public:
    explicit EmbeddingResult(EmbeddingsHandle embeddings) : embeddings_(std::move(embeddings)) {}

    size_t count() const { return quant_embeddings_count(embeddings_.get()); }
    /// Throws ApiError.
    quant_embedding at(size_t index) const;
    uint64_t tokens() const; ///< Read, of all.
    uint64_t tokens_cut() const;

private:
    EmbeddingsHandle embeddings_;
};

struct EmbeddingLimits {
    uint32_t queue = 64, queue_per_client = 16; ///< Requests that wait, of all and of one client.
};

/// Threads: any.
class EmbeddingJobs {
public:
    explicit EmbeddingJobs(const EmbeddingLimits &limits);
    ~EmbeddingJobs(); ///< As close().
    EmbeddingJobs(const EmbeddingJobs &) = delete;
    EmbeddingJobs &operator=(const EmbeddingJobs &) = delete;

    void change(const EmbeddingLimits &limits);
    /// Cancels what runs and waits, and takes no more. Not from a job; once, but for the destructor.
    void close();

    using Done = std::function<void(const EmbeddingResult &)>;
    /// Calls `done` on a thread that may block; what it throws, and what keeps it from being called, is the answer.
    /// Ends early where the peer goes. Throws ApiError: 429 and 503 where too much waits, 400 for too much at once.
    void start(std::shared_ptr<Resident> resident, EmbeddingSpec spec, ReplyPtr reply, ApiStyle style, Done done);
    /// What is and was done, in Prometheus' text format. Blocks never.
    std::string render_prometheus() const;

private:
    struct Job;
    void work();
    std::shared_ptr<Job> next();
    void run(Job &job);
    void count(const EmbeddingResult &result, double seconds);

    /// Of requests, ever.
    struct Totals {
        uint64_t requests = 0, refused = 0, cancelled = 0; ///< Taken in; not, for too many waited; whose client left.
        uint64_t inputs = 0, tokens = 0;                   ///< Of requests that were answered.
        double seconds = 0;
    };

    mutable std::mutex mutex_; ///< Of what follows.
    std::condition_variable changed_;
    EmbeddingLimits limits_;
    std::deque<std::shared_ptr<Job>> waiting_;
    std::map<uint64_t, uint32_t> running_; ///< By client.
    Totals totals_;
    std::atomic<bool> closing_ = false;
    std::vector<std::thread> threads_;
};

/// "[0.25,-0.5]": as short as gives each float back.
void append_numbers(std::string &out, const float *values, size_t count);

} // namespace quantd
