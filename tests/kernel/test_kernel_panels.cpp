// Products of few tokens with panels, against the definition: activations rounded to 15 bits,
// then multiplied exactly.
#include "kernel/panel_pack.h"
#include "kernel/panel_shape.h"
#include "kernel_test_support.h"

#include <chrono>
#include <cstdlib>

using namespace quant;
using namespace quant::kernel;
using test::Random, test::paneled, test::are_made;

namespace {

// What a token's activations count as.
void as_planes(const float *x, size_t cols, size_t group, float *out) {
    PlaneTokens planes;
    planes.assign(group, x, 1, cols, cols);
    for (size_t i = 0; i < cols; i++)
        out[i] = planes.scales()[i / PlaneTokens::stretch] *
                 static_cast<float>(128 * planes.planes()[i] + planes.planes()[planes.plane_stride() + i]);
}

} // namespace

TEST_CASE("activations in planes are within half a step, and their sums are of what they are") {
    Random random(20);
    for (const size_t cols : {64, 256, 320, 1088}) {
        std::vector<float> x = random.normals(cols), out(cols);
        x[cols / 2] = 900;
        as_planes(x.data(), cols, 32, out.data());
        PlaneTokens planes;
        planes.assign(16, x.data(), 1, cols, cols);
        // Of 16256 steps, three roundings of floats are up to 0.003.
        for (size_t i = 0; i < cols; i++)
            REQUIRE(std::fabs(out[i] - x[i]) <= planes.scales()[i / PlaneTokens::stretch] * 0.504f);
        for (size_t g = 0; g < cols / 16; g++) {
            int32_t sum = 0;
            for (size_t i = g * 16; i < g * 16 + 16; i++) sum += 128 * planes.planes()[i] + planes.planes()[planes.plane_stride() + i];
            REQUIRE(planes.sums()[g] == sum);
        }
    }
}

TEST_CASE("tokens side by side are what they are in planes, and lanes without one hold zeros") {
    Random random(26);
    WorkerPool pool(3);
    PlaneTokens planes;
    TokenLanes lanes;
    for (const size_t group : {16, 32})
        for (const size_t tokens : {40, 16, 13}) {
            const size_t cols = 64 * (1 + random.below(20)), blocks = (tokens + TokenLanes::lanes - 1) / TokenLanes::lanes;
            INFO("tokens " << tokens << " cols " << cols);
            const auto x = random.normals(tokens * cols);
            planes.assign(group, x.data(), tokens, cols, cols, pool);
            lanes.assign(planes, pool);
            for (size_t t = 0; t < blocks * TokenLanes::lanes; t++) {
                const size_t block = t / TokenLanes::lanes, lane = t % TokenLanes::lanes;
                for (size_t i = 0; i < cols; i++)
                    for (const size_t plane : {0, 1}) {
                        const size_t row = (block * (cols / 4) + i / 4) * 2 + plane;
                        const int is = lanes.bytes()[(row * TokenLanes::lanes + lane) * 4 + i % 4];
                        if (is != (t < tokens ? planes.planes()[(2 * t + plane) * planes.plane_stride() + i] : 0))
                            FAIL("token " << t << " column " << i << " plane " << plane << ": " << is);
                    }
                for (size_t s = 0; s < planes.stretches(); s++)
                    REQUIRE(lanes.scales()[(block * planes.stretches() + s) * TokenLanes::lanes + lane] ==
                            (t < tokens ? planes.scales()[t * planes.stretches() + s] : 0));
                for (size_t g = 0; g < planes.groups(); g++)
                    REQUIRE(lanes.sums()[(block * planes.groups() + g) * TokenLanes::lanes + lane] ==
                            (t < tokens ? planes.sums()[t * planes.groups() + g] : 0));
            }
        }
}

