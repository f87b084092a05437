// Every tier gives the floats of the scalar tier, bit for bit: what rounds activations to bytes would
// make a step of a difference in the last bit.
#include "kernel/panel_pack.h"
#include "kernel/panel_shape.h"
#include "kernel_test_support.h"

using namespace quant;
using namespace quant::kernel;
using test::Random;

namespace {

void require_same(const std::vector<float> &got, const std::vector<float> &expected) {
    for (size_t i = 0; i < expected.size(); ++i)
        if (std::memcmp(&got[i], &expected[i], sizeof(float)) != 0) {
            INFO("float " << i << ": " << got[i] << " instead of " << expected[i]);
            FAIL("not what the scalar tier gives");
        }
}

/// `run(table)` gives floats; all tiers for which `has(table)` must give the scalar tier's.
template <class Run, class Has>
void compare(const Run &run, const Has &has) {
    if (!has(scalar_table())) return;
    const std::vector<float> expected = run(scalar_table());
    for (const KernelTable *table : test::tiers())
        if (table != &scalar_table() && has(*table)) {
            INFO(table->tier << " seed " << test::run_seed());
            require_same(run(*table), expected);
        }
}
template <class Run>
void compare(const Run &run) {
    compare(run, [](const KernelTable &) { return true; });
}

/// As wide as sums go, and then with ends.
template <class Body>
void for_lengths(const Body &body) {
    for (size_t n = 0; n < 9000; n += n < 70 ? 1 : n < 300 ? 17 : 1531) {
        INFO("n = " << n);
        body(n);
    }
}

std::vector<float> scaled(std::vector<float> x, float factor) {
    for (float &v : x) v *= factor;
    return x;
}

size_t some_cols(const EncodingTraits &e, size_t most, Random &random) {
    return e.block_weights == 1 ? 1 + random.below(most) : e.block_weights * (1 + random.below(most / e.block_weights));
}

} // namespace

TEST_CASE("vector operations are the same bit for bit on every tier") {
    Random random(40);
    for_lengths([&](size_t n) {
        const auto a = random.normals(n), b = random.normals(n), far = scaled(a, 40);
        compare([&](const KernelTable &k) { return std::vector<float>{k.vector.dot(a.data(), b.data(), n)}; });
        compare([&](const KernelTable &k) {
            std::vector<float> y = b;
            k.vector.axpy(0.37f, a.data(), y.data(), n);
            k.vector.add(a.data(), y.data(), n);
            if (n > 0) k.vector.rms_norm(y.data(), a.data(), 1e-5f, y.data(), n);
            return y;
        });
        for (const auto *x : {&a, &far})
            compare([&](const KernelTable &k) {
                std::vector<float> y(n);
                k.vector.silu_multiply(x->data(), b.data(), y.data(), n);
                std::vector<float> z(n);
                k.vector.gelu_tanh_multiply(x->data(), b.data(), z.data(), n);
                y.insert(y.end(), z.begin(), z.end());
                std::vector<float> other(n);
                k.vector.clamped_swiglu(x->data(), b.data(), 0.9f, other.data(), n);
                y.insert(y.end(), other.begin(), other.end());
                k.vector.relu_squared_multiply(x->data(), b.data(), other.data(), n);
                y.insert(y.end(), other.begin(), other.end());
                z = *x;
                k.vector.gelu(z.data(), n);
                y.insert(y.end(), z.begin(), z.end());
                z = *x;
                k.vector.soft_cap(z.data(), 7.3f, n);
                y.insert(y.end(), z.begin(), z.end());
                if (n > 0) k.vector.layer_norm(x->data(), a.data(), b.data(), 1e-5f, z.data(), n);
                y.insert(y.end(), z.begin(), z.end());
                return y;
            });
        compare([&](const KernelTable &k) {
            std::vector<float> y = far;
            const float largest = k.vector.maximum(y.data(), n), sum = k.attention.exp_sum(y.data(), largest, n);
            y.push_back(largest), y.push_back(sum), y.push_back(k.vector.log_sum_exp(far.data(), n));
            std::vector<float> z = a;
            k.vector.softmax(z.data(), 0.7f, n);
            y.insert(y.end(), z.begin(), z.end());
            return y;
        });
        compare([&](const KernelTable &k) {
            DivergenceSums sums;
            k.vector.divergence_sums(a.data(), 3.5f, b.data(), 3.25f, n, &sums);
            std::vector<float> bits(sizeof sums / sizeof(float));
            std::memcpy(bits.data(), &sums, sizeof sums);
            return bits;
        });
    });
}

