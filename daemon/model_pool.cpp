#include "model_pool.h"

#include "prometheus.h"

#include "base/json.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <thread>

namespace quantd {

namespace {

constexpr uint32_t usual_context = 8192;

ApiError no_model(const std::string &name) {
    return {.status = 404, .message = "model '" + name + "' not found", .code = "model_not_found", .param = "model"};
}

int64_t modified_at(const char *path) {
    struct stat info {};
    return ::stat(path, &info) == 0 ? info.st_mtime : 0;
}

void add_statistics(quant_scheduler_statistics &sum, const Resident &r) {
    auto s = sized<quant_scheduler_statistics>();
    if (quant_scheduler_get_statistics(r.scheduler.get(), &s) != QUANT_OK) return;
    sum.running += s.running, sum.waiting += s.waiting;
    sum.requests += s.requests, sum.refused += s.refused, sum.cancelled += s.cancelled;
    sum.prompt_tokens += s.prompt_tokens, sum.cached_tokens += s.cached_tokens,
        sum.generated_tokens += s.generated_tokens;
}

// It is no fault of the client, who is told what is wrong with the model, but not where it is.
ApiError cannot_open(const std::string &name, const std::string &path, quant_status status) {
    std::string why = quant_error_message();
    for (size_t at = why.find(path); at != std::string::npos; at = why.find(path, at + name.size()))
        why.replace(at, path.size(), name);
    ApiError error = error_of(status, "the model cannot be opened: " + why);
    if (error.status < 500) error.status = 500, error.code = "model_broken";
    return error;
}

void check_context(const quant_model_info &info, uint32_t context) {
    if (context <= info.context_length) return;
    throw ApiError{.status = 400,
                   .message = fmt::format("a context of {} tokens is more than the {} that the model was trained for",
                                          context, info.context_length),
                   .code = "context_length_exceeded"};
}

ApiError context_in_use(const Resident &r, uint32_t context) {
    return {.status = 503,
            .message =
                fmt::format("the model is in use with a context of {} tokens; it can be loaded again with {} when "
                            "nobody uses it",
                            r.context, context),
            .code = "model_in_use",
            .retry_after = 5};
}

ApiError stopping() {
    return {.status = 503, .message = "the daemon is stopping", .code = "draining", .retry_after = 5};
}

/// Adds the time that it lives to that of the model's loading.
class Stopwatch {
public:
    explicit Stopwatch(Resident &resident) : resident_(resident) {}
    ~Stopwatch() {
        resident_.load_seconds =
            resident_.load_seconds + std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    }
    Stopwatch(const Stopwatch &) = delete;
    Stopwatch &operator=(const Stopwatch &) = delete;

private:
    Resident &resident_;
    const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// Of its files, or of its pack, which is made then.
void add_lent_bytes(Resident &r, Stage stage) {
    auto part = sized<quant_lent_part>();
    check(quant_model_get_lent_part(r.model.get(), 0, &part));
    if (stage == Stage::pack) {
        if (r.packed_bytes == 0 && quant_model_get_lent_part(r.model.get(), part.files, &part) == QUANT_OK)
            r.lent_bytes += part.bytes, r.packed_bytes = part.bytes;
        return;
    }
    for (size_t i = 0; i < part.files; i++) {
        check(quant_model_get_lent_part(r.model.get(), i, &part));
        r.lent_bytes += part.bytes;
    }
}

std::string digest_in(const char *description) {
    return quant::json::Reader(quant::json::parse(description, "the catalog"), "the catalog").get_string("digest", "");
}

} // namespace

bool is_model_name(std::string_view name) {
    if (name.empty() || name.size() > 200 || std::count(name.begin(), name.end(), ':') > 1 || name.front() == '.')
        return false;
    return std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
               c == '-' || c == ':';
    });
}

std::string plain_name(std::string_view name) {
    constexpr std::string_view latest = ":latest";
    return std::string(name.ends_with(latest) ? name.substr(0, name.size() - latest.size()) : name);
}

const char *capability_of(const std::string &architecture) {
    return quant_architecture_generates(architecture.c_str()) ? "completion" : "embedding";
}

