// What tests of attention share: caches of random keys and values, attention by definition, and a case's arguments.
#pragma once

#include "kernel_test_support.h"

#include <deque>
#include <memory>

namespace quant::test {

/// A sequence's pages, and its keys and values as decoding them gives: positions x kv_heads x the head's dimensions.
struct Cache {
    std::deque<Guarded<std::byte>> pages;
    std::vector<const std::byte *> bases;
    std::vector<float> keys, values;
};

constexpr size_t attention_page = KvLayout::positions;

inline void fill_cache(const KvLayout &layout, size_t positions, size_t kv_heads, size_t key_dim, size_t value_dim,
                       Random &random, Cache &c) {
    const auto fill = [&](const EncodingTraits &e, size_t head_dim, size_t row_bytes, size_t at, bool side_by_side,
                          std::vector<float> &kept) {
        kept.resize(positions * kv_heads * head_dim);
        std::vector<std::byte> row(row_bytes);
        for (size_t p = 0; p < positions; ++p)
            for (size_t h = 0; h < kv_heads; ++h) {
                e.encode(random.normals(head_dim).data(), nullptr, row.data(), head_dim / e.block_weights,
                         QUANT_METHOD_ROUND);
                e.decode(row.data(), kept.data() + (p * kv_heads + h) * head_dim, head_dim / e.block_weights);
                std::byte *head = c.pages[p / attention_page].data() + at + h * attention_page * row_bytes;
                if (!side_by_side) std::copy(row.begin(), row.end(), head + p % attention_page * row_bytes);
                for (size_t d = 0; side_by_side && d < head_dim; ++d)
                    std::copy_n(row.data() + d * e.block_bytes, e.block_bytes,
                                head + layout.key_at(p % attention_page, d));
            }
    };
    for (size_t p = 0; p < positions; p += attention_page) {
        c.pages.emplace_back(kv_heads * attention_page * (layout.key_bytes + layout.value_bytes));
        std::fill_n(c.pages.back().data(), kv_heads * attention_page * (layout.key_bytes + layout.value_bytes),
                    std::byte{0xff});
        c.bases.push_back(c.pages.back().data());
    }
    fill(*layout.keys, key_dim, layout.key_bytes, 0, layout.keys_lie_side_by_side(), c.keys);
    fill(*layout.values, value_dim, layout.value_bytes, kv_heads * attention_page * layout.key_bytes, false, c.values);
}

/// Weighted values of one token and head, by definition.
inline std::vector<double> plain_attention(const AttentionArgs &a, const AttentionSequence &s, const Cache &c,
                                           size_t token, size_t head) {
    const size_t last = s.first_position + (a.bidirectional ? s.tokens - 1 : token), kv = head / (a.heads / a.kv_heads);
    const size_t begin = a.sliding_window && last + 1 > a.sliding_window ? last + 1 - a.sliding_window : 0;
    std::vector<double> weights;
    double largest = -INFINITY, sum = 0;
    for (size_t p = begin; p <= last; ++p) {
        double score = 0;
        for (size_t d = 0; d < a.head_dim; ++d)
            score += static_cast<double>(a.q[(s.first_token + token) * a.q_stride + head * a.head_dim + d]) *
                     c.keys[(p * a.kv_heads + kv) * a.head_dim + d];
        score *= a.scale;
        weights.push_back(a.logit_softcap != 0 ? a.logit_softcap * std::tanh(score / a.logit_softcap) : score);
        largest = std::max(largest, weights.back());
    }
    for (double &w : weights) sum += w = std::exp(w - largest);
    if (a.sinks) sum += std::exp(a.sinks[head] - largest);
    std::vector<double> out(a.value_width(), 0.0);
    for (size_t p = begin; p <= last; ++p)
        for (size_t d = 0; d < a.value_width(); ++d)
            out[d] += weights[p - begin] / sum * c.values[(p * a.kv_heads + kv) * a.value_width() + d];
    return out;
}

struct AttentionCase {
    size_t tokens, first, kv_heads, group, head_dim, window;
    quant_encoding keys = QUANT_F32, values = QUANT_F32;
    size_t sequences = 1; ///< The second has one token less, and begins 13 positions later, and so on.
    bool bidirectional = false;
    size_t value_dim = 0; ///< 0: head_dim.
    float softcap = 0;
    bool sinks = false; ///< From far below all scores to far above them.
};

/// A case with its memory: queries, results that end where memory does, and caches.
class AttentionRun {
public:
    AttentionRun(const AttentionCase &c, Random &random) : case_(c) {
        const EncodingTraits &keys = encoding_traits(c.keys), &values = encoding_traits(c.values);
        args.heads = c.kv_heads * c.group, args.kv_heads = c.kv_heads, args.head_dim = c.head_dim;
        args.q_stride = args.heads * c.head_dim + 3, args.value_dim = c.value_dim, args.out_stride = args.heads * args.value_width() + 1;
        args.layout = {&keys, &values, c.head_dim / keys.block_weights * keys.block_bytes,
                       args.value_width() / values.block_weights * values.block_bytes};
        args.values_at = c.kv_heads * attention_page * args.layout.key_bytes;
        args.sliding_window = c.window;
        args.bidirectional = c.bidirectional;
        args.logit_softcap = c.softcap;
        sinks = random.normals(args.heads);
        for (float &sink : sinks) sink *= 10;
        if (c.sinks) args.sinks = sinks.data();
        args.scale = 1 / std::sqrt(static_cast<float>(c.head_dim));
        size_t all = 0;
        for (size_t i = 0; i < c.sequences; ++i) {
            const size_t tokens = c.tokens > i ? c.tokens - i : 1, first = c.first + 13 * i;
            fill_cache(args.layout, first + tokens, c.kv_heads, c.head_dim, args.value_width(), random,
                       caches.emplace_back());
            sequences.push_back({caches.back().bases.data(), all, tokens, first});
            all += tokens;
        }
        std::vector<float> queries = random.normals(all * args.q_stride);
        for (float &x : queries) x *= 3; // some rows with one sharp peak
        q = std::make_unique<Guarded<float>>(queries);
        out = std::make_unique<Guarded<float>>(all * args.out_stride);
        args.q = q->data(), args.out = out->data();
        args.sequences = sequences;
    }

