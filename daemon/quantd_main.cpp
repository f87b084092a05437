// quantd: the command line, and what the process exits with.
#include "api_routes.h"
#include "base_routes.h"
#include "daemon.h"
#include "daemon_log.h"
#include "embedding_job.h"
#include "job_work.h"

#include "base/paths.h"

#include <quant/version.h>

#include <CLI/CLI.hpp>
#include <fmt/ranges.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>

namespace quantd {

namespace {

constexpr int exit_ok = 0, exit_failure = 1, exit_usage = 2, exit_taken = 75;

// A closed stream would lend its number to the next socket opened, and log lines would be sent there.
void guard_standard_streams() {
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(fd, F_GETFD) != -1) continue;
        const int opened = ::open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY);
        if (opened > STDERR_FILENO) ::close(opened);
    }
}

std::string option_name(const SettingRow &row) {
    std::string name = std::string("--") + row.name;
    std::replace(name.begin(), name.end(), '_', '-');
    return name;
}

// Options are settings by another way in: their texts go through the same table.
void add_setting_options(CLI::App &app, SettingSources &sources) {
    for (const SettingRow &row : setting_rows()) {
        const auto set = [&sources, name = std::string(row.name)](const std::string &text) {
            sources.command_line.emplace_back(name, text);
        };
        CLI::Option *option = app.add_option_function<std::string>(option_name(row), set, row.help);
        option->type_name(row.kind == SettingRow::Kind::word ? row.words : "VALUE");
        if (row.hidden) option->group("");
    }
}

struct Wishes {
    bool check_only = false, routes = false;
};

SettingSources read_command_line(int argc, char **argv, Wishes &wishes) {
    SettingSources sources;
    std::string file;
    CLI::App app{"Serve language models to the programs of this machine.", "quantd"};
    app.set_version_flag("--version",
                         fmt::format("quantd {}.{}.{}", QUANT_VERSION_MAJOR, QUANT_VERSION_MINOR, QUANT_VERSION_PATCH));
    app.add_option("--config", file, "Configuration file, instead of " + default_config_file().string())
        ->type_name("FILE");
    app.add_flag("--check", wishes.check_only, "Read the settings, say whether they are good, and end");
    app.add_flag("--routes", wishes.routes, "Print the endpoints there are, one a line, and end");
    add_setting_options(app, sources);
    app.footer("Each option is also a line NAME = VALUE of the configuration file and a variable QUANTD_NAME.\n"
               "Exit codes: 0 ok, 1 failure, 2 usage or settings, 75 another daemon serves the socket.");
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success &success) {
        std::exit(app.exit(success));
    } catch (const CLI::ParseError &error) {
        throw SettingsError(fmt::format("{}. See quantd --help.", error.what()));
    }
    sources.file = file.empty() ? default_config_file() : std::filesystem::path(file);
    sources.file_must_exist = !file.empty();
    for (char **entry = environ; *entry; ++entry) sources.environment.emplace_back(*entry);
    return sources;
}

PoolSettings pool_settings(const Settings &settings) {
    const auto count = [](uint64_t n, uint32_t usual) { return n ? static_cast<uint32_t>(n) : usual; };
    PoolSettings out;
    out.context_length = static_cast<uint32_t>(settings.context_length);
    out.sequences = count(settings.parallel, out.sequences);
    out.queue = static_cast<uint32_t>(settings.queue);
    out.queue_per_client = static_cast<uint32_t>(settings.queue_per_user);
    out.most_loaded = count(settings.max_loaded, out.most_loaded);
    out.memory_budget = settings.memory_budget;
    out.pack_cache = settings.pack_cache;
    out.pinned = settings.pin;
    out.keep = std::chrono::seconds(std::isinf(settings.keep_alive) ? -1 : static_cast<int64_t>(settings.keep_alive));
    check(quant_encoding_find(settings.kv_type.c_str(), &out.kv_type));
    return out;
}

EmbeddingLimits embedding_limits(const Settings &settings) {
    return {static_cast<uint32_t>(settings.queue), static_cast<uint32_t>(settings.queue_per_user)};
}

/// What handlers use; it outlives the server.
struct Services {
    BlobStore blobs{quant::data_home() / "blobs"};
    JobBook jobs{[this](const JobRequest &request, JobControl &control) { return do_job(pool, request, control); }};
    LeaseTable leases;
    EmbeddingJobs embeddings;
    ModelPool pool; ///< Last: what it was asked to do uses the others.