ModelPool::ModelPool(const PoolSettings &settings) : settings_(settings) {}

// Requests that still run are told that they are cancelled, which the job threads must live to see.
ModelPool::~ModelPool() {
    std::list<std::shared_ptr<Resident>> all;
    {
        const std::lock_guard lock(mutex_);
        all.swap(residents_);
    }
    for (const auto &r : all) r->scheduler.reset();
}

quant_catalog *ModelPool::catalog() {
    if (!catalog_) check(quant_catalog_open(Out(catalog_), nullptr));
    return catalog_.get();
}

ModelPool::Found ModelPool::find(const std::string &name) {
    const std::string plain = plain_name(name);
    if (!is_model_name(plain)) throw no_model(name);
    const std::lock_guard lock(catalog_mutex_);
    StringHandle path, found;
    if (quant_catalog_resolve(catalog(), plain.c_str(), Out(path), Out(found)) != QUANT_OK) throw no_model(name);
    // A path without a name is a file that happens to be called so where the daemon runs.
    if (!found) throw no_model(name);
    return {found.get(), path.get()};
}

std::vector<ListedModel> ModelPool::list() {
    const std::lock_guard lock(catalog_mutex_);
    VariantListHandle variants;
    const quant_status status = quant_catalog_list(catalog(), nullptr, Out(variants));
    std::vector<ListedModel> out;
    if (status == QUANT_ERR_NOT_FOUND) return out;
    check(status);
    for (size_t i = 0; i < quant_variant_list_count(variants.get()); i++) {
        auto info = sized<quant_variant_info>();
        check(quant_variant_list_get(variants.get(), i, &info));
        if (info.file_missing) continue;
        StringHandle shown;
        check(quant_catalog_show(catalog(), info.name, Out(shown)));
        out.push_back({info.name, info.variant, info.architecture, digest_in(shown.get()), info.bytes, info.parameters,
                       modified_at(info.path)});
    }
    return out;
}

void ModelPool::with_catalog(const std::function<void(quant_catalog *)> &use) {
    const std::lock_guard lock(catalog_mutex_);
    use(catalog());
}

std::string ModelPool::describe(const std::string &name) {
    const Found found = find(name);
    const std::lock_guard lock(catalog_mutex_);
    StringHandle shown;
    const quant_status status = quant_catalog_show(catalog(), found.name.c_str(), Out(shown));
    if (status == QUANT_ERR_NOT_FOUND) throw no_model(name);
    check(status);
    return shown.get();
}

/// A name among those that load, for as long.
class ModelPool::Loading {
public:
    Loading(ModelPool &pool, const std::string &name) : pool_(pool) {
        const std::lock_guard lock(pool.mutex_);
        place_ = pool.loading_names_.insert(name);
    }
    ~Loading() {
        const std::lock_guard lock(pool_.mutex_);
        pool_.loading_names_.erase(place_);
    }
    Loading(const Loading &) = delete;
    Loading &operator=(const Loading &) = delete;

private:
    ModelPool &pool_;
    std::multiset<std::string>::iterator place_;
};

std::shared_ptr<Resident> ModelPool::resident(const std::string &name, std::optional<std::chrono::seconds> keep,
                                              uint32_t context) {
    const std::lock_guard lock(mutex_);
    for (const auto &r : residents_) {
        if (r->name != name || r->context < context) continue;
        r->last_used = Resident::Clock::now();
        if (keep) r->keep = *keep;
        return r;
    }
    return nullptr;
}

// A request that has just been answered may still hold it: that is waited for.
void ModelPool::let_go_smaller(const std::string &name, uint32_t context) {
    constexpr int tries = 50;
    constexpr std::chrono::milliseconds pause(20);
    for (int i = 0; i < tries; i++) {
        if (i != 0) std::this_thread::sleep_for(pause);
        std::shared_ptr<Resident> gone; // Freed without the lock.
        const std::lock_guard lock(mutex_);
        const auto at =
            std::find_if(residents_.begin(), residents_.end(), [&](const auto &r) { return r->name == name; });
        if (at == residents_.end()) return;
        check_context((*at)->info, context);
        if (at->use_count() > 1) {
            if (i + 1 == tries) throw context_in_use(**at, context);
            continue;
        }
        forget(**at);
        gone = std::move(*at);
        residents_.erase(at);
        return;
    }
}

