// The text that statistics are gathered on: the user's, else the model's own, else the
// one that ships.
#pragma once

#include <string>

namespace quantctl {

struct CalibrationText {
    std::string path, bytes;
    std::string name; ///< The path's last part.
};

/// `given` "": the default of the model that `model` means; says which on standard error
/// where it is not the model's own.
CalibrationText read_calibration_text(const std::string &given, const std::string &model);

} // namespace quantctl
