#include "model/pack_file.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/file.h"
#include "base/sha256.h"
#include "kernel/pack_hash.h"
#include "kernel/panel_shape.h"
#include "machine/huge_buffer.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace quant {

namespace {

static_assert(std::endian::native == std::endian::little, "packs are written and read as memory has them");

constexpr char magic[8] = {'Q', 'U', 'A', 'N', 'T', 'P', 'A', 'K'};
constexpr uint32_t byte_order = 0x01020304;
constexpr size_t name_bytes = 64, identity_bytes = 64;
// Also what is written at once: file systems then keep it in one page of 2 MiB.
constexpr uint64_t piece_bytes = huge_page;

struct Start {
    char magic[8];
    uint32_t version, byte_order, layout, zero;
    uint64_t file_bytes, data_at, data_bytes, matrices;
    char identity[identity_bytes];
};

struct Record {
    char name[name_bytes];
    uint32_t encoding, zero;
    uint64_t rows, cols, offset, bytes;
};

uint64_t pieces_of(const PackPlan &plan) { return (plan.data_bytes + piece_bytes - 1) / piece_bytes; }

// Of the head: all that is known before the panels are, then the checksums.
uint64_t known_bytes(const PackPlan &plan) { return sizeof(Start) + plan.entries.size() * sizeof(Record); }
uint64_t head_bytes(const PackPlan &plan) { return known_bytes(plan) + (pieces_of(plan) + 1) * sizeof(uint64_t); }

void put_text(const std::string &text, std::span<char> out) {
    std::memcpy(out.data(), text.data(), std::min(text.size(), out.size()));
}

// The head, with these checksums.
std::vector<std::byte> make_head(const PackPlan &plan, std::span<const uint64_t> checksums) {
    std::vector<std::byte> out(head_bytes(plan));
    Start start{{}, pack_version, byte_order, kernel::panel_layout_version, 0, plan.file_bytes(), plan.data_at,
                plan.data_bytes, plan.entries.size(), {}};
    std::memcpy(start.magic, magic, sizeof magic);
    put_text(plan.identity, start.identity);
    std::memcpy(out.data(), &start, sizeof start);
    std::byte *to = out.data() + sizeof start;
    for (const PackPlan::Entry &e : plan.entries) {
        Record record{{}, static_cast<uint32_t>(e.encoding), 0, e.rows, e.cols, e.offset, e.bytes};
        put_text(e.name, record.name);
        std::memcpy(to, &record, sizeof record);
        to += sizeof record;
    }
    if (!checksums.empty()) std::memcpy(to, checksums.data(), checksums.size_bytes());
    const uint64_t of_head = kernel::pack_hash(std::span(out).first(out.size() - sizeof of_head));
    std::memcpy(out.data() + out.size() - sizeof of_head, &of_head, sizeof of_head);
    return out;
}

// Which of the head's parts is not as expected, and the checksums where all is.
std::vector<uint64_t> check_head(const std::string &file, std::span<const std::byte> bytes, const PackPlan &plan) {
    if (bytes.size() < sizeof(Start))
        fail(QUANT_ERR_TRUNCATED, "{}: {} bytes; a pack's head has at least {}", file, bytes.size(), sizeof(Start));
    Start start;
    std::memcpy(&start, bytes.data(), sizeof start);
    if (std::memcmp(start.magic, magic, sizeof magic) != 0) fail(QUANT_ERR_FORMAT, "{}: not a pack", file);
    if (start.version != pack_version || start.byte_order != byte_order || start.layout != kernel::panel_layout_version)
        fail(QUANT_ERR_FORMAT, "{}: version {}, layout {}, byte order {:#x}; expected {}, {}, {:#x}", file, start.version,
             start.layout, start.byte_order, pack_version, kernel::panel_layout_version, byte_order);
    if (bytes.size() != plan.file_bytes())
        fail(QUANT_ERR_TRUNCATED, "{}: {} bytes; expected {}", file, bytes.size(), plan.file_bytes());
    const uint64_t known = known_bytes(plan), all = head_bytes(plan);
    std::vector<uint64_t> checksums(pieces_of(plan));
    if (!checksums.empty()) std::memcpy(checksums.data(), bytes.data() + known, checksums.size() * sizeof(uint64_t));
    const std::vector<std::byte> expected = make_head(plan, checksums);
    if (std::memcmp(bytes.data(), expected.data(), known) != 0)
        fail(QUANT_ERR_FORMAT, "{}: of other weights than the model's", file);
    if (std::memcmp(bytes.data() + known, expected.data() + known, all - known) != 0)
        fail(QUANT_ERR_FORMAT, "{}: the head is damaged: its checksum is not that of its bytes", file);
    return checksums;
}

std::span<const std::byte> piece_of(std::span<const std::byte> data, size_t piece) {
    const uint64_t at = piece * piece_bytes;
    return data.subspan(at, std::min<uint64_t>(piece_bytes, data.size() - at));
}

// Bytes of all panels from `offset` (from the first one's start) on.
void copy_data(const PackPlan &plan, std::span<const PanelMatrix> matrices, uint64_t offset, std::span<std::byte> out) {
    for (size_t i = 0; i < matrices.size() && !out.empty(); i++) {
        const PackPlan::Entry &e = plan.entries[i];
        const uint64_t start = e.offset - plan.data_at;
        if (offset >= start + e.bytes) continue;
        const auto n = std::min<uint64_t>(out.size(), start + e.bytes - offset);
        matrices[i].matrix->copy_panels(offset - start, out.first(n));
        out = out.subspan(n), offset += n;
    }
}

// Of the weights: their first, middle and last rows.
uint64_t sample(const PackedMatrix &matrix) {
    uint64_t sums[3];
    const uint64_t rows[3] = {0, matrix.rows() / 2, matrix.rows() - 1};
    for (size_t i = 0; i < 3; i++) sums[i] = kernel::pack_hash(matrix.row_bytes(rows[i]));
    return kernel::pack_hash(std::as_bytes(std::span(sums)));
}

} // namespace