    explicit Services(const Settings &settings) : embeddings(embedding_limits(settings)), pool(pool_settings(settings)) {}
    ~Services() { jobs.stop(); } // It uses the pool.
    Services(const Services &) = delete;
    Services &operator=(const Services &) = delete;

    void add_routes(Router &router) {
        add_openai_routes(router, pool);
        add_ollama_routes(router, pool);
        add_openai_embeddings(router, pool, embeddings);
        add_ollama_embeddings(router, pool, embeddings);
        add_ollama_store_routes(router, pool, jobs, blobs);
        add_own_routes(router, pool);
        add_catalog_routes(router, pool);
        add_job_routes(router, pool, jobs);
        add_lease_routes(router, pool, leases);
    }
    // What a daemon that was killed has left half-written.
    void clean() {
        try {
            blobs.clean();
            uint32_t removed = 0;
            pool.with_catalog([&](quant_catalog *catalog) { check(quant_catalog_clean(catalog, &removed)); });
            if (removed) log(LogLevel::info, "{} half-written models are removed", removed);
        } catch (const ApiError &error) {
            log(LogLevel::warning, "what was left half-written stays: {}", error.message);
        } catch (const std::exception &error) {
            log(LogLevel::warning, "what was left half-written stays: {}", error.what());
        }
    }
};

// METHOD, PATTERN, who may, and the fields of the body, with tabs between.
void print_routes(const Settings &settings) {
    Router router;
    Services services(settings);
    services.add_routes(router);
    add_base_routes(router, {});
    for (const Route &route : router.routes()) {
        std::string fields;
        for (const std::string_view field : route.fields) fields.append(fields.empty() ? "" : " ").append(field);
        fmt::print("{}\t{}\t{}\t{}\n", route.method, route.pattern, route.admin ? "admin" : "all", fields);
    }
}

void serve(Settings settings, SettingSources sources) {
    Services services(settings);
    ModelPool &pool = services.pool;
    Daemon daemon(std::move(settings), std::move(sources));
    services.add_routes(daemon.router());
    pool.load_pinned([](const std::string &why) { log(LogLevel::error, "{}", why); });
    daemon.on_listening = [&services] { services.pool.post([&services] { services.clean(); }); };
    daemon.on_drain = [&services] { services.jobs.drain(); };
    daemon.every(std::chrono::seconds(1), [&pool] { pool.expire(); });
    daemon.on_reload = [&services](const Settings &now) {
        services.pool.change(pool_settings(now));
        services.embeddings.change(embedding_limits(now));
    };
    daemon.more_metrics = [&services] {
        return services.pool.render_prometheus() + services.embeddings.render_prometheus() + services.leases.render_prometheus() +
               services.jobs.render_prometheus() + services.blobs.render_prometheus();
    };
    daemon.longest_step = [&pool] { return Seconds(pool.longest_step()); };
    daemon.run();
    services.embeddings.close(); // While further signals are still waited for, which would end the process in the middle.
    pool.close([&daemon] { daemon.still_stopping(); });
}

int run(int argc, char **argv) {
    try {
        Wishes wishes;
        SettingSources sources = read_command_line(argc, argv, wishes);
        Settings settings = load_settings(sources);
        for (const std::string &name : unknown_variables(sources.environment))
            log(LogLevel::warning, "{} is set, but there is no such setting", name);
        if (wishes.check_only) return exit_ok;
        if (wishes.routes) return print_routes(settings), exit_ok;
        serve(std::move(settings), std::move(sources));
        return exit_ok;
    } catch (const SettingsError &error) {
        log(LogLevel::error, "{}", error.what());
        return exit_usage;
    } catch (const ApiError &error) {
        log(LogLevel::error, "{}", error.message);
        return exit_failure;
    } catch (const Taken &taken) {
        log(LogLevel::error, "{}", taken.what());
        return exit_taken;
    } catch (const std::exception &error) {
        log(LogLevel::error, "{}", error.what());
        return exit_failure;
    }
}

} // namespace

} // namespace quantd

int main(int argc, char **argv) {
    quantd::guard_standard_streams();
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN); // A file over RLIMIT_FSIZE is a full disk, which is said to who asked for it.
    return quantd::run(argc, argv);
}