TEST_CASE("exp and tanh are the same over their whole range") {
    std::vector<float> x;
    for (float v = -110; v < 92; v += 0.01037f) x.push_back(v);
    for (const float v : {0.0f, -0.0f, 1e-30f, INFINITY, -INFINITY}) x.push_back(v);
    compare([&](const KernelTable &k) {
        std::vector<float> y = x;
        y.push_back(k.attention.exp_sum(y.data(), 0, y.size()));
        std::vector<float> z = x;
        k.vector.soft_cap(z.data(), 2, z.size());
        y.insert(y.end(), z.begin(), z.end());
        return y;
    });
}

TEST_CASE("gemm is the same, whatever the tile that an output falls into") {
    Random random(41);
    for (int round = 0; round < 60; ++round) {
        const size_t rows = 1 + random.below(20), tokens = 1 + random.below(15), k = 1 + random.below(round < 30 ? 70 : 800);
        const size_t w_stride = k + random.below(3), x_stride = k + random.below(3), y_stride = rows + random.below(3);
        INFO("rows " << rows << " tokens " << tokens << " k " << k);
        const auto w = random.normals(rows * w_stride), x = random.normals(tokens * x_stride);
        const auto before = random.normals(tokens * y_stride);
        compare([&](const KernelTable &table) {
            std::vector<float> y = before;
            table.gemm({w.data(), w_stride, rows, x.data(), x_stride, tokens, k, y.data(), y_stride, round % 2 == 0});
            return y;
        });
    }
}

TEST_CASE("gemm of encoded weights is bit for bit that of what they decode to") {
    Random random(47);
    for (const KernelTable *table : test::tiers())
        for (const EncodingTraits &e : encodings()) {
            if (!table->of(e).gemm) continue;
            for (int round = 0; round < 40; ++round) {
                const size_t rows = 1 + random.below(20), tokens = 1 + random.below(70);
                const size_t blocks = (1 + random.below(round < 20 ? 70 : 800) + e.block_weights - 1) / e.block_weights;
                const size_t k = blocks * e.block_weights, w_stride = (blocks + random.below(3)) * e.block_bytes;
                const size_t x_stride = k + random.below(3), y_stride = rows + random.below(3);
                INFO(table->tier << " " << e.name << " rows " << rows << " tokens " << tokens << " k " << k);
                const auto w = test::normal_blocks(e, rows * w_stride / e.block_bytes, random);
                const auto x = random.normals(tokens * x_stride);
                std::vector<float> decoded(rows * k), expected = random.normals(tokens * y_stride), y = expected;
                for (size_t r = 0; r < rows; ++r) e.decode(w.data() + r * w_stride, decoded.data() + r * k, blocks);
                const bool accumulate = round % 2 == 0;
                table->gemm({decoded.data(), k, rows, x.data(), x_stride, tokens, k, expected.data(), y_stride, accumulate});
                table->of(e).gemm({nullptr, 0, rows, x.data(), x_stride, tokens, k, y.data(), y_stride, accumulate},
                                  w.data(), w_stride);
                REQUIRE(y == expected);
            }
        }
}

TEST_CASE("products of all encodings are the same, of one token and of more") {
    Random random(42);
    WorkerPool pool(2);
    for (const EncodingTraits &e : encodings())
        for (const size_t tokens : {1, 1, 1, 2, 5, 7, 16, 31}) {
            const size_t rows = 1 + random.below(60), cols = some_cols(e, 2600, random);
            INFO(e.name << " rows " << rows << " cols " << cols << " tokens " << tokens);
            const auto bytes = test::normal_blocks(e, rows * cols / e.block_weights, random);
            const auto matrix = PackedMatrix::pack(e, rows, cols, bytes, nullptr);
            const auto x = random.normals(tokens * cols);
            compare([&](const KernelTable &table) {
                std::vector<float> y(tokens * rows);
                kernel::matmul(table, matrix, x.data(), tokens, cols, y.data(), rows, pool);
                return y;
            });
        }
}

