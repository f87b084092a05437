// The two kinds of importance files. All numbers little-endian.
//
// GGUF: general.type "imatrix", imatrix.datasets (strings), imatrix.chunk_count and
// imatrix.chunk_size (u32); for each tensor NAME two F32 tensors, NAME.in_sum2 (matrices
// x columns: sums of squares) and NAME.counts (matrices x 1: tokens).
//
// The older one: i32 entries; for each i32 length and bytes of the name, i32 calls, i32
// values, values x f32 (mean square times calls); then, where they are there, i32 chunks,
// i32 length and bytes of the text's path. It tells neither tokens nor matrices.
#include "base/error.h"
#include "base/file.h"
#include "container/byte_reader.h"
#include "container/container.h"
#include "container/gguf_format.h"
#include "quantize/importance.h"

#include <cmath>
#include <cstring>
#include <algorithm>

namespace quant {

namespace {

constexpr std::string_view sums_suffix = ".in_sum2", counts_suffix = ".counts";
constexpr int32_t most_entries = 1 << 20, most_name_bytes = 4096;
constexpr uint32_t usual_chunk_tokens = 512;

class LegacyReader {
public:
    LegacyReader(std::span<const std::byte> bytes, std::string name) : name_(std::move(name)), reader_(bytes, name_) {}

    Importance read() {
        Importance out;
        out.name = name_;
        const int32_t entries = count("number of entries", 1, most_entries);
        for (int32_t i = 0; i < entries; i++) read_entry(out);
        out.chunk_tokens = usual_chunk_tokens;
        if (reader_.remaining() == 0) return out; // The oldest files end here.
        out.chunks = static_cast<uint32_t>(count("number of chunks", 0, INT32_MAX));
        out.datasets.emplace_back(reader_.text(length("length of the text's path", 0)));
        if (reader_.remaining() != 0)
            fail(QUANT_ERR_FORMAT, "{}: {} bytes follow the end of the statistics", name_, reader_.remaining());
        return out;
    }

private:
    int32_t count(const char *what, int32_t least, int32_t most) {
        reader_.begin_item(what);
        const auto value = reader_.number<int32_t>();
        if (value < least || value > most)
            fail(QUANT_ERR_FORMAT, "{}: the {} at offset {} is {}, expected {} to {}", name_, what,
                 reader_.position() - sizeof value, value, least, most);
        return value;
    }
    uint64_t length(const char *what, int32_t least) {
        return static_cast<uint64_t>(count(what, least, most_name_bytes));
    }
    void read_entry(Importance &out) {
        const std::string tensor(reader_.text(length("length of a tensor's name", 1)));
        const int32_t calls = count("number of calls", 0, INT32_MAX);
        const auto values = static_cast<size_t>(count("number of values", 1, INT32_MAX));
        reader_.begin_item("tensor " + printable(tensor));
        const std::byte *bytes = reader_.take(values * sizeof(float));
        ImportanceEntry e;
        e.sums.resize(values);
        std::memcpy(e.sums.data(), bytes, values * sizeof(float));
        // Counted in chunks; only the ratio to the values matters.
        e.counts.assign(1, static_cast<float>(calls));
        if (!out.entries.emplace(tensor, std::move(e)).second)
            fail(QUANT_ERR_FORMAT, "{}: tensor \"{}\" appears twice", name_, printable(tensor));
    }

