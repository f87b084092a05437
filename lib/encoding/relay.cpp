// Blocks of one scale are lines, x = d * (code + shift) + m, of which either shift or m is 0. Encodings differ in the
// shifts that they have: one for all blocks (Q4_0), any (a zero point), or none but an m (Q4_1).
#include "encoding/relay.h"

#include "encoding/block_bytes.h"
#include "encoding/group_blocks.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <vector>

namespace quant {

namespace {

struct Line {
    float d = 0, m = 0;
    int shift = 0;
    bool operator==(const Line &) const = default;
};

/// Of encodings whose blocks are lines; else nullptr.
const GridLayout *line_layout(const EncodingTraits &e) noexcept {
    const GridLayout *layout = find_group_layout(encoding_traits(e.id));
    if (!layout) layout = find_grid_layout(e.id);
    return layout && layout->groups == 1 && !layout->table ? layout : nullptr;
}

Line line_of(const GridLayout &layout, const BlockGrid &g) {
    if (layout.is_zero_point) return {g.d, 0, -g.minimum[0]};
    return {g.d, layout.has_minimum() ? -g.dmin : 0.0f, layout.level_low};
}

bool is_half(float v) { return f32_from_f16(f16_from_f32(v)) == v; }

// The line as an encoding has it that shifts codes: m becomes steps of d.
bool without_minimum(Line &line) {
    if (line.m == 0) return true;
    const float steps = line.d != 0 ? line.m / line.d : INFINITY;
    if (!(std::abs(steps) < 4096) || steps != std::nearbyint(steps)) return false;
    line.shift += static_cast<int>(steps), line.m = 0;
    return true;
}

struct Numbers {
    Line line;
    const uint8_t *codes;
    int lowest, highest; ///< Of these.
};

// What `to` stores of them; codes move by what comes back in `moved`.
bool fit(const GridLayout &to, Numbers n, BlockGrid &out, int &moved) {
    out.scale[0] = 1, out.minimum[0] = 0, out.dmin = 0, out.d = n.line.d;
    const auto codes_fit = [&] { return n.lowest + moved >= 0 && n.highest + moved <= to.code_high; };
    if (to.has_minimum() && !to.is_zero_point) {
        const float m = n.line.m + n.line.d * static_cast<float>(n.line.shift);
        out.minimum[0] = 1, out.dmin = -m;
        moved = 0;
        return (n.line.m == 0 || n.line.shift == 0) && is_half(m) && codes_fit();
    }
    if (!without_minimum(n.line)) return false;
    if (!to.is_zero_point) {
        moved = n.line.shift - to.level_low;
        return codes_fit();
    }
    // As it is where that can be; else moved into the range of zero points.
    const int zero = std::clamp(-n.line.shift, to.minimum_low, to.minimum_high);
    moved = n.line.shift + zero;
    out.minimum[0] = zero, out.dmin = out.d;
    return codes_fit();
}

bool relay_lines(const EncodingTraits &from, const GridLayout &have, const std::byte *in, const EncodingTraits &to,
                 const GridLayout &want, std::byte *out, uint64_t weights) {
    std::vector<Line> lines(weights / have.block);
    std::vector<uint8_t> codes(weights);
    BlockGrid grid;
    for (uint64_t b = 0; b < lines.size(); b++) {
        const std::byte *block = in + b * from.block_bytes;
        have.unpack(block, grid);
        if (have.is_zero_point && load_f16(block + sizeof(uint16_t)) != static_cast<float>(grid.minimum[0])) return false;
        lines[b] = line_of(have, grid);
        std::copy_n(grid.code.begin(), have.block, codes.begin() + static_cast<ptrdiff_t>(b * have.block));
    }
    for (uint64_t at = 0; at < weights; at += want.block, out += to.block_bytes) {
        const Line &line = lines[at / have.block];
        for (uint64_t c = at; c < at + want.block; c += std::min(have.block, want.block))
            if (lines[c / have.block] != line) return false;
        const uint8_t *some = codes.data() + at;
        const auto [low, high] = std::minmax_element(some, some + want.block);
        int moved = 0;
        BlockGrid made;
        if (!fit(want, {line, some, *low, *high}, made, moved)) return false;
        for (size_t i = 0; i < want.block; i++) made.code[i] = static_cast<uint8_t>(some[i] + moved);
        want.pack(made, out);
    }
    return true;
}

// Encoded anew and compared: where a scale follows from the weights alone.
bool relay_by_weights(const EncodingTraits &from, const std::byte *in, const EncodingTraits &to, std::byte *out, uint64_t weights) {
    std::vector<float> wanted(weights), found(weights);
    from.decode(in, wanted.data(), weights / from.block_weights);
    if (!std::all_of(wanted.begin(), wanted.end(), [](float v) { return std::isfinite(v); })) return false;
    to.encode(wanted.data(), nullptr, out, weights / to.block_weights, QUANT_METHOD_ROUND);
    to.decode(out, found.data(), weights / to.block_weights);
    return wanted == found;
}

} // namespace

bool may_relay(const EncodingTraits &from, const EncodingTraits &to) noexcept {
    if (from.id == to.id || to.id == QUANT_F32) return true;
    if (from.is_float() || to.is_float()) return false;
    if (line_layout(from) && line_layout(to)) return true;
    return from.family == Family::ternary && to.family == Family::ternary;
}

bool relay(const EncodingTraits &from, const std::byte *in, const EncodingTraits &to, std::byte *out, uint64_t weights) {
    if (!may_relay(from, to) || weights % from.block_weights != 0 || weights % to.block_weights != 0) return false;
    if (from.id == to.id) {
        std::memcpy(out, in, weights / to.block_weights * to.block_bytes);
        return true;
    }
    if (to.id == QUANT_F32) {
        std::vector<float> row(weights);
        from.decode(in, row.data(), weights / from.block_weights);
        std::memcpy(out, row.data(), weights * sizeof(float));
        return true;
    }
    if (line_layout(from) && line_layout(to))
        return relay_lines(from, *line_layout(from), in, to, *line_layout(to), out, weights);
    return relay_by_weights(from, in, to, out, weights);
}

} // namespace quant
