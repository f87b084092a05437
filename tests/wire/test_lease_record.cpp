#include "base/error.h"
#include "wire/http_answer.h"
#include "wire/lease_record.h"

#include <catch2/catch.hpp>

#include <cstring>
#include <string>

using namespace quant;
using namespace quant::wire;

namespace {

LeaseRecord example() {
    LeaseRecord r{"lease-1", "small:Q8_0", "small", std::string(64, 'a'), {{"a.gguf", 5, false}, {"b.json", 0, true}}, {}, 7, 8};
    r.pack = {99, true, "avx2", "1 2\n3 4\n"};
    return r;
}

FrameHead head_of(const std::string &frame) {
    return parse_frame_head(std::as_bytes(std::span(frame)).first<frame_head_bytes>());
}

std::string record_of(const std::string &frame) { return frame.substr(frame_head_bytes); }

void refuses(const std::string &json, uint32_t descriptors, const std::string &says) {
    INFO(json);
    try {
        parse_lease_record(json, descriptors);
        FAIL("was taken");
    } catch (const Error &e) {
        CHECK(e.status() == QUANT_ERR_FORMAT);
        CHECK_THAT(e.what(), Catch::Contains(says));
    }
}

std::string with(const std::string &from, const std::string &to) {
    std::string text = record_of(encode_lease(example()));
    const size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

} // namespace

TEST_CASE("a lease comes out as it went in", "[wire]") {
    const std::string frame = encode_lease(example());
    const FrameHead head = head_of(frame);
    CHECK(head.descriptors == 3);
    REQUIRE(head.record_bytes == frame.size() - frame_head_bytes);
    const LeaseRecord r = parse_lease_record(record_of(frame), head.descriptors);
    CHECK(r.model == "small:Q8_0");
    CHECK(r.digest == std::string(64, 'a'));
    CHECK(r.pid == 7);
    CHECK(r.uid == 8);
    REQUIRE(r.files.size() == 2);
    CHECK(r.files[0].name == "a.gguf");
    CHECK(r.files[0].bytes == 5);
    CHECK(r.files[1].sealed);
    REQUIRE(r.pack);
    CHECK(r.pack->bytes == 99);
    CHECK(r.pack->origin == "1 2\n3 4\n");
}

TEST_CASE("a file may be in one folder of the model's, and what leads elsewhere is not sent either", "[wire]") {
    LeaseRecord r = example();
    r.files[1].name = "1_Pooling/config.json";
    CHECK(parse_lease_record(record_of(encode_lease(r)), 3).files[1].name == "1_Pooling/config.json");
    for (const char *name : {"../config.json", "/config.json", "a/b/config.json", "a//b", "a/..", "a/", ""}) {
        r.files[1].name = name;
        INFO(name);
        CHECK_THROWS_AS(encode_lease(r), Error);
    }
}

TEST_CASE("a record that ends anywhere before its end is refused", "[wire]") {
    const std::string text = record_of(encode_lease(example()));
    for (size_t n = 0; n < text.size(); n++) CHECK_THROWS_AS(parse_lease_record(text.substr(0, n), 3), Error);
}

TEST_CASE("a record with any byte changed is taken or refused, no more", "[wire]") {
    const std::string text = record_of(encode_lease(example()));
    for (size_t i = 0; i < text.size(); i++)
        for (const char c : {'\0', '"', '{', '/', '9', '\xff', '\n'}) {
            std::string changed = text;
            changed[i] = c;
            size_t parts = 3;
            try {
                parts = parse_lease_record(changed, 3).descriptors();
            } catch (const Error &) {}
            CHECK(parts == 3);
        }
}

TEST_CASE("records that contradict themselves are refused, and why is said", "[wire]") {
    refuses(record_of(encode_lease(example())), 2, "3 parts, and the frame 2 descriptors");
    refuses(with("b.json", "a.gguf"), 3, "twice");
    for (const char *name : {"../x", "", ".", "..", "a\\u0000b", "a\\nb", "/", "/a", "//a", "a/", "a//b", "a/b/c", "a/..", "a/.",
                             "./a", "a/../b", "a/\\u0000", "a\\n/b", "/etc/passwd"})
        refuses(with("a.gguf", name), 3, "name");
    for (const std::string &name : {std::string(256, 'x') + "/a", "a/" + std::string(256, 'x')})
        refuses(with("a.gguf", name), 3, "name");
    refuses(with("a.gguf", std::string(256, 'x')), 3, "name");
    refuses(with("\"bytes\":5", "\"bytes\":-5"), 3, "bytes");
    refuses(with("\"bytes\":5", "\"bytes\":18446744073709551615"), 3, "bytes");
    refuses(with("\"bytes\":5", "\"bytes\":\"5\""), 3, "bytes");
    refuses(with("\"bytes\":5", "\"bytes\":5,\"bytes\":6"), 3, "bytes");
    refuses(with("\"uid\":8", "\"uid\":4294967296"), 3, "uid");
    refuses(with("\"title\":\"small\"", "\"title\":\"../etc\""), 3, "title");
    refuses("[]", 3, "lease");
    refuses(R"({"id":"","model":"m","title":"t","digest":"","pid":1,"uid":1,"files":[]})", 0, "files");
}

TEST_CASE("frames of other kinds, versions and sizes are refused", "[wire]") {
    const std::string good = encode_lease(example());
    const auto refused = [&](size_t at, uint32_t value) {
        std::string frame = good;
        std::memcpy(frame.data() + at, &value, sizeof value);
        CHECK_THROWS_AS(head_of(frame), Error);
    };
    refused(0, 0), refused(8, 2);
    refused(12, 0), refused(12, most_record_bytes + 1), refused(12, UINT32_MAX);
    refused(16, 0), refused(16, most_descriptors + 1), refused(16, UINT32_MAX);
    LeaseRecord many = example();
    for (size_t i = 0; i < most_descriptors; i++) many.files.push_back({"f" + std::to_string(i), 1, false});
    CHECK_THROWS_AS(encode_lease(many), Error);
}

TEST_CASE("heads of answers are read as far as they go", "[wire]") {
    const std::string text = "HTTP/1.1 101 Switching Protocols\r\nUpgrade:  quant-lease/1 \r\nContent-Length: 12\r\n\r\n";
    for (size_t n = 0; n < text.size(); n++) CHECK_FALSE(parse_http_answer(std::string_view(text).substr(0, n)));
    const auto answer = parse_http_answer(text + "more");
    REQUIRE(answer);
    CHECK(answer->status == 101);
    CHECK(answer->head_bytes == text.size());
    CHECK(answer->header("upgrade") == "quant-lease/1");
    CHECK(answer->body_bytes(100) == 12u);
    CHECK_FALSE(answer->body_bytes(11));
    for (const char *bad : {"HTTP/1.1\r\n\r\n", "SSH-2.0-x\r\n\r\n", "HTTP/1.1 1x1 a\r\n\r\n", "HTTP/1.1 200 a\r\nno name\r\n\r\n"})
        CHECK_THROWS_AS(parse_http_answer(bad), Error);
    CHECK_THROWS_AS(parse_http_answer(std::string(most_head_bytes + 1, 'x')), Error);
    CHECK(percent_encoded("a:b/c d\n") == "a%3Ab%2Fc%20d%0A");
    CHECK(error_in(R"({"error":{"message":"m","code":"c"}})") == std::pair<std::string, std::string>("m", "c"));
    CHECK(error_in("no JSON").first.empty());
}
