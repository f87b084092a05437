// What the tests of replies share: a reply's events put together, whole or cut in pieces, and
// the check that cutting changes nothing.
#pragma once

#include "test_support.h"
#include "text/reply_parser.h"

#include <random>

namespace quant::test {

/// The events of all pieces as one reply, with their order checked.
inline ParsedReply join(const std::vector<ReplyEvent> &events) {
    ParsedReply out;
    bool in_call = false;
    for (const ReplyEvent &event : events) {
        using Kind = ReplyEvent::Kind;
        REQUIRE(in_call == (event.kind == Kind::call_arguments || event.kind == Kind::call_end));
        if (in_call) REQUIRE(event.index + 1 == out.calls.size());
        if (event.kind == Kind::content) out.content += event.text;
        if (event.kind == Kind::reasoning) out.reasoning += event.text;
        if (event.kind == Kind::call_arguments) out.calls.back().arguments += event.text;
        if (event.kind == Kind::call_end) in_call = false;
        if (event.kind != Kind::call_begin) continue;
        REQUIRE(event.index == out.calls.size());
        out.calls.push_back({event.name, event.id, ""});
        in_call = true;
    }
    REQUIRE(!in_call);
    return out;
}

/// Parse `text` in pieces whose lengths `next_length` gives.
template <class NextLength>
ParsedReply parse_cut(const ReplyFormat &format, std::string_view text, const json::value &tools, bool in_reasoning,
                      NextLength next_length) {
    ReplyParser parser(format, tools, in_reasoning);
    std::vector<ReplyEvent> events;
    for (size_t at = 0; at < text.size();) {
        const size_t n = std::min<size_t>(text.size() - at, next_length());
        parser.feed(text.substr(at, n), events);
        at += n;
    }
    parser.finish(events);
    return join(events);
}

inline void require_same(const ParsedReply &a, const ParsedReply &b) {
    REQUIRE(a.content == b.content);
    REQUIRE(a.reasoning == b.reasoning);
    REQUIRE(a.calls.size() == b.calls.size());
    for (size_t i = 0; i < a.calls.size(); ++i) {
        REQUIRE(a.calls[i].name == b.calls[i].name);
        REQUIRE(a.calls[i].id == b.calls[i].id);
        REQUIRE(a.calls[i].arguments == b.calls[i].arguments);
    }
}

/// The reply, after requiring that bytes alone, halves and random pieces give the same.
inline ParsedReply parse_every_way(const ReplyFormat &format, std::string_view text, const json::value &tools,
                                   bool in_reasoning, size_t halves_step = 1) {
    const ParsedReply whole = parse_cut(format, text, tools, in_reasoning, [&] { return text.size(); });
    require_same(whole, parse_reply(format, text, tools, in_reasoning));
    require_same(whole, parse_cut(format, text, tools, in_reasoning, [] { return 1; }));
    for (size_t cut = 1; cut < text.size(); cut += halves_step) {
        INFO("cut at " << cut);
        size_t next = cut;
        require_same(whole,
                     parse_cut(format, text, tools, in_reasoning, [&] { return std::exchange(next, text.size()); }));
    }
    for (unsigned seed = 0; seed < 8; ++seed) {
        INFO("seed " << seed);
        std::minstd_rand random(seed);
        require_same(whole, parse_cut(format, text, tools, in_reasoning, [&] { return 1 + random() % 17; }));
    }
    return whole;
}

} // namespace quant::test
