#include "output.h"

#include "failure.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <cwchar>
#include <utility>
#include <unistd.h>

namespace quantctl {

namespace {

[[noreturn]] void output_failed() {
    const int why = errno;
    // The reader has what it wanted (`| head`): no reason for noise.
    if (why == EPIPE) throw Failure(exit_failure, "");
    throw Failure(exit_code_of_errno(why), fmt::format("cannot write the result: {}", std::strerror(why)));
}

std::string painted(std::string_view code, std::string_view text, std::FILE *stream) {
    if (!colour_on(stream)) return std::string(text);
    return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

// One UTF-8 character at the start of `text`: its bytes (1 where it is broken) and code.
struct Character {
    size_t bytes;
    uint32_t code;
    bool valid;
};

Character first_character(std::string_view text) {
    static constexpr uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const auto lead = static_cast<unsigned char>(text[0]);
    const size_t bytes = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
    if (bytes == 1) return {1, lead, true};
    if (bytes == 0 || bytes > text.size()) return {1, lead, false};
    uint32_t code = lead & (0x7fu >> bytes);
    for (size_t i = 1; i < bytes; i++) {
        const auto next = static_cast<unsigned char>(text[i]);
        if (next >> 6 != 2) return {1, lead, false};
        code = code << 6 | (next & 0x3f);
    }
    const bool surrogate = code >= 0xd800 && code < 0xe000;
    if (code < smallest[bytes] || code > 0x10ffff || surrogate) return {1, lead, false};
    return {bytes, code, true};
}

// JSON must be UTF-8, but a file name need not be.
std::string valid_utf8(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const Character c = first_character(text);
        if (c.valid) out.append(text.substr(0, c.bytes));
        else out += "\xef\xbf\xbd";
        text.remove_prefix(c.bytes);
    }
    return out;
}

class JsonPrinter {
public:
    std::string text;

    void write(const json::value &value, size_t depth) {
        switch (value.kind()) {
        case json::kind::object:
            return write_object(value.get_object(), depth);
        case json::kind::array:
            return write_array(value.get_array(), depth);
        case json::kind::string:
            return write_string(value.get_string());
        case json::kind::double_:
            // The shortest digits that read back as the same number.
            text += std::isfinite(value.get_double()) ? fmt::format("{}", value.get_double()) : "null";
            return;
        default:
            text += json::serialize(value);
        }
    }

private:
    void new_line(size_t depth) { text.append(1, '\n').append(2 * depth, ' '); }
    void write_string(std::string_view string) { text += json::serialize(json::string(valid_utf8(string))); }

    void write_object(const json::object &object, size_t depth) {
        text += '{';
        bool first = true;
        for (const auto &[key, value] : object) {
            if (!std::exchange(first, false)) text += ',';
            new_line(depth + 1);
            write_string(key);
            text += ": ";
            write(value, depth + 1);
        }
        if (!first) new_line(depth);
        text += '}';
    }

    void write_array(const json::array &array, size_t depth) {
        const bool flat = std::none_of(array.begin(), array.end(),
                                       [](const json::value &v) { return v.is_structured(); });
        text += '[';
        bool first = true;
        for (const json::value &value : array) {
            if (!std::exchange(first, false)) text += flat ? ", " : ",";
            if (!flat) new_line(depth + 1);
            write(value, depth + 1);
        }
        if (!flat) new_line(depth);
        text += ']';
    }
};

} // namespace

bool stdout_is_terminal() {
    static const bool terminal = ::isatty(STDOUT_FILENO) == 1;
    return terminal;
}

bool stderr_is_terminal() {
    static const bool terminal = ::isatty(STDERR_FILENO) == 1;
    return terminal;
}

bool colour_on(std::FILE *stream) {
    const char *refusal = std::getenv("NO_COLOR"), *term = std::getenv("TERM");
    if ((refusal && *refusal) || !term || std::strcmp(term, "dumb") == 0) return false;
    return stream == stderr ? stderr_is_terminal() : stdout_is_terminal();
}

std::string bold(std::string_view text) { return painted("1", text, stdout); }
std::string dim(std::string_view text) { return painted("2", text, stdout); }

void put(std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) output_failed();
}

void flush_output() {
    if (std::fflush(stdout) != 0) output_failed();
}

void put_note(std::string_view text) {
    const std::string line = harmless(text, true) + '\n';
    // Nobody is left to be told if this fails.
    [[maybe_unused]] const size_t written = std::fwrite(line.data(), 1, line.size(), stderr);
}

