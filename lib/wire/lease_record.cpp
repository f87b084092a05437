#include "wire/lease_record.h"

#include "base/error.h"
#include "base/json.h"

#include <algorithm>
#include <cstring>
#include <set>

namespace quant::wire {

namespace {

constexpr char magic[8] = {'Q', 'L', 'E', 'A', 'S', 'E', '\r', '\n'};
constexpr std::string_view name_of_record = "lease";
// No file is longer: offsets are signed.
constexpr uint64_t most_file_bytes = uint64_t{1} << 62;

void put_number(std::string &out, uint32_t value) {
    for (unsigned shift = 0; shift < 32; shift += 8) out += static_cast<char>(value >> shift & 0xff);
}

uint32_t number_at(const std::byte *bytes) {
    uint32_t out = 0;
    for (unsigned i = 0; i < 4; i++) out |= std::to_integer<uint32_t>(bytes[i]) << (8 * i);
    return out;
}

bool has_control_bytes(std::string_view text, std::string_view but = "") {
    return std::any_of(text.begin(), text.end(), [&](char c) {
        return (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) && but.find(c) == std::string_view::npos;
    });
}

// A file's or folder's name by itself, which leads nowhere.
bool is_plain_name(std::string_view name) {
    return !name.empty() && name.size() <= most_name_bytes && name != "." && name != ".." &&
           name.find('/') == std::string_view::npos && !has_control_bytes(name);
}

constexpr std::string_view a_safe_path = "a name, in one folder at most";

// A name by itself, or in one folder: what lies deeper no model has.
bool is_safe_path(std::string_view path) {
    const size_t slash = path.find('/');
    if (slash == std::string_view::npos) return is_plain_name(path);
    return is_plain_name(path.substr(0, slash)) && is_plain_name(path.substr(slash + 1));
}

uint64_t read_bytes(const json::Reader &from) {
    const uint64_t bytes = from.require_uint("bytes");
    if (bytes > most_file_bytes)
        fail(QUANT_ERR_FORMAT, "{}: key \"bytes\": {}, expected at most {}", from.name(), bytes, most_file_bytes);
    return bytes;
}

uint32_t read_number(const json::Reader &from, std::string_view key) {
    const uint64_t value = from.require_uint(key);
    if (value > UINT32_MAX)
        fail(QUANT_ERR_FORMAT, "{}: key \"{}\": {}, expected at most {}", from.name(), key, value, UINT32_MAX);
    return static_cast<uint32_t>(value);
}

std::string read_text(const json::Reader &from, std::string_view key, std::string_view allowed = "") {
    std::string text = from.require_string(key);
    if (has_control_bytes(text, allowed))
        fail(QUANT_ERR_FORMAT, "{}: key \"{}\": control bytes in \"{}\"", from.name(), key, printable(text));
    return text;
}

/// A string that `is_right`; errors say what was `expected`.
std::string read_checked(const json::Reader &from, std::string_view key, bool (*is_right)(std::string_view),
                         std::string_view expected) {
    std::string text = from.require_string(key);
    if (!is_right(text))
        fail(QUANT_ERR_FORMAT, "{}: key \"{}\": expected {}, found \"{}\"", from.name(), key, expected,
             printable(text));
    return text;
}

std::vector<LentFileRecord> read_files(const json::Reader &record) {
    std::vector<LentFileRecord> out;
    std::set<std::string> names;
    for (const json::value &v : record.require_array("files")) {
        const json::Reader file(v, fmt::format("{}: files[{}]", name_of_record, out.size()));
        out.push_back(
            {read_checked(file, "name", is_safe_path, a_safe_path), read_bytes(file), file.get_bool("sealed", false)});
        if (!names.insert(out.back().name).second)
            fail(QUANT_ERR_FORMAT, "{}: \"{}\" is there twice", file.name(), printable(out.back().name));
    }
    if (out.empty()) fail(QUANT_ERR_FORMAT, "{}: key \"files\": expected at least one", name_of_record);
    return out;
}

} // namespace

std::string encode_lease(const LeaseRecord &record) {
    json::array files;
    for (const LentFileRecord &f : record.files) {
        if (!is_safe_path(f.name))
            fail(QUANT_ERR_UNSUPPORTED, "{}: file \"{}\" cannot be lent: expected {}", record.model, printable(f.name),
                 a_safe_path);
        files.push_back(json::object{{"name", f.name}, {"bytes", f.bytes}, {"sealed", f.sealed}});
    }
    json::object object{{"id", record.id},          {"model", record.model}, {"title", record.title},
                        {"digest", record.digest},  {"pid", record.pid},     {"uid", record.uid},
                        {"files", std::move(files)}};
    if (const auto &p = record.pack)
        object["pack"] =
            json::object{{"bytes", p->bytes}, {"sealed", p->sealed}, {"tier", p->tier}, {"origin", p->origin}};
    const std::string text = json::serialize(object);
    if (record.descriptors() > most_descriptors)
        fail(QUANT_ERR_LIMIT, "{}: {} descriptors, of which one message takes {}", record.model, record.descriptors(),
             most_descriptors);
    if (text.size() > most_record_bytes)
        fail(QUANT_ERR_LIMIT, "{}: a lease of {} bytes; at most {} are sent", record.model, text.size(),
             most_record_bytes);
    std::string out(magic, sizeof magic);
    put_number(out, lease_version);
    put_number(out, static_cast<uint32_t>(text.size()));
    put_number(out, static_cast<uint32_t>(record.descriptors()));
    return out += text;
}

FrameHead parse_frame_head(std::span<const std::byte, frame_head_bytes> bytes) {
    if (std::memcmp(bytes.data(), magic, sizeof magic) != 0)
        fail(QUANT_ERR_FORMAT, "lease: the frame begins with no mark of one");
    const uint32_t version = number_at(bytes.data() + 8);
    if (version != lease_version)
        fail(QUANT_ERR_UNSUPPORTED, "lease: frame of version {}, expected {}", version, lease_version);
    const FrameHead head{number_at(bytes.data() + 12), number_at(bytes.data() + 16)};
    if (head.record_bytes == 0 || head.record_bytes > most_record_bytes)
        fail(QUANT_ERR_LIMIT, "lease: a record of {} bytes, expected 1 to {}", head.record_bytes, most_record_bytes);
    if (head.descriptors == 0 || head.descriptors > most_descriptors)
        fail(QUANT_ERR_LIMIT, "lease: {} descriptors, expected 1 to {}", head.descriptors, most_descriptors);
    return head;
}

LeaseRecord parse_lease_record(std::string_view text, uint32_t descriptors) {
    const json::value document = json::parse(text, name_of_record);
    const json::Reader record(document, name_of_record);
    LeaseRecord out;
    out.id = read_text(record, "id");
    out.model = read_text(record, "model");
    out.title = read_checked(record, "title", is_plain_name, "a name without folders");
    out.digest = read_text(record, "digest");
    out.pid = read_number(record, "pid"), out.uid = read_number(record, "uid");
    out.files = read_files(record);
    if (record.has("pack")) {
        const json::Reader pack = record.require_object("pack");
        out.pack = {read_bytes(pack), pack.get_bool("sealed", false), read_text(pack, "tier"),
                    read_text(pack, "origin", "\n")};
    }
    if (out.descriptors() != descriptors)
        fail(QUANT_ERR_FORMAT, "{}: the record has {} parts, and the frame {} descriptors", name_of_record,
             out.descriptors(), descriptors);
    return out;
}

} // namespace quant::wire
