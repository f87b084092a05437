// Render options of the C ABI as the chat template wants them.
#pragma once

#include <quant/text.h>

#include "text/chat_template.h"

namespace quant::api {

quant_render_options default_render_options();
/// Throws Error (QUANT_ERR_FORMAT, QUANT_ERR_ARGUMENT).
TemplateInput template_input(const quant_render_options &options);

} // namespace quant::api
