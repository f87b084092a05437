#include "kernel/token_lanes.h"

#include <algorithm>
#include <cstring>

namespace quant {

/// Of the columns of a stretch, so that no two workers write to a line.
void TokenLanes::lay(const PlaneTokens &from, size_t block, size_t stretch) {
    const size_t begin = stretch * PlaneTokens::stretch, end = std::min(begin + PlaneTokens::stretch, from.cols());
    const size_t first = block * lanes, some = std::min(lanes, from.tokens() - first);
    const size_t group = from.cols() / from.groups(), groups = block * from.groups();
    Row<Quad> *quads = quads_.data() + block * (from.cols() / 2);
    for (size_t lane = 0; lane < some; lane++) {
        const size_t t = first + lane;
        const int8_t *high = from.planes() + 2 * t * from.plane_stride(), *low = high + from.plane_stride();
        for (size_t i = begin; i < end; i += sizeof(Quad)) {
            std::memcpy(&quads[i / 2].of[lane], high + i, sizeof(Quad));
            std::memcpy(&quads[i / 2 + 1].of[lane], low + i, sizeof(Quad));
        }
        scales_[block * from.stretches() + stretch].of[lane] = from.scales()[t * from.stretches() + stretch];
        for (size_t g = begin / group; g < end / group; g++)
            sums_[groups + g].of[lane] = from.sums()[t * from.groups() + g];
    }
}

void TokenLanes::assign(const PlaneTokens &from, WorkerPool &pool) {
    constexpr size_t least_stretches = 2; // Below which waking another worker costs more than it brings.
    const size_t blocks = (from.tokens() + lanes - 1) / lanes, stretches = from.stretches();
    quads_.resize(blocks * from.cols() / 2), scales_.resize(blocks * stretches), sums_.resize(blocks * from.groups());
    if (from.tokens() % lanes != 0) {
        std::fill_n(quads_.end() - static_cast<ptrdiff_t>(from.cols() / 2), from.cols() / 2, Row<Quad>{});
        std::fill_n(scales_.end() - static_cast<ptrdiff_t>(stretches), stretches, Row<float>{});
        std::fill_n(sums_.end() - static_cast<ptrdiff_t>(from.groups()), from.groups(), Row<int32_t>{});
    }
    pool.parallel_for(blocks * stretches, least_stretches, [&](size_t begin, size_t end, unsigned) {
        for (size_t i = begin; i < end; i++) lay(from, i / stretches, i % stretches);
    });
}

} // namespace quant