TEST_CASE("activations that are not finite stay so, and zeros stay zeros") {
    PlaneTokens planes;
    std::vector<float> x(512, 0.0f);
    planes.assign(32, x.data(), 1, 512, 512);
    REQUIRE(planes.scales()[0] == 0);
    for (const float bad : {NAN, INFINITY, -INFINITY}) {
        x[300] = bad;
        planes.assign(32, x.data(), 1, 512, 512);
        REQUIRE(planes.scales()[0] == 0);
        REQUIRE(std::isnan(planes.scales()[1]));
    }
    x.assign(512, 1e-44f);
    planes.assign(32, x.data(), 1, 512, 512);
    REQUIRE(std::isfinite(planes.scales()[0]));
    x.assign(512, 3e38f);
    planes.assign(32, x.data(), 1, 512, 512);
    REQUIRE(planes.scales()[0] * 16256.0f == Approx(3e38f));
}

TEST_CASE("panels are at most 3 % larger than the rows of the file") {
    for (const EncodingTraits &e : encodings()) {
        const PanelShape shape = panel_shape(e.id);
        if (shape.unit_columns == 0) continue;
        INFO(e.name);
        for (const size_t columns : {512, 2048, 4864}) {
            const size_t file = columns / e.block_weights * e.block_bytes * panel_rows;
            REQUIRE(static_cast<double>(shape.bytes(columns)) <= 1.03 * static_cast<double>(file));
            REQUIRE(shape.bytes(columns) >= file);
            REQUIRE(shape.bytes(columns) % 64 == 0);
        }
    }
}

TEST_CASE("products with panels of all encodings are those of activations in planes", "[forced]") {
    if (test::forced_tier_is_missing()) return;
    Random random(21);
    WorkerPool pool(3);
    PlaneScratch scratch;
    const KernelTable &table = active_table();
    // An emulator is told so by share/build/emulated.sh, and takes minutes for all of them.
    const bool is_emulated = std::getenv("QUANT_TEST_TIER") != nullptr;
    for (const EncodingTraits &e : encodings()) {
        if (!table.of(e).panel || !are_made(table)) continue;
        const PanelShape shape = panel_shape(e.id);
        for (const size_t tokens : {1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 23, 31})
            for (const bool any_bytes : {false, true}) {
                if (is_emulated && tokens != 1 && tokens != 5 && tokens != 23) continue;
                const test::Shape s{1 + random.below(70), tokens,
                                    shape.unit_columns * (1 + random.below(2000 / shape.unit_columns))};
                test::check_product(
                    table, e, s, random,
                    [&](const PackedMatrix &w, const float *x, size_t x_stride, float *y, size_t y_stride) {
                        const PackedMatrix matrix = paneled(w, pool);
                        const MatrixProduct task{&matrix, y, y_stride};
                        matmul_panels(table, {&task, 1}, x, tokens, x_stride, scratch, pool);
                    },
                    [&](const float *x, float *in) { as_planes(x, s.cols, shape.sums_group, in); }, any_bytes);
            }
    }
}

// On every tier there is, since sanitizers do not look into these: lib/kernel/meson.build.
TEST_CASE("a product reads nothing outside of its panel and activations, and writes only its rows") {
    Random random(27);
    for (const KernelTable *table : available_tiers())
        for (const EncodingTraits &e : encodings()) {
            const auto product = table->of(e).panel;
            if (!product) continue;
            const PanelShape shape = panel_shape(e.id);
            for (const size_t tokens : {1, 2, 3, 4, 5, 8})
                for (const bool at_start : {false, true}) {
                    if (tokens >= table->of(e).lane_tokens) continue;
                    const size_t rows = 1 + random.below(panel_rows), cols = shape.unit_columns * (1 + random.below(5));
                    INFO(table->tier << " " << e.name << " tokens " << tokens << " rows " << rows << " columns " << cols);
                    const auto bytes = test::normal_blocks(e, rows * cols / e.block_weights, random);
                    test::Guarded<std::byte> panel(shape.bytes(cols), at_start);
                    pack_panel(e.id, bytes.data(), cols / e.block_weights * e.block_bytes, rows, cols, panel.data());
                    const auto x = random.normals(tokens * cols);
                    PlaneTokens planes;
                    planes.assign(shape.sums_group, x.data(), tokens, cols, cols);
                    const auto guarded = [&](const auto *from, size_t count) {
                        return test::Guarded(std::vector(from, from + count), at_start);
                    };
                    auto codes = guarded(planes.planes(), 2 * tokens * planes.plane_stride());
                    auto scales = guarded(planes.scales(), tokens * planes.stretches());
                    auto sums = guarded(planes.sums(), tokens * planes.groups());
                    test::Guarded<float> y(tokens * rows, at_start);
                    std::vector<float> expected(tokens * rows);
                    product({panel.data(), cols, rows, codes.data(), planes.plane_stride(), scales.data(), sums.data(),
                             planes.stretches(), planes.groups(), tokens, y.data(), rows});
                    const std::vector<std::byte> elsewhere = panel.copy();
                    product({elsewhere.data(), cols, rows, planes.planes(), planes.plane_stride(), planes.scales(),
                             planes.sums(), planes.stretches(), planes.groups(), tokens, expected.data(), rows});
                    REQUIRE(y.copy() == expected);
                }
        }
}