void ModelPool::take(std::string name, std::optional<std::chrono::seconds> keep, Taken then, uint32_t context,
                     Stage stage) {
    work_.post([this, name = std::move(name), keep, context, stage, then = std::move(then)] {
        const auto guarded = [then](const auto &body) {
            try {
                body();
            } catch (const ApiError &e) {
                then(nullptr, &e);
            } catch (const std::exception &e) {
                const ApiError error{.status = 500, .message = e.what()};
                then(nullptr, &error);
            }
        };
        guarded([&] {
            const Found found = find(name);
            if (auto there = resident(found.name, keep, context); there && there->stage >= stage)
                return then(there, nullptr);
            // Others are served meanwhile; who waited for the same model finds it loaded.
            loading_.post([this, found, keep, context, stage, then, guarded] {
                guarded(
                    [&] { work_.post([then, r = get_or_load(found, keep, context, stage)] { then(r, nullptr); }); });
            });
        });
    });
}

// On the loading thread. A model that cannot be prepared as far as it was opened for takes nobody's place.
std::shared_ptr<Resident> ModelPool::get_or_load(const Found &found, std::optional<std::chrono::seconds> keep,
                                                 uint32_t context, Stage stage) {
    const PoolSettings settings = [this] {
        const std::lock_guard lock(mutex_);
        return settings_;
    }();
    std::shared_ptr<Resident> r = resident(found.name, keep, context);
    if (r) {
        prepare(*r, found, stage, settings);
        return r;
    }
    const Loading loading(*this, found.name);
    let_go_smaller(found.name, context);
    r = open(found, context, settings);
    prepare(*r, found, stage, settings);
    r->keep = keep.value_or(settings.keep);
    r->last_used = Resident::Clock::now();
    const std::lock_guard lock(mutex_);
    residents_.push_back(r);
    return r;
}

void ModelPool::change(const PoolSettings &settings) {
    const std::lock_guard lock(mutex_);
    settings_ = settings;
}

std::string ModelPool::digest_of(const std::string &name) {
    const std::lock_guard lock(catalog_mutex_);
    StringHandle shown;
    check(quant_catalog_show(catalog(), name.c_str(), Out(shown)));
    return digest_in(shown.get());
}

void ModelPool::load_pinned(std::function<void(const std::string &)> report) {
    std::vector<std::string> names;
    {
        const std::lock_guard lock(mutex_);
        names = settings_.pinned;
    }
    // All of them as far as leases are renewed from, then the rest of each.
    for (const std::string &name : names)
        take(
            name, std::nullopt,
            [this, name, report](const std::shared_ptr<Resident> &r, const ApiError *error) {
                const auto report_error = [name, report](const std::shared_ptr<Resident> &, const ApiError *e) {
                    if (e) report("pin: " + name + ": " + e->message);
                };
                if (error) return report_error(r, error);
                {
                    const std::lock_guard lock(mutex_);
                    pinned_.insert(r->name);
                }
                take(r->name, std::nullopt, report_error);
            },
            0, Stage::files);
}

std::string ModelPool::pin(const std::string &name, bool pinned) {
    const std::string full = find(name).name;
    const std::lock_guard lock(mutex_);
    if (pinned)
        pinned_.insert(full);
    else
        pinned_.erase(full);
    for (const auto &r : residents_)
        if (r->name == full) r->last_used = Resident::Clock::now();
    return full;
}

void ModelPool::used(const Resident &resident) {
    const std::lock_guard lock(mutex_);
    for (const auto &r : residents_)
        if (r.get() == &resident) r->last_used = Resident::Clock::now();
}

