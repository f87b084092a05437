// Multi-head latent attention: what of it differs from other attention is what queries, keys and values are made of,
// and what becomes of its results.
#include "model/layer_pass.h"

#include "kernel/ops.h"

#include <algorithm>

namespace quant {

// Queries as the file's matrices make them, and the vectors that keys and values are made of, behind which the part
// of keys that is rotated stands.
void LayerPass::read_latent(const Layer &layer, const float *x, size_t tokens, float *q, float *kv) {
    const LatentAttention &a = h_.latent;
    const size_t q_width = h_.heads * (a.plain_dims + a.rope_dims), kv_width = a.rank + a.rope_dims;
    const LatentLayer &l = layer.latent;
    if (a.q_rank == 0) return multiply({{&layer.q, q, q_width}, {&l.kv, kv, kv_width}}, x, tokens);
    float *narrow = grown(narrow_, tokens * a.q_rank);
    multiply({{&l.q, narrow, a.q_rank}, {&l.kv, kv, kv_width}}, x, tokens);
    for_tokens(tokens, [&](size_t t) {
        float *row = narrow + t * a.q_rank;
        vector_ops().rms_norm(row, l.q_norm.data(), h_.norm_epsilon, row, a.q_rank);
    });
    multiply({{&l.q_heads, q, q_width}}, narrow, tokens);
}

// A head's query goes through its part of the matrix of keys. Workers take heads, whose products are small.
void LayerPass::absorb_queries(const Layer &layer, const float *in, size_t tokens, float *q) {
    const LatentAttention &a = h_.latent;
    const size_t head_in = a.plain_dims + a.rope_dims;
    pool_.parallel_for(h_.heads, 1, [&](size_t begin, size_t end, unsigned) {
        for (size_t head = begin; head < end; head++) {
            for (size_t t = 0; t < tokens; t++) {
                const float *from = in + (t * h_.heads + head) * head_in + a.plain_dims;
                std::copy_n(from, a.rope_dims, q + t * h_.q_width() + head * h_.head_dim);
            }
            matmul(layer.latent.key[head], in + head * head_in, tokens, h_.heads * head_in,
                   q + head * h_.head_dim + a.rope_dims, h_.q_width(), pool_);
        }
    });
}

void LayerPass::attend_latent(const Layer &layer, uint32_t index, const float *x, size_t tokens, float *y) {
    const LatentAttention &a = h_.latent;
    const size_t kv_width = a.rank + a.rope_dims, gathered_width = size_t{h_.heads} * a.rank;
    float *in = grown(latent_q_, tokens * h_.heads * (a.plain_dims + a.rope_dims));
    float *kv = grown(latent_kv_, tokens * kv_width);
    read_latent(layer, x, tokens, in, kv);
    float *q = grown(q_, tokens * h_.q_width()), *k = grown(k_, tokens * h_.kv_width()), *v = grown(v_, tokens * a.rank);
    for_tokens(tokens, [&](size_t t) {
        float *vector = v + t * a.rank, *key = k + t * h_.kv_width();
        vector_ops().rms_norm(kv + t * kv_width, layer.latent.kv_norm.data(), h_.norm_epsilon, vector, a.rank);
        std::copy_n(kv + t * kv_width + a.rank, a.rope_dims, key);
        std::copy_n(vector, a.rank, key + a.rope_dims);
    });
    absorb_queries(layer, in, tokens, q);
    float *gathered = grown(gathered_, tokens * gathered_width);
    gather(layer, index, tokens, gathered);
    pool_.parallel_for(h_.heads, 1, [&](size_t begin, size_t end, unsigned) {
        for (size_t head = begin; head < end; head++)
            matmul(layer.latent.value[head], gathered + head * a.rank, tokens, gathered_width, y + head * a.value_dims,
                   h_.attended_width(), pool_);
    });
}

} // namespace quant
