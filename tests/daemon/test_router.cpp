// The route table, the shapes of errors, the guards, and what a reply looks like on the wire.
#include "access_rules.h"
#include "head_check.h"
#include "json_body.h"
#include "reply_state.h"
#include "request_parser.h"
#include "router.h"

#include <catch2/catch.hpp>

#include <stdexcept>

using namespace quantd;

namespace {

Router some_routes() {
    Router router;
    const Handler none = [](RequestPtr, ReplyPtr) {};
    for (const auto &[method, pattern] : HttpRequest::Pairs{{"GET", "/"},
                                                            {"GET", "/v1/models"},
                                                            {"GET", "/v1/models/{id...}"},
                                                            {"POST", "/api/blobs/{digest}"},
                                                            {"HEAD", "/api/blobs/{digest}"},
                                                            {"GET", "/a/{x}/b/{y}"}})
        router.add({method, pattern, none});
    return router;
}

ReplyState::Framing framing(bool head_only = false, bool http10 = false) {
    ReplyState::Framing out;
    out.head_only = head_only;
    out.http10 = http10;
    out.keep_alive = true;
    return out;
}

std::string body_of(const std::string &reply) { return reply.substr(reply.find("\r\n\r\n") + 4); }

} // namespace

TEST_CASE("routes are found by method and pattern") {
    const Router router = some_routes();
    CHECK(router.find("GET", "/").route);
    CHECK(router.find("HEAD", "/").route);
    CHECK(router.find("GET", "/v1/models").route->pattern == "/v1/models");
    const auto model = router.find("GET", "/v1/models/hf.co/a/b:Q4");
    REQUIRE(model.route);
    CHECK(model.params == HttpRequest::Pairs{{"id", "hf.co/a/b:Q4"}});
    CHECK(router.find("GET", "/a/1/b/2").params == HttpRequest::Pairs{{"x", "1"}, {"y", "2"}});
    CHECK(router.find("HEAD", "/api/blobs/x").route->method == "HEAD");
    for (const char *path :
         {"", "//", "/v1", "/v1/models/", "/v1/modelsx", "/api/blobs/a/b", "/a//b/2", "/a/1/b", "x"}) {
        CAPTURE(path);
        CHECK_FALSE(router.find("GET", path).route);
    }
}

TEST_CASE("a path that is there for other methods says which") {
    const Router router = some_routes();
    CHECK(router.find("DELETE", "/v1/models").allow == "GET, HEAD");
    CHECK(router.find("GET", "/api/blobs/x").allow == "POST, HEAD");
    CHECK(router.find("GET", "/nothing").allow.empty());
}

TEST_CASE("routes that cannot be meant are refused") {
    Router router = some_routes();
    const Handler none = [](RequestPtr, ReplyPtr) {};
    CHECK_THROWS_AS(router.add({"GET", "/", none}), std::logic_error);
    CHECK_THROWS_AS(router.add({"GET", "x", none}), std::logic_error);
    CHECK_THROWS_AS(router.add({"GET", "/{x...}/y", none}), std::logic_error);
}

TEST_CASE("errors have the shape of their API") {
    const ApiError error{404, "no \x01\xff", "", "model_not_found", "model"};
    CHECK(render_error(ApiStyle::ollama, error) == R"({"error":"no \\x01\\xff"})");
    CHECK(render_error(ApiStyle::openai, {400, "bad"}) ==
          R"({"error":{"message":"bad","type":"invalid_request_error","param":null,"code":null}})");
    CHECK(render_error(ApiStyle::own, {413, "long"}) == R"({"error":{"message":"long","code":"content_too_large"}})");
    CHECK(style_of_path("/v1x") == ApiStyle::own);
    CHECK(style_of_path("/v1/x") == ApiStyle::openai);
    CHECK(style_of_path("/api") == ApiStyle::ollama);
}

TEST_CASE("hosts, origins and secrets are compared as they should be") {
    CHECK(host_name("LocalHost:80") == "localhost");
    CHECK(host_name("[::1]:80") == "[::1]");
    CHECK(host_name("a.b.") == "a.b");
    for (const char *bad : {"a:b", "[::1", "[::1]x", "a:123456"}) CHECK(host_name(bad).empty());
    CHECK(matches_pattern("http://localhost:*", "http://localhost:3000"));
    CHECK_FALSE(matches_pattern("http://localhost:*", "http://localhost.evil:3000"));
    CHECK(matches_pattern("*://a*c", "http://abcc"));
    CHECK_FALSE(matches_pattern("http://a", "http://ab"));
    CHECK(same_secret("abc", "abc"));
    for (const char *bad : {"", "ab", "abcabc", "abd", "abcd"}) CHECK_FALSE(same_secret(bad, "abc"));
    CHECK_FALSE(same_secret("", ""));
}

