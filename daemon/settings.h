// What quantd can be told: one table of settings that the configuration file, the environment and the
// command line are all read by, in that order; later ones win.
//
// Loading gives all settings or none: a mistake anywhere is an error that says where it is and what was
// expected, and a daemon that runs keeps what it has.
#pragma once

#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace quantd {

struct Settings {
    std::string socket; ///< Path of the Unix socket.
    std::string tcp;    ///< "127.0.0.1:11434"; empty: no TCP.
    std::string tcp_token_file;
    bool tcp_no_token = false;
    std::vector<std::string> origins, hosts;
    double keep_alive = 300; ///< Seconds; infinity: for ever.
    uint64_t context_length = 0, parallel = 0, max_loaded = 0, queue = 64, queue_per_user = 16;
    std::string kv_type = "f16";
    uint64_t memory_budget = 0; ///< Bytes.
    std::string pack_cache = "on";
    std::vector<std::string> pin;
    std::string admin_group = "quant";
    std::string log_level = "info";
    double test_time_scale = 1; ///< Hidden: all time limits times this.

    bool operator==(const Settings &) const = default;
};

/// The message names the file and line, the variable or the option.
class SettingsError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// One row of the table. Booleans are yes or no, durations seconds or Go's "1h30m" (negative: for ever),
/// sizes bytes or K, M, G, T of 1024, lists separated by commas.
struct SettingRow {
    enum class Kind { text, flag, number, bytes, duration, list, word, factor };
    using Field = std::variant<std::string Settings::*, bool Settings::*, uint64_t Settings::*, double Settings::*,
                               std::vector<std::string> Settings::*>;

    const char *name; ///< In the file; QUANTD_NAME in the environment, --name on the command line.
    Kind kind;
    Field field;
    uint64_t least, most; ///< Of numbers.
    const char *words;    ///< Of words: "a|b|c".
    const char *help;
    const char *ollama; ///< Ollama's variable that means the same, or null.
    bool restart;       ///< A reload cannot change it.
    bool hidden;
};

const std::vector<SettingRow> &setting_rows();

/// Where settings come from; kept for reloads.
struct SettingSources {
    std::filesystem::path file;
    bool file_must_exist = false;
    std::vector<std::string> environment;                          ///< "NAME=value".
    std::vector<std::pair<std::string, std::string>> command_line; ///< Name of the setting, text.
};

/// /etc/quantd/quantd.conf for root and services, else libquant/quantd.conf below $XDG_CONFIG_HOME.
std::filesystem::path default_config_file();
/// /run/quantd/quantd.sock for root, else quantd.sock in $XDG_RUNTIME_DIR; empty where that is not set.
std::string default_socket();

/// Throws SettingsError.
Settings load_settings(const SettingSources &sources);
/// The new settings, or why the current ones stay.
std::variant<Settings, std::string> reload_settings(const Settings &current, const SettingSources &sources);
/// QUANTD_* that are no settings, for a warning: other programs may have theirs.
std::vector<std::string> unknown_variables(const std::vector<std::string> &environment);

/// "1h30m", "300", "-1", in seconds; negative ones are infinity. Throws std::invalid_argument.
double parse_duration(const std::string &text);
/// OLLAMA_HOST's "[scheme://]host[:port][/...]" as ADDRESS:PORT.
std::string address_of_ollama_host(const std::string &text);

} // namespace quantd
