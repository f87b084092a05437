// A pack: the panels of a model's matrices in a file, so that they need not be made again.
//
// A file is a head and, from a multiple of 2 MiB on, the panels of one matrix after the other, as they
// lie in memory. All offsets are from the file's start and nothing depends on where it is mapped. The head has
//   "QUANTPAK", version, byte order, layout version     8, 4, 4, 4 bytes, and 4 zeros
//   file's size, panels' start, their size, matrices    8 bytes each
//   identity                                            64 hex digits: of which weights, PackPlan
//   a record for each matrix                            name (64 bytes, zeros behind), encoding (4, and 4
//                                                       zeros), rows, columns, offset, bytes (8 each)
//   checksums of the panels, 2 MiB each                 8 bytes each
//   checksum of all of the head before it               8 bytes
// Numbers are little-endian. Who reads a pack knows what it must say but for the checksums, so nothing
// in the file is used as a size or an offset: it is compared.
#pragma once

#include "kernel/pack.h"
#include "machine/huge_map.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace quant {

inline constexpr uint32_t pack_version = 1;

/// A matrix that may get panels.
struct PanelMatrix {
    std::string name; ///< Of its tensor.
    PackedMatrix *matrix;
};

/// What a pack of some matrices says.
struct PackPlan {
    struct Entry {
        std::string name;
        quant_encoding encoding;
        uint64_t rows, cols, offset, bytes;
    };
    std::string identity;
    std::vector<Entry> entries; ///< Of each matrix; those without panels have no bytes.
    uint64_t data_at = 0, data_bytes = 0;

    uint64_t file_bytes() const { return data_at + data_bytes; }
};

/// `origin` says which files the weights are from, in a way that changes when these do. Samples
/// of the weights are taken into the identity as well.
PackPlan plan_pack(const std::string &origin, std::span<const PanelMatrix> matrices);

/// Immutable.
class PackFile {
public:
    /// Maps and checks all of it, by all workers. Throws Error, naming the file and what was expected:
    /// it is missing, not of this plan (QUANT_ERR_FORMAT, QUANT_ERR_TRUNCATED), or damaged (QUANT_ERR_FORMAT).
    static std::shared_ptr<const PackFile> open(const std::filesystem::path &path, const PackPlan &plan,
                                                WorkerPool &pool);

    /// What is mapped already; with a pool all of it is checked likewise, without one the head alone. `name` is for messages.
    static std::shared_ptr<const PackFile> of(std::shared_ptr<const HugeMap> map, const std::string &name,
                                              const PackPlan &plan, WorkerPool *pool);

    /// Of the matrix with that number.
    std::span<const std::byte> panels(const PackPlan &plan, size_t matrix) const;
    /// Whether nearly all of it lies in pages of 2 MiB.
    bool in_huge_pages() const;
    /// Of the file, for reading.
    int descriptor() const { return map_->descriptor(); }
    std::span<const std::byte> bytes() const { return map_->bytes(); }

private:
    std::shared_ptr<const HugeMap> map_;
};

/// Writes the panels of matrices that have them under that name, which appears when all is there. Throws Error:
/// a full disk and what else OutputFile does.
void write_pack(const std::filesystem::path &path, const PackPlan &plan, std::span<const PanelMatrix> matrices,
                WorkerPool &pool);

/// Makes the panels of matrices that have none, a matrix at a time, and gives the bytes of the pack to `write`, in any order and
/// from any thread: each once, and its place. The pool's workers are of no node.
void make_pack(const PackPlan &plan, std::span<const PanelMatrix> matrices, WorkerPool &pool,
               const std::function<void(uint64_t, std::span<const std::byte>)> &write);

} // namespace quant
