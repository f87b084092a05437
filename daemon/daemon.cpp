#include "daemon.h"

#include "access_log.h"
#include "base_routes.h"
#include "daemon_log.h"
#include "token_file.h"

#include <grp.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>

namespace quantd {

namespace {

constexpr rlim_t wanted_descriptors = 65536;
constexpr Seconds stop_extension{10};

// Services start with a soft limit of 1024, which connections alone could use up.
void raise_descriptor_limit() {
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= wanted_descriptors) return;
    files.rlim_cur = std::min(files.rlim_max, wanted_descriptors);
    ::setrlimit(RLIMIT_NOFILE, &files);
}

std::optional<gid_t> group_id(const std::string &name) {
    if (name.empty()) return std::nullopt;
    const group *found = ::getgrnam(name.c_str()); // Only ever on the I/O thread, or before it.
    if (!found) log(LogLevel::debug, "admin_group: there is no group \"{}\"", name);
    return found ? std::optional(found->gr_gid) : std::nullopt;
}

// The server's end gives signals their default meaning back, and an impatient second SIGTERM would turn a
// good end into a killed one.
void ignore_signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

bool is_wildcard(const std::string &name) { return name.starts_with("0.0.0.0:") || name.starts_with("[::]:"); }

} // namespace

Daemon::Daemon(Settings settings, SettingSources sources)
    : settings_(std::move(settings)),
      sources_(std::move(sources)) {}

Daemon::~Daemon() = default;

// What systemd passed stands for what the settings name, for each kind of socket.
std::vector<ListenSocket> Daemon::open_sockets() {
    std::vector<ListenSocket> sockets = sockets_from_systemd();
    const auto have = [&](bool local) {
        return std::any_of(sockets.begin(), sockets.end(), [&](const ListenSocket &s) { return s.local == local; });
    };
    if (!have(true)) {
        socket_file_ = std::make_unique<UnixSocketFile>(settings_.socket);
        sockets.push_back(socket_file_->take_socket());
    }
    if (!have(false) && !settings_.tcp.empty()) sockets.push_back(listen_tcp(settings_.tcp));
    for (const ListenSocket &socket : sockets) {
        if (!socket.local && settings_.tcp_token_file.empty() && !settings_.tcp_no_token)
            throw SettingsError(socket.name + ": TCP needs tcp_token_file, or tcp_no_token = yes");
        if (!socket.local && !socket.loopback && settings_.tcp_token_file.empty())
            throw SettingsError(socket.name + ": other machines can reach this address, so tcp_token_file is needed");
        if (!socket.local && !is_wildcard(socket.name)) listen_hosts_.push_back(socket.name);
    }
    return sockets;
}

AccessRules Daemon::make_rules(const std::vector<std::string> &own_names) const {
    AccessRules rules;
    rules.hosts = settings_.hosts;
    rules.hosts.insert(rules.hosts.end(), own_names.begin(), own_names.end());
    rules.origins = settings_.origins;
    if (!settings_.tcp_token_file.empty()) rules.token = read_token(settings_.tcp_token_file);
    rules.admin_gid = group_id(settings_.admin_group);
    return rules;
}

void Daemon::run() {
    set_log_level(settings_.log_level);
    raise_descriptor_limit();
    ServerOptions options;
    options.sockets = open_sockets();
    std::string names;
    for (const ListenSocket &socket : options.sockets) {
        names += (names.empty() ? "" : " and ") + socket.name;
        if (!socket.role.empty()) names += fmt::format(" ({})", socket.role);
    }
    options.rules = make_rules(listen_hosts_);
    options.times = TimeLimits().scaled(settings_.test_time_scale);
    options.access_log = log_access;
    options.report = [](const std::string &text) { log(LogLevel::error, "{}", text); };
    add_base_routes(
        router_,
        {[this] { return server_->draining(); },
         [this] { return render_prometheus(server_->metrics()) + (more_metrics ? more_metrics() : std::string()); }});
    server_ = std::make_unique<Server>(std::move(options), router_);
    watch_signals();
    for (const auto &[period, fn] : timers_) server_->every(period, fn);
    log(LogLevel::info, "listening on {}", names);
    notifier_.ready("listening on " + names);
    if (on_listening) on_listening();
    server_->run();
    ignore_signals();
    server_.reset();
    socket_file_.reset();
    log(LogLevel::info, "stopped");
}

void Daemon::watch_signals() {
    server_->on_signal(SIGTERM, [this] { drain(); });
    server_->on_signal(SIGINT, [this] { drain(); });
    server_->on_signal(SIGHUP, [this] { reload(); });
    // Twice as often as asked, so that one late beat is none missed.
    if (const auto period = notifier_.watchdog()) server_->every(*period / 2, [this] { feed_watchdog(); });
}

// That this is called proves the I/O thread alive; the threads of models are asked for.
void Daemon::feed_watchdog() {
    const Seconds limit = TimeLimits().scaled(settings_.test_time_scale).step;
    const bool stuck = longest_step && longest_step() > limit;
    if (stuck && !stuck_) log(LogLevel::error, "a step of a model takes more than {} s: the watchdog is fed no more", limit.count());
    stuck_ = stuck;
    if (!stuck) notifier_.alive();
}

void Daemon::still_stopping() const { notifier_.extend(stop_extension); }

void Daemon::drain() {
    if (server_->draining()) {
        log(LogLevel::warning, "stopping now");
        return server_->stop();
    }
    log(LogLevel::info, "stopping when what is running has ended");
    notifier_.stopping("waiting for what is running");
    if (on_drain) on_drain();
    server_->drain(TimeLimits().scaled(settings_.test_time_scale).drain);
}

void Daemon::reload() {
    if (server_->draining()) return;
    notifier_.reloading();
    auto result = reload_settings(settings_, sources_);
    std::string refused = std::holds_alternative<std::string>(result) ? std::get<std::string>(result) : std::string();
    if (refused.empty()) {
        Settings before = std::exchange(settings_, std::get<Settings>(std::move(result)));
        try {
            server_->set_rules(make_rules(listen_hosts_));
        } catch (const std::exception &error) {
            refused = error.what();
            settings_ = std::move(before);
        }
    }
    if (refused.empty()) {
        set_log_level(settings_.log_level);
        log(LogLevel::info, "settings are read again");
        if (on_reload) on_reload(settings_);
    } else {
        log(LogLevel::error, "the settings stay as they are: {}", refused);
    }
    notifier_.ready(refused.empty() ? "settings are read again" : "the settings stay as they are: " + refused);
}

} // namespace quantd
