// The whole forward pass gives the same logits bit for bit on every tier: each runs a prompt and
// tokens behind it in a process of its own, as one process has one tier.
#include "engine/session.h"
#include "kernel/kernel_table.h"
#include "test_support.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace quant;

namespace {

std::filesystem::path shipped_model() { return test::data("").parent_path().parent_path() / "../share/models/kjv-5m"; }

/// A tensor's matrix in another encoding.
PackedMatrix encoded(const ModelFile &file, const ModelTensor &tensor, const EncodingTraits &e) {
    const PackedMatrix source = borrow_matrix(file, tensor, 0);
    const size_t rows = source.rows(), cols = source.cols();
    std::vector<float> weights(rows * cols);
    for (size_t r = 0; r < rows; ++r) source.decode_row(r, weights.data() + r * cols);
    const auto bytes = std::make_shared<std::vector<std::byte>>(rows * cols / e.block_weights * e.block_bytes);
    e.encode(weights.data(), nullptr, bytes->data(), rows * cols / e.block_weights, QUANT_METHOD_ROUND);
    return PackedMatrix::pack(e, rows, cols, *bytes, bytes);
}

/// Matrices take the encodings in turn.
std::shared_ptr<const Model> quantized(const std::vector<quant_encoding> &ids) {
    std::shared_ptr<const Model> model = Model::open(shipped_model());
    const ModelFile &file = model->file();
    size_t next = 0;
    for (const ModelTensor &t : file.tensors())
        if (t.source && t.role && role_traits(t.role->role).quantizes())
            model = model->with_matrix(t.role->role, t.role->layer,
                                       encoded(file, t, encoding_traits(ids[next++ % ids.size()])));
    return model;
}

struct Case {
    std::vector<quant_encoding> encodings;
    Activations activations;
    KvTypes kv;
};

/// Logits of a prompt, then of tokens one at a time and a few at a time.
std::vector<float> logits_of(const Case &c) {
    const auto model = quantized(c.encodings);
    const size_t vocabulary = model->hyperparameters().vocabulary;
    Session session(model, 256, c.activations, c.kv);
    std::vector<int32_t> ids;
    for (int32_t i = 0; i < 120; ++i) ids.push_back((i * i * 31 + 7) % static_cast<int32_t>(vocabulary));
    std::vector<float> logits(ids.size() * vocabulary);
    const auto run = [&](size_t first, size_t count) {
        session.run(std::span(ids).subspan(first, count), count, logits.data() + first * vocabulary);
    };
    run(0, 90);
    for (size_t i = 90; i < 100; ++i) run(i, 1);
    run(100, 3), run(103, 7), run(110, 10);
    return logits;
}

/// What a process makes whose tier is this.
std::vector<float> logits_on(const char *tier, const Case &c, const std::filesystem::path &file) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::setenv("QUANT_ISA", tier, 1);
        int status = 1;
        try {
            const std::vector<float> logits = logits_of(c);
            std::ofstream out(file, std::ios::binary);
            out.write(reinterpret_cast<const char *>(logits.data()),
                      static_cast<std::streamsize>(logits.size() * sizeof(float)));
            status = out.flush().good() && tier == active_tier() ? 0 : 1;
        } catch (const std::exception &e) {
            std::fprintf(stderr, "%s: %s\n", tier, e.what());
        }
        ::_exit(status);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(status == 0);
    return test::read_array<float>(file);
}

/// Whether a tier does with these encodings what the scalar tier does, as for bytes and panels.
bool comparable(const kernel::KernelTable &table, const Case &c) {
    if (c.activations == Activations::f32) return true;
    for (const quant_encoding id : c.encodings) {
        const kernel::EncodingKernels &a = table.of(encoding_traits(id)), &b = kernel::scalar_table().of(encoding_traits(id));
        if (!a.expand != !b.expand || !a.panel != !b.panel) return false;
    }
    return true;
}

void require_equal_on_all_tiers(const Case &c) {
    const test::ScratchFolder folder;
    const std::vector<float> expected = logits_on("scalar", c, folder / "scalar");
    for (const float v : expected) REQUIRE(std::isfinite(v));
    for (const kernel::KernelTable *table : kernel::available_tiers()) {
        INFO(table->tier);
        if (!comparable(*table, c)) {
            WARN(table->tier << " lacks kernels of bytes or panels that the scalar tier has; not compared");
            continue;
        }
        const std::vector<float> got = logits_on(table->tier, c, folder / table->tier);
        REQUIRE(got.size() == expected.size());
        size_t different = 0;
        for (size_t i = 0; i < got.size(); ++i) different += std::memcmp(&got[i], &expected[i], sizeof(float)) != 0;
        REQUIRE(different == 0);
    }
}

} // namespace

TEST_CASE("logits are the same on every tier with activations in 8 bits") {
    require_equal_on_all_tiers({{QUANT_Q4_K, QUANT_Q6_K, QUANT_Q8_0}, Activations::int8, {}});
}

TEST_CASE("logits are the same on every tier where tokens are generated behind a prompt") {
    const KvTypes halves{QUANT_F16, QUANT_F16};
    require_equal_on_all_tiers(
        {{QUANT_Q4_K, QUANT_Q5_K, QUANT_Q3_K, QUANT_Q2_K, QUANT_IQ4_XS}, Activations::int8_of_many, halves});
    require_equal_on_all_tiers(
        {{QUANT_Q4_0, QUANT_Q4_1, QUANT_Q5_0, QUANT_Q5_1, QUANT_IQ4_NL}, Activations::int8_of_many, halves});
}

TEST_CASE("logits are the same on every tier with activations in floats") {
    require_equal_on_all_tiers({{QUANT_Q4_K, QUANT_Q8_0, QUANT_TQ2_0, QUANT_IQ3_S}, Activations::f32, {}});
    require_equal_on_all_tiers({{QUANT_F16, QUANT_BF16, QUANT_F32}, Activations::f32, {}});
}
