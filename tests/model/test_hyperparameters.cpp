#include "model/architecture.h"
#include "model/rope_scaling.h"
#include "test_support.h"

using namespace quant;
using test::require_error;

namespace {

Metadata good_metadata() {
    Metadata m("m.gguf");
    m.set("general.architecture", std::string("llama"));
    m.set("llama.block_count", uint32_t{2});
    m.set("llama.context_length", uint32_t{128});
    m.set("llama.embedding_length", uint32_t{64});
    m.set("llama.feed_forward_length", uint32_t{96});
    m.set("llama.attention.head_count", uint32_t{4});
    m.set("llama.attention.head_count_kv", uint32_t{2});
    m.set("llama.attention.layer_norm_rms_epsilon", 1e-5f);
    return m;
}

struct BadKey {
    const char *key;
    MetadataValue value;
    std::vector<std::string> words;
};

} // namespace

TEST_CASE("hyperparameters are read with their defaults") {
    const Hyperparameters h = read_hyperparameters(good_metadata());
    REQUIRE(h.head_dim == 16);
    REQUIRE(h.rope.dims == 16);
    REQUIRE(h.rope.base == 10000);
    REQUIRE(h.kv_width() == 32);
}

TEST_CASE("a bad number is named before anything is computed from it") {
    const std::vector<BadKey> bad = {
        {"llama.block_count", uint32_t{0}, {"m.gguf", "llama.block_count"}},
        {"llama.block_count", uint32_t{UINT32_MAX}, {"llama.block_count"}},
        {"llama.block_count", std::string("2"), {"llama.block_count"}},
        {"llama.attention.head_count", uint32_t{0}, {"head_count"}},
        {"llama.attention.head_count_kv", uint32_t{3}, {"head_count_kv", "divide"}},
        {"llama.attention.head_count_kv", uint32_t{0}, {"head_count_kv"}},
        {"llama.attention.head_count_kv", uint32_t{8}, {"head_count_kv"}},
        {"llama.attention.key_length", uint32_t{0}, {"key_length"}},
        {"llama.attention.key_length", uint32_t{1u << 31}, {"key_length"}},
        {"llama.attention.value_length", uint32_t{8}, {"value_length"}},
        {"llama.rope.dimension_count", uint32_t{3}, {"dimension_count"}},
        {"llama.rope.dimension_count", uint32_t{4096}, {"dimension_count"}},
        {"llama.rope.freq_base", -1.0f, {"freq_base"}},
        {"llama.embedding_length", uint64_t{1} << 40, {"embedding_length"}},
        {"llama.attention.layer_norm_rms_epsilon", -1.0f, {"epsilon"}},
        {"llama.context_length", int32_t{-1}, {"context_length"}},
        {"llama.rope.scaling.type", std::string("yarn"), {"m.gguf", "rope.scaling.original_context_length"}},
        {"llama.rope.scaling.attn_factor", 0.0f, {"attn_factor"}},
        {"llama.attention.sliding_window", uint64_t{1} << 40, {"sliding_window"}},
        {"llama.attention.sliding_window_pattern", MetadataArray{std::vector<bool>{true}}, {"pattern", "2 layers"}},
        {"llama.attention.rope_pattern", std::string("all"), {"rope_pattern"}},
        {"llama.attention.rope_pattern", MetadataArray{std::vector<int32_t>{1, 0, 1}}, {"rope_pattern", "2 layers"}},
        {"llama.logit_scale", 0.0f, {"logit_scale"}},
        {"llama.embedding_scale", std::numeric_limits<float>::quiet_NaN(), {"embedding_scale"}},
        {"llama.final_logit_softcapping", -1.0f, {"final_logit_softcapping"}},
    };
    for (const BadKey &b : bad) {
        Metadata m = good_metadata();
        m.set(b.key, b.value);
        INFO(b.key);
        require_error(QUANT_ERR_MODEL, b.words, [&] { read_hyperparameters(m); });
    }
}

TEST_CASE("layers without heads of keys convolve, and what cannot be is refused by key") {
    const auto with = [](std::vector<int32_t> heads) {
        Metadata m("m.gguf");
        m.set("general.architecture", std::string("lfm2"));
        for (const auto &[key, value] : {std::pair{"block_count", 3u}, {"context_length", 128u}, {"embedding_length", 64u},
                                         {"feed_forward_length", 96u}, {"attention.head_count", 4u}, {"shortconv.l_cache", 3u}})
            m.set(std::string("lfm2.") + key, uint32_t{value});
        m.set("lfm2.attention.head_count_kv", MetadataArray{std::move(heads)});
        m.set("lfm2.attention.layer_norm_rms_epsilon", 1e-5f);
        return m;
    };
    const Hyperparameters h = read_hyperparameters(with({0, 2, 0}));
    REQUIRE(h.conv_taps == 3);
    REQUIRE(h.kv_heads == 2);
    REQUIRE((h.convolves(0) && !h.convolves(1) && h.convolves(2)));
    REQUIRE(read_hyperparameters(with({2, 2, 2})).conv_taps == 0);

    for (const std::vector<int32_t> &heads : {std::vector<int32_t>{0, 0, 0}, {0, 2}, {0, 2, 0, 2}, {}, {0, 2, 1}, {0, -1, 0}, {0, 8, 0}, {0, 3, 0}})
        require_error(QUANT_ERR_MODEL, {"m.gguf", "lfm2.attention.head_count_kv"}, [&] { read_hyperparameters(with(heads)); });
    for (const uint32_t taps : {0u, 65u, UINT32_MAX}) {
        Metadata m = with({0, 2, 0});
        m.set("lfm2.shortconv.l_cache", taps);
        require_error(QUANT_ERR_MODEL, {"m.gguf", "lfm2.shortconv.l_cache", "1 to 64"}, [&] { read_hyperparameters(m); });
    }
    Metadata m = with({0, 2, 0});
    m.set("lfm2.attention.head_count_kv", MetadataArray{std::vector<std::string>{"0", "2", "0"}});
    require_error(QUANT_ERR_MODEL, {"m.gguf", "head_count_kv"}, [&] { read_hyperparameters(m); });
}

TEST_CASE("an unknown architecture gets a sentence that lists the known") {
    Metadata m = good_metadata();
    m.set("general.architecture", std::string("mamba\x01"));
    require_error(QUANT_ERR_UNSUPPORTED, {"m.gguf", "mamba\\x01", "llama"}, [&] { read_hyperparameters(m); });
    m = good_metadata();
    m.set("llama.rope.scaling.type", std::string("cubic"));
    require_error(QUANT_ERR_UNSUPPORTED, {"m.gguf", "llama.rope.scaling.type", "cubic", "linear"},
                  [&] { read_hyperparameters(m); });
}

TEST_CASE("tensor names lead to their roles and back") {
    for (const RoleTraits &r : role_table()) {
        const std::string name = gguf_tensor_name(r.role, 37);
        const auto found = role_of_gguf_name(name);
        REQUIRE(found);
        REQUIRE(found->role == r.role);
        if (r.per_layer()) REQUIRE(found->layer == 37);
    }
    for (const char *name : {"blk.x.attn_q.weight", "blk..attn_q.weight", "blk.99999999999.attn_q.weight", "blk.1", ""})
        REQUIRE_FALSE(role_of_gguf_name(name));
}

TEST_CASE("llama3 rope scaling keeps short wavelengths and slows long ones") {
    const auto d = llama3_rope_divisors(500000, 128, 8, 1, 4, 8192);
    REQUIRE(d.front() == 1);
    REQUIRE(d.back() == 8);
    REQUIRE(std::is_sorted(d.begin(), d.end()));
}
