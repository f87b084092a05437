// The text that Prometheus reads, exposition format 0.0.4: two lines that name a metric, then its samples.
#pragma once

#include <fmt/format.h>

#include <iterator>
#include <string>
#include <string_view>

namespace quantd {

/// Begins a metric, whose samples follow. `type` is gauge or counter.
inline void append_metric(std::string &out, std::string_view name, std::string_view type, std::string_view help) {
    fmt::format_to(std::back_inserter(out), "# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
}

/// A metric of one sample.
template <class Number>
void append_metric(std::string &out, std::string_view name, std::string_view type, std::string_view help,
                   const Number &value) {
    append_metric(out, name, type, help);
    fmt::format_to(std::back_inserter(out), "{} {}\n", name, value);
}

/// One of several samples, told apart by a label. No value of one may need to be escaped.
template <class Number>
void append_sample(std::string &out, std::string_view name, std::string_view label, std::string_view value,
                   const Number &number) {
    fmt::format_to(std::back_inserter(out), "{}{{{}=\"{}\"}} {}\n", name, label, value, number);
}

} // namespace quantd
