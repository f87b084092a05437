// Type mixes: the names users know ("Q4_K_M") and the encoding each gives to every
// tensor. The rules are those of the llama.cpp project's quantize tool, so that a
// name means the same mix of bytes here and there.
#pragma once

#include "encoding/encoding.h"
#include "model/architecture.h"

#include <span>
#include <string_view>

namespace quant {

struct TypeMix {
    const char *name;
    const char *summary;
    quant_encoding encoding;    ///< Of tensors that no rule singles out.
    quant_encoding output;      ///< Of the output matrix, and of the embedding where it serves as output.
};

/// Smallest first.
std::span<const TypeMix> type_mixes();

/// By name in any case. Throws Error (QUANT_ERR_NOT_FOUND) listing the names there are.
const TypeMix &require_type_mix(std::string_view name);

/// Where a tensor stands in its model.
struct TensorPlace {
    Role role;
    uint32_t layer, layers;
    uint32_t heads_per_kv_head;
    bool serves_as_output; ///< The embedding of a model without an output matrix.
    bool has_importance = false; ///< Statistics of its inputs are at hand.
    bool expert = false;         ///< Of the weights of several experts in one tensor.
    uint32_t experts = 0;        ///< Of the model; 0 where it is no mixture.
    uint64_t cols = 0;           ///< Weights in a row; 0 if that shall not matter.
};

/// What the mix wants for a matrix at that place; fit_encoding() says whether its rows can be that.
quant_encoding mix_encoding(const TypeMix &mix, const TensorPlace &place);

/// `wanted`, or what stands in for it where `cols` is no multiple of its block.
quant_encoding fit_encoding(quant_encoding wanted, uint64_t cols);

} // namespace quant