    std::string name_;
    ByteReader reader_;
};

Importance read_gguf(const std::filesystem::path &path) {
    const auto container = Container::open(path);
    const Metadata &metadata = container->metadata();
    if (metadata.find_string("general.type").value_or("") != "imatrix")
        fail(QUANT_ERR_FORMAT, "{}: key general.type: expected \"imatrix\": the file holds no importance statistics",
             metadata.name());
    Importance out;
    out.name = metadata.name();
    if (const auto *datasets = metadata.find_strings("imatrix.datasets")) out.datasets = *datasets;
    out.chunks = static_cast<uint32_t>(metadata.find_uint("imatrix.chunk_count").value_or(0));
    out.chunk_tokens = static_cast<uint32_t>(metadata.find_uint("imatrix.chunk_size").value_or(usual_chunk_tokens));
    for (const TensorInfo &sums : container->tensors()) {
        if (!sums.name.ends_with(sums_suffix)) continue;
        const std::string tensor = sums.name.substr(0, sums.name.size() - sums_suffix.size());
        const TensorInfo &counts = container->require(tensor + std::string(counts_suffix));
        if (!sums.encoding || sums.encoding->id != QUANT_F32 || !counts.encoding || counts.encoding->id != QUANT_F32)
            fail(QUANT_ERR_FORMAT, "{}: tensor {}: expected F32", out.name, printable(sums.name));
        if (counts.elements() == 0 || sums.elements() % counts.elements() != 0 || counts.elements() != sums.rows())
            fail(QUANT_ERR_FORMAT, "{}: tensor {} has {} values for {} counts", out.name, printable(sums.name),
                 sums.elements(), counts.elements());
        out.entries[tensor] = {container->decode(sums), container->decode(counts)};
    }
    if (out.entries.empty()) fail(QUANT_ERR_FORMAT, "{}: no tensor NAME{} is there", out.name, sums_suffix);
    return out;
}

void write_gguf(const Importance &importance, const std::filesystem::path &path) {
    Metadata metadata(path.string());
    metadata.set("general.type", std::string("imatrix"));
    metadata.set("imatrix.datasets", MetadataArray{importance.datasets});
    metadata.set("imatrix.chunk_count", importance.chunks);
    metadata.set("imatrix.chunk_size", importance.chunk_tokens);
    std::vector<TensorPlan> plan;
    for (const auto &[tensor, e] : importance.entries) {
        plan.push_back({tensor + std::string(sums_suffix), {e.counts.size(), e.columns()}, QUANT_F32});
        plan.push_back({tensor + std::string(counts_suffix), {e.counts.size(), 1}, QUANT_F32});
    }
    GgufWriter writer(path, metadata, std::move(plan));
    for (const auto &[tensor, e] : importance.entries) {
        writer.add(std::as_bytes(std::span(e.sums)));
        writer.add(std::as_bytes(std::span(e.counts)));
    }
    writer.commit();
}

void write_legacy(const Importance &importance, const std::filesystem::path &path) {
    OutputFile out(path);
    const auto put = [&](int32_t v) { out.write(std::as_bytes(std::span(&v, 1))); };
    const auto put_text = [&](const std::string &text) {
        put(static_cast<int32_t>(text.size()));
        out.write(text);
    };
    put(static_cast<int32_t>(importance.entries.size()));
    const float chunk = static_cast<float>(std::max(1u, importance.chunk_tokens));
    for (const auto &[tensor, e] : importance.entries) {
        put_text(tensor);
        const float most = *std::max_element(e.counts.begin(), e.counts.end());
        const auto calls = static_cast<int32_t>(std::max(1.0f, std::ceil(most / chunk)));
        put(calls);
        put(static_cast<int32_t>(e.sums.size()));
        std::vector<float> values(e.sums.size());
        for (size_t i = 0; i < values.size(); i++) {
            const float count = e.counts[i / e.columns()];
            values[i] = (count > 0 ? e.sums[i] / count : 1.0f) * static_cast<float>(calls);
        }
        out.write(std::as_bytes(std::span(values)));
    }
    put(static_cast<int32_t>(importance.chunks));
    put_text(importance.datasets.empty() ? "" : importance.datasets.back());
    out.commit();
}

} // namespace

Importance read_importance(const std::filesystem::path &path) {
    const auto file = MappedFile::open(path);
    if (file->text().starts_with(gguf::magic)) return read_gguf(path);
    return LegacyReader(file->bytes(), path.string()).read();
}

void write_importance(const Importance &importance, ImportanceFormat format, const std::filesystem::path &path) {
    format == ImportanceFormat::gguf ? write_gguf(importance, path) : write_legacy(importance, path);
}

} // namespace quant
