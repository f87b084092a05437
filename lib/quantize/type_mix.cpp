#include "quantize/type_mix.h"

#include "base/error.h"

#include <strings.h>

#include <algorithm>
#include <iterator>

namespace quant {

namespace {

constexpr TypeMix mixes[] = {
    {"Q1_0", "1 bit; only for models trained so", QUANT_Q1_0, QUANT_Q6_K},
    {"IQ1_S", "1.6 bits from a codebook; a wreck, but the smallest that talks", QUANT_IQ1_S, QUANT_Q5_K},
    {"TQ1_0", "-1, 0, 1; only for models trained so", QUANT_TQ1_0, QUANT_Q6_K},
    {"IQ1_M", "1.8 bits from a codebook; very high loss", QUANT_IQ1_M, QUANT_Q5_K},
    {"IQ2_XXS", "2.1 bits from a codebook; very high loss", QUANT_IQ2_XXS, QUANT_Q5_K},
    {"TQ2_0", "-1, 0, 1, faster to unpack; only for models trained so", QUANT_TQ2_0, QUANT_Q6_K},
    {"Q2_0", "2 bits, one scale for 64 weights; only for models trained so", QUANT_Q2_0, QUANT_Q6_K},
    {"IQ2_XS", "2.3 bits from a codebook; high loss", QUANT_IQ2_XS, QUANT_Q5_K},
    {"IQ2_S", "2.3 bits from a codebook, 3.4 where it matters; high loss", QUANT_IQ2_XS, QUANT_Q5_K},
    {"IQ2_M", "2.6 bits from a codebook, 3.4 where it matters", QUANT_IQ2_S, QUANT_Q5_K},
    {"Q2_K_S", "2 bits, 4 in the first layers; clearly worse than the base", QUANT_Q2_K, QUANT_Q6_K},
    {"Q2_K", "2 bits, 3 where it matters; clearly worse than the base", QUANT_Q2_K, QUANT_Q6_K},
    {"IQ3_XXS", "3.1 bits from a codebook, fewer for queries and keys", QUANT_IQ3_XXS, QUANT_Q5_K},
    {"IQ3_XS", "3.4 bits from a codebook, 3.1 in the middle", QUANT_IQ3_S, QUANT_Q6_K},
    {"IQ3_S", "3.4 bits from a codebook", QUANT_IQ3_S, QUANT_Q6_K},
    {"IQ3_M", "3.4 bits from a codebook, 4 where it matters", QUANT_IQ3_S, QUANT_Q6_K},
    {"Q3_K_S", "3 bits; high loss", QUANT_Q3_K, QUANT_Q6_K},
    {"Q3_K_M", "3 bits, 4 and 5 where it matters", QUANT_Q3_K, QUANT_Q6_K},
    {"Q3_K_L", "3 bits, 5 where it matters", QUANT_Q3_K, QUANT_Q6_K},
    {"IQ4_XS", "4 bits from a table of levels; small for its loss", QUANT_IQ4_XS, QUANT_Q6_K},
    {"MXFP4_MOE", "4-bit floats for experts, 8 bits for all else", QUANT_MXFP4, QUANT_Q8_0},
    {"Q4_0", "4 bits, one scale for 32 weights; old, simple, fast", QUANT_Q4_0, QUANT_Q6_K},
    {"IQ4_NL", "4 bits from a table of levels, for any multiple of 32", QUANT_IQ4_NL, QUANT_Q6_K},
    {"Q4_K_S", "4 bits; small, moderate loss", QUANT_Q4_K, QUANT_Q6_K},
    {"Q4_K_M", "4 bits, 6 where it matters; the usual choice", QUANT_Q4_K, QUANT_Q6_K},
    {"Q4_1", "4 bits, scale and minimum for 32 weights; old", QUANT_Q4_1, QUANT_Q6_K},
    {"Q5_0", "5 bits, one scale for 32 weights; old", QUANT_Q5_0, QUANT_Q6_K},
    {"Q5_K_S", "5 bits; low loss", QUANT_Q5_K, QUANT_Q6_K},
    {"Q5_K_M", "5 bits, 6 where it matters; low loss", QUANT_Q5_K, QUANT_Q6_K},
    {"Q5_1", "5 bits, scale and minimum for 32 weights; old", QUANT_Q5_1, QUANT_Q6_K},
    {"Q6_K", "6 bits; very low loss", QUANT_Q6_K, QUANT_Q6_K},
    {"Q8_0", "8 bits; next to no loss", QUANT_Q8_0, QUANT_Q8_0},
    {"F16", "16-bit floats", QUANT_F16, QUANT_F16},
    {"BF16", "16-bit floats with the range of 32", QUANT_BF16, QUANT_BF16},
    {"F32", "32-bit floats, which can be anything without a change", QUANT_F32, QUANT_F32},
};

// Where in a model a rule holds; all that are named must. Sets of bits.
enum Where : uint16_t {
    everywhere = 0,
    first_2 = 1 << 0,          ///< Layers.
    first_4 = 1 << 1,
    first_eighth = 1 << 2,
    first_sixteenth = 1 << 3,
    middle = 1 << 4,           ///< All but the first and the last eighth.
    more_bits = 1 << 5,        ///< The first and last eighth, and every third between.
    grouped_4 = 1 << 6,        ///< Models with at least 4 query heads for each key-value head.
    grouped_or_mixed = 1 << 7, ///< These, and models of at least 4 experts.
    experts_8 = 1 << 8,        ///< Models of 8 experts.
    measured = 1 << 9,         ///< Importance is known.
    unmeasured = 1 << 10,
};

constexpr Where operator|(Where a, Where b) { return static_cast<Where>(uint16_t{a} | uint16_t{b}); }

struct Rule {
    std::string_view mixes; ///< One or more, with spaces between; "*" for all that quantize.
    Role role;
    Where where;
    quant_encoding encoding;
};

constexpr std::string_view iq1 = "IQ1_S IQ1_M", small_iq2 = "IQ1_S IQ1_M IQ2_XXS IQ2_XS", large_iq2 = "IQ2_S IQ2_M",
                           all_iq2 = "IQ1_S IQ1_M IQ2_XXS IQ2_XS IQ2_S IQ2_M", ternary = "TQ1_0 TQ2_0 Q2_0",
                           mixed_output = "Q2_K Q3_K_S Q3_K_M Q4_K_S Q4_K_M IQ3_XXS IQ3_XS IQ3_S IQ3_M IQ4_XS IQ4_NL",
                           grouped_value_4 = "Q2_K Q2_K_S IQ3_XXS IQ3_XS IQ3_S";

// For each mix and role the first rule that holds.
constexpr Rule rules[] = {
    {small_iq2, Role::token_embedding, everywhere, QUANT_Q2_K},
    {large_iq2, Role::token_embedding, everywhere, QUANT_IQ3_S},
    {"IQ3_XXS", Role::token_embedding, everywhere, QUANT_IQ3_S},
    {ternary, Role::token_embedding, everywhere, QUANT_Q4_K},

    {all_iq2, Role::attention_v, grouped_or_mixed, QUANT_Q4_K},
    {small_iq2, Role::attention_v, everywhere, QUANT_Q2_K},
    {large_iq2, Role::attention_v, everywhere, QUANT_IQ3_S},
    {"*", Role::attention_v, experts_8, QUANT_Q8_0},
    {grouped_value_4, Role::attention_v, grouped_4, QUANT_Q4_K},
    {"Q2_K", Role::attention_v, everywhere, QUANT_Q3_K},
    {"IQ3_XXS", Role::attention_v, unmeasured, QUANT_IQ3_S},
    {"IQ3_M", Role::attention_v, everywhere, QUANT_Q4_K},
    {"Q3_K_M", Role::attention_v, first_2, QUANT_Q5_K},
    {"Q3_K_M", Role::attention_v, everywhere, QUANT_Q4_K},
    {"Q3_K_L", Role::attention_v, everywhere, QUANT_Q5_K},
    {"Q4_K_S", Role::attention_v, first_4, QUANT_Q5_K},
    {"Q4_K_M Q5_K_M", Role::attention_v, more_bits, QUANT_Q6_K},
    {"IQ4_NL IQ4_XS", Role::attention_v, grouped_4, QUANT_Q5_K},

    {all_iq2, Role::attention_k, experts_8, QUANT_Q4_K},
    {"*", Role::attention_k, experts_8, QUANT_Q8_0},
    {"IQ3_XXS", Role::attention_k, everywhere, QUANT_IQ2_S},
    {"IQ3_XS", Role::attention_k, everywhere, QUANT_IQ3_XXS},
    {"IQ3_XXS", Role::attention_q, everywhere, QUANT_IQ2_S},
    {"IQ3_XS", Role::attention_q, everywhere, QUANT_IQ3_XXS},

    {all_iq2, Role::attention_output, experts_8, QUANT_Q5_K},
    {mixed_output, Role::attention_output, experts_8, QUANT_Q5_K},
    {"Q3_K_L", Role::attention_output, experts_8, QUANT_Q3_K},
    {iq1, Role::attention_output, everywhere, QUANT_IQ2_XXS},
    {large_iq2, Role::attention_output, everywhere, QUANT_IQ3_S},
    {"Q2_K", Role::attention_output, everywhere, QUANT_Q3_K},
    {"IQ3_XXS", Role::attention_output, everywhere, QUANT_IQ3_S},
    {"IQ3_M Q3_K_M", Role::attention_output, everywhere, QUANT_Q4_K},
    {"Q3_K_L", Role::attention_output, everywhere, QUANT_Q5_K},

    {small_iq2, Role::ffn_down, first_eighth, QUANT_Q2_K},
    {large_iq2, Role::ffn_down, first_eighth, QUANT_IQ3_S},
    {"Q2_K", Role::ffn_down, everywhere, QUANT_Q3_K},
    {"Q2_K_S", Role::ffn_down, first_eighth, QUANT_Q4_K},
    {"IQ3_XXS", Role::ffn_down, first_eighth | unmeasured, QUANT_Q4_K},
    {"IQ3_XXS", Role::ffn_down, unmeasured, QUANT_Q3_K},
    {"IQ3_M", Role::ffn_down, first_eighth, QUANT_Q4_K},
    {"IQ3_M", Role::ffn_down, experts_8 | more_bits, QUANT_Q4_K},
    {"Q3_K_M", Role::ffn_down, first_sixteenth, QUANT_Q5_K},
    {"Q3_K_M", Role::ffn_down, everywhere, QUANT_Q4_K},
    {"Q3_K_L", Role::ffn_down, everywhere, QUANT_Q5_K},
    {"Q4_K_S", Role::ffn_down, first_eighth, QUANT_Q5_K},
    {"Q4_K_M Q5_K_M", Role::ffn_down, more_bits, QUANT_Q6_K},
    {"IQ4_NL IQ4_XS", Role::ffn_down, first_eighth | unmeasured, QUANT_Q5_K},
    {"Q4_0", Role::ffn_down, first_eighth | measured, QUANT_Q4_1},
    {"Q5_0", Role::ffn_down, first_eighth | measured, QUANT_Q5_1},

    {"IQ3_XS", Role::ffn_gate, middle, QUANT_IQ3_XXS},
    {"IQ3_XS", Role::ffn_up, middle, QUANT_IQ3_XXS},
};

// What stands in where a row is no multiple of 256. For Q2_K and Q3_K newer versions of the peer
// take Q4_0, of the same size as IQ4_NL and with more loss.
struct Fallback {
    quant_encoding wanted, instead;
};
constexpr Fallback fallbacks[] = {
    {QUANT_IQ1_S, QUANT_IQ4_NL},   {QUANT_IQ1_M, QUANT_IQ4_NL}, {QUANT_IQ2_XXS, QUANT_IQ4_NL},
    {QUANT_IQ2_XS, QUANT_IQ4_NL},  {QUANT_IQ2_S, QUANT_IQ4_NL}, {QUANT_IQ3_XXS, QUANT_IQ4_NL},
    {QUANT_IQ3_S, QUANT_IQ4_NL},   {QUANT_IQ4_XS, QUANT_IQ4_NL}, {QUANT_Q2_K, QUANT_IQ4_NL},
    {QUANT_Q3_K, QUANT_IQ4_NL},    {QUANT_TQ1_0, QUANT_Q4_0},   {QUANT_TQ2_0, QUANT_Q4_0},
    {QUANT_Q1_0, QUANT_Q4_0},      {QUANT_Q2_0, QUANT_Q4_0},    {QUANT_Q4_K, QUANT_Q5_0},
    {QUANT_Q5_K, QUANT_Q5_1},      {QUANT_Q6_K, QUANT_Q8_0},
};

bool holds(Where where, const TensorPlace &p) {
    const uint32_t eighth = p.layers / 8;
    const bool in_first_eighth = p.layer < eighth, in_last_eighth = p.layer >= 7 * p.layers / 8;
    const struct {
        Where condition;
        bool met;
    } conditions[] = {
        {first_2, p.layer < 2},
        {first_4, p.layer < 4},
        {first_eighth, in_first_eighth},
        {first_sixteenth, p.layer < p.layers / 16},
        {middle, !in_first_eighth && !in_last_eighth},
        {more_bits, in_first_eighth || in_last_eighth || (p.layer - eighth) % 3 == 2},
        {grouped_4, p.heads_per_kv_head >= 4},
        {grouped_or_mixed, p.heads_per_kv_head >= 4 || p.experts >= 4},
        {experts_8, p.experts == 8},
        {measured, p.has_importance},
        {unmeasured, !p.has_importance},
    };
    return std::all_of(std::begin(conditions), std::end(conditions),
                       [&](const auto &c) { return (where & c.condition) == 0 || c.met; });
}

bool quantizes(const TypeMix &mix) { return !encoding_traits(mix.encoding).is_float(); }

// Whether `names`, with spaces between, has the mix's.
bool lists(std::string_view names, const TypeMix &mix) {
    const std::string_view name = mix.name;
    for (size_t at = names.find(name); at != std::string_view::npos; at = names.find(name, at + 1)) {
        const size_t end = at + name.size();
        if ((at == 0 || names[at - 1] == ' ') && (end == names.size() || names[end] == ' ')) return true;
    }
    return false;
}

bool concerns(const Rule &rule, const TypeMix &mix) {
    return rule.mixes == "*" ? quantizes(mix) : lists(rule.mixes, mix);
}

// Llama 2 and 3 of 70 billion parameters and their like: values are an eighth of the
// queries, so that more bits for them cost next to nothing.
bool affords_values(const TypeMix &mix, const TensorPlace &p) {
    return p.role == Role::attention_v && p.layers == 80 && p.heads_per_kv_head > 1 && !lists(all_iq2, mix);
}

} // namespace

std::span<const TypeMix> type_mixes() { return mixes; }

const TypeMix &require_type_mix(std::string_view name) {
    std::string names;
    for (const TypeMix &m : mixes) {
        if (name.size() == std::string_view(m.name).size() && ::strncasecmp(name.data(), m.name, name.size()) == 0)
            return m;
        names += (names.empty() ? "" : ", ") + std::string(m.name);
    }
    fail(QUANT_ERR_NOT_FOUND, "no type is named \"{}\"; the types are: {}", printable(name), names);
}

quant_encoding mix_encoding(const TypeMix &mix, const TensorPlace &place) {
    if (place.role == Role::output || place.serves_as_output) {
        // The mixes that spare on the output do not where its rows need another encoding.
        const bool fits = place.cols % encoding_traits(mix.encoding).block_weights == 0;
        return mix.output == QUANT_Q5_K && !fits ? QUANT_Q8_0 : mix.output;
    }
    // Of a mixture's mix only the experts get what it is named for.
    if (mix.encoding == QUANT_MXFP4) return place.expert ? mix.encoding : mix.output;
    const auto rule = std::find_if(std::begin(rules), std::end(rules), [&](const Rule &r) {
        return place.role == r.role && concerns(r, mix) && holds(r.where, place);
    });
    const quant_encoding encoding = rule == std::end(rules) ? mix.encoding : rule->encoding;
    const bool few_bits = encoding == QUANT_Q3_K || encoding == QUANT_Q4_K;
    return few_bits && affords_values(mix, place) ? QUANT_Q5_K : encoding;
}

quant_encoding fit_encoding(quant_encoding wanted, uint64_t cols) {
    if (cols % encoding_traits(wanted).block_weights == 0) return wanted;
    for (const Fallback &f : fallbacks)
        if (f.wanted == wanted && cols % encoding_traits(f.instead).block_weights == 0) return f.instead;
    return QUANT_F16;
}

} // namespace quant
