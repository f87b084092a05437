#include "reply_state.h"

#include "http_limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <iterator>

namespace quantd {

namespace {

std::string http_date() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    char text[40];
    return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

// A name or value from a handler may hold text of a peer; a line end in it would begin a header of the peer's choice.
void append_header(std::string &out, std::string_view name, std::string_view value) {
    const auto clean = [&](std::string_view text) {
        for (const char c : text) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    };
    clean(name), out += ": ", clean(value), out += "\r\n";
}

class ReplyHandle final : public Reply {
public:
    explicit ReplyHandle(std::shared_ptr<ReplyState> state) : state_(std::move(state)) {}
    ~ReplyHandle() override { state_->dropped(); }
    ReplyHandle(const ReplyHandle &) = delete;
    ReplyHandle &operator=(const ReplyHandle &) = delete;

    void send(int status, std::string_view content_type, std::string body, const Headers &extra) override {
        state_->send(status, content_type, std::move(body), extra);
    }
    void begin_stream(int status, std::string_view content_type, const Headers &extra) override {
        state_->begin_stream(status, content_type, extra);
    }
    bool write(std::string chunk) override { return state_->write(std::move(chunk)); }
    void end() override { state_->end(); }
    void abort() override { state_->abort(); }
    size_t backlog() const override { return state_->backlog(); }
    void on_gone(std::function<void()> fn) override { state_->on_gone(std::move(fn)); }
    void on_drained(size_t below, std::function<void()> fn) override { state_->on_drained(below, std::move(fn)); }
    void upgrade(std::string protocol, std::string frame, std::vector<quant::Descriptor> descriptors) override {
        state_->upgrade(protocol, frame, std::move(descriptors));
    }

private:
    std::shared_ptr<ReplyState> state_;
};

bool has_no_body(int status) { return status == 204 || status == 304 || status < 200; }

} // namespace

ReplyPtr make_reply(std::shared_ptr<ReplyState> state) { return std::make_shared<ReplyHandle>(std::move(state)); }

// Under the mutex, as everything below that is private.
std::string ReplyState::head(int status, std::string_view content_type, const Reply::Headers &extra,
                             const std::string &framing) {
    std::string out = fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\n", status, reason_phrase(status), http_date());
    if (!content_type.empty()) append_header(out, "Content-Type", content_type);
    out += framing;
    for (const auto &[name, value] : framing_.headers) append_header(out, name, value);
    for (const auto &[name, value] : extra) append_header(out, name, value);
    if (!framing_.keep_alive) out += "Connection: close\r\n";
    return out += "\r\n";
}

void ReplyState::queue(std::string_view bytes) {
    outgoing_ += bytes;
    backlog_ += bytes.size();
    wake();
}

void ReplyState::wake() {
    if (woken_ || !wake_) return;
    woken_ = true;
    wake_();
}

// What is still registered can never be called; it may hold what the handler wants freed, the Reply
// itself too. So the caller destroys it after the mutex is released.
ReplyState::Leftovers ReplyState::finish() {
    wake_ = nullptr;
    return {std::exchange(gone_callbacks_, {}), std::exchange(drained_callbacks_, {})};
}

void ReplyState::send(int status, std::string_view content_type, std::string body, const Reply::Headers &extra) {
    const std::lock_guard lock(mutex_);
    if (phase_ != Phase::waiting || gone_) return;
    phase_ = Phase::ended;
    status_ = status;
    const bool bare = has_no_body(status);
    std::string bytes = head(status, bare ? std::string_view() : content_type, extra,
                             bare ? std::string() : fmt::format("Content-Length: {}\r\n", body.size()));
    if (!bare && !framing_.head_only) bytes += body;
    queue(bytes);
}

void ReplyState::begin_stream(int status, std::string_view content_type, const Reply::Headers &extra) {
    const std::lock_guard lock(mutex_);
    if (phase_ != Phase::waiting || gone_) return;
    phase_ = Phase::streaming;
    status_ = status;
    stream_type_ = content_type;
    chunked_ = !framing_.http10;
    if (framing_.http10) framing_.keep_alive = false;
    queue(head(status, content_type, extra, chunked_ ? "Transfer-Encoding: chunked\r\n" : ""));
}

// What the connection ends with is told to who waits for it, also when it is over.
void ReplyState::upgrade(const std::string &protocol, const std::string &frame,
                         std::vector<quant::Descriptor> descriptors) {
    const std::lock_guard lock(mutex_);
    if (phase_ != Phase::waiting || gone_) return;
    phase_ = Phase::upgraded;
    status_ = 101;
    framing_.keep_alive = true; // Or its head would say "Connection: close".
    descriptors_ = std::move(descriptors);
    queue(head(status_, "", {{"Connection", "Upgrade"}, {"Upgrade", protocol}}, "") + frame);
}

std::vector<quant::Descriptor> ReplyState::take_descriptors() {
    const std::lock_guard lock(mutex_);
    return std::exchange(descriptors_, {});
}

bool ReplyState::upgraded() const {
    const std::lock_guard lock(mutex_);
    return phase_ == Phase::upgraded;
}

bool ReplyState::write(std::string chunk) {
    const std::lock_guard lock(mutex_);
    if (phase_ != Phase::streaming || gone_ || aborted_) return false;
    if (framing_.head_only || chunk.empty()) return true; // An empty chunk would be the last one.
    if (backlog_ + chunk.size() > limits::reply_bytes) {
        aborted_ = true;
        wake();
        return false;
    }
    queue_chunk(chunk);
    return true;
}

void ReplyState::queue_chunk(std::string_view chunk) {
    if (!chunked_) return queue(chunk);
    const size_t before = outgoing_.size();
    fmt::format_to(std::back_inserter(outgoing_), "{:x}\r\n", chunk.size());
    outgoing_ += chunk, outgoing_ += "\r\n";
    backlog_ += outgoing_.size() - before;
    wake();
}

void ReplyState::end() {
    const std::lock_guard lock(mutex_);
    if (phase_ != Phase::streaming || gone_) return;
    phase_ = Phase::ended;
    if (chunked_ && !framing_.head_only) queue("0\r\n\r\n");
    wake();
}

void ReplyState::abort() {
    const std::lock_guard lock(mutex_);
    if (gone_ || (phase_ == Phase::ended && backlog_ == 0)) return;
    aborted_ = true;
    wake();
}

size_t ReplyState::backlog() const {
    const std::lock_guard lock(mutex_);
    return backlog_;
}

void ReplyState::on_gone(std::function<void()> fn) {
    {
        const std::lock_guard lock(mutex_);
        if (!gone_) {
            if (wake_) gone_callbacks_.push_back(std::move(fn));
            return;
        }
    }
    fn();
}

void ReplyState::on_drained(size_t below, std::function<void()> fn) {
    {
        const std::lock_guard lock(mutex_);
        if (gone_) return;
        if (backlog_ >= below) {
            drained_callbacks_.emplace_back(below, std::move(fn));
            return;
        }
    }
    fn();
}

void ReplyState::dropped() {
    bool unanswered = false;
    {
        const std::lock_guard lock(mutex_);
        unanswered = phase_ == Phase::waiting;
        if (phase_ == Phase::streaming && !gone_) aborted_ = true, wake();
    }
    if (unanswered)
        send(500, "application/json", render_error(framing_.style, {500, "the request was dropped without an answer"}),
             {});
}

std::string ReplyState::take(std::string spent) {
    spent.clear();
    const std::lock_guard lock(mutex_);
    woken_ = false;
    return std::exchange(outgoing_, std::move(spent));
}

ReplyState::Callbacks ReplyState::sent(size_t bytes) {
    Leftovers leftovers;
    const std::lock_guard lock(mutex_);
    backlog_ -= std::min(bytes, backlog_);
    sent_ += bytes;
    Callbacks due;
    for (size_t i = 0; i < drained_callbacks_.size();) {
        if (backlog_ >= drained_callbacks_[i].first) {
            ++i;
            continue;
        }
        due.push_back(std::move(drained_callbacks_[i].second));
        drained_callbacks_.erase(drained_callbacks_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (phase_ == Phase::ended && backlog_ == 0 && !aborted_) leftovers = finish();
    return due;
}

ReplyState::Callbacks ReplyState::cut() {
    Leftovers leftovers;
    const std::lock_guard lock(mutex_);
    // Whole and taken: the peer left after its answer, which is nobody's concern.
    if (gone_ || !wake_) return {};
    gone_ = true;
    outgoing_.clear();
    backlog_ = 0;
    Callbacks due = std::exchange(gone_callbacks_, {});
    leftovers = finish();
    return due;
}

std::optional<ReplyState::Callbacks> ReplyState::give_up(const ApiError &error) {
    const std::lock_guard lock(mutex_);
    if (phase_ != Phase::streaming || gone_ || aborted_ || framing_.head_only) return std::nullopt;
    const bool events = stream_type_ == "text/event-stream", lines = stream_type_ == "application/x-ndjson";
    if (!events && !lines) return std::nullopt;
    const std::string text = render_error(framing_.style, error);
    backlog_ -= std::min(backlog_, outgoing_.size()); // Whole events: none is cut that has begun to go out.
    outgoing_.clear();
    phase_ = Phase::ended;
    framing_.keep_alive = false;
    queue_chunk(events ? "data: " + text + "\n\n" : text + "\n");
    if (chunked_) queue("0\r\n\r\n");
    return std::exchange(gone_callbacks_, {});
}

bool ReplyState::complete() const {
    const std::lock_guard lock(mutex_);
    return phase_ == Phase::ended && backlog_ == 0 && !aborted_;
}

bool ReplyState::ended() const {
    const std::lock_guard lock(mutex_);
    return phase_ == Phase::ended;
}

bool ReplyState::aborted() const {
    const std::lock_guard lock(mutex_);
    return aborted_;
}

void ReplyState::close_after() {
    const std::lock_guard lock(mutex_);
    framing_.keep_alive = false;
}

bool ReplyState::keep_alive() const {
    const std::lock_guard lock(mutex_);
    return framing_.keep_alive;
}

int ReplyState::status() const {
    const std::lock_guard lock(mutex_);
    return status_;
}

uint64_t ReplyState::bytes_sent() const {
    const std::lock_guard lock(mutex_);
    return sent_;
}

} // namespace quantd
