// config.json of a model that lies in a GGUF file: what hugging_face_config.h reads, the other way round.
#pragma once

#include "base/json.h"
#include "model/model_file.h"

namespace quant {

/// The row of the table of architectures that a folder of this model would be: GGUF has one name for several.
/// Throws Error (QUANT_ERR_UNSUPPORTED) naming the file where folders of its kind are not written.
const Architecture &folder_architecture(const ModelFile &gguf);

/// Throws Error (QUANT_ERR_UNSUPPORTED) naming the file and what a config has no words for.
json::object folder_config(const ModelFile &gguf, const Architecture &architecture);

} // namespace quant