TEST_CASE("products with bytes are the same on all tiers that have them") {
    Random random(43);
    WorkerPool pool(2);
    Int8Scratch scratch;
    for (const EncodingTraits &e : encodings())
        for (const size_t tokens : {1, 2, 6, 13}) {
            if (e.is_float()) continue;
            const size_t unit = std::max<size_t>(64, e.block_weights);
            const size_t rows = 1 + random.below(70), cols = unit * (1 + random.below(2000 / unit));
            INFO(e.name << " rows " << rows << " cols " << cols << " tokens " << tokens);
            const auto bytes = test::normal_blocks(e, rows * cols / e.block_weights, random);
            const auto matrix = PackedMatrix::pack(e, rows, cols, bytes, nullptr);
            const auto x = random.normals(tokens * cols);
            compare(
                [&](const KernelTable &table) {
                    std::vector<float> y(tokens * rows);
                    test::multiply_int8(table, matrix, x.data(), tokens, cols, y.data(), rows, scratch, pool);
                    return y;
                },
                [&](const KernelTable &table) { return table.int8.gemm && table.of(e).expand; });
        }
}

TEST_CASE("products with panels are the same on all tiers that have them") {
    Random random(44);
    WorkerPool pool(1);
    for (const EncodingTraits &e : encodings()) {
        const PanelShape shape = panel_shape(e.id);
        if (shape.unit_columns == 0) continue;
        for (const size_t tokens : {1, 2, 3, 4, 5, 6, 7, 8, 16, 19, 70}) {
            const size_t rows = 1 + random.below(16), cols = shape.unit_columns * (1 + random.below(2000 / shape.unit_columns));
            INFO(e.name << " rows " << rows << " cols " << cols << " tokens " << tokens);
            const size_t row_bytes = cols / e.block_weights * e.block_bytes;
            const auto bytes = test::normal_blocks(e, rows * cols / e.block_weights, random);
            std::vector<std::byte> memory(shape.bytes(cols) + 64);
            std::byte *panel = memory.data() + (64 - reinterpret_cast<uintptr_t>(memory.data()) % 64) % 64;
            pack_panel(e.id, bytes.data(), row_bytes, rows, cols, panel);
            const auto x = random.normals(tokens * cols);
            PlaneTokens planes;
            planes.assign(shape.sums_group, x.data(), tokens, cols, cols);
            TokenLanes lanes;
            lanes.assign(planes, pool);
            compare(
                [&](const KernelTable &table) {
                    std::vector<float> y(tokens * rows);
                    table.of(e).panel({panel, cols, rows, planes.planes(), planes.plane_stride(), planes.scales(), planes.sums(),
                                       planes.stretches(), planes.groups(), tokens, y.data(), rows, lanes.bytes(),
                                       lanes.scales(), lanes.sums()});
                    return y;
                },
                [&](const KernelTable &table) { return table.of(e).panel != nullptr; });
        }
    }
}

TEST_CASE("attention is the same") {
    Random random(45);
    WorkerPool pool(2);
    constexpr size_t page = KvLayout::positions;
    for (const quant_encoding kv : {QUANT_F32, QUANT_F16, QUANT_BF16, QUANT_Q8_0})
        for (const size_t tokens : {1, 3, 30}) {
            const EncodingTraits &e = encoding_traits(kv);
            const size_t kv_heads = 1 + random.below(2), group = 1 + random.below(4);
            const size_t dims = some_cols(e, 96, random), positions = tokens + random.below(1200);
            INFO(e.name << " tokens " << tokens << " positions " << positions << " heads " << kv_heads * group << " dims "
                        << dims);
            const size_t heads = kv_heads * group, row = dims / e.block_weights * e.block_bytes;
            const size_t half = kv_heads * page * row, pages = (positions + page - 1) / page;
            const auto memory = test::normal_blocks(e, pages * 2 * half / e.block_bytes, random);
            std::vector<const std::byte *> bases;
            for (size_t p = 0; p < pages; ++p) bases.push_back(memory.data() + p * 2 * half);
            const auto q = scaled(random.normals(tokens * heads * dims), 3);
            const AttentionSequence sequence{bases.data(), 0, tokens, positions - tokens};
            compare([&](const KernelTable &table) {
                std::vector<float> out(tokens * heads * dims);
                AttentionArgs a{};
                a.q = q.data(), a.q_stride = heads * dims;
                a.out = out.data(), a.out_stride = heads * dims;
                a.sequences = {&sequence, 1};
                a.layout = {&e, &e, row, row}, a.values_at = half;
                a.heads = heads, a.kv_heads = kv_heads, a.head_dim = dims;
                a.sliding_window = tokens == 3 ? 50 : 0, a.scale = 0.125f;
                kernel::attention(table, a, pool);
                return out;
            });
        }
}
