// The frame that lends a model: what its descriptors are.
//
// A client asks GET /quant/v1/lease?model=NAME with Connection: Upgrade and Upgrade: quant-lease/1; with &parts=files it
// gets the files without the packed weights, as one does that has these still from a daemon that died. Behind the head of the
// 101 that answers comes one frame, and with the frame's first byte its descriptors (SCM_RIGHTS). A frame is
//   "QLEASE\r\n", version, bytes of the record, descriptors     8, 4, 4, 4 bytes; numbers little-endian
//   the record                                                   a JSON object
// From then on nobody says anything: the lease is the connection.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace quant::wire {

inline constexpr std::string_view lease_path = "/quant/v1/lease";
inline constexpr std::string_view lease_of_files = "files"; ///< The value of "parts".
inline constexpr std::string_view lease_protocol = "quant-lease/1";
inline constexpr uint32_t lease_version = 1;
inline constexpr size_t frame_head_bytes = 20;
inline constexpr size_t most_descriptors = 253; ///< The kernel's limit of one message.
inline constexpr size_t most_record_bytes = 256 * 1024;
inline constexpr size_t most_name_bytes = 255; ///< Of a file, as file systems have it.

/// A file that is lent. Its descriptor has the same place among descriptors.
struct LentFileRecord {
    std::string name; ///< From the model's folder on: "config.json", or in one folder, "1_Pooling/config.json".
    uint64_t bytes = 0;
    bool sealed = false;
};

/// Packed weights; their descriptor is the last.
struct LentPackRecord {
    uint64_t bytes = 0;
    bool sealed = false;
    std::string tier;   ///< That they were made for.
    std::string origin; ///< What the pack says of which weights it has.
};

struct LeaseRecord {
    std::string id;     ///< The daemon's, for logs.
    std::string model;  ///< "model:variant".
    std::string title;  ///< The name of a folder that the files could be in.
    std::string digest; ///< Of the model, as the catalog has it; may be "".
    std::vector<LentFileRecord> files;
    std::optional<LentPackRecord> pack;
    uint32_t pid = 0, uid = 0; ///< The daemon's.

    size_t descriptors() const { return files.size() + (pack ? 1 : 0); }
};

struct FrameHead {
    uint32_t record_bytes, descriptors;
};

/// The whole frame. Throws Error (QUANT_ERR_LIMIT): more descriptors or bytes than one may have; QUANT_ERR_UNSUPPORTED: a
/// file whose name borrowers would refuse.
std::string encode_lease(const LeaseRecord &record);

/// Throws Error (QUANT_ERR_FORMAT; QUANT_ERR_UNSUPPORTED: another version; QUANT_ERR_LIMIT).
FrameHead parse_frame_head(std::span<const std::byte, frame_head_bytes> bytes);

/// The record of a frame with so many descriptors. Throws Error (QUANT_ERR_FORMAT) naming the key and what was expected.
LeaseRecord parse_lease_record(std::string_view json, uint32_t descriptors);

} // namespace quant::wire
