// Files that clients bring, by what they contain: sha256-DIGEST in one folder, each whole or not there.
//
// They come over the network piece by piece, are hashed on the way and written beside their place; what breaks off,
// or is not what its digest says, is gone. A model made of a blob has the file under a second name, so that blobs
// need not stay: those that were not used for a week go at the next start.
#pragma once

#include "body_sink.h"
#include "job_thread.h"
#include "reply.h"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace quantd {

/// Threads: any.
class BlobStore {
public:
    explicit BlobStore(std::filesystem::path folder) : folder_(std::move(folder)) {}

    /// "sha256:" and 64 digits of a to f and 0 to 9. Throws ApiError (400).
    static std::string require_digest(std::string_view text);

    /// Where that blob is; nothing where it is not. Blocks on disk.
    std::optional<std::filesystem::path> find(std::string_view digest) const;
    /// For the body of a request that brings one. Throws ApiError: 503 too many at a time, 507 no space for it.
    std::shared_ptr<BodySink> begin(std::string_view digest, std::optional<uint64_t> announced);
    /// The body is whole: the answer comes when it is in its place, or is not what it should be.
    void finish(const RequestPtr &request, const ReplyPtr &reply);
    /// Removes what was broken off by a kill, and what has not been used for long. Blocks on disk.
    void clean();
    /// In Prometheus' text format.
    std::string render_prometheus() const;

private:
    struct Upload;
    class Sink;

    const std::filesystem::path folder_;
    std::atomic<unsigned> open_ = 0;
    std::atomic<uint64_t> stored_ = 0;
    JobThread writer_{"quantd-blobs"}; ///< Last: its jobs use what is above.
};

} // namespace quantd
