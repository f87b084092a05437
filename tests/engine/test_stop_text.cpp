// Stop strings: what comes before them, however the text is cut.
#include "engine/stop_text.h"
#include "test_support.h"

using quant::StopText;

namespace {

std::string shown(std::vector<std::string> stops, const std::string &text, size_t piece) {
    StopText filter(std::move(stops));
    std::string out;
    for (size_t at = 0; at < text.size(); at += piece) out += filter.push(text.substr(at, piece));
    return out + filter.finish();
}

} // namespace

TEST_CASE("text ends before the first stop string, however it is cut") {
    for (size_t piece = 1; piece < 12; piece++) {
        REQUIRE(shown({"END"}, "one END two", piece) == "one ");
        REQUIRE(shown({"END"}, "one ENDless", piece) == "one ");
        REQUIRE(shown({"END"}, "one EN two E", piece) == "one EN two E");
        REQUIRE(shown({"aab"}, "aaaab", piece) == "aa");
        REQUIRE(shown({"xyz", "yz"}, "wxyz", piece) == "w");
        REQUIRE(shown({"", "\n\n"}, "a\nb\n\nc", piece) == "a\nb");
        REQUIRE(shown({}, "all of it", piece) == "all of it");
    }
}

TEST_CASE("nothing is held back longer than it may yet become a stop string") {
    StopText filter({"STOP"});
    REQUIRE(filter.push("a S") == "a ");
    REQUIRE(filter.push("T") == "");
    REQUIRE(filter.push("U") == "STU");
    REQUIRE(filter.push("STOP and more") == "");
    REQUIRE(filter.stopped());
    REQUIRE(filter.push("more") == "");
    REQUIRE(filter.finish() == "");
}
