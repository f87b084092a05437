// What the program writes: results on stdout, every byte checked; notes on stderr.
// Tables for people, JSON documents for scripts.
#pragma once

#include <boost/json.hpp>
#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace quantctl {

namespace json = boost::json;

/// Version of every JSON document that quantctl itself composes.
constexpr int schema_version = 1;

bool stdout_is_terminal();
bool stderr_is_terminal();
/// Whether colour may be used there: a terminal, no NO_COLOR, TERM not "dumb".
bool colour_on(std::FILE *stream);
/// `text` in bold, or fainter, where stdout may have colour.
std::string bold(std::string_view text);
std::string dim(std::string_view text);

/// Write to stdout. A closed pipe or a full disk becomes a Failure.
void put(std::string_view text);
/// What was put must be seen now.
void flush_output();

template <class... Args> void print(fmt::format_string<Args...> format, Args &&...args) {
    put(fmt::format(format, std::forward<Args>(args)...));
}

/// A line on stderr.
void put_note(std::string_view text);
template <class... Args> void note(fmt::format_string<Args...> format, Args &&...args) {
    put_note(fmt::format(format, std::forward<Args>(args)...));
}

/// "quantctl: warning: ..." on stderr.
void put_warning(std::string_view text);
template <class... Args> void warn(fmt::format_string<Args...> format, Args &&...args) {
    put_warning(fmt::format(format, std::forward<Args>(args)...));
}

/// "quantctl: sentence", and a line for the hint if there is one.
void put_error(std::string_view sentence, std::string_view hint);

/// `text` with control characters made harmless; what a file says must not drive
/// the terminal. With `keep_layout`, newlines and tabs stay.
std::string harmless(std::string_view text, bool keep_layout = false);

/// Columns that `text` takes on a terminal.
size_t display_width(std::string_view text);

std::string human_bytes(uint64_t bytes);
/// "5.25 M", ready for a unit after it
std::string human_count(double count);
/// "1,234,567"
std::string grouped(uint64_t number);
/// "2:05", "1:02:05"
std::string human_time(double seconds);
/// `value` with `decimals`, or "-" for NaN.
std::string fixed_or_dash(double value, int decimals, double scale = 1);

/// Rows under headings, aligned. Cells are made harmless.
class Table {
public:
    enum Align { left, right };
    struct Column {
        std::string heading;
        Align align;
    };

    explicit Table(std::vector<Column> columns, size_t indent = 0)
        : columns_(std::move(columns)), indent_(indent) {}

    void add(std::vector<std::string> cells);
    bool empty() const { return rows_.empty(); }
    void print() const;
    /// Without the headings.
    void print_rows() const;

private:
    std::vector<size_t> widths(bool with_headings) const;
    std::string line(const std::vector<std::string> &cells, const std::vector<size_t> &widths) const;

    std::vector<Column> columns_;
    std::vector<std::vector<std::string>> rows_;
    size_t indent_;
};

/// A number, or null where there is none (JSON has no NaN).
json::value number_or_null(double value);
/// One document, indented; arrays of plain values stay on a line.
std::string json_text(const json::value &document);
void print_json(const json::value &document);

} // namespace quantctl
