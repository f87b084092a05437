#include "line_editor.h"

#include "failure.h"
#include "interrupt.h"
#include "output.h"
#include "wide_text.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <histedit.h>
#include <poll.h>
#include <string_view>
#include <unistd.h>

namespace quantctl {

struct LineEditor::Handles {
    EditLine *line = nullptr;
    HistoryW *history = nullptr;
    Completer completer;
    bool goes_on = false, pastes = false;

    ~Handles() {
        if (history) ::history_wend(history);
        if (line) ::el_end(line);
    }

    static Handles &of(EditLine *line) {
        void *data = nullptr;
        ::el_get(line, EL_CLIENTDATA, &data);
        return *static_cast<Handles *>(data);
    }
};

namespace {

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
        const int more = bytes_after(byte);
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
wchar_t *prompt(EditLine *line) {
    static wchar_t plain[] = L">>> ", coloured[] = L"\1\x1b[1m\1>>> \1\x1b[0m\1", more[] = L"... ";
    if (line && LineEditor::Handles::of(line).goes_on) return more;
    return colour_on(stdout) ? coloured : plain;
}

unsigned char insert(EditLine *line, const std::wstring &text) {
    if (text.empty()) return CC_NORM;
    return ::el_winsertstr(line, text.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
}

unsigned char insert_newline(EditLine *line, wint_t) { return insert(line, L"\n"); }

// A terminal says where pasted text begins and ends, so that its newlines are no Enter keys.
constexpr std::wstring_view paste_end = L"\x1b[201~";
constexpr const char *announce_pastes = "\x1b[?2004h", *do_not_announce_pastes = "\x1b[?2004l";

unsigned char insert_paste(EditLine *line, wint_t) {
    std::wstring text;
    wchar_t character = 0;
    while (!text.ends_with(paste_end)) {
        if (::el_wgetc(line, &character) != 1) return CC_ERROR;
        text += character == L'\r' ? L'\n' : character;
    }
    text.resize(text.size() - paste_end.size());
    std::erase_if(text, [](wchar_t c) { return (c < L' ' && c != L'\n' && c != L'\t') || c == 0x7f; });
    while (text.ends_with(L'\n')) text.pop_back();
    return insert(line, text);
}

size_t common_length(const std::vector<std::string> &words) {
    size_t length = words[0].size();
    for (const std::string &word : words)
        length = std::min<size_t>(
            length,
            static_cast<size_t>(std::mismatch(word.begin(), word.end(), words[0].begin(), words[0].end()).first -
                                word.begin()));
    return length;
}

unsigned char complete(EditLine *line, wint_t) {
    const LineInfoW *info = ::el_wline(line);
    const std::string before = utf8_of({info->buffer, static_cast<size_t>(info->cursor - info->buffer)});
    const std::vector<std::string> words = LineEditor::Handles::of(line).completer(before);
    if (words.empty()) return before.starts_with('/') ? static_cast<unsigned char>(CC_ERROR) : insert(line, L"\t");
    const size_t typed = before.size() - (before.find_last_of(' ') + 1), common = common_length(words);
    if (words.size() == 1) return insert(line, wide_of(words[0].substr(typed)) + L" ");
    if (common > typed) return insert(line, wide_of(words[0].substr(typed, common - typed)));
    std::string list;
    for (const std::string &word : words) list += (list.empty() ? "\n" : "  ") + word;
    put(list + "\n");
    flush_output();
    return CC_REDISPLAY;
}

struct Key {
    const wchar_t *sequence, *function;
};

constexpr Key keys[] = {
    {L"^I", L"quant-complete"},       {L"\\e\\r", L"quant-newline"},       {L"\\e\\n", L"quant-newline"},
    {L"\\e[13;2u", L"quant-newline"}, // Shift-Enter where the terminal tells it apart.
    {L"\\e[200~", L"quant-paste"},    {L"^R", L"em-inc-search-prev"},      {L"^U", L"vi-kill-line-prev"},
    {L"^W", L"ed-delete-prev-word"},  {L"\\e[1;5C", L"em-next-word"},      {L"\\e[1;5D", L"ed-prev-word"},
    {L"\\e[H", L"ed-move-to-beg"},    {L"\\e[F", L"ed-move-to-end"},       {L"\\e[1~", L"ed-move-to-beg"},
    {L"\\e[4~", L"ed-move-to-end"},   {L"\\e[3~", L"ed-delete-next-char"},
};

void bind_keys(EditLine *line) {
    ::el_wset(line, EL_EDITOR, L"emacs");
    ::el_wset(line, EL_ADDFN, L"quant-complete", L"Complete a command", complete);
    ::el_wset(line, EL_ADDFN, L"quant-newline", L"Begin another line of the same text", insert_newline);
    ::el_wset(line, EL_ADDFN, L"quant-paste", L"Take what the terminal pastes", insert_paste);
    for (const Key &key : keys) ::el_wset(line, EL_BIND, key.sequence, key.function, nullptr);
}

bool terminal_is_dumb() {
    const char *name = std::getenv("TERM");
    return !name || !*name || std::string_view(name) == "dumb";
}

} // namespace

LineEditor::LineEditor(Completer completer) : handles_(std::make_unique<Handles>()) {
    Handles &h = *handles_;
    h.completer = std::move(completer);
    h.pastes = !terminal_is_dumb();
    h.line = ::el_init("quantctl", stdin, stdout, stderr);
    h.history = ::history_winit();
    if (!h.line || !h.history) throw Failure(exit_failure, "the terminal cannot be set up for a chat line");
    HistEventW event;
    ::history_w(h.history, &event, H_SETSIZE, most_remembered);
    ::history_w(h.history, &event, H_SETUNIQUE, 1);
    ::el_wset(h.line, EL_CLIENTDATA, &h);
    ::el_wset(h.line, EL_HIST, ::history_w, h.history);
    ::el_wset(h.line, EL_PROMPT_ESC, prompt, L'\1');
    ::el_wset(h.line, EL_GETCFN, read_character);
    ::el_wset(h.line, EL_SIGNAL, 0);
    bind_keys(h.line);
    ::el_source(h.line, nullptr); // ~/.editrc, as of any program with libedit.
}

LineEditor::~LineEditor() = default;

LineEditor::Event LineEditor::read(std::string &line, bool goes_on) {
    Handles &h = *handles_;
    h.goes_on = goes_on;
    if (h.pastes) put(announce_pastes);
    flush_output();
    ::el_resize(h.line); // The window may have changed during the answer.
    // Before the prompt is seen: libedit itself would wait for a first look at the input.
    ::el_wset(h.line, EL_PREP_TERM, 1);
    int length = 0;
    const wchar_t *text = ::el_wgets(h.line, &length);
    if (h.pastes) put(do_not_announce_pastes);
    flush_output();
    if (interrupt::requested()) {
        const LineInfoW *info = ::el_wline(h.line);
        const bool empty = info->lastchar == info->buffer;
        ::el_reset(h.line);
        return empty ? Event::interrupted : Event::abandoned;
    }
    if (!text || length <= 0) return Event::end;
    line = utf8_of({text, static_cast<size_t>(length)});
    if (line.ends_with('\n')) line.pop_back();
    return Event::line;
}

void LineEditor::remember(const std::string &entry) {
    HistEventW event;
    if (!entry.empty()) ::history_w(handles_->history, &event, H_ENTER, wide_of(entry).c_str());
}

} // namespace quantctl
