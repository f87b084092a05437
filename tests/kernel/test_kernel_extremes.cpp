// Products of bytes where they could go wrong: codes and activations as large as they can be, which
// narrow sums must hold; and that tiers of one architecture, which add floats in the same order, give the
// same numbers bit for bit.
#include "kernel/activations.h"
#include "kernel/panel_shape.h"
#include "kernel_test_support.h"

using namespace quant;
using namespace quant::kernel;
using test::Random;

namespace {

/// A block with as many bytes of this value as leave its weights finite: codes of all ones, or none.
std::vector<std::byte> extreme_block(const EncodingTraits &e, std::byte value, Random &random) {
    std::vector<std::byte> out = test::random_blocks(e, 1, random);
    std::vector<float> weights(e.block_weights);
    for (std::byte &byte : out) {
        const std::byte before = byte;
        byte = value;
        e.decode(out.data(), weights.data(), 1);
        for (const float w : weights)
            if (!(std::fabs(w) < 1e30f)) byte = before;
    }
    return out;
}

/// Rows of such blocks, a value a row, then random ones.
std::vector<std::byte> extreme_rows(const EncodingTraits &e, size_t rows, size_t blocks, Random &random) {
    std::vector<std::byte> out;
    for (size_t r = 0; r < rows; r++) {
        constexpr int values[] = {0xff, 0x00, 0x7f, 0x80, 0x88, 0x77, 0xf0, 0x0f};
        const auto value = static_cast<std::byte>(values[r % std::size(values)]);
        std::vector<std::byte> block = extreme_block(e, value, random);
        for (size_t b = 0; b < blocks; b++) {
            if (r >= std::size(values)) block = test::random_blocks(e, 1, random);
            out.insert(out.end(), block.begin(), block.end());
        }
    }
    return out;
}

/// Tokens of the largest activations, or those below the largest by this much: all of one sign, of both
/// in turn, and random ones.
std::vector<float> extreme_tokens(size_t tokens, size_t cols, int below_largest, Random &random) {
    constexpr float whole = PlaneTokens::largest;
    const float below = whole - static_cast<float>(below_largest), other = below_largest == 0 ? whole : below - 1;
    std::vector<float> x(tokens * cols);
    for (size_t t = 0; t < tokens; t++)
        for (size_t i = 0; i < cols; i++) {
            const float size = i % 64 == 0 ? whole : t % 2 == 0 ? below : other;
            const float signs[] = {size, -size, i % 2 == 0 ? size : -size, i % 4 < 2 ? size : -size, random.normal()};
            x[t * cols + i] = signs[t / 2 % std::size(signs)];
        }
    return x;
}

/// `multiply(table, y)` on each tier that `has` it gives what double does with `inputs`, and x86 the same bits.
template <class Has, class Multiply>
void check_tiers(const PackedMatrix &w, const std::vector<float> &inputs, size_t tokens, const Has &has,
                 const Multiply &multiply) {
    const size_t rows = w.rows(), cols = w.cols();
    std::vector<float> first, weights(cols);
    const char *first_tier = "";
    for (const KernelTable *table : test::tiers()) {
        if (!has(*table)) continue;
        INFO(table->tier << " and " << first_tier << " " << w.encoding().name << " seed " << test::run_seed());
        std::vector<float> y(tokens * rows);
        multiply(*table, y);
        for (size_t r = 0; r < rows; r++) {
            w.encoding().decode(w.row_bytes(r).data(), weights.data(), cols / w.encoding().block_weights);
            for (size_t t = 0; t < tokens; t++) {
                double exact = 0, magnitude = 0;
                for (size_t i = 0; i < cols; i++) {
                    const double product = static_cast<double>(weights[i]) * inputs[t * cols + i];
                    exact += product, magnitude += std::fabs(product);
                }
                const float found = y[t * rows + r];
                if (magnitude < 1e34 && !(std::fabs(found - exact) <= test::sum_bound(cols, magnitude)))
                    FAIL("row " << r << " token " << t << ": " << found << ", not " << exact);
            }
        }
#if defined(__x86_64__)
        if (first.empty()) first = y, first_tier = table->tier;
        for (size_t i = 0; i < y.size(); i++)
            if (std::memcmp(&first[i], &y[i], sizeof y[i]) != 0 && !(std::isnan(first[i]) && std::isnan(y[i])))
                FAIL("number " << i << ": " << y[i] << ", not " << first[i]);
#endif
    }
}

} // namespace

TEST_CASE("products of the largest bytes are right on all tiers, and the same bit for bit") {
    Random random(31);
    WorkerPool pool(1);
    Int8Scratch scratch;
    constexpr size_t rows = 37, cols = 768 + 512;
    for (const EncodingTraits &e : encodings()) {
        if (e.is_float()) continue;
        const std::vector<std::byte> bytes = extreme_rows(e, rows, cols / e.block_weights, random);
        const auto matrix = PackedMatrix::pack(e, rows, cols, bytes, nullptr);
        for (const size_t tokens : {2, 4, 11}) {
            const std::vector<float> x = extreme_tokens(tokens, cols, 0, random);
            std::vector<float> rounded(x.size());
            round_activations(e, x.data(), tokens, cols, rounded.data(), pool);
            check_tiers(
                matrix, rounded, tokens, [&](const KernelTable &table) { return table.of(e).expand != nullptr; },
                [&](const KernelTable &table, std::vector<float> &y) {
                    test::multiply_int8(table, matrix, x.data(), tokens, cols, y.data(), rows, scratch, pool);
                });
        }
    }
}

TEST_CASE("products of the largest codes with panels are right on all tiers, and the same bit for bit") {
    Random random(32);
    WorkerPool pool(1);
    PlaneScratch scratch;
    constexpr size_t rows = 37, cols = 768;
    for (const EncodingTraits &e : encodings()) {
        if (!active_table().of(e).panel || !test::are_made(active_table())) continue;
        const std::vector<std::byte> bytes = extreme_rows(e, rows, cols / e.block_weights, random);
        const auto matrix = test::paneled(PackedMatrix::pack(e, rows, cols, bytes, nullptr), pool);
        for (const size_t tokens : {1, 2, 3, 4, 5, 6, 7, 8, 16, 21}) {
            // 64 below, the low plane is -64; one more, it is 63.
            const std::vector<float> x = extreme_tokens(tokens, cols, 64, random);
            PlaneTokens planes;
            planes.assign(32, x.data(), tokens, cols, cols);
            std::vector<float> counted(x.size());
            for (size_t t = 0; t < tokens; t++)
                for (size_t i = 0; i < cols; i++) {
                    const int8_t *high = planes.planes() + t * 2 * planes.plane_stride() + i, *low = high + planes.plane_stride();
                    if (std::abs(*high) > PlaneTokens::most_high || std::abs(*low) > PlaneTokens::most_low)
                        FAIL("planes " << int{*high} << ", " << int{*low});
                    counted[t * cols + i] = planes.scales()[t * planes.stretches() + i / PlaneTokens::stretch] *
                                            static_cast<float>(128 * *high + *low);
                }
            check_tiers(
                matrix, counted, tokens,
                // The definition adds numbers one by one.
                [&](const KernelTable &table) { return table.of(e).panel && &table != &scalar_table(); },
                [&](const KernelTable &table, std::vector<float> &y) {
                    const MatrixProduct task{&matrix, y.data(), rows};
                    matmul_panels(table, {&task, 1}, x.data(), tokens, cols, scratch, pool);
                });
        }
    }
}
