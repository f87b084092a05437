// The models that are resident, and those there are: names in, schedulers out.
//
// A model is opened on the loading thread when first asked for, as far as it is asked for, serves all who ask, and goes
// when nobody has used it for its keep-alive time or a model that is asked for needs its place. Names are those of the
// catalog; no path comes from a client.
#pragma once

#include "api_error.h"
#include "job_thread.h"
#include "library.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace quantd {

/// How far a model is prepared; each has what stands before it. Who leases again, having all in memory, waits for the first
/// alone: of 124 ms of a restarted daemon's time, 100 went to a tokenizer that borrowers make themselves.
enum class Stage {
    files, ///< Open: its files can be lent,
    pack,  ///< and its packed weights too;
    work   ///< it generates, or makes embeddings.
};

/// A scheduler that is made when the first request generates. Threads: get() any, the rest one at a time.
class LateScheduler {
public:
    LateScheduler() = default;
    ~LateScheduler() { reset(); }
    LateScheduler(const LateScheduler &) = delete;
    LateScheduler &operator=(const LateScheduler &) = delete;

    /// nullptr while there is none, which functions of schedulers take.
    quant_scheduler *get() const { return made_; }
    void set(SchedulerHandle made) { made_ = made.release(); }
    void reset() { quant_scheduler_free(made_.exchange(nullptr)); }

private:
    std::atomic<quant_scheduler *> made_ = nullptr;
};

/// One model, open. Immutable but for `last_used` and `keep`, which the pool's lock guards, and what is atomic.
struct Resident {
    using Clock = std::chrono::system_clock;

    std::string name; ///< "model:variant".
    ModelHandle model;
    LateScheduler scheduler; ///< Goes before the model. None where it does not generate, or has not yet.
    std::atomic<Stage> stage = Stage::files;
    quant_model_info info{};
    uint32_t context = 0;
    std::atomic<double> load_seconds = 0;
    Clock::time_point last_used{};
    std::chrono::seconds keep{}; ///< Behind the last use; negative: for ever.
    std::string digest;          ///< The catalog's, hex; "" where it has none.
    std::string tier;            ///< That its packed weights are for.
    std::atomic<uint64_t> lent_bytes = 0; ///< Of all that can be mapped by others.
    std::atomic<uint64_t> packed_bytes = 0; ///< Of packed weights, once they are made.

    uint64_t bytes() const { return info.file_bytes + packed_bytes; } ///< Of memory that it takes, mapped or its own.
};

/// How a model stands, or one that is on its way.
struct ResidentState {
    std::string name, state; ///< "loading", "resident" or "leaving".
    bool pinned = false;
    std::shared_ptr<const Resident> resident; ///< Null while it loads.
    std::optional<Resident::Clock::time_point> expires;
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
    uint64_t memory_budget = 0;     ///< Bytes of resident models, files and packed weights; 0: no limit.
    std::chrono::seconds keep{300}; ///< Negative: for ever.
    quant_encoding kv_type = QUANT_F16;
    std::string pack_cache = "on";    ///< As quant_open_options has it.
    std::vector<std::string> pinned;  ///< Names of models that are loaded at once and stay.
};

/// Threads: any.
class ModelPool {
public:
    explicit ModelPool(const PoolSettings &settings);
    ~ModelPool();

    /// Settings for models that are loaded from now on.
    void change(const PoolSettings &settings);

    using Taken = std::function<void(std::shared_ptr<Resident>, const ApiError *)>;
    /// Calls `then` with the model, at that stage at least, or with why there is none, on a thread that may block.
    /// `keep`: for how long it stays behind this use, where the client says so. `context`: tokens that a sequence has to
    /// hold; a model with fewer is loaded again, unless others use it or it was trained for fewer; 0: any.
    void take(std::string name, std::optional<std::chrono::seconds> keep, Taken then, uint32_t context = 0,
              Stage stage = Stage::work);
    bool is_pinned(const std::string &name) const;
    /// Lets a model go as soon as nobody uses it; false where it is not resident. One that is pinned stays.
    bool release(const std::string &name);
    /// Lets go what has not been used for its time. To be called now and then.
    void expire();

    /// Loads what the settings pin. What hinders one is logged by `report`.
    void load_pinned(std::function<void(const std::string &)> report);
    /// Has a model stay, or no longer; its full name. Throws ApiError (404). Blocks.
    std::string pin(const std::string &name, bool pinned);
    /// Has its keep-alive time begin now.
    void used(const Resident &resident);
    std::vector<ResidentState> states() const;
    uint64_t memory_budget() const;

    /// Runs `job` where it may block; what it throws is the caller's to catch.
    void post(std::function<void()> job) { work_.post(std::move(job)); }
    /// Where its file is, for the daemon alone. Throws ApiError (404). Blocks.
    std::string path_of(const std::string &name) { return find(name).path; }
    /// Reads the catalog. Throws ApiError. Blocks.
    std::vector<ListedModel> list();
    /// The full name of a model of the catalog, "model:variant". Throws ApiError (404). Blocks.
    std::string full_name(const std::string &name) { return find(name).name; }
    /// Runs `use` with the catalog, which is nobody else's meanwhile. Throws ApiError. Blocks.
    void with_catalog(const std::function<void(quant_catalog *)> &use);
    /// As quant_catalog_show(). Throws ApiError (404). Blocks.
    std::string describe(const std::string &name);
    std::vector<std::shared_ptr<const Resident>> residents() const;
    /// That the longest step a model is at has taken; 0: none is at any. Blocks never.
    double longest_step() const;
    /// Loads no more models, and returns when one that is being loaded has been; calls `meanwhile` now and then.
    void close(const std::function<void()> &meanwhile);
    /// What the models do and have done, in Prometheus' text format. Blocks never.
    std::string render_prometheus() const;

private:
    struct Found {
        std::string name, path;
    };
    class Loading;
    Found find(const std::string &name);
    std::string digest_of(const std::string &name);
    std::shared_ptr<Resident> resident(const std::string &name, std::optional<std::chrono::seconds> keep,
                                       uint32_t context);
    /// Room for the same model with a larger context. Throws ApiError where others use it as it is.
    void let_go_smaller(const std::string &name, uint32_t context);
    std::shared_ptr<Resident> get_or_load(const Found &found, std::optional<std::chrono::seconds> keep, uint32_t context,
                                          Stage stage);
    std::shared_ptr<Resident> open(const Found &found, uint32_t context, const PoolSettings &settings);
    void prepare(Resident &resident, const Found &found, Stage stage, const PoolSettings &settings);
    void make_room(const Resident &resident, const PoolSettings &settings);
    quant_catalog *catalog();
    void forget(const Resident &gone);

    std::mutex catalog_mutex_;
    CatalogHandle catalog_;
    mutable std::mutex mutex_; ///< Of what follows.
    PoolSettings settings_;
    std::list<std::shared_ptr<Resident>> residents_;
    std::set<std::string> pinned_;       ///< Full names.
    std::multiset<std::string> loading_names_;
    quant_scheduler_statistics gone_{}; ///< Of models that are resident no more.
    std::atomic<bool> closing_ = false;
    JobThread work_{"quantd-work"}, loading_{"quantd-load"}; ///< Last: their jobs use what is above.
};

/// Letters, digits and . _ - with at most one colon: no path is one, and no pattern.
bool is_model_name(std::string_view name);

/// What a model of an architecture is for: "completion" or "embedding".
const char *capability_of(const std::string &architecture);

/// "model" for "model:latest", which is what clients of Ollama add.
std::string plain_name(std::string_view name);

} // namespace quantd