TEST_CASE("a token's numbers are the same bit for bit, alone and with others", "[forced]") {
    if (test::forced_tier_is_missing()) return;
    Random random(22);
    WorkerPool pool(1);
    PlaneScratch scratch;
    const KernelTable &table = active_table();
    for (const EncodingTraits &e : encodings()) {
        if (!table.of(e).panel || !are_made(table)) continue;
        const PanelShape shape = panel_shape(e.id);
        for (const size_t tokens : {2 + random.below(11), size_t{13}, size_t{16}, size_t{17}, size_t{33}, size_t{64},
                                    65 + random.below(30)}) {
            const size_t rows = 2 * panel_rows + 1 + random.below(30);
            const size_t cols = shape.unit_columns * (1 + random.below(2000 / shape.unit_columns));
            INFO(e.name << " rows " << rows << " cols " << cols << " tokens " << tokens);
            const auto bytes = test::normal_blocks(e, rows * cols / e.block_weights, random);
            const PackedMatrix matrix = paneled(PackedMatrix::pack(e, rows, cols, bytes, nullptr), pool);
            const auto x = random.normals(tokens * cols);
            std::vector<float> together(tokens * rows), alone(tokens * rows);
            const MatrixProduct task{&matrix, together.data(), rows};
            matmul_panels(table, {&task, 1}, x.data(), tokens, cols, scratch, pool);
            for (size_t t = 0; t < tokens; t++) {
                const MatrixProduct one{&matrix, alone.data() + t * rows, rows};
                matmul_panels(table, {&one, 1}, x.data() + t * cols, 1, cols, scratch, pool);
            }
            REQUIRE(together == alone);
        }
    }
}

TEST_CASE("several matrices at a time are as one after another, whatever their encodings") {
    Random random(23);
    WorkerPool pool(2);
    PlaneScratch scratch;
    if (!active_table().of(encoding_traits(QUANT_Q4_K)).panel || !are_made(active_table())) return;
    constexpr size_t cols = 768, tokens = 3, shapes = 4;
    const quant_encoding ids[shapes] = {QUANT_Q4_K, QUANT_Q6_K, QUANT_Q8_0, QUANT_Q2_K};
    const size_t rows[shapes] = {40, 5, 300, 16};
    std::vector<PackedMatrix> matrices;
    std::vector<std::vector<std::byte>> bytes;
    std::vector<std::vector<float>> together, alone;
    const auto x = random.normals(tokens * cols);
    for (size_t i = 0; i < shapes; i++) {
        const EncodingTraits &e = encoding_traits(ids[i]);
        bytes.push_back(test::normal_blocks(e, rows[i] * cols / e.block_weights, random));
        matrices.push_back(paneled(PackedMatrix::pack(e, rows[i], cols, bytes.back(), nullptr), pool));
        together.emplace_back(tokens * rows[i]), alone.emplace_back(tokens * rows[i]);
    }
    std::vector<MatrixProduct> tasks;
    for (size_t i = 0; i < shapes; i++) {
        const MatrixProduct one{&matrices[i], alone[i].data(), rows[i]};
        matmul_panels({&one, 1}, x.data(), tokens, cols, scratch, pool);
        tasks.push_back({&matrices[i], together[i].data(), rows[i]});
    }
    matmul_panels(tasks, x.data(), tokens, cols, scratch, pool);
    REQUIRE(together == alone);
    tasks.push_back(tasks[0]);
    test::require_error(QUANT_ERR_ARGUMENT, {"5", "4"},
                        [&] { matmul_panels(tasks, x.data(), tokens, cols, scratch, pool); });
}

