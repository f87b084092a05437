#include "chat_line.h"

#include "failure.h"
#include "interrupt.h"
#include "output.h"

#include <cerrno>
#include <cstdio>
#include <histedit.h>
#include <poll.h>
#include <utility>
#include <unistd.h>

namespace quantctl {

namespace {

constexpr int remembered_lines = 500;

std::string utf8_of(const wchar_t *text) {
    std::string out;
    for (; *text; text++) {
        const auto code = static_cast<uint32_t>(*text);
        if (code < 0x80) {
            out += static_cast<char>(code);
        } else if (code < 0x800) {
            out += static_cast<char>(0xc0 | code >> 6);
            out += static_cast<char>(0x80 | (code & 0x3f));
        } else {
            if (code < 0x10000) {
                out += static_cast<char>(0xe0 | code >> 12);
            } else {
                out += static_cast<char>(0xf0 | code >> 18);
                out += static_cast<char>(0x80 | (code >> 12 & 0x3f));
            }
            out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
            out += static_cast<char>(0x80 | (code & 0x3f));
        }
    }
    return out;
}

constexpr int look_milliseconds = 50;
// What the terminal makes of an end-of-file character (Ctrl-D) that was typed before the
// editor took over its mode.
constexpr uint32_t typed_ahead_end = 0, control_d = 4;

// A byte, or nothing at the end and when a signal came. libedit's own reader would
// take up its wait again after Ctrl-C. The wait is cut into short ones, since the
// signal may come just before it, or to a thread of the library.
bool read_byte(unsigned char &byte) {
    while (!interrupt::requested()) {
        pollfd input{STDIN_FILENO, POLLIN, 0};
        if (::poll(&input, 1, look_milliseconds) <= 0) continue;
        const ssize_t n = ::read(STDIN_FILENO, &byte, 1);
        if (n == 1) return true;
        if (n == 0 || errno != EINTR) return false;
    }
    return false;
}

// One UTF-8 character for the editor. Broken bytes are passed over.
int read_character(EditLine *, wchar_t *character) {
    for (;;) {
        unsigned char byte = 0;
        if (!read_byte(byte)) return interrupt::requested() ? -1 : 0;
        const int more = byte < 0x80 ? 0 : byte >> 5 == 6 ? 1 : byte >> 4 == 14 ? 2 : byte >> 3 == 30 ? 3 : -1;
        if (more < 0) continue;
        uint32_t code = more == 0 ? byte : byte & (0x3fu >> more);
        bool whole = true;
        for (int i = 0; i < more && whole; i++) {
            if (!read_byte(byte)) return interrupt::requested() ? -1 : 0;
            whole = byte >> 6 == 2;
            code = code << 6 | (byte & 0x3f);
        }
        if (!whole) continue;
        *character = static_cast<wchar_t>(code == typed_ahead_end ? control_d : code);
        return 1;
    }
}

// Escapes in the prompt are framed by \1 so that libedit does not count their width.
wchar_t *prompt(EditLine *) {
    static wchar_t plain[] = L">>> ", coloured[] = L"\1\x1b[1m\1>>> \1\x1b[0m\1";
    return colour_on(stdout) ? coloured : plain;
}

} // namespace

struct ChatLine::Editor {
    EditLine *line = nullptr;
    HistoryW *history = nullptr;

    Editor() {
        line = ::el_init("quantctl", stdin, stdout, stderr);
        history = ::history_winit();
        if (!line || !history) throw Failure(exit_failure, "the terminal cannot be set up for a chat line");
        HistEventW event;
        ::history_w(history, &event, H_SETSIZE, remembered_lines);
        ::history_w(history, &event, H_SETUNIQUE, 1);
        ::el_wset(line, EL_HIST, ::history_w, history);
        ::el_wset(line, EL_EDITOR, L"emacs");
        ::el_wset(line, EL_PROMPT_ESC, prompt, L'\1');
        ::el_wset(line, EL_GETCFN, read_character);
        ::el_wset(line, EL_SIGNAL, 0);
    }
    ~Editor() {
        if (history) ::history_wend(history);
        if (line) ::el_end(line);
    }
    Editor(const Editor &) = delete;
    Editor &operator=(const Editor &) = delete;
};

ChatLine::ChatLine() {
    if (::isatty(STDIN_FILENO) && stdout_is_terminal()) editor_ = std::make_unique<Editor>();
}

ChatLine::~ChatLine() = default;

ChatLine::Event ChatLine::read(std::string &line) {
    flush_output();
    if (!editor_) return read_plain(line);
    int length = 0;
    const wchar_t *text = ::el_wgets(editor_->line, &length);
    if (interrupt::requested()) {
        ::el_wset(editor_->line, EL_REFRESH);
        ::el_reset(editor_->line);
        return Event::interrupted;
    }
    if (!text || length <= 0) return Event::end;
    line = utf8_of(text);
    if (!line.empty() && line.back() == '\n') line.pop_back();
    HistEventW event;
    if (!line.empty()) ::history_w(editor_->history, &event, H_ENTER, text);
    return Event::line;
}

ChatLine::Event ChatLine::read_plain(std::string &line) {
    for (;;) {
        const size_t newline = waiting_.find('\n');
        if (newline != std::string::npos) {
            line = waiting_.substr(0, newline);
            waiting_.erase(0, newline + 1);
            return Event::line;
        }
        char buffer[4096];
        const ssize_t n = ::read(STDIN_FILENO, buffer, sizeof buffer);
        if (n > 0) {
            waiting_.append(buffer, static_cast<size_t>(n));
        } else if (n == 0) {
            line = std::exchange(waiting_, "");
            return line.empty() ? Event::end : Event::line;
        } else if (errno != EINTR) {
            fail_errno(errno, "read", "standard input");
        } else if (interrupt::requested()) {
            return Event::interrupted;
        }
    }
}

} // namespace quantctl
