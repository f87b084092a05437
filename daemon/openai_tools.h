// Tools of a chat in the OpenAI API: what the model may call, and what it must.
#pragma once

#include "generation_job.h"

namespace quantd {

/// The tools that the model is told of; none where it is to call none. What it must call, and with what, goes into
/// `spec`. Throws ApiError (400), naming the field.
json::array read_tools(const Fields &fields, GenerationSpec &spec);

/// Holds the reply to those of `tools` that are strict, if any.
void keep_strict(const json::array &tools, GenerationSpec &spec);

/// Templates want a call's arguments as what they are; this API has them as text.
void take_out_arguments(json::object &message);

} // namespace quantd