    std::string words(const kernel::KernelTable &table) const {
        return std::string(table.tier) + " tokens " + std::to_string(case_.tokens) + " first " +
               std::to_string(case_.first) + " kv heads " + std::to_string(case_.kv_heads) + " group " +
               std::to_string(case_.group) + " dims " + std::to_string(case_.head_dim) + " window " +
               std::to_string(case_.window) + " " + std::string(args.layout.keys->name) + " " +
               std::string(args.layout.values->name) + " sequences " + std::to_string(case_.sequences) + " value dims " +
               std::to_string(args.value_width()) + " softcap " + std::to_string(case_.softcap) +
               (case_.sinks ? " sinks" : "") + " seed " +
               std::to_string(run_seed());
    }

    /// Results of one token's head.
    const float *result(const AttentionSequence &s, size_t token, size_t head) const {
        return args.out + (s.first_token + token) * args.out_stride + head * args.value_width();
    }

    /// All results, without what lies between.
    std::vector<float> results() const {
        std::vector<float> all;
        for (const AttentionSequence &s : sequences)
            for (size_t t = 0; t < s.tokens; ++t)
                all.insert(all.end(), result(s, t, 0), result(s, t, 0) + args.heads * args.value_width());
        return all;
    }

    /// Fails where a result is further than `most` from the definition's.
    void require_near(double most) const {
        for (size_t i = 0; i < sequences.size(); ++i)
            for (size_t t = 0; t < sequences[i].tokens; ++t)
                for (size_t h = 0; h < args.heads; ++h) {
                    const auto expected = plain_attention(args, sequences[i], caches[i], t, h);
                    for (size_t d = 0; d < args.value_width(); ++d) {
                        const double got = result(sequences[i], t, h)[d];
                        if (!(std::fabs(got - expected[d]) < most)) {
                            INFO("sequence " << i << " token " << t << " head " << h << " dim " << d << " got " << got
                                             << " expected " << expected[d]);
                            FAIL("attention differs");
                        }
                    }
                }
    }

    AttentionArgs args{};
    std::deque<Cache> caches;
    std::vector<AttentionSequence> sequences;
    std::unique_ptr<Guarded<float>> q, out;
    std::vector<float> sinks;

private:
    AttentionCase case_;
};

} // namespace quant::test
