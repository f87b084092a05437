#include "blob_store.h"

#include "daemon_log.h"
#include "http_limits.h"
#include "library.h"
#include "prometheus.h"

#include "base/error.h"
#include "base/file.h"
#include "base/leftovers.h"
#include "base/sha256.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

namespace quantd {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view scheme = "sha256:";
constexpr auto unused_for = std::chrono::hours(7 * 24);

ApiError no_space(uint64_t needed, uint64_t free) {
    return {.status = 507,
            .message = fmt::format("the blob has {} bytes, but only {} are free", needed, free),
            .code = "no_space"};
}

ApiError error_of_exception(const std::exception &error) {
    if (const auto *known = dynamic_cast<const quant::Error *>(&error))
        return error_of(known->status(), without_paths(known->what()));
    return {.status = 500, .message = "the blob could not be stored"};
}

} // namespace

/// Shared by the connection's end and the writer's.
struct BlobStore::Upload {
    std::string hex;
    fs::path place;
    uint64_t announced = 0;

    std::mutex mutex; ///< Of these four.
    size_t backlog = 0, below = 0;
    std::function<void()> on_room;
    std::optional<ApiError> failure;

    // The writer's own.
    std::unique_ptr<quant::OutputFile> file;
    quant::Sha256 hash;

    void write(const std::string &piece);
    void store();
    void fail(ApiError error);
    void written(size_t bytes);
};

void BlobStore::Upload::fail(ApiError error) {
    file.reset();
    const std::lock_guard lock(mutex);
    if (!failure) failure = std::move(error);
}

// Under the lock, so that whoever takes the callback back can be sure that it is not running.
void BlobStore::Upload::written(size_t bytes) {
    const std::lock_guard lock(mutex);
    backlog -= bytes;
    if (on_room && (backlog < below || failure)) std::exchange(on_room, nullptr)();
}

void BlobStore::Upload::write(const std::string &piece) {
    {
        const std::lock_guard lock(mutex);
        if (failure) return;
    }
    try {
        if (!file) {
            fs::create_directories(place.parent_path());
            file = std::make_unique<quant::OutputFile>(place, announced);
            file->set_mode(0444); // Nothing changes it from now on.
        }
        file->write(piece);
        hash.update(piece);
    } catch (const std::exception &error) {
        log(LogLevel::warning, "a blob could not be stored: {}", error.what());
        fail(error_of_exception(error));
    }
}

void BlobStore::Upload::store() {
    write(""); // So that an empty blob is a file, too.
    if (failure) throw *failure;
    const std::string found = hash.hex();
    if (found != hex) {
        file.reset();
        throw ApiError{.status = 400,
                       .message = fmt::format("the body's digest is sha256:{}: expected sha256:{}", found, hex),
                       .code = "digest_mismatch"};
    }
    try {
        file->commit();
    } catch (const std::exception &error) {
        log(LogLevel::warning, "a blob could not be stored: {}", error.what());
        file.reset();
        throw error_of_exception(error);
    }
    file.reset();
}

class BlobStore::Sink final : public BodySink {
public:
    Sink(BlobStore &store, std::shared_ptr<Upload> upload) : store_(store), upload_(std::move(upload)) {}
    ~Sink() override {
        {
            const std::lock_guard lock(upload_->mutex);
            upload_->on_room = nullptr;
        }
        --store_.open_;
        store_.writer_.post([upload = std::move(upload_)] { upload->file.reset(); }); // Removed unless it was stored.
    }
    Sink(const Sink &) = delete;
    Sink &operator=(const Sink &) = delete;

    void take(std::string piece) override {
        {
            const std::lock_guard lock(upload_->mutex);
            upload_->backlog += piece.size();
        }
        store_.writer_.post([upload = upload_, piece = std::move(piece)] {
            upload->write(piece);
            upload->written(piece.size());
        });
    }
    size_t backlog() const override {
        const std::lock_guard lock(upload_->mutex);
        return upload_->backlog;
    }
    void on_room(size_t below, std::function<void()> fn) override {
        const std::lock_guard lock(upload_->mutex);
        if (upload_->backlog < below || upload_->failure) return fn();
        upload_->below = below;
        upload_->on_room = std::move(fn);
    }
    std::optional<ApiError> failure() const override {
        const std::lock_guard lock(upload_->mutex);
        return upload_->failure;
    }
    const std::shared_ptr<Upload> &upload() const { return upload_; }

private:
    BlobStore &store_;
    std::shared_ptr<Upload> upload_;
};

std::string BlobStore::require_digest(std::string_view text) {
    const std::string_view hex = text.substr(std::min(scheme.size(), text.size()));
    if (text.starts_with(scheme) && hex.size() == 64 &&
        hex.find_first_not_of("0123456789abcdef") == std::string_view::npos)
        return std::string(hex);
    throw ApiError{.status = 400,
                   .message = fmt::format("\"{}\" is no digest: expected sha256: and 64 digits of 0-9 and a-f",
                                          quant::printable(text)),
                   .code = "invalid_digest"};
}

std::optional<fs::path> BlobStore::find(std::string_view digest) const {
    const fs::path place = folder_ / ("sha256-" + require_digest(digest));
    std::error_code error;
    if (!fs::is_regular_file(fs::symlink_status(place, error))) return std::nullopt;
    return place;
}

std::shared_ptr<BodySink> BlobStore::begin(std::string_view digest, std::optional<uint64_t> announced) {
    auto upload = std::make_shared<Upload>();
    upload->hex = require_digest(digest);
    upload->place = folder_ / ("sha256-" + upload->hex);
    upload->announced = announced.value_or(0);
    fs::path there = folder_;
    std::error_code error;
    while (!fs::exists(there, error) && there.has_relative_path()) there = there.parent_path();
    if (const fs::space_info space = fs::space(there, error); !error && upload->announced > space.available)
        throw no_space(upload->announced, space.available);
    if (++open_ > limits::uploads) {
        --open_;
        throw ApiError{.status = 503,
                       .message = fmt::format("{} blobs are being uploaded already", limits::uploads),
                       .code = "too_many_uploads",
                       .retry_after = 10};
    }
    return std::make_shared<Sink>(*this, std::move(upload));
}

void BlobStore::finish(const RequestPtr &request, const ReplyPtr &reply) {
    writer_.post([this, request, reply] {
        const auto &upload = static_cast<const Sink &>(*request->sink).upload();
        try {
            upload->store();
            ++stored_;
            reply->send(201, "", "");
        } catch (const ApiError &error) {
            reply->send(error.status, "application/json", render_error(ApiStyle::ollama, error), error_headers(error));
        }
    });
}

void BlobStore::clean() {
    std::error_code error;
    uint32_t removed = quant::remove_leftovers(folder_);
    for (const fs::directory_entry &entry : fs::directory_iterator(folder_, error)) {
        if (!entry.path().filename().string().starts_with("sha256-")) continue;
        const auto age = fs::file_time_type::clock::now() - entry.last_write_time(error);
        if (!error && age > unused_for && fs::remove(entry.path(), error)) ++removed;
    }
    if (removed) log(LogLevel::info, "{} blobs that nobody uses are removed", removed);
}

std::string BlobStore::render_prometheus() const {
    std::string out;
    append_metric(out, "quantd_uploads", "gauge", "Blobs that are being uploaded.", open_.load());
    append_metric(out, "quantd_blobs_total", "counter", "Blobs stored since the start.", stored_.load());
    return out;
}

} // namespace quantd
