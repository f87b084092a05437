// quantctl ps: the models that quantd holds, and who uses them.
#include "daemon_client.h"
#include "failure.h"
#include "json_fields.h"
#include "output.h"
#include "verb.h"

#include <cstdio>
#include <ctime>

namespace quantctl {

namespace {

struct PsOptions {
    std::string socket;
    bool as_json = false;
};

// Seconds from now to an RFC 3339 time; NaN for what is none.
double seconds_until(const std::string &text) {
    std::tm time{};
    int read = 0, hours = 0, minutes = 0;
    if (std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d%n", &time.tm_year, &time.tm_mon, &time.tm_mday,
                    &time.tm_hour, &time.tm_min, &time.tm_sec, &read) != 6)
        return NAN;
    time.tm_year -= 1900, time.tm_mon -= 1;
    std::string_view zone = std::string_view(text).substr(static_cast<size_t>(read));
    if (zone.starts_with('.')) zone.remove_prefix(std::min(zone.find_first_not_of("0123456789", 1), zone.size()));
    const bool east = zone.starts_with('+');
    if (!zone.starts_with('Z') &&
        !((east || zone.starts_with('-')) && std::sscanf(zone.data() + 1, "%2d:%2d", &hours, &minutes) == 2))
        return NAN;
    const double offset = (hours * 60 + minutes) * (east ? 60.0 : -60.0);
    return std::difftime(::timegm(&time), std::time(nullptr)) - offset;
}

std::string until_words(const json::object &resident) {
    if (text_of(member(resident, "state")) == "loading") return "-";
    const json::value &expires = member(resident, "expires_at");
    if (expires.is_null()) return "no end";
    const double seconds = seconds_until(text_of(expires));
    if (std::isnan(seconds)) return text_of(expires);
    return seconds <= 0 ? "now" : "in " + human_time(seconds);
}

// "peter 4711, ann 4712": who computes with the memory that the daemon lends.
std::string lease_words(const json::object &resident) {
    std::string out;
    for (const json::object *lease : rows_of(resident, "leases")) {
        const std::string user = text_of(member(*lease, "user"));
        out += fmt::format("{}{} {}", out.empty() ? "" : ", ", user.empty() ? words_of(member(*lease, "uid")) : user,
                           words_of(member(*lease, "pid")));
    }
    return out.empty() ? "-" : out;
}

// Of its files and of the packed weights beside them.
uint64_t bytes_of(const json::object &resident) {
    return count_of(member(resident, "bytes")) + count_of(member(resident, "packed_bytes"));
}

void print_residents(const std::vector<const json::object *> &residents) {
    Table table({{"NAME", Table::left},
                 {"SIZE", Table::right},
                 {"CONTEXT", Table::right},
                 {"STATE", Table::left},
                 {"PINNED", Table::left},
                 {"UNTIL", Table::left},
                 {"RUNNING", Table::right},
                 {"WAITING", Table::right},
                 {"LEASES", Table::left}});
    for (const json::object *r : residents) {
        const json::value &pinned = member(*r, "pinned");
        table.add({text_of(member(*r, "name")), human_bytes(bytes_of(*r)),
                   grouped(count_of(member(*r, "context_length"))), text_of(member(*r, "state")),
                   pinned.is_bool() && pinned.get_bool() ? "yes" : "-", until_words(*r),
                   words_of(member(*r, "running")), words_of(member(*r, "waiting")), lease_words(*r)});
    }
    table.print();
}

void ps(const PsOptions &options) {
    const DaemonClient daemon(options.socket);
    json::object found = daemon.get("/quant/v1/residents");
    if (options.as_json) {
        json::object document{{"schema_version", schema_version}, {"socket", daemon.socket()}};
        for (auto &[key, value] : found) document.insert_or_assign(key, std::move(value));
        return print_json(document);
    }
    const auto residents = rows_of(found, "residents");
    if (residents.empty()) return note("The quantd at {} holds no model now.", daemon.socket());
    print_residents(residents);
    uint64_t bytes = 0;
    for (const json::object *r : residents) bytes += bytes_of(*r);
    if (const uint64_t budget = count_of(member(found, "memory_budget")); budget != 0)
        note("{} of a memory budget of {}.", human_bytes(bytes), human_bytes(budget));
}

} // namespace

Action add_ps(CLI::App &app) {
    auto o = std::make_shared<PsOptions>();
    add_socket_option(app, o->socket);
    app.add_flag("--json", o->as_json, "Print a JSON document");
    return [o] { ps(*o); };
}

} // namespace quantctl
