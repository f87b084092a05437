// A model that quantd holds already, or can hold for all: its memory instead of a copy of our own.
#pragma once

#include "model_opening.h"

#include <optional>

namespace quantctl {

/// What `text` means, from the daemon that is there: the same model as the user's own catalog has by that name, or
/// one that this catalog does not know. Nothing where no daemon listens, or its model is another or cannot be had.
std::optional<OpenedModel> borrow_model(const std::string &text);

} // namespace quantctl
