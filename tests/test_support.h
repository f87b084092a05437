// What the test programs share: where their data is, scratch folders, and the
// check that a call fails in the right way.
#pragma once

#include "base/error.h"

#include <catch2/catch.hpp>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace quant::test {

/// tests/data, or a path below it.
inline std::filesystem::path data(const std::string &name = "") {
    const char *root = std::getenv("QUANT_TEST_DATA");
    return std::filesystem::path(root ? root : "tests/data") / name;
}

/// Third-party data that is never committed: $QUANT_SHARED/name, by default
/// ../shared/name beside the checkout. Empty when it is not there: warn and return.
inline std::filesystem::path shared(const std::string &name) {
    const char *root = std::getenv("QUANT_SHARED");
    const auto path = (root ? std::filesystem::path(root) : data("x").parent_path().parent_path().parent_path().parent_path() / "shared") / name;
    return std::filesystem::exists(path) ? path : std::filesystem::path();
}

/// A folder of its own for one test, removed at the end.
class ScratchFolder {
public:
    ScratchFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "quant-test-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    ~ScratchFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    std::filesystem::path operator/(const std::string &name) const { return path_ / name; }
    const std::filesystem::path &path() const { return path_; }

private:
    std::filesystem::path path_;
};

inline std::string read_file(const std::filesystem::path &path) {
    std::ifstream in(path, std::ios::binary);
    INFO("reading " << path);
    REQUIRE(in.good());
    return {std::istreambuf_iterator<char>(in), {}};
}

inline void write_file(const std::filesystem::path &path, const std::string &bytes) {
    std::ofstream out(path, std::ios::binary);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    REQUIRE(out.good());
}

template <class T>
std::vector<T> read_array(const std::filesystem::path &path) {
    const std::string bytes = read_file(path);
    REQUIRE(bytes.size() % sizeof(T) == 0);
    std::vector<T> out(bytes.size() / sizeof(T));
    std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char *>(out.data()));
    return out;
}

/// Text to calibrate with: `count` lines that differ, up to 1000, from number `first` on.
inline std::string numbered_lines(int count, int first = 0) {
    std::string text;
    for (int i = first; i < first + count; i++) text += "Line " + std::to_string(i * 37 % 1000) + " of a text. ";
    return text;
}

/// Require that `body` throws an Error of this status whose message holds every word.
template <class Body>
void require_error(quant_status status, const std::vector<std::string> &words, Body &&body) {
    try {
        body();
    } catch (const Error &e) {
        INFO("message: " << e.what());
        REQUIRE(std::string(status_name(e.status())) == status_name(status));
        for (const std::string &word : words) REQUIRE_THAT(std::string(e.what()), Catch::Contains(word));
        return;
    }
    FAIL("expected " << status_name(status) << ", but nothing was thrown");
}

} // namespace quant::test
