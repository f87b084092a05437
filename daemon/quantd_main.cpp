// quantd: the command line, and what the process exits with.
#include "api_routes.h"
#include "daemon.h"
#include "daemon_log.h"
#include "embedding_job.h"

#include <quant/version.h>

#include <CLI/CLI.hpp>

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

SettingSources read_command_line(int argc, char **argv, bool &check_only) {
    SettingSources sources;
    std::string file;
    CLI::App app{"Serve language models to the programs of this machine.", "quantd"};
    app.set_version_flag("--version",
                         fmt::format("quantd {}.{}.{}", QUANT_VERSION_MAJOR, QUANT_VERSION_MINOR, QUANT_VERSION_PATCH));
    app.add_option("--config", file, "Configuration file, instead of " + default_config_file().string())
        ->type_name("FILE");
    app.add_flag("--check", check_only, "Read the settings, say whether they are good, and end");
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
    out.keep = std::chrono::seconds(std::isinf(settings.keep_alive) ? -1 : static_cast<int64_t>(settings.keep_alive));
    check(quant_encoding_find(settings.kv_type.c_str(), &out.kv_type));
    return out;
}

EmbeddingLimits embedding_limits(const Settings &settings) {
    return {static_cast<uint32_t>(settings.queue), static_cast<uint32_t>(settings.queue_per_user)};
}

void serve(Settings settings, SettingSources sources) {
    EmbeddingJobs jobs(embedding_limits(settings)); // Both outlive the server, whose handlers use them,
    ModelPool pool(pool_settings(settings));        // and the pool goes first, whose threads use the jobs.
    Daemon daemon(std::move(settings), std::move(sources));
    add_openai_routes(daemon.router(), pool);
    add_ollama_routes(daemon.router(), pool);
    add_openai_embeddings(daemon.router(), pool, jobs);
    add_ollama_embeddings(daemon.router(), pool, jobs);
    add_own_routes(daemon.router(), pool);
    daemon.every(std::chrono::seconds(1), [&pool] { pool.expire(); });
    daemon.on_reload = [&pool, &jobs](const Settings &now) {
        pool.change(pool_settings(now));
        jobs.change(embedding_limits(now));
    };
    daemon.more_metrics = [&pool] { return pool.render_prometheus(); };
    daemon.run();
    jobs.close(); // While further signals are still waited for, which would end the process in the middle.
}

int run(int argc, char **argv) {
    try {
        bool check_only = false;
        SettingSources sources = read_command_line(argc, argv, check_only);
        Settings settings = load_settings(sources);
        for (const std::string &name : unknown_variables(sources.environment))
            log(LogLevel::warning, "{} is set, but there is no such setting", name);
        if (check_only) return exit_ok;
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
    return quantd::run(argc, argv);
}