std::vector<ResidentState> ModelPool::states() const {
    const std::lock_guard lock(mutex_);
    std::vector<ResidentState> out;
    for (const auto &r : residents_) {
        const bool pinned = pinned_.count(r->name) != 0;
        std::optional<Resident::Clock::time_point> expires;
        if (!pinned && r.use_count() == 1 && r->keep.count() >= 0) expires = r->last_used + r->keep;
        out.push_back({r->name, !pinned && r->keep.count() == 0 ? "leaving" : "resident", pinned, r, expires});
    }
    for (const std::string &name : loading_names_)
        out.push_back({name, "loading", pinned_.count(name) != 0, nullptr, {}});
    return out;
}

uint64_t ModelPool::memory_budget() const {
    const std::lock_guard lock(mutex_);
    return settings_.memory_budget;
}

std::shared_ptr<Resident> ModelPool::open(const Found &found, uint32_t context, const PoolSettings &settings) {
    if (closing_) throw stopping();
    auto r = std::make_shared<Resident>();
    const Stopwatch watch(*r);
    r->name = found.name;
    auto open = initialized(quant_open_options_init);
    open.flags = QUANT_OPEN_LENDABLE;
    open.pack_cache = settings.pack_cache.c_str();
    if (const quant_status status = quant_model_open(Out(r->model), found.path.c_str(), &open); status != QUANT_OK)
        throw cannot_open(found.name, found.path, status);
    r->info = sized<quant_model_info>();
    check(quant_model_get_info(r->model.get(), &r->info));
    check_context(r->info, context);
    make_room(*r, settings);
    r->context = settings.context_length ? std::min(settings.context_length, r->info.context_length)
                                         : std::min(usual_context, r->info.context_length);
    r->context = std::max(r->context, context);
    if (!r->info.generates) r->context = r->info.embedding_context_length;
    const char *tier = "";
    check(quant_active_tier(&tier));
    r->tier = tier;
    r->digest = digest_of(found.name);
    add_lent_bytes(*r, Stage::files);
    return r;
}

void ModelPool::prepare(Resident &r, const Found &found, Stage stage, const PoolSettings &settings) {
    if (r.stage >= stage) return;
    if (closing_) throw stopping();
    const Stopwatch watch(r);
    if (r.stage < Stage::pack) {
        add_lent_bytes(r, Stage::pack);
        make_room(r, settings); // How much it takes is only known now.
        r.stage = Stage::pack;
    }
    if (stage < Stage::work) return;
    if (!quant_model_tokenizer(r.model.get())) throw cannot_open(found.name, found.path, QUANT_ERR_TOKENIZER);
    if (r.info.generates) {
        auto options = initialized(quant_scheduler_options_init);
        options.context_length = r.context;
        options.sequences = settings.sequences;
        options.queue = settings.queue, options.queue_per_client = settings.queue_per_client;
        options.key_type = options.value_type = settings.kv_type;
        SchedulerHandle scheduler;
        check(quant_scheduler_new(Out(scheduler), r.model.get(), &options));
        r.scheduler.set(std::move(scheduler));
    }
    r.stage = Stage::work;
}

// For a model, resident already or to be: the other one longest unused goes that nobody else holds; where all are in
// use, none.
void ModelPool::make_room(const Resident &resident, const PoolSettings &settings) {
    std::vector<std::shared_ptr<Resident>> gone; // Freed without the lock.
    const std::lock_guard lock(mutex_);
    const uint64_t bytes = resident.bytes();
    const auto too_many = [&] {
        uint64_t all = bytes;
        size_t others = 0;
        for (const auto &r : residents_)
            if (r.get() != &resident) all += r->bytes(), others++;
        return others >= settings.most_loaded || (settings.memory_budget && all > settings.memory_budget);
    };
    if (settings.memory_budget && bytes > settings.memory_budget)
        throw ApiError{.status = 503,
                       .message = "the model has " + std::to_string(bytes) + " bytes, over the memory budget of " +
                                  std::to_string(settings.memory_budget),
                       .code = "over_memory_budget"};
    while (too_many()) {
        auto oldest = residents_.end();
        for (auto r = residents_.begin(); r != residents_.end(); ++r)
            if (r->get() != &resident && r->use_count() == 1 && !pinned_.count((*r)->name) &&
                (oldest == residents_.end() || (*r)->last_used < (*oldest)->last_used))
                oldest = r;
        if (oldest == residents_.end())
            throw ApiError{.status = 503,
                           .message = "all places for models are in use: " + std::to_string(residents_.size()),
                           .code = "models_in_use",
                           .retry_after = 5};
        forget(**oldest);
        gone.push_back(std::move(*oldest));
        residents_.erase(oldest);
    }
}

