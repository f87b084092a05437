// /quant/v1/lease: a model's descriptors for a client that runs it itself; and what is resident, and pinned.
#include "api_routes.h"

#include "api_work.h"
#include "json_body.h"
#include "lease_table.h"
#include "request_fields.h"
#include "wire/lease_record.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>

namespace quantd {

namespace {

namespace wire = quant::wire;

constexpr std::string_view fields_of_pin[] = {"model", "pinned"};

std::string time_text(std::chrono::system_clock::time_point at) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(at);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[40];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

std::string user_name(uid_t uid) {
    char buffer[4096];
    passwd entry{}, *found = nullptr;
    if (::getpwuid_r(uid, &entry, buffer, sizeof buffer, &found) != 0 || !found) return std::to_string(uid);
    return found->pw_name;
}

/// Whether a list of words with commas between has this one (RFC 9110, 7.6.1: Connection may name others as well).
bool lists(std::string_view list, std::string_view word) {
    while (!list.empty()) {
        const size_t end = std::min(list.find(','), list.size());
        std::string_view one = list.substr(0, end);
        while (!one.empty() && (one.front() == ' ' || one.front() == '\t')) one.remove_prefix(1);
        while (!one.empty() && (one.back() == ' ' || one.back() == '\t')) one.remove_suffix(1);
        if (same_word(one, word)) return true;
        list.remove_prefix(std::min(end + 1, list.size()));
    }
    return false;
}

bool asks_for_upgrade(const HttpRequest &request) {
    return request.method == "GET" && lists(request.header("Upgrade"), wire::lease_protocol) &&
           lists(request.header("Connection"), "upgrade");
}

// Descriptors of our own go with the frame: the model's stay the model's.
quant::Descriptor copy_of(const quant_lent_part &part, const std::string &model) {
    struct stat info {};
    if (::fstat(part.descriptor, &info) != 0 || static_cast<uint64_t>(info.st_size) != part.bytes)
        throw ApiError{.status = 409,
                       .message = "model '" + model + "': its file " + part.name + " has changed since it was loaded",
                       .code = "model_changed"};
    quant::Descriptor out(::fcntl(part.descriptor, F_DUPFD_CLOEXEC, 0));
    if (!out) throw ApiError{.status = 503, .message = "no descriptors are left", .code = "descriptors", .retry_after = 5};
    return out;
}

struct Offer {
    wire::LeaseRecord record;
    std::vector<quant::Descriptor> descriptors;
};

std::string folder_name(std::string title) {
    for (char &c : title)
        if (c == '/' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '_';
    title = title.substr(0, wire::most_name_bytes);
    return title.empty() || title == "." || title == ".." ? "model" : title;
}

/// What a lease is of: `stage` is Stage::files for the files alone.
Offer make_offer(const Resident &resident, Stage stage) {
    Offer out;
    out.record.model = resident.name, out.record.digest = resident.digest;
    out.record.title = folder_name(resident.info.name);
    out.record.pid = static_cast<uint32_t>(::getpid()), out.record.uid = ::geteuid();
    auto part = sized<quant_lent_part>();
    for (size_t i = 0; stage != Stage::files || i == 0 || i < part.files; i++) {
        const quant_status status = quant_model_get_lent_part(resident.model.get(), i, &part);
        if (status == QUANT_ERR_NOT_FOUND) break;
        check(status);
        if (i == wire::most_descriptors)
            throw ApiError{.status = 501,
                           .message = "model '" + resident.name + "' has more files than can be lent",
                           .code = "too_many_files"};
        out.descriptors.push_back(copy_of(part, resident.name));
        if (part.kind == QUANT_LENT_PACK)
            out.record.pack = {part.bytes, part.sealed != 0, resident.tier, part.origin};
        else
            out.record.files.push_back({part.name, part.bytes, part.sealed != 0});
    }
    return out;
}

// Who has the packed weights mapped already, as lent by a daemon that died, asks for the rest, which is there sooner.
Stage wanted_parts(const HttpRequest &http) {
    const std::string parts = http.query_value("parts");
    if (parts.empty() || parts == "all") return Stage::pack;
    if (parts == wire::lease_of_files) return Stage::files;
    throw ApiError{.status = 400, .message = "parts: expected all or files", .code = "invalid_value", .param = "parts"};
}

void lend(ModelPool &pool, LeaseTable &leases, const RequestPtr &http, const ReplyPtr &reply) {
    if (!http->peer.local)
        throw ApiError{.status = 403, .message = "models are lent over the Unix socket only", .code = "not_local"};
    if (!asks_for_upgrade(*http))
        throw ApiError{.status = 426,
                       .message = "expected Connection: Upgrade and Upgrade: " + std::string(wire::lease_protocol),
                       .code = "upgrade_required",
                       .headers = {{"Upgrade", std::string(wire::lease_protocol)}, {"Connection", "Upgrade"}}};
    const std::string name = http->query_value("model"), digest = http->query_value("digest");
    if (name.empty()) throw ApiError{.status = 400, .message = "expected ?model=NAME", .code = "missing_model"};
    const Stage stage = wanted_parts(*http);
    answer_with(
        pool, name, std::nullopt, reply, ApiStyle::own,
        [&pool, &leases, digest, stage, http, reply](const std::shared_ptr<Resident> &resident) {
            if (!digest.empty() && digest != resident->digest)
                throw ApiError{.status = 409,
                               .message = "model '" + resident->name + "' has another content now",
                               .code = "digest_mismatch"};
            Offer offer = make_offer(*resident, stage);
            offer.record.id = leases.add(resident, http->peer);
            std::string frame;
            try {
                frame = wire::encode_lease(offer.record);
            } catch (...) { // There is no lease, then.
                leases.remove(offer.record.id, pool);
                throw;
            }
            reply->on_gone([&pool, &leases, id = offer.record.id] { leases.remove(id, pool); });
            reply->upgrade(std::string(wire::lease_protocol), std::move(frame), std::move(offer.descriptors));
        },
        0, stage);
}

json::object describe(const ResidentState &r, const LeaseTable &leases) {
    json::array held;
    if (r.resident)
        for (const LeaseTable::Entry &e : leases.entries(*r.resident))
            held.push_back(json::object{{"id", e.id},
                                        {"pid", e.peer.pid},
                                        {"uid", e.peer.uid},
                                        {"user", user_name(e.peer.uid)},
                                        {"since", time_text(e.since)}});
    json::object out{{"name", r.name}, {"digest", ""}, {"bytes", 0}, {"packed_bytes", 0}, {"context_length", 0}, {"state", r.state},
                     {"pinned", r.pinned}, {"expires_at", nullptr}, {"load_seconds", 0.0}, {"running", 0}, {"waiting", 0},
                     {"leases", std::move(held)}};
    if (!r.resident) return out;
    auto s = sized<quant_scheduler_statistics>();
    if (quant_scheduler_get_statistics(r.resident->scheduler.get(), &s) == QUANT_OK)
        out["running"] = s.running, out["waiting"] = s.waiting;
    out["digest"] = r.resident->digest, out["bytes"] = r.resident->info.file_bytes;
    out["packed_bytes"] = r.resident->packed_bytes.load();
    out["context_length"] = r.resident->context, out["load_seconds"] = r.resident->load_seconds.load();
    if (r.expires) out["expires_at"] = time_text(*r.expires);
    return out;
}

void list_residents(ModelPool &pool, const LeaseTable &leases, const ReplyPtr &reply) {
    answer_later(pool, reply, ApiStyle::own, [&pool, &leases, reply] {
        json::array all;
        for (const ResidentState &r : pool.states()) all.push_back(describe(r, leases));
        reply->send(200, "application/json",
                    json::serialize(json::object{{"residents", std::move(all)}, {"memory_budget", pool.memory_budget()}}));
    });
}

// A model that is pinned is loaded, and stays; for administrators, since it takes memory from all.
void pin(ModelPool &pool, const RequestPtr &http, const ReplyPtr &reply) {
    const json::object body = json_body(*http);
    const Fields fields(body, fields_of_pin);
    const std::string name = fields.required_text("model");
    const bool pinned = fields.flag("pinned").value_or(true);
    if (!pinned) {
        return answer_later(pool, reply, ApiStyle::own, [&pool, name, reply] {
            const std::string full = pool.pin(name, false);
            reply->send(200, "application/json", json::serialize(json::object{{"model", full}, {"pinned", false}}));
        });
    }
    answer_with(pool, name, std::nullopt, reply, ApiStyle::own, [&pool, reply](const std::shared_ptr<Resident> &resident) {
        const std::string full = pool.pin(resident->name, true);
        reply->send(200, "application/json", json::serialize(json::object{{"model", full}, {"pinned", true}}));
    });
}

} // namespace

void add_lease_routes(Router &router, ModelPool &pool, LeaseTable &leases) {
    router.add({.method = "GET", .pattern = std::string(wire::lease_path), .handler = [&](RequestPtr http, ReplyPtr reply) {
                    lend(pool, leases, http, reply);
                }});
    router.add({.method = "GET", .pattern = "/quant/v1/residents", .handler = [&](RequestPtr, ReplyPtr reply) {
                    list_residents(pool, leases, reply);
                }});
    router.add({.method = "POST",
                .pattern = "/quant/v1/pin",
                .handler = [&](RequestPtr http, ReplyPtr reply) { pin(pool, http, reply); },
                .admin = true,
                .fields = fields_of_pin});
}

} // namespace quantd
