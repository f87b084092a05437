#include "quantize/type_mix.h"

#include "base/error.h"

#include <strings.h>

namespace quant {

namespace {

constexpr TypeMix mixes[] = {
    {"Q2_K", "smallest here; clearly worse than the base", QUANT_Q2_K, QUANT_Q6_K},
    {"Q3_K_S", "3 bits; high loss", QUANT_Q3_K, QUANT_Q6_K},
    {"Q3_K_M", "3 bits, 4 and 5 where it matters", QUANT_Q3_K, QUANT_Q6_K},
    {"Q3_K_L", "3 bits, 5 where it matters", QUANT_Q3_K, QUANT_Q6_K},
    {"IQ4_XS", "4 bits from a table of levels; small for its loss", QUANT_IQ4_XS, QUANT_Q6_K},
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
};

// Which layers a rule holds in.
enum class Where : uint8_t {
    everywhere,
    first_2,
    first_4,
    first_eighth,
    first_sixteenth,
    more_bits, ///< The first and last eighth, and every third between.
    grouped_4, ///< Models with at least 4 query heads for each key-value head.
};

struct Rule {
    const char *mix;
    Role role;
    Where where;
    quant_encoding encoding;
};

// For each mix and role the first rule that holds.
constexpr Rule rules[] = {
    {"Q2_K", Role::attention_v, Where::grouped_4, QUANT_Q4_K},
    {"Q2_K", Role::attention_v, Where::everywhere, QUANT_Q3_K},
    {"Q2_K", Role::attention_output, Where::everywhere, QUANT_Q3_K},
    {"Q2_K", Role::ffn_down, Where::everywhere, QUANT_Q3_K},
    {"Q3_K_M", Role::attention_v, Where::first_2, QUANT_Q5_K},
    {"Q3_K_M", Role::attention_v, Where::everywhere, QUANT_Q4_K},
    {"Q3_K_M", Role::attention_output, Where::everywhere, QUANT_Q4_K},
    {"Q3_K_M", Role::ffn_down, Where::first_sixteenth, QUANT_Q5_K},
    {"Q3_K_M", Role::ffn_down, Where::everywhere, QUANT_Q4_K},
    {"Q3_K_L", Role::attention_v, Where::everywhere, QUANT_Q5_K},
    {"Q3_K_L", Role::attention_output, Where::everywhere, QUANT_Q5_K},
    {"Q3_K_L", Role::ffn_down, Where::everywhere, QUANT_Q5_K},
    {"Q4_K_S", Role::attention_v, Where::first_4, QUANT_Q5_K},
    {"Q4_K_S", Role::ffn_down, Where::first_eighth, QUANT_Q5_K},
    {"Q4_K_M", Role::attention_v, Where::more_bits, QUANT_Q6_K},
    {"Q4_K_M", Role::ffn_down, Where::more_bits, QUANT_Q6_K},
    {"Q5_K_M", Role::attention_v, Where::more_bits, QUANT_Q6_K},
    {"Q5_K_M", Role::ffn_down, Where::more_bits, QUANT_Q6_K},
    {"IQ4_NL", Role::attention_v, Where::grouped_4, QUANT_Q5_K},
    {"IQ4_NL", Role::ffn_down, Where::first_eighth, QUANT_Q5_K},
    {"IQ4_XS", Role::attention_v, Where::grouped_4, QUANT_Q5_K},
    {"IQ4_XS", Role::ffn_down, Where::first_eighth, QUANT_Q5_K},
};

// What stands in where a row is no multiple of 256.
struct Fallback {
    quant_encoding wanted, instead;
};
constexpr Fallback fallbacks[] = {
    {QUANT_Q2_K, QUANT_IQ4_NL}, {QUANT_Q3_K, QUANT_IQ4_NL}, {QUANT_IQ4_XS, QUANT_IQ4_NL},
    {QUANT_Q4_K, QUANT_Q5_0},   {QUANT_Q5_K, QUANT_Q5_1},   {QUANT_Q6_K, QUANT_Q8_0},
};

bool holds(Where where, const TensorPlace &p) {
    const uint32_t eighth = p.layers / 8;
    switch (where) {
    case Where::everywhere:
        return true;
    case Where::first_2:
        return p.layer < 2;
    case Where::first_4:
        return p.layer < 4;
    case Where::first_eighth:
        return p.layer < eighth;
    case Where::first_sixteenth:
        return p.layer < p.layers / 16;
    case Where::more_bits:
        return p.layer < eighth || p.layer >= 7 * p.layers / 8 || (p.layer - eighth) % 3 == 2;
    case Where::grouped_4:
        return p.heads_per_kv_head >= 4;
    }
    return false;
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
    if (place.role == Role::output || place.serves_as_output) return mix.output;
    for (const Rule &rule : rules)
        if (place.role == rule.role && std::string_view(mix.name) == rule.mix && holds(rule.where, place))
            return rule.encoding;
    return mix.encoding;
}

quant_encoding fit_encoding(quant_encoding wanted, uint64_t cols) {
    if (cols % encoding_traits(wanted).block_weights == 0) return wanted;
    for (const Fallback &f : fallbacks)
        if (f.wanted == wanted && cols % encoding_traits(f.instead).block_weights == 0) return f.instead;
    return QUANT_F16;
}

} // namespace quant
