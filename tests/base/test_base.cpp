#include "base/checked.h"
#include "base/file.h"
#include "base/json.h"
#include "base/leftovers.h"
#include "base/sha256.h"
#include "base/utf8.h"
#include "test_support.h"

#include <sys/stat.h>

using namespace quant;
using test::require_error;

TEST_CASE("ranges are checked without overflow") {
    REQUIRE(in_range(0, 10, 10));
    REQUIRE_FALSE(in_range(1, 10, 10));
    REQUIRE_FALSE(in_range(UINT64_MAX, 2, 10));
    REQUIRE_FALSE(in_range(2, UINT64_MAX, 10));
    REQUIRE_FALSE(checked_mul<uint64_t>(UINT64_MAX / 2, 3));
    REQUIRE_FALSE(checked_align(UINT64_MAX, 32));
    REQUIRE(*checked_align(33, 32) == 64);
    REQUIRE_FALSE(checked_cast<uint32_t>(int64_t{-1}));
    REQUIRE(*checked_cast<uint32_t>(int64_t{7}) == 7);
}

TEST_CASE("UTF-8 is judged by RFC 3629") {
    REQUIRE(is_utf8("a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x99\x82"));
    REQUIRE_FALSE(is_utf8("\xC0\x80"));
    REQUIRE_FALSE(is_utf8("\xED\xA0\x80"));
    REQUIRE_FALSE(is_utf8("\xF4\x90\x80\x80"));
    REQUIRE(utf8_incomplete_tail("a\xF0\x9F\x99") == 3);
    REQUIRE(utf8_incomplete_tail("a\xE2\x82") == 2);
    REQUIRE(utf8_incomplete_tail("\xE2\x82\xAC") == 0);
    REQUIRE(utf8_incomplete_tail("\xFF") == 0);
    REQUIRE(printable(std::string_view("a\x01\xFF", 3)) == "a\\x01\\xff");
}

TEST_CASE("JSON refuses duplicates, depth and trailing bytes, and names the key") {
    require_error(QUANT_ERR_FORMAT, {"f.json", "twice", "\"a\""}, [] { json::parse(R"({"a":1,"b":{},"a":2})", "f.json"); });
    require_error(QUANT_ERR_FORMAT, {"f.json"}, [] { json::parse(std::string(100, '['), "f.json"); });
    require_error(QUANT_ERR_FORMAT, {"after the end"}, [] { json::parse("{} x", "f.json"); });
    require_error(QUANT_ERR_FORMAT, {"f.json"}, [] { json::parse("{", "f.json"); });
    const json::value v = json::parse(R"({"n":-1,"s":"x","o":{"a":1},"nothing":null})", "f.json");
    const json::Reader r(v, "f.json");
    require_error(QUANT_ERR_FORMAT, {"f.json", "\"n\""}, [&] { r.get_uint("n", 0); });
    require_error(QUANT_ERR_FORMAT, {"missing", "\"absent\""}, [&] { r.require_uint("absent"); });
    REQUIRE(r.get_string("s", "") == "x");
    REQUIRE(r.get_uint("nothing", 7) == 7);
    REQUIRE(r.require_object("o").get_uint("a", 0) == 1);
}

TEST_CASE("an output file appears whole or not at all") {
    const test::ScratchFolder folder;
    {
        OutputFile out(folder / "x");
        out.write("half");
    }
    REQUIRE(std::filesystem::is_empty(folder.path()));
    {
        OutputFile out(folder / "x");
        out.write("ab");
        out.pad_to(5000);
        out.commit();
    }
    REQUIRE(test::read_file(folder / "x") == "ab" + std::string(4998, '\0'));
    require_error(QUANT_ERR_ARGUMENT, {"regular"}, [&] { OutputFile out("/dev/null"); });
    require_error(QUANT_ERR_ARGUMENT, {"regular"}, [&] { OutputFile out(folder.path()); });
    require_error(QUANT_ERR_NO_SPACE, {"needs", "free"}, [&] { OutputFile out(folder / "y", uint64_t{1} << 60); });
    require_error(QUANT_ERR_NOT_FOUND, {"absent"}, [&] { OutputFile out(folder / "absent" / "y"); });
}

TEST_CASE("what a process that was killed was writing is removed, and nothing else") {
    const test::ScratchFolder folder;
    for (const char *name : {".x.gguf.12.0.part", ".a.b.1.22.part", ".x.12.part", "x.12.0.part", ".12.0.part", ".x.12.0.tmp"})
        test::write_file(folder / name, "x");
    OutputFile writing(folder / "y");
    writing.write("being written");
    CHECK(remove_leftovers(folder.path()) == 2);
    CHECK(remove_leftovers(folder.path()) == 0);
    for (const char *name : {".x.12.part", "x.12.0.part", ".12.0.part", ".x.12.0.tmp"})
        CHECK(std::filesystem::exists(folder / name));
    writing.commit();
    CHECK(test::read_file(folder / "y") == "being written");
    CHECK(remove_leftovers(folder / "none") == 0);
}

TEST_CASE("an output file's digest is that of what was written in any order") {
    const test::ScratchFolder folder;
    OutputFile out(folder / "x");
    out.allocate(10000);
    out.write_at(9000, std::as_bytes(std::span("end", 3)));
    out.begin_sync(9000, 3);
    out.write_at(0, std::as_bytes(std::span("start", 5)));
    const std::string digest = out.commit_with_digest();
    std::string expected(10000, '\0');
    expected.replace(9000, 3, "end").replace(0, 5, "start");
    REQUIRE(test::read_file(folder / "x") == expected);
    REQUIRE(digest == sha256_hex(expected));
}

TEST_CASE("only regular files are mapped") {
    const test::ScratchFolder folder;
    require_error(QUANT_ERR_NOT_FOUND, {"absent"}, [&] { MappedFile::open(folder / "absent"); });
    require_error(QUANT_ERR_ARGUMENT, {"folder"}, [&] { MappedFile::open(folder.path()); });
    REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
    require_error(QUANT_ERR_ARGUMENT, {"regular"}, [&] { MappedFile::open(folder / "fifo"); });
    test::write_file(folder / "empty", "");
    REQUIRE(MappedFile::open(folder / "empty")->bytes().empty());
}

TEST_CASE("SHA-256 of the standard's example") {
    REQUIRE(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