void put_warning(std::string_view text) {
    fmt::print(stderr, "{} {}\n", painted("33", "quantctl: warning:", stderr), harmless(text));
}

void put_error(std::string_view sentence, std::string_view hint) {
    fmt::print(stderr, "{} {}\n", painted("31", "quantctl:", stderr), harmless(sentence, true));
    if (!hint.empty()) put_note(hint);
}

std::string harmless(std::string_view text, bool keep_layout) {
    std::string out;
    while (!text.empty()) {
        const Character c = first_character(text);
        const bool control = c.code < 0x20 || c.code == 0x7f || (c.valid && c.code >= 0x80 && c.code < 0xa0);
        const bool layout = keep_layout && (c.code == '\n' || c.code == '\t');
        if (!c.valid || (control && !layout)) out += fmt::format("\\x{:02x}", c.code);
        else out.append(text.substr(0, c.bytes));
        text.remove_prefix(c.bytes);
    }
    return out;
}

size_t display_width(std::string_view text) {
    size_t width = 0;
    while (!text.empty()) {
        const Character c = first_character(text);
        const int columns = c.code < 0x80 ? 1 : ::wcwidth(static_cast<wchar_t>(c.code));
        width += columns < 0 ? 1 : static_cast<size_t>(columns);
        text.remove_prefix(c.bytes);
    }
    return width;
}

std::string human_bytes(uint64_t bytes) {
    if (bytes < 1000) return fmt::format("{} B", bytes);
    return human_count(static_cast<double>(bytes)) + "B";
}

std::string human_count(double count) {
    static constexpr const char *prefixes[] = {"", "k", "M", "G", "T", "P", "E"};
    size_t step = 0;
    // 999.5 would print as "1000".
    while (count >= 999.5 && step + 1 < std::size(prefixes)) {
        count /= 1000;
        step++;
    }
    const int decimals = step == 0 ? 0 : count < 9.995 ? 2 : count < 99.95 ? 1 : 0;
    return fmt::format("{:.{}f}{}{}", count, decimals, step ? " " : "", prefixes[step]);
}

std::string grouped(uint64_t number) {
    const std::string digits = fmt::format("{}", number);
    std::string out;
    for (size_t i = 0; i < digits.size(); i++) {
        if (i != 0 && (digits.size() - i) % 3 == 0) out += ',';
        out += digits[i];
    }
    return out;
}

std::string human_time(double seconds) {
    const auto whole = static_cast<uint64_t>(std::clamp(seconds, 0.0, 1e9) + 0.5);
    if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
    return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string fixed_or_dash(double value, int decimals, double scale) {
    return std::isfinite(value) ? fmt::format("{:.{}f}", value * scale, decimals) : "-";
}

void Table::add(std::vector<std::string> cells) {
    for (std::string &cell : cells) cell = harmless(cell);
    cells.resize(columns_.size());
    rows_.push_back(std::move(cells));
}

std::string Table::line(const std::vector<std::string> &cells, const std::vector<size_t> &widths) const {
    std::string out(indent_, ' ');
    for (size_t i = 0; i < cells.size(); i++) {
        const std::string padding(widths[i] - display_width(cells[i]), ' ');
        if (i) out += "  ";
        if (columns_[i].align == right) out += padding;
        out += cells[i];
        if (columns_[i].align == left && i + 1 < cells.size()) out += padding;
    }
    return out;
}

std::vector<size_t> Table::widths(bool with_headings) const {
    std::vector<size_t> out;
    for (size_t i = 0; i < columns_.size(); i++) {
        size_t width = with_headings ? display_width(columns_[i].heading) : 0;
        for (const auto &row : rows_) width = std::max(width, display_width(row[i]));
        out.push_back(width);
    }
    return out;
}

void Table::print() const {
    const std::vector<size_t> columns = widths(true);
    std::vector<std::string> headings;
    for (const Column &column : columns_) headings.push_back(column.heading);
    put(bold(line(headings, columns)) + "\n");
    for (const auto &row : rows_) put(line(row, columns) + "\n");
}

void Table::print_rows() const {
    const std::vector<size_t> columns = widths(false);
    for (const auto &row : rows_) put(line(row, columns) + "\n");
}

json::value number_or_null(double value) { return std::isfinite(value) ? json::value(value) : json::value(nullptr); }

std::string json_text(const json::value &document) {
    JsonPrinter printer;
    printer.write(document, 0);
    return printer.text + "\n";
}

void print_json(const json::value &document) { put(json_text(document)); }

} // namespace quantctl
