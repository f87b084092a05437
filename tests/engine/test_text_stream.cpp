#include "base/utf8.h"
#include "engine/text_stream.h"
#include "test_support.h"

using namespace quant;

TEST_CASE("characters never come out in parts") {
    const std::string text = "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x99\x82z";
    for (size_t cut = 0; cut <= text.size(); cut++) {
        TextStream stream;
        std::string all;
        for (const std::string &piece : {text.substr(0, cut), text.substr(cut)}) {
            const std::string shown = stream.push(piece);
            REQUIRE(is_utf8(shown));
            all += shown;
        }
        REQUIRE(all + stream.finish() == text);
    }
    TextStream bytes;
    std::string all;
    for (const char c : text) all += bytes.push(std::string_view(&c, 1));
    REQUIRE(all + bytes.finish() == text);
}

TEST_CASE("bytes that cannot become UTF-8 are replaced") {
    TextStream stream;
    REQUIRE(stream.push("a\xFFz") == "a\xEF\xBF\xBDz");
    REQUIRE(stream.push("\xE2\x82") == "");
    REQUIRE(is_utf8(stream.push("A")));
    REQUIRE(stream.push("\xF0\x9F") == "");
    REQUIRE(is_utf8(stream.finish()));
    REQUIRE(stream.finish() == "");
}
