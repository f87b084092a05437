// What the writers of quantized checkpoints share. Private to this room.
#pragma once

#include "base/error.h"
#include "base/join.h"
#include "container/checkpoint_format.h"
#include "encoding/float16.h"

#include <cstring>

namespace quant {

using Words = std::span<const std::string_view>; ///< Of a format's name, after the first ':'.

std::unique_ptr<CheckpointFormat> parse_gptq(Words words, std::string_view name);
std::unique_ptr<CheckpointFormat> parse_awq(Words words, std::string_view name);
std::unique_ptr<CheckpointFormat> parse_mlx(Words words, std::string_view name);
std::unique_ptr<CheckpointFormat> parse_mlx_mxfp4(Words words, std::string_view name);
std::unique_ptr<CheckpointFormat> parse_w4a16(Words words, std::string_view name);
std::unique_ptr<CheckpointFormat> parse_w8a16(Words words, std::string_view name);
std::unique_ptr<CheckpointFormat> parse_w8a8(Words words, std::string_view name);
std::unique_ptr<CheckpointFormat> parse_fp8(Words words, std::string_view name);
std::unique_ptr<CheckpointFormat> parse_fp8_block(Words words, std::string_view name);
std::unique_ptr<CheckpointFormat> parse_nvfp4(Words words, std::string_view name);
std::unique_ptr<CheckpointFormat> parse_mxfp4(Words words, std::string_view name);
std::unique_ptr<CheckpointFormat> parse_nf4(Words words, std::string_view name);
std::unique_ptr<CheckpointFormat> parse_bitnet(Words words, std::string_view name);
std::unique_ptr<CheckpointFormat> parse_floats(Words words, std::string_view name);

/// Word `at` as one of `allowed`, of which the first stands for a word that is not there. Throws Error (QUANT_ERR_ARGUMENT).
uint32_t number_word(Words words, size_t at, std::string_view name, const char *what, std::initializer_list<uint32_t> allowed);
/// Throws Error (QUANT_ERR_ARGUMENT) where there are more words than these.
void require_words(Words words, size_t most, std::string_view name);

json::array names_array(const std::vector<std::string> &names);
/// config.json's quantization_config of compressed-tensors, all linears one group.
void describe_ct(json::object &config, const char *format, json::object weights, json::value activations,
                 const std::vector<std::string> &kept);

/// A number where a piece has it.
template <class T> void put_at(std::span<std::byte> piece, uint64_t place, T value) {
    std::memcpy(piece.data() + place * sizeof value, &value, sizeof value);
}

} // namespace quant
