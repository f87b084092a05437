#include "engine/ranking.h"

#include "kernel/ops.h"

#include <algorithm>
#include <functional>
#include <limits>

namespace quant {

namespace {

/// Logits of a block: enough to make the tops few, few enough to make what is read twice little.
constexpr size_t block = 128;

std::span<const float> block_of(std::span<const float> logits, size_t index) {
    return logits.subspan(index * block, std::min(block, logits.size() - index * block));
}

} // namespace

// Below it there is only -infinity.
float Ranking::lowest() { return std::numeric_limits<float>::lowest(); }

void Ranking::begin(std::span<const float> logits) {
    const auto maximum = vector_ops().maximum; // Which passes over what is no number.
    logits_ = logits;
    block_tops_.resize((logits.size() + block - 1) / block);
    for (size_t i = 0; i < block_tops_.size(); i++) {
        const auto part = block_of(logits, i);
        block_tops_[i] = maximum(part.data(), part.size());
    }
    top_ = maximum(block_tops_.data(), block_tops_.size());
}

int32_t Ranking::likeliest() const {
    const auto at = std::find(block_tops_.begin(), block_tops_.end(), top_) - block_tops_.begin();
    const auto part = block_of(logits_, static_cast<size_t>(at));
    return static_cast<int32_t>(at * static_cast<ptrdiff_t>(block) +
                                (std::find(part.begin(), part.end(), top_) - part.begin()));
}

/// A logit that at least `count` reach, or lowest() where blocks do not tell one.
float Ranking::bound_of(size_t count) const {
    if (count > block_tops_.size()) return lowest();
    std::vector<float> tops = block_tops_;
    const auto last = tops.begin() + static_cast<ptrdiff_t>(count) - 1;
    std::nth_element(tops.begin(), last, tops.end(), std::greater<>());
    return std::max(*last, lowest());
}

void Ranking::collect(float least, std::vector<Candidate> &out) const {
    out.clear();
    for (size_t i = 0; i < block_tops_.size(); i++) {
        if (!(block_tops_[i] >= least)) continue;
        const auto part = block_of(logits_, i);
        for (size_t j = 0; j < part.size(); j++)
            if (part[j] >= least) out.push_back({static_cast<int32_t>(i * block + j), part[j], 0});
    }
}

void Ranking::first(size_t count, std::vector<Candidate> &out) const {
    out.clear();
    if (count == 0) return;
    collect(bound_of(count), out);
    if (out.size() > count) {
        std::nth_element(out.begin(), out.begin() + static_cast<ptrdiff_t>(count), out.end(), likelier);
        out.resize(count);
    }
    std::sort(out.begin(), out.end(), likelier);
}

void Ranking::down_to(float least, std::vector<Candidate> &out) const {
    collect(std::max(least, lowest()), out);
    std::sort(out.begin(), out.end(), likelier);
}

} // namespace quant