PackPlan plan_pack(const std::string &origin, std::span<const PanelMatrix> matrices) {
    PackPlan plan;
    std::string text = fmt::format("pack {} of layout {}\n{}\n", pack_version, kernel::panel_layout_version, origin);
    for (const PanelMatrix &m : matrices) {
        const uint64_t bytes = m.matrix->panel_bytes();
        if (bytes == 0) {
            plan.entries.push_back({m.name, QUANT_F32, 0, 0, 0, 0});
            continue;
        }
        plan.entries.push_back({m.name, m.matrix->encoding().id, m.matrix->rows(), m.matrix->cols(), plan.data_bytes, bytes});
        plan.data_bytes += bytes;
        text += fmt::format("{} {} {} {} {:x}\n", m.name, m.matrix->encoding().name, m.matrix->rows(), m.matrix->cols(),
                            sample(*m.matrix));
    }
    plan.identity = sha256_hex(text);
    plan.data_at = (head_bytes(plan) + piece_bytes - 1) / piece_bytes * piece_bytes;
    for (PackPlan::Entry &e : plan.entries) e.offset += plan.data_at;
    return plan;
}

std::shared_ptr<const PackFile> PackFile::open(const std::filesystem::path &path, const PackPlan &plan,
                                               WorkerPool &pool) {
    return of(HugeMap::open(path), path.string(), plan, &pool);
}

