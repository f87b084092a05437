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

// Such blocks begin with d, and with the other number where they have one: m, or a zero point.
Line line_of(const GridLayout &layout, const std::byte *block) {
    const float d = load_f16(block), second = load_f16(block + sizeof(uint16_t));
    if (layout.is_zero_point) return {d, 0, -static_cast<int>(second)};
    return {d, layout.has_minimum() ? second : 0.0f, layout.level_low};
}

bool has_whole_zero(const GridLayout &layout, const std::byte *block) {
    const float second = load_f16(block + sizeof(uint16_t));
    return !layout.is_zero_point || second == std::nearbyint(second);
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
    int lowest, highest; ///< Of the codes.
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

/// Blocks of one encoding, taken apart once: neighbours in the other share them.
class Lines {
public:
    /// False from ok() where a block is no line.
    Lines(const EncodingTraits &encoding, const GridLayout &layout, const std::byte *in, uint64_t weights)
        : layout_(layout), bytes_(encoding.block_bytes), in_(in), lines_(weights / layout.block) {
        for (uint64_t b = 0; b < lines_.size(); b++) {
            ok_ &= has_whole_zero(layout, in + b * bytes_);
            lines_[b] = line_of(layout, in + b * bytes_);
        }
    }

    bool ok() const { return ok_; }
    const GridLayout &layout() const { return layout_; }
    const Line &at(uint64_t weight) const { return lines_[weight / layout_.block]; }
    /// All weights from `first` on have one line, as many as `count`.
    bool are_one(uint64_t first, uint64_t count) const {
        for (uint64_t b = first / layout_.block + 1; b * layout_.block < first + count; b++)
            if (lines_[b] != at(first)) return false;
        return true;
    }
    /// Of all weights.
    std::vector<uint8_t> codes() const {
        std::vector<uint8_t> out(lines_.size() * layout_.block);
        BlockGrid grid;
        for (uint64_t b = 0; b < lines_.size(); b++) {
            layout_.unpack(in_ + b * bytes_, grid);
            std::memcpy(out.data() + b * layout_.block, grid.code.data(), layout_.block);
        }
        return out;
    }

private:
    const GridLayout &layout_;
    size_t bytes_;
    const std::byte *in_;
    std::vector<Line> lines_;
    bool ok_ = true;
};

bool relay_lines(const Lines &from, const EncodingTraits &to, const GridLayout &want, std::byte *out, uint64_t weights) {
    if (!from.ok()) return false;
    std::vector<uint8_t> codes;
    const auto codes_from = [&](uint64_t first) {
        if (codes.empty()) codes = from.codes();
        return codes.data() + first;
    };
    const int highest = from.layout().code_high;
    BlockGrid made;
    const Line *last = nullptr; // That `made` is of, whatever the codes are.
    int moved = 0;
    for (uint64_t at = 0; at < weights; at += want.block) {
        if (!from.are_one(at, want.block)) return false;
        // Mostly the codes fit, whichever they are.
        if (last == &from.at(at)) {
            // As the block before.
        } else if (!fit(want, {from.at(at), 0, highest}, made, moved)) {
            const uint8_t *some = codes_from(at);
            const auto [low, high] = std::minmax_element(some, some + want.block);
            if (!fit(want, {from.at(at), *low, *high}, made, moved)) return false;
            last = nullptr;
        } else {
            last = &from.at(at);
        }
        if (!out) continue;
        const uint8_t *some = codes_from(at);
        if (moved == 0) std::memcpy(made.code.data(), some, want.block);
        for (size_t i = 0; moved != 0 && i < want.block; i++) made.code[i] = static_cast<uint8_t>(some[i] + moved);
        want.pack(made, out);
        out += to.block_bytes;
    }
    return true;
}

// Encoded anew and compared: where a scale follows from the weights alone.
bool relay_by_weights(const EncodingTraits &from, const std::byte *in, const EncodingTraits &to, std::byte *out, uint64_t weights) {
    std::vector<std::byte> own(out ? 0 : weights / to.block_weights * to.block_bytes);
    if (!out) out = own.data();
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
    if (!out && (from.id == to.id || to.id == QUANT_F32)) return true;
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
        return relay_lines({from, *line_layout(from), in, weights}, to, *line_layout(to), out, weights);
    return relay_by_weights(from, in, to, out, weights);
}

} // namespace quant
