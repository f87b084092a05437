// What the tests of models share: a copy of a model's folder, to break.
#pragma once

#include "test_support.h"

namespace quant::test {

/// The files of a folder, writable; not what lies in folders of it.
inline void copy_files(const std::filesystem::path &from, const ScratchFolder &to) {
    for (const auto &entry : std::filesystem::directory_iterator(from))
        if (entry.is_regular_file()) write_file(to.path() / entry.path().filename(), read_file(entry.path()));
}

/// Those of tests/data/model/`name`.
inline void copy_model(const std::string &name, const ScratchFolder &to) { copy_files(data("model/" + name), to); }

/// The first `from` in a file becomes `to`.
inline void replace_in(const std::filesystem::path &file, const std::string &from, const std::string &to) {
    std::string text = read_file(file);
    const size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    write_file(file, text.replace(at, from.size(), to));
}

} // namespace quant::test