TEST_CASE("those with rights are root, the daemon's user and the admin group") {
    AccessRules rules;
    rules.admin_gid = 50;
    Peer peer;
    peer.local = true;
    peer.uid = 4000;
    peer.gid = 4000;
    CHECK_FALSE(may_administer(rules, peer));
    peer.groups = {7, 50};
    CHECK(may_administer(rules, peer));
    peer.local = false;
    CHECK_FALSE(may_administer(rules, peer));
    peer.uid = 0;
    CHECK_FALSE(may_administer(rules, peer));
}

TEST_CASE("the parser takes one request and leaves the next") {
    const std::string first = "POST /a%20b?q=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
                      next = "GET / HTTP/1.1\r\n";
    RequestParser parser;
    std::string input = first + next;
    REQUIRE(parser.feed(input) == RequestParser::State::body);
    CHECK(parser.request().path == "/a b");
    CHECK(parser.request().query == "q=1");
    CHECK(parser.announced_bytes() == 3u);
    parser.limit_body(3);
    REQUIRE(parser.feed(input) == RequestParser::State::done);
    CHECK(parser.request().body == "abc");
    CHECK(input == next);
}

TEST_CASE("bodies that are no JSON objects are 400 with a reason") {
    HttpRequest request;
    CHECK(json_body(request).empty());
    request.body = R"({"a":[1,"x,y\",[{"],"b":2})";
    CHECK(json_body(request).size() == 2);
    const std::string deep(100, '['), many = "[" + std::string(100'000, ',') + "]";
    for (const std::string &bad :
         {std::string("[]"), std::string("nonsense"), std::string(R"({"a":1,"a":2})"), std::string(R"({"a":1} x)"),
          std::string("{\"a\":\"\xff\"}"), std::string(R"({"a":NaN})"), deep, many}) {
        request.body = bad;
        CAPTURE(bad.substr(0, 30));
        try {
            json_body(request);
            FAIL("it was taken");
        } catch (const ApiError &error) {
            CHECK(error.status == 400);
        }
    }
}

TEST_CASE("an answer is given once, whole") {
    unsigned wakes = 0;
    ReplyState state(framing(), [&] { ++wakes; });
    state.send(200, "text/plain", "one", {});
    state.send(500, "text/plain", "two", {});
    CHECK(wakes == 1);
    const std::string bytes = state.take();
    CHECK(body_of(bytes) == "one");
    CHECK(state.backlog() == bytes.size());
    CHECK_FALSE(state.complete());
    state.sent(bytes.size());
    CHECK(state.complete());
}

TEST_CASE("a stream is chunks, and their end") {
    ReplyState state(framing(), [] {});
    CHECK_FALSE(state.write("too early"));
    state.begin_stream(200, "text/plain", {});
    CHECK(state.write("hello"));
    CHECK(state.write(""));
    state.end();
    CHECK_FALSE(state.write("too late"));
    CHECK(body_of(state.take()) == "5\r\nhello\r\n0\r\n\r\n");
    ReplyState old(framing(false, true), [] {});
    old.begin_stream(200, "text/plain", {});
    old.write("hello");
    old.end();
    CHECK(body_of(old.take()) == "hello");
    CHECK_FALSE(old.keep_alive());
    ReplyState head(framing(true), [] {});
    head.send(200, "text/plain", "hello", {});
    const std::string bytes = head.take();
    CHECK(bytes.find("Content-Length: 5\r\n") != std::string::npos);
    CHECK(body_of(bytes).empty());
}

TEST_CASE("a handler hears once that its peer is gone, however late it asks") {
    ReplyState state(framing(), [] {});
    unsigned calls = 0;
    state.on_gone([&] { ++calls; });
    state.begin_stream(200, "text/plain", {});
    for (const auto &call : state.cut()) call();
    CHECK(state.cut().empty());
    CHECK(calls == 1);
    state.on_gone([&] { ++calls; });
    CHECK(calls == 2);
    CHECK_FALSE(state.write("x"));
    CHECK(state.backlog() == 0);
}

TEST_CASE("a handler hears when its backlog has gone down") {
    ReplyState state(framing(), [] {});
    state.begin_stream(200, "text/plain", {});
    state.write(std::string(1000, 'x'));
    unsigned calls = 0;
    state.on_drained(100, [&] { ++calls; });
    const size_t bytes = state.take().size();
    CHECK(state.sent(bytes - 500).empty());
    for (const auto &call : state.sent(450)) call();
    CHECK(calls == 1);
    state.on_drained(100, [&] { ++calls; });
    CHECK(calls == 2);
}

TEST_CASE("callbacks that hold the reply itself do not keep it") {
    auto state = std::make_shared<ReplyState>(framing(), [] {});
    std::weak_ptr<Reply> seen;
    {
        const ReplyPtr reply = make_reply(state);
        seen = reply;
        reply->on_gone([reply] {});
        reply->on_drained(0, [reply] {});
        reply->send(200, "text/plain", "x", {});
    }
    CHECK_FALSE(seen.expired());
    state->sent(state->take().size());
    CHECK(seen.expired());
}