bool ModelPool::is_pinned(const std::string &name) const {
    const std::lock_guard lock(mutex_);
    return pinned_.count(name) != 0;
}

bool ModelPool::release(const std::string &name) {
    const std::lock_guard lock(mutex_);
    for (const auto &r : residents_)
        if (r->name == name) {
            r->keep = std::chrono::seconds(0);
            return true;
        }
    return false;
}

void ModelPool::expire() {
    const auto now = Resident::Clock::now();
    std::vector<std::shared_ptr<Resident>> gone;
    {
        const std::lock_guard lock(mutex_);
        for (auto r = residents_.begin(); r != residents_.end();) {
            const bool unused = r->use_count() == 1 && (*r)->keep.count() >= 0 && !pinned_.count((*r)->name);
            if (!unused || now - (*r)->last_used < (*r)->keep) {
                ++r;
                continue;
            }
            forget(**r);
            gone.push_back(std::move(*r));
            r = residents_.erase(r);
        }
    }
    // Giving back memory takes a while.
    if (!gone.empty()) loading_.post([gone = std::move(gone)]() mutable { gone.clear(); });
}

double ModelPool::longest_step() const {
    double longest = 0;
    const std::lock_guard lock(mutex_);
    for (const auto &r : residents_) {
        auto s = sized<quant_scheduler_statistics>();
        if (quant_scheduler_get_statistics(r->scheduler.get(), &s) == QUANT_OK)
            longest = std::max(longest, s.step_seconds);
    }
    return longest;
}

void ModelPool::close(const std::function<void()> &meanwhile) {
    closing_ = true;
    while (!loading_.idle()) {
        meanwhile();
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
}

// What counts up must not fall when a model goes.
void ModelPool::forget(const Resident &gone) { add_statistics(gone_, gone); }

std::string ModelPool::render_prometheus() const {
    quant_scheduler_statistics all;
    size_t models = 0;
    uint64_t bytes = 0, packed = 0;
    {
        const std::lock_guard lock(mutex_);
        all = gone_;
        for (const auto &r : residents_)
            add_statistics(all, *r), bytes += r->info.file_bytes, packed += r->packed_bytes;
        models = residents_.size();
    }
    std::string out;
    const auto add = [&](const char *name, const char *type, const char *help, uint64_t value) {
        append_metric(out, name, type, help, value);
    };
    add("quantd_models_resident", "gauge", "Models that are loaded.", models);
    add("quantd_model_bytes", "gauge", "Bytes of the files of loaded models.", bytes);
    add("quantd_packed_bytes", "gauge", "Bytes of their packed weights.", packed);
    add("quantd_requests_running", "gauge", "Sequences that generate.", all.running);
    add("quantd_requests_waiting", "gauge", "Requests that wait for their turn.", all.waiting);
    add("quantd_requests_total", "counter", "Requests taken in.", all.requests);
    add("quantd_requests_refused_total", "counter", "Requests refused, for the queue was full.", all.refused);
    add("quantd_requests_cancelled_total", "counter", "Requests whose client left.", all.cancelled);
    add("quantd_prompt_tokens_total", "counter", "Tokens of prompts.", all.prompt_tokens);
    add("quantd_cached_tokens_total", "counter", "Tokens of prompts that had not to be run.", all.cached_tokens);
    add("quantd_generated_tokens_total", "counter", "Tokens generated by requests that have ended.",
        all.generated_tokens);
    append_metric(out, "quantd_step_seconds", "gauge", "That the longest step a model is at has taken.",
                  fmt::format("{:.3f}", longest_step()));
    return out;
}

std::vector<std::shared_ptr<const Resident>> ModelPool::residents() const {
    const std::lock_guard lock(mutex_);
    return {residents_.begin(), residents_.end()};
}

} // namespace quantd
