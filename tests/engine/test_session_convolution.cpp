// Models whose layers convolve: what a sequence is does not depend on how it came to be.
#include "engine/drafter.h"
#include "engine/scheduler.h"
#include "engine/session.h"
#include "golden_logits.h"
#include "test_support.h"

using namespace quant;

namespace {

std::shared_ptr<const Model> model() {
    static const auto made = [] {
        const auto folder = test::shared("fixtures/arch/lfm2");
        return folder.empty() ? nullptr : Model::open(folder);
    }();
    if (!made) WARN("no fixtures");
    return made;
}

std::vector<int32_t> some_tokens(size_t count, int32_t salt) {
    std::vector<int32_t> ids;
    for (size_t i = 0; i < count; i++) ids.push_back(static_cast<int32_t>((i * 29 + static_cast<size_t>(salt) * 53) % 340));
    return ids;
}

std::vector<float> last_logits(Session &session, std::span<const int32_t> ids) {
    std::vector<float> logits(session.model().hyperparameters().vocabulary);
    session.run(ids, 1, logits.data());
    return logits;
}

std::vector<float> at_once(const std::vector<int32_t> &ids, KvTypes kv) {
    Session session(model(), 400, Activations::f32, kv);
    return last_logits(session, ids);
}

constexpr KvTypes kinds[] = {{}, generating_kv_types, {QUANT_Q8_0, QUANT_Q8_0}};

} // namespace

TEST_CASE("a convolving model's prompt may come in pieces of any length") {
    if (!model()) return;
    const auto ids = some_tokens(150, 1);
    for (const KvTypes kv : kinds) {
        const std::vector<float> expected = at_once(ids, kv);
        for (const size_t piece : {1u, 2u, 3u, 7u, 64u}) {
            Session session(model(), 400, Activations::f32, kv);
            std::vector<float> found;
            for (size_t at = 0; at < ids.size(); at += piece)
                found = last_logits(session, std::span(ids).subspan(at, std::min(piece, ids.size() - at)));
            INFO(piece << " at a time");
            REQUIRE(test::largest_difference(found, expected) < 1e-3f);
        }
    }
}

TEST_CASE("a convolving model goes back, and forks, at any token") {
    if (!model()) return;
    const auto ids = some_tokens(140, 2), others = some_tokens(60, 3);
    for (const uint32_t length : {1u, 2u, 63u, 64u, 65u, 66u, 127u, 128u, 130u}) {
        std::vector<int32_t> expected_ids(ids.begin(), ids.begin() + length);
        expected_ids.insert(expected_ids.end(), others.begin(), others.end());
        const std::vector<float> expected = at_once(expected_ids, generating_kv_types);
        Session session(model(), 400, Activations::f32, generating_kv_types);
        last_logits(session, ids);
        Session fork(session, length);
        INFO(length << " tokens");
        CHECK(test::largest_difference(last_logits(fork, others), expected) < 1e-3f);
        // What the fork wrote did not change what it came from.
        std::vector<int32_t> longer = ids;
        longer.insert(longer.end(), others.begin(), others.end());
        Session whole(session, session.length());
        CHECK(test::largest_difference(last_logits(whole, others), at_once(longer, generating_kv_types)) < 1e-3f);
        session.truncate(length);
        CHECK(test::largest_difference(last_logits(session, others), expected) < 1e-3f);
    }
}

TEST_CASE("sequences of a convolving model are run together as alone") {
    if (!model()) return;
    std::vector<std::unique_ptr<Session>> sessions;
    std::vector<std::vector<int32_t>> tokens;
    std::vector<std::vector<float>> logits;
    std::vector<Session::Step> steps;
    for (int32_t i = 0; i < 4; i++) {
        sessions.push_back(std::make_unique<Session>(model(), 400, Activations::f32));
        tokens.push_back(some_tokens(20 + static_cast<size_t>(i) * 30, i));
        logits.emplace_back(model()->hyperparameters().vocabulary);
    }
    for (size_t i = 0; i < 4; i++) steps.push_back({sessions[i].get(), tokens[i], 1, logits[i].data()});
    Session::run(steps);
    for (size_t i = 0; i < 4; i++) CHECK(test::largest_difference(logits[i], at_once(tokens[i], {})) < 1e-4f);
}

TEST_CASE("memory for a convolving model counts what goes into its kernels") {
    if (!model()) return;
    const Hyperparameters &h = model()->hyperparameters();
    // One layer attends, with two heads of 64, and one convolves.
    REQUIRE(kv_bytes_per_token(h, {}) == 2 * 2 * 64 * 4 + 256 * 4);
    REQUIRE(kv_bytes_per_token(h, generating_kv_types) == 2 * 2 * 64 * 2 + 256 * 2);
}
