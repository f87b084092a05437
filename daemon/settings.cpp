#include "settings.h"

#include "base/error.h"
#include "base/file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>
#include <optional>

namespace quantd {

namespace {

using Kind = SettingRow::Kind;

constexpr uint64_t config_bytes = 64 * 1024;
constexpr const char *ollama_port = "11434";

std::string trimmed(std::string_view text) {
    const size_t first = text.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) return {};
    return std::string(text.substr(first, text.find_last_not_of(" \t\r") - first + 1));
}

template <class Number> std::optional<Number> whole(std::string_view text) {
    Number out{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
    return out;
}

// What a value of the row looks like, for messages and for help.
std::string expected(const SettingRow &row) {
    switch (row.kind) {
    case Kind::flag:
        return "yes or no";
    case Kind::number:
        return fmt::format("a whole number from {} to {}", row.least, row.most);
    case Kind::bytes:
        return "a size like 6G";
    case Kind::duration:
        return "a duration like 300, 5m or 1h30m";
    case Kind::word:
        return fmt::format("one of {}", row.words);
    case Kind::factor:
        return "a number above 0, at most 1";
    default:
        return "a text";
    }
}

std::optional<bool> flag_of(const std::string &text) {
    for (const char *yes : {"yes", "true", "on", "1"})
        if (text == yes) return true;
    for (const char *no : {"no", "false", "off", "0"})
        if (text == no) return false;
    return std::nullopt;
}

std::optional<uint64_t> bytes_of(std::string text) {
    unsigned shift = 0;
    if (text.ends_with('B') && text.size() > 1) text.pop_back();
    if (text.ends_with('i') && text.size() > 1) text.pop_back();
    const size_t letter = text.empty() ? std::string::npos : std::string_view("KMGT").find(text.back());
    if (letter != std::string::npos) shift = 10 * static_cast<unsigned>(letter + 1), text.pop_back();
    const auto number = whole<uint64_t>(text);
    return number && *number <= (UINT64_MAX >> shift) ? std::optional(*number << shift) : std::nullopt;
}

std::vector<std::string> list_of(std::string_view text) {
    std::vector<std::string> out;
    while (!text.empty()) {
        const size_t end = std::min(text.find(','), text.size());
        if (std::string item = trimmed(text.substr(0, end)); !item.empty()) out.push_back(std::move(item));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

std::optional<std::string> word_of(const SettingRow &row, std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    std::string_view words = row.words;
    while (!words.empty()) {
        const size_t end = std::min(words.find('|'), words.size());
        if (words.substr(0, end) == text) return text;
        words.remove_prefix(std::min(end + 1, words.size()));
    }
    return std::nullopt;
}

// False where `text` is not what the row takes.
bool assign(Settings &settings, const SettingRow &row, const std::string &text) {
    const auto put = [&]<class T>(const std::optional<T> &value) {
        if (value) settings.*std::get<T Settings::*>(row.field) = *value;
        return value.has_value();
    };
    switch (row.kind) {
    case Kind::text:
        return put(std::optional(text));
    case Kind::flag:
        return put(flag_of(text));
    case Kind::number: {
        const auto number = whole<uint64_t>(text);
        return number && *number >= row.least && *number <= row.most && put(number);
    }
    case Kind::bytes:
        return put(bytes_of(text));
    case Kind::duration:
        return put(std::optional(parse_duration(text)));
    case Kind::list:
        return put(std::optional(list_of(text)));
    case Kind::word:
        return put(word_of(row, text));
    case Kind::factor: {
        const auto number = whole<double>(text);
        return number && *number > 0 && *number <= 1 && put(number);
    }
    }
    return false;
}

void apply(Settings &settings, const SettingRow &row, const std::string &text, const std::string &where) {
    bool good = false;
    try {
        good = assign(settings, row, text);
    } catch (const std::invalid_argument &) {}
    if (!good)
        throw SettingsError(
            fmt::format("{}: {}: expected {}, not \"{}\"", where, row.name, expected(row), quant::printable(text)));
}

const SettingRow *find_row(std::string_view name) {
    for (const SettingRow &row : setting_rows())
        if (name == row.name) return &row;
    return nullptr;
}

const SettingRow &require_row(std::string_view name, const std::string &where) {
    if (const SettingRow *row = find_row(name)) return *row;
    std::string names;
    for (const SettingRow &row : setting_rows())
        if (!row.hidden) names += names.empty() ? row.name : std::string(", ") + row.name;
    throw SettingsError(
        fmt::format("{}: there is no setting \"{}\"; the settings are {}", where, quant::printable(name), names));
}

void apply_file(Settings &settings, const SettingSources &sources) {
    std::error_code ignored;
    if (!sources.file_must_exist && !std::filesystem::exists(sources.file, ignored)) return;
    std::string text;
    try {
        text = quant::read_text(sources.file, config_bytes);
    } catch (const quant::Error &error) {
        throw SettingsError(error.what());
    }
    std::map<std::string, size_t> seen;
    size_t number = 0;
    for (std::string_view rest = text; !rest.empty();) {
        const size_t end = std::min(rest.find('\n'), rest.size());
        const std::string line = trimmed(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
        ++number;
        if (line.empty() || line.front() == '#' || line.front() == ';') continue;
        const std::string where = fmt::format("{}:{}", sources.file.string(), number);
        const size_t equals = line.find('=');
        if (equals == std::string::npos) throw SettingsError(where + ": expected NAME = VALUE");
        const std::string name = trimmed(std::string_view(line).substr(0, equals));
        const SettingRow &row = require_row(name, where);
        const auto [first, fresh] = seen.emplace(name, number);
        if (!fresh) throw SettingsError(fmt::format("{}: {}: is set in line {} already", where, name, first->second));
        apply(settings, row, trimmed(std::string_view(line).substr(equals + 1)), where);
    }
}

std::string variable_of(const SettingRow &row) {
    std::string name = fmt::format("QUANTD_{}", row.name);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    return name;
}

// Ollama's variables are there for its clients too, so they stand below the daemon's own and a variable
// that is empty is none.
void apply_environment(Settings &settings, const std::vector<std::string> &environment) {
    const auto value_of = [&](const std::string &name) -> std::optional<std::string> {
        for (const std::string &entry : environment)
            if (entry.size() > name.size() + 1 && entry.starts_with(name) && entry[name.size()] == '=')
                return entry.substr(name.size() + 1);
        return std::nullopt;
    };
    for (const SettingRow &row : setting_rows()) {
        if (const auto own = value_of(variable_of(row))) {
            apply(settings, row, *own, variable_of(row));
        } else if (const auto theirs = row.ollama ? value_of(row.ollama) : std::nullopt) {
            const bool host = std::string_view(row.name) == "tcp";
            apply(settings, row, host ? address_of_ollama_host(*theirs) : *theirs, row.ollama);
        }
    }
}

void check_together(const Settings &settings) {
    if (settings.socket.empty())
        throw SettingsError("socket: no path is set, and there is no XDG_RUNTIME_DIR to put it in");
    if (!settings.tcp.empty() && settings.tcp_token_file.empty() && !settings.tcp_no_token)
        throw SettingsError(
            fmt::format("tcp = {}: whoever can reach this address could use the daemon. Set tcp_token_file to a file "
                        "(mode 0600) with a token that clients send, or, for clients that cannot send one as most of "
                        "Ollama's, tcp_no_token = yes (loopback addresses only). If OLLAMA_HOST is set for clients "
                        "alone, unset it for the daemon",
                        settings.tcp));
    for (const std::string &origin : settings.origins)
        if (origin == "*")
            throw SettingsError(
                "origins: \"*\" would let every web page in; name the origins, like http://localhost:*");
}

} // namespace

const std::vector<SettingRow> &setting_rows() {
    using S = Settings;
    static const std::vector<SettingRow> rows = {
        {"socket", Kind::text, &S::socket, 0, 0, "", "Path of the Unix socket", nullptr, true, false},
        {"tcp", Kind::text, &S::tcp, 0, 0, "", "ADDRESS:PORT to listen on as well; needs a token, or tcp_no_token",
         "OLLAMA_HOST", true, false},
        {"tcp_token_file", Kind::text, &S::tcp_token_file, 0, 0, "",
         "File (mode 0600) with the token that TCP clients send", nullptr, false, false},
        {"tcp_no_token", Kind::flag, &S::tcp_no_token, 0, 0, "", "Let TCP clients of this machine in without a token",
         nullptr, true, false},
        {"origins", Kind::list, &S::origins, 0, 0, "", "Web origins whose pages may call, like http://localhost:*",
         "OLLAMA_ORIGINS", false, false},
        {"hosts", Kind::list, &S::hosts, 0, 0, "", "Names that TCP clients may call the daemon by, besides localhost",
         nullptr, false, false},
        {"keep_alive", Kind::duration, &S::keep_alive, 0, 0, "", "How long an idle model stays loaded",
         "OLLAMA_KEEP_ALIVE", false, false},
        {"context_length", Kind::number, &S::context_length, 0, 1 << 24, "",
         "Tokens of a conversation; 0: the model's own, at most 8192", "OLLAMA_CONTEXT_LENGTH", false, false},
        {"parallel", Kind::number, &S::parallel, 0, 256, "", "Requests one model serves at once; 0: 16",
         "OLLAMA_NUM_PARALLEL", false, false},
        {"max_loaded", Kind::number, &S::max_loaded, 0, 64, "", "Models loaded at once; 0: 3",
         "OLLAMA_MAX_LOADED_MODELS", false, false},
        {"queue", Kind::number, &S::queue, 0, 4096, "", "Requests that may wait", "OLLAMA_MAX_QUEUE", false, false},
        {"queue_per_user", Kind::number, &S::queue_per_user, 1, 4096, "", "Requests of one user that may wait", nullptr,
         false, false},
        {"kv_type", Kind::word, &S::kv_type, 0, 0, "f32|f16|bf16|q8_0|q4_0", "What keys and values are kept as",
         "OLLAMA_KV_CACHE_TYPE", false, false},
        {"memory_budget", Kind::bytes, &S::memory_budget, 0, 0, "", "Bytes of loaded models, files and packed weights; 0: no limit",
         nullptr, false, false},
        {"pack_cache", Kind::text, &S::pack_cache, 0, 0, "",
         "Files of packed weights, which outlive the daemon: off, on (a tenth of the free disk) or a size", nullptr, false,
         false},
        {"pin", Kind::list, &S::pin, 0, 0, "", "Models that are loaded when the daemon starts, and stay", nullptr, false,
         false},
        {"admin_group", Kind::text, &S::admin_group, 0, 0, "", "Group whose members count as administrators", nullptr,
         false, false},
        {"log_level", Kind::word, &S::log_level, 0, 0, "error|warning|info|debug", "What is told", nullptr, false,
         false},
        {"test_time_scale", Kind::factor, &S::test_time_scale, 0, 0, "", "", nullptr, true, true},
    };
    return rows;
}

std::filesystem::path default_config_file() {
    const char *home = std::getenv("XDG_CONFIG_HOME"), *user = std::getenv("HOME");
    if (::geteuid() == 0 || (!home && !user)) return "/etc/quantd/quantd.conf";
    const auto folder =
        home && *home ? std::filesystem::path(home) : std::filesystem::path(user ? user : "/") / ".config";
    return folder / "libquant" / "quantd.conf";
}

std::string default_socket() {
    const char *folder = std::getenv("XDG_RUNTIME_DIR");
    if (::geteuid() == 0) return "/run/quantd/quantd.sock";
    return folder && *folder ? fmt::format("{}/quantd.sock", folder) : std::string();
}

Settings load_settings(const SettingSources &sources) {
    Settings settings;
    settings.socket = default_socket();
    apply_file(settings, sources);
    apply_environment(settings, sources.environment);
    for (const auto &[name, text] : sources.command_line) {
        std::string option = "--" + name;
        std::replace(option.begin(), option.end(), '_', '-');
        apply(settings, require_row(name, option), text, option);
    }
    check_together(settings);
    return settings;
}

std::variant<Settings, std::string> reload_settings(const Settings &current, const SettingSources &sources) {
    try {
        Settings fresh = load_settings(sources);
        for (const SettingRow &row : setting_rows()) {
            const bool same = std::visit([&](auto field) { return current.*field == fresh.*field; }, row.field);
            if (row.restart && !same) return fmt::format("{}: changes only when the daemon starts", row.name);
        }
        return fresh;
    } catch (const SettingsError &error) {
        return std::string(error.what());
    }
}

std::vector<std::string> unknown_variables(const std::vector<std::string> &environment) {
    std::vector<std::string> out;
    for (const std::string &entry : environment) {
        const std::string name = entry.substr(0, entry.find('='));
        // Other names of Ollama have settings, or nothing that they could change here.
        if (name == "OLLAMA_MODELS") out.push_back(name);
        if (!name.starts_with("QUANTD_")) continue;
        const auto &rows = setting_rows();
        if (std::none_of(rows.begin(), rows.end(), [&](const SettingRow &row) { return variable_of(row) == name; }))
            out.push_back(name);
    }
    return out;
}

double parse_duration(const std::string &text) {
    static const std::map<std::string, double> units = {{"ns", 1e-9}, {"us", 1e-6}, {"ms", 1e-3},
                                                        {"s", 1},     {"m", 60},    {"h", 3600}};
    std::string_view rest = text;
    const bool negative = rest.starts_with('-');
    if (negative) rest.remove_prefix(1);
    double seconds = 0;
    if (rest.empty()) throw std::invalid_argument("empty");
    for (bool first = true; !rest.empty(); first = false) {
        double number = 0;
        const auto [end, error] =
            std::from_chars(rest.data(), rest.data() + rest.size(), number, std::chars_format::fixed);
        if (error != std::errc() || !std::isfinite(number) || number < 0) throw std::invalid_argument("no number");
        rest.remove_prefix(static_cast<size_t>(end - rest.data()));
        const size_t letters = std::min(rest.find_first_of("0123456789."), rest.size());
        const auto unit = units.find(std::string(rest.substr(0, letters)));
        if (unit == units.end() && !(first && rest.empty())) throw std::invalid_argument("no unit");
        seconds += number * (unit == units.end() ? 1 : unit->second);
        rest.remove_prefix(letters);
    }
    return negative ? std::numeric_limits<double>::infinity() : seconds;
}

std::string address_of_ollama_host(const std::string &text) {
    std::string host = trimmed(text);
    if (const size_t scheme = host.find("://"); scheme != std::string::npos) host.erase(0, scheme + 3);
    host = host.substr(0, host.find('/'));
    const size_t bracket = host.rfind(']'), colon = host.rfind(':');
    const bool has_port = colon != std::string::npos && (bracket == std::string::npos || colon > bracket);
    const std::string port = has_port ? host.substr(colon + 1) : ollama_port;
    if (has_port) host.erase(colon);
    return fmt::format("{}:{}", host.empty() ? "127.0.0.1" : host, port);
}

} // namespace quantd
