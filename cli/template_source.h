// The text of a model's chat template, to be shown.
#pragma once

#include <string>

namespace quantctl {

/// From a GGUF file or a Hugging Face folder; "" where it has none. Throws Failure.
std::string template_source(const std::string &model_path);

} // namespace quantctl