TEST_CASE("products are the same wherever panels lie: one place, a share or a copy for each node", "[forced]") {
    if (test::forced_tier_is_missing()) return;
    Random random(24);
    PlaneScratch scratch;
    WorkerPool one(2);
    constexpr size_t cols = 512, tokens = 2;
    if (!active_table().of(encoding_traits(QUANT_Q4_K)).panel || !are_made(active_table())) return;
    const quant_encoding ids[] = {QUANT_Q4_K, QUANT_Q6_K, QUANT_Q8_0};
    const auto x = random.normals(tokens * cols);
    for (const char *machine : {"numanode:2 core:2 pu:1", "numanode:3 core:1 pu:1", "numanode:2 core:1 pu:1"})
        for (const NumaPolicy policy : {NumaPolicy::shard, NumaPolicy::mirror, NumaPolicy::node}) {
            WorkerPool pool(lay_out_workers(synthetic_topology(machine), {policy, 0}, 0));
            std::vector<std::vector<std::byte>> bytes;
            std::vector<PackedMatrix> spread, together;
            std::vector<std::vector<float>> found, expected;
            std::vector<MatrixProduct> tasks, plain;
            for (size_t i = 0; i < std::size(ids); i++) {
                const size_t rows = 1 + random.below(400);
                const EncodingTraits &e = encoding_traits(ids[i]);
                bytes.push_back(test::normal_blocks(e, rows * cols / e.block_weights, random));
                const auto matrix = PackedMatrix::pack(e, rows, cols, bytes.back(), nullptr);
                uint64_t sum = 0;
                for (size_t g = 0; g < pool.layout().groups.size(); g++) sum += matrix.panel_bytes(pool.layout(), g);
                REQUIRE(sum == matrix.panel_bytes() * (policy == NumaPolicy::mirror ? pool.layout().groups.size() : 1));
                spread.push_back(paneled(matrix, pool)), together.push_back(paneled(matrix, one));
                found.emplace_back(tokens * rows), expected.emplace_back(tokens * rows);
            }
            for (size_t i = 0; i < std::size(ids); i++) {
                tasks.push_back({&spread[i], found[i].data(), spread[i].rows()});
                plain.push_back({&together[i], expected[i].data(), spread[i].rows()});
            }
            matmul_panels(plain, x.data(), tokens, cols, scratch, one);
            matmul_panels(tasks, x.data(), tokens, cols, scratch, pool);
            REQUIRE(found == expected);
            // Also where another pool multiplies than the one that they were placed for.
            for (auto &y : found) std::fill(y.begin(), y.end(), 0.0f);
            matmul_panels(tasks, x.data(), tokens, cols, scratch, one);
            REQUIRE(found == expected);
        }
}

TEST_CASE("memory for panels is checked, piece by piece") {
    WorkerPool pool(lay_out_workers(synthetic_topology("numanode:2 core:1 pu:1"), {NumaPolicy::shard, 0}, 0));
    const EncodingTraits &e = encoding_traits(QUANT_Q8_0);
    const std::vector<std::byte> bytes(32 * 64 / 32 * 34);
    const auto matrix = PackedMatrix::pack(e, 32, 64, bytes, nullptr);
    if (matrix.panel_bytes() == 0) return;
    std::vector<std::byte> memory(matrix.panel_bytes());
    std::vector<std::span<std::byte>> places{memory};
    test::require_error(QUANT_ERR_ARGUMENT, {"2 places"}, [&] { matrix.with_panels(places, nullptr, pool); });
    places.push_back(memory);
    test::require_error(QUANT_ERR_ARGUMENT, {"bytes"}, [&] { matrix.with_panels(places, nullptr, pool); });
}

