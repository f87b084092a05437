// The parts of a tokenizer.json around its model. Inside lib/text only.
#pragma once

#include "base/json.h"
#include "text/sentencepiece_text.h"
#include "text/tokenizer.h"

#include <filesystem>

namespace quant {

/// Whether a part, or a member of a Sequence, has this type.
bool has_part(const json::Reader &tokenizer, std::string_view part, std::string_view type);

/// "normalizer", "pre_tokenizer", "decoder" into the spec, whose model is known.
/// Throws Error (QUANT_ERR_UNSUPPORTED) naming what this version does not know.
void read_text_parts(const json::Reader &tokenizer, TokenizerSpec &spec);

/// "post_processor": BOS, EOS and other tokens around a text. False where it says nothing.
bool read_post_processor(const json::Reader &tokenizer, TokenizerSpec &spec);

/// vocab.txt of WordPiece, with tokenizer_config.json and the like beside it. Throws Error as read_tokenizer_json().
TokenizerSpec read_vocabulary_txt(const std::filesystem::path &file, const FileSource &files);

/// tokenizer_config.json, special_tokens_map.json, generation_config.json, config.json
/// and chat_template.jinja of a folder, each where it is there.
void read_tokenizer_config(const std::filesystem::path &folder, bool has_template, TokenizerSpec &spec,
                           const FileSource &files);

} // namespace quant
