#include "progress_bar.h"

#include "output.h"

#include <algorithm>
#include <sys/ioctl.h>
#include <unistd.h>

namespace quantctl {

namespace {

constexpr auto redraw_interval = std::chrono::milliseconds(80);
constexpr size_t widest_bar = 30, narrowest_bar = 8;

size_t terminal_columns() {
    struct winsize size {};
    if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
    return size.ws_col;
}

double seconds_between(std::chrono::steady_clock::time_point from, std::chrono::steady_clock::time_point to) {
    return std::chrono::duration<double>(to - from).count();
}

std::string drawn_bar(const ProgressView &view, size_t cells) {
    const double share = static_cast<double>(view.done) / static_cast<double>(view.total);
    const auto full = std::min(cells, static_cast<size_t>(share * static_cast<double>(cells)));
    std::string bar(full, '=');
    if (full < cells) bar += '>';
    bar.resize(cells, ' ');
    return fmt::format(" [{}]", bar);
}

// The first characters of ASCII or escaped text; a wide character is never split,
// since harmless() has already left only whole ones.
std::string cut(const std::string &text, size_t columns) {
    std::string out;
    for (size_t at = 0; at < text.size();) {
        size_t next = at + 1;
        while (next < text.size() && (static_cast<unsigned char>(text[next]) >> 6) == 2) next++;
        const std::string grown = out + text.substr(at, next - at);
        if (display_width(grown) > columns) break;
        out = grown;
        at = next;
    }
    return out;
}

} // namespace

std::string progress_line(const ProgressView &view, size_t columns) {
    std::string line = view.label;
    std::vector<std::string> extras; // Most important first.
    if (view.total != 0) {
        // 100 % only when it is done.
        const double share = static_cast<double>(view.done) / static_cast<double>(view.total);
        const auto percent = static_cast<unsigned>(100.0 * share);
        line += fmt::format(" {:3} %", std::min(percent, view.done < view.total ? 99u : 100u));
        if (view.per_second > 0) {
            const double left = static_cast<double>(view.total - view.done) / view.per_second;
            extras.push_back(fmt::format("ETA {}", human_time(left)));
        }
    }
    if (!view.detail.empty()) extras.push_back(harmless(view.detail));
    if (view.per_second > 0 && !view.unit.empty())
        extras.push_back(fmt::format("{}{}/s", human_count(view.per_second), view.unit));
    if (!view.stage.empty()) extras.push_back(harmless(view.stage));

    std::string tail;
    const size_t room_for_bar = view.total != 0 ? narrowest_bar + 3 : 0;
    for (const std::string &extra : extras) {
        const std::string longer = fmt::format("{}  {}", tail, extra);
        if (display_width(line) + room_for_bar + display_width(longer) > columns) continue;
        tail = longer;
    }
    const size_t used = display_width(line) + display_width(tail) + 3;
    if (view.total != 0 && used + narrowest_bar <= columns)
        line += drawn_bar(view, std::min(widest_bar, columns - used));
    return cut(line + tail, columns);
}

ProgressBar::ProgressBar(std::string label, std::string unit, double quiet_seconds)
    : quiet_seconds_(quiet_seconds), begin_(Clock::now()), phase_(begin_) {
    view_.label = std::move(label);
    view_.unit = std::move(unit);
}

int ProgressBar::report(void *bar, const quant_progress *progress) {
    if (interrupt::requested()) return 1;
    if (!stderr_is_terminal()) return 0;
    try {
        static_cast<ProgressBar *>(bar)->update(*progress);
    } catch (...) { // No exception may cross the C API; a line less on the screen is no harm.
    }
    return 0;
}

void ProgressBar::update(const quant_progress &progress) {
    const Clock::time_point now = Clock::now();
    const bool next_phase = progress.total != view_.total;
    if (next_phase) {
        phase_ = now;
        view_.done = 0;
        view_.total = progress.total;
        view_.per_second = 0;
    }
    view_.done = std::max(view_.done, progress.total != 0 ? std::min(progress.done, progress.total) : progress.done);
    view_.stage = progress.stage ? progress.stage : "";
    view_.detail = progress.detail ? progress.detail : "";
    const double elapsed = seconds_between(phase_, now);
    if (view_.done != 0 && elapsed > 0.2) view_.per_second = static_cast<double>(view_.done) / elapsed;
    if (seconds_between(begin_, now) < quiet_seconds_) return;
    if (!next_phase && now - drawn_at_ < redraw_interval && view_.done < view_.total) return;
    drawn_at_ = now;
    draw();
}

void ProgressBar::draw() {
    // The last column stays free: writing there would wrap on some terminals.
    const std::string line = progress_line(view_, std::max<size_t>(terminal_columns(), 2) - 1);
    const size_t width = display_width(line);
    const std::string rest(width_ > width ? width_ - width : 0, ' ');
    fmt::print(stderr, "\r{}{}", line, rest);
    std::fflush(stderr);
    width_ = width;
}

void ProgressBar::erase() {
    if (width_ == 0) return;
    fmt::print(stderr, "\r{}\r", std::string(std::min(width_, terminal_columns() - 1), ' '));
    std::fflush(stderr);
    width_ = 0;
}

} // namespace quantctl