std::shared_ptr<const PackFile> PackFile::of(std::shared_ptr<const HugeMap> map, const std::string &name,
                                             const PackPlan &plan, WorkerPool *pool) {
    const auto out = std::make_shared<PackFile>();
    out->map_ = std::move(map);
    const std::string file = printable(name, 4096);
    const std::vector<uint64_t> checksums = check_head(file, out->map_->bytes(), plan);
    if (!pool) return out;
    const std::span<const std::byte> data = out->map_->bytes().subspan(plan.data_at);
    pool->parallel_for(checksums.size(), 1, [&](size_t begin, size_t end, unsigned) {
        for (size_t i = begin; i < end; i++)
            if (kernel::pack_hash(piece_of(data, i)) != checksums[i])
                fail(QUANT_ERR_FORMAT, "{}: damaged between bytes {} and {}: the checksum is another", file,
                     plan.data_at + i * piece_bytes, std::min(plan.data_at + (i + 1) * piece_bytes, plan.file_bytes()));
    });
    return out;
}

std::span<const std::byte> PackFile::panels(const PackPlan &plan, size_t matrix) const {
    const PackPlan::Entry &e = plan.entries.at(matrix);
    return map_->bytes().subspan(e.offset, e.bytes);
}

bool PackFile::in_huge_pages() const { return huge_share(map_->bytes()) > 0.9; }

void write_pack(const std::filesystem::path &path, const PackPlan &plan, std::span<const PanelMatrix> matrices,
                WorkerPool &pool) {
    OutputFile out(path, plan.file_bytes());
    out.set_mode(0600);
    out.allocate(plan.file_bytes());
    std::vector<uint64_t> checksums(pieces_of(plan));
    std::vector<HugeBuffer> buffers;
    for (unsigned w = 0; w < pool.size(); w++) buffers.emplace_back(piece_bytes);
    pool.parallel_for(checksums.size(), 1, [&](size_t begin, size_t end, unsigned worker) {
        for (size_t i = begin; i < end; i++) {
            const uint64_t at = i * piece_bytes;
            const std::span<std::byte> piece =
                buffers[worker].bytes().first(std::min<uint64_t>(piece_bytes, plan.data_bytes - at));
            copy_data(plan, matrices, at, piece);
            checksums[i] = kernel::pack_hash(piece);
            out.write_at(plan.data_at + at, piece);
        }
    });
    out.write_at(0, make_head(plan, checksums));
    // Not synced: what a crash of the system loses, the checksums tell, and then it is made again.
    out.commit_unsynced();
}

void make_pack(const PackPlan &plan, std::span<const PanelMatrix> matrices, WorkerPool &pool,
               const std::function<void(uint64_t, std::span<const std::byte>)> &write) {
    std::vector<uint64_t> checksums(pieces_of(plan));
    uint64_t largest = 0;
    for (const PackPlan::Entry &e : plan.entries) largest = std::max(largest, e.bytes);
    // What of a matrix fills no piece waits in front of the next one.
    HugeBuffer stage(piece_bytes + largest);
    uint64_t held = 0, given = 0; // Bytes in the stage; pieces.
    const auto give = [&](uint64_t bytes) {
        const size_t pieces = (bytes + piece_bytes - 1) / piece_bytes;
        pool.parallel_for(pieces, 1, [&](size_t begin, size_t end, unsigned) {
            for (size_t i = begin; i < end; i++) {
                const std::span<const std::byte> piece = piece_of(stage.bytes().first(bytes), i);
                checksums[given + i] = kernel::pack_hash(piece);
                write(plan.data_at + (given + i) * piece_bytes, piece);
            }
        });
        std::memmove(stage.bytes().data(), stage.bytes().data() + bytes, held - bytes);
        given += pieces, held -= bytes;
    };
    for (size_t i = 0; i < matrices.size(); i++) {
        const uint64_t bytes = plan.entries[i].bytes;
        if (bytes == 0) continue;
        const std::span<std::byte> place = stage.bytes().subspan(held, bytes);
        (void)matrices[i].matrix->with_panels({&place, 1}, nullptr, pool);
        held += bytes;
        give(held / piece_bytes * piece_bytes);
    }
    give(held);
    write(0, make_head(plan, checksums));
}

} // namespace quant
