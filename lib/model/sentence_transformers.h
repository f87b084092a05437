// What a folder of sentence-transformers says beside config.json: how states become an embedding.
#pragma once

#include "base/file_source.h"
#include "container/metadata.h"

#include <filesystem>
#include <string>

namespace quant {

/// modules.json and what it names, and sentence_bert_config.json, each where it is there: <prefix>pooling_type and
/// embedding_context_key. Throws Error: QUANT_ERR_UNSUPPORTED for modules that change embeddings in ways this
/// version lacks, QUANT_ERR_FORMAT or QUANT_ERR_MODEL naming file and key.
void read_sentence_transformers(const std::filesystem::path &folder, const std::string &prefix, Metadata &metadata,
                                const FileSource &files);

} // namespace quant
