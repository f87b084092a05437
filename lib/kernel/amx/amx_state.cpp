#include "kernel/amx/amx_state.h"

#include "base/log.h"
#include "machine/tile_permission.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

namespace quant::kernel {

namespace {

/// Odd, so that ends of tiles are tried too; tokens are more than the product of floats asks for.
constexpr size_t rows = 37, tokens = 39, columns = 512;

/// The same numbers everywhere, between -1 and 1.
std::vector<float> some_floats(size_t n) {
    std::vector<float> out(n);
    uint32_t state = 1;
    for (float &x : out) {
        state = state * 1664525 + 1013904223;
        x = static_cast<float>(static_cast<int32_t>(state)) * 0x1p-31f;
    }
    return out;
}

struct Trial {
    std::vector<std::byte> encoded;
    PackedMatrix matrix;
    std::vector<float> weights = some_floats(rows * columns), x = some_floats(tokens * columns);
    WorkerPool pool{1};

    explicit Trial(quant_encoding encoding) {
        const EncodingTraits &e = encoding_traits(encoding);
        const size_t blocks = rows * columns / e.block_weights;
        encoded.resize(blocks * e.block_bytes);
        e.encode(weights.data(), nullptr, encoded.data(), blocks, QUANT_METHOD_ROUND);
        matrix = PackedMatrix::pack(e, rows, columns, encoded, nullptr);
    }

    std::vector<float> of_bytes(const KernelTable &table) {
        std::vector<float> y(tokens * rows);
        Int8Scratch scratch;
        const MatrixProduct product{&matrix, y.data(), rows};
        matmul_int8(table, {&product, 1}, x.data(), tokens, columns, scratch, pool);
        return y;
    }
    std::vector<float> of_floats(const KernelTable &table) {
        std::vector<float> y(tokens * rows);
        matmul(table, matrix, x.data(), tokens, columns, y.data(), rows, pool);
        return y;
    }
};

bool bytes_agree(quant_encoding encoding, const KernelTable &tiles, const KernelTable &proven) {
    Trial trial(encoding);
    const std::vector<float> a = trial.of_bytes(tiles), b = trial.of_bytes(proven);
    return std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

bool floats_agree(const KernelTable &tiles, const KernelTable &proven) {
    Trial trial(QUANT_F32);
    const std::vector<float> a = trial.of_floats(tiles), b = trial.of_floats(proven);
    for (size_t i = 0; i < a.size(); i++) {
        const float *w = trial.weights.data() + i % rows * columns, *x = trial.x.data() + i / rows * columns;
        double magnitude = 0;
        for (size_t k = 0; k < columns; k++) magnitude += std::fabs(static_cast<double>(w[k]) * x[k]);
        // The tolerance of ops.h, for each of the two.
        if (!(std::fabs(a[i] - b[i]) <= 2 * 4 * columns * 0x1p-24 * magnitude)) return false;
    }
    return true;
}

} // namespace

bool products_agree(const KernelTable &tiles, const KernelTable &proven) {
    // Groups of 16, 32 and 256 columns; activations' blocks of 32 and 256; with offsets and without.
    for (const quant_encoding encoding : {QUANT_Q8_0, QUANT_Q4_1, QUANT_Q4_K, QUANT_Q6_K, QUANT_TQ2_0, QUANT_NVFP4})
        if (!bytes_agree(encoding, tiles, proven)) return false;
    return floats_agree(tiles, proven);
}

AmxState judge_amx(const CpuFeatures &cpu, const std::string &refusal, const KernelTable &(*tiles)()) {
    if (!cpu.amx_tile) return {};
    if (!cpu.amx_int8 || !cpu.amx_bf16)
        return {false, "not used: this CPU's AMX does not multiply both bytes and bfloat16"};
    if (!cpu.avx512_vnni) return {false, "not used: AVX-512 VNNI, which it goes with, is missing or not enabled"};
    if (!refusal.empty()) return {false, "not used: the CPU has it, but Linux does not grant it: " + refusal};
    if (!products_agree(tiles(), avx512vnni_table()))
        return {false, "not used: its products came out wrong when they were tried"};
    return {true, "granted by Linux; its products were tried and are right"};
}

const AmxState &amx_state() {
    static const AmxState state = [] {
        const CpuFeatures &cpu = cpu_features();
        AmxState out = judge_amx(cpu, cpu.amx_tile ? request_tiles() : "", amx_table);
        if (!out.usable && !out.words.empty()) log(QUANT_LOG_WARNING, "AMX is {}", out.words);
        return out;
    }();
    return state;
}

} // namespace quant::kernel
