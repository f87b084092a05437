// The models that are resident, and those there are: names in, schedulers out.
//
// A model is opened on the loading thread when first asked for, serves all who ask, and goes when nobody
// has used it for its keep-alive time or a model that is asked for needs its place. Names are those of the
// catalog; no path comes from a client.
#pragma once

#include "api_error.h"
#include "job_thread.h"
#include "library.h"

#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace quantd {

/// One model, open. Immutable but for `last_used` and `keep`, which the pool's lock guards.
struct Resident {
    using Clock = std::chrono::system_clock;

    std::string name; ///< "model:variant".
    ModelHandle model;
    SchedulerHandle scheduler; ///< Goes before the model. None where it does not generate.
    quant_model_info info{};
    uint32_t context = 0;
    double load_seconds = 0;
    Clock::time_point last_used{};
    std::chrono::seconds keep{}; ///< Behind the last use; negative: for ever.
};

/// A model of the catalog, as lists show it.
struct ListedModel {
    std::string name, variant, architecture, digest;
    uint64_t bytes = 0, parameters = 0;
    int64_t modified = 0; ///< Seconds since 1970, of its file.
};

struct PoolSettings {
    uint32_t context_length = 0; ///< Of a sequence; 0: the model's own, at most 8192.
    uint32_t sequences = 16, queue = 64, queue_per_client = 16;
    uint32_t most_loaded = 3;
    uint64_t memory_budget = 0;     ///< Bytes of the files of resident models; 0: no limit.
    std::chrono::seconds keep{300}; ///< Negative: for ever.
    quant_encoding kv_type = QUANT_F16;
};

/// Threads: any.
class ModelPool {
public:
    explicit ModelPool(const PoolSettings &settings);
    ~ModelPool();

    /// Settings for models that are loaded from now on.
    void change(const PoolSettings &settings);

    using Taken = std::function<void(std::shared_ptr<Resident>, const ApiError *)>;
    /// Calls `then` with the model or with why there is none, on a thread that may block. `keep`: for how long it
    /// stays behind this use, where the client says so.
    void take(std::string name, std::optional<std::chrono::seconds> keep, Taken then);
    /// Lets a model go as soon as nobody uses it; false where it is not resident.
    bool release(const std::string &name);
    /// Lets go what has not been used for its time. To be called now and then.
    void expire();

    /// Runs `job` where it may block; what it throws is the caller's to catch.
    void post(std::function<void()> job) { work_.post(std::move(job)); }
    /// Reads the catalog. Throws ApiError. Blocks.
    std::vector<ListedModel> list();
    /// As quant_catalog_show(). Throws ApiError (404). Blocks.
    std::string describe(const std::string &name);
    std::vector<std::shared_ptr<const Resident>> residents() const;
    /// What the models do and have done, in Prometheus' text format. Blocks never.
    std::string render_prometheus() const;

private:
    struct Found {
        std::string name, path;
    };
    Found find(const std::string &name);
    std::shared_ptr<Resident> resident(const std::string &name, std::optional<std::chrono::seconds> keep);
    std::shared_ptr<Resident> load(const Found &found);
    void make_room(uint64_t bytes, const PoolSettings &settings);
    quant_catalog *catalog();
    void forget(const Resident &gone);

    std::mutex catalog_mutex_;
    CatalogHandle catalog_;
    mutable std::mutex mutex_; ///< Of what follows.
    PoolSettings settings_;
    std::list<std::shared_ptr<Resident>> residents_;
    quant_scheduler_statistics gone_{}; ///< Of models that are resident no more.
    JobThread work_, loading_;          ///< Last: their jobs use what is above.
};

/// What a model of an architecture is for: "completion" or "embedding".
const char *capability_of(const std::string &architecture);

/// "model" for "model:latest", which is what clients of Ollama add.
std::string plain_name(std::string_view name);

} // namespace quantd