TEST_CASE("the panels of a group's share lie in its memory", "[forced]") {
    if (test::forced_tier_is_missing()) return;
    const EncodingTraits &e = encoding_traits(QUANT_Q8_0);
    constexpr size_t rows = 333, cols = 128, panels = (rows + panel_rows - 1) / panel_rows;
    const std::vector<std::byte> bytes(rows * cols / 32 * 34);
    const auto matrix = PackedMatrix::pack(e, rows, cols, bytes, nullptr);
    if (matrix.panel_bytes() == 0) return;
    for (const NumaPolicy policy : {NumaPolicy::shard, NumaPolicy::mirror}) {
        WorkerPool pool(lay_out_workers(synthetic_topology("numanode:3 core:2 pu:1"), {policy, 0}, 5));
        const WorkerLayout &layout = pool.layout();
        std::vector<std::vector<std::byte>> memory;
        for (size_t g = 0; g < layout.groups.size(); g++) memory.emplace_back(matrix.panel_bytes(layout, g));
        const std::vector<std::span<std::byte>> places(memory.begin(), memory.end());
        const auto placed = matrix.with_panels(places, nullptr, pool);
        const auto starts = layout.shares(panels);
        for (size_t g = 0; g < layout.groups.size(); g++)
            for (size_t p = 0; p < panels; p++) {
                const auto at = placed.panel(p, g) - memory[g].data();
                const bool own = p >= starts[g] && p < starts[g + 1];
                const bool there = at >= 0 && static_cast<size_t>(at) < memory[g].size();
                REQUIRE(there == (own || policy == NumaPolicy::mirror));
            }
    }
}

TEST_CASE("extreme codes and activations do not overflow products with panels") {
    WorkerPool pool(1);
    PlaneScratch scratch;
    const EncodingTraits &e = encoding_traits(QUANT_Q8_0);
    if (!active_table().of(e).panel || !are_made(active_table())) return;
    constexpr size_t cols = 4096;
    for (const int code : {-128, 127}) {
        std::vector<std::byte> bytes(cols / 32 * 34, static_cast<std::byte>(code));
        for (size_t b = 0; b < cols / 32; b++) bytes[b * 34] = std::byte{0x00}, bytes[b * 34 + 1] = std::byte{0x3c};
        const std::vector<float> x(cols, -1.0f);
        float y = 0;
        const auto matrix = paneled(PackedMatrix::pack(e, 1, cols, bytes, nullptr), pool);
        const MatrixProduct task{&matrix, &y, 1};
        matmul_panels(active_table(), {&task, 1}, x.data(), 1, cols, scratch, pool);
        REQUIRE(y == Approx(-1.0 * code * cols).epsilon(1e-6));
    }
}

TEST_CASE("speed of products with panels", "[.bench]") {
    Random random(22);
    PlaneScratch scratch;
    constexpr size_t cols = 2048;
    const KernelTable &table = active_table();
    for (const EncodingTraits &e : encodings()) {
        if (!table.of(e).panel || !are_made(table)) continue;
        // Larger than any cache.
        const size_t rows = (size_t{400} << 20) / (cols / e.block_weights * e.block_bytes);
        std::vector<std::byte> bytes = test::normal_blocks(e, 64 * cols / e.block_weights, random);
        const size_t some = bytes.size();
        bytes.resize(rows * cols / e.block_weights * e.block_bytes);
        for (size_t at = some; at < bytes.size(); at += some)
            std::memcpy(bytes.data() + at, bytes.data(), std::min(some, bytes.size() - at));
        const auto start_pack = std::chrono::steady_clock::now();
        const auto matrix = paneled(PackedMatrix::pack(e, rows, cols, bytes, nullptr), default_pool());
        const double pack = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_pack).count();
        std::printf("%-8s %s %4.2f s to pack %4.2f GB;", e.name, table.tier, pack, static_cast<double>(bytes.size()) * 1e-9);
        for (const size_t tokens : {1, 2, 4, 8}) {
            const auto x = random.normals(tokens * cols);
            std::vector<float> y(tokens * rows);
            double best = 1e9;
            for (int round = 0; round < 5; round++) {
                const auto start = std::chrono::steady_clock::now();
                const MatrixProduct task{&matrix, y.data(), rows};
                matmul_panels(table, {&task, 1}, x.data(), tokens, cols, scratch, default_pool());
                best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
            }
            std::printf(" %zu: %5.1f GB/s", tokens, static_cast<double>(bytes.size()) / best * 1e-9);
        }
        std::printf("\n");
    }
}
