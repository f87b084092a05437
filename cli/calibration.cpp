#include "calibration.h"

#include "failure.h"
#include "local_file.h"
#include "model_choice.h"
#include "output.h"

#include <filesystem>

namespace quantctl {

CalibrationText read_calibration_text(const std::string &given, const std::string &model) {
    CalibrationText text{given, {}, {}};
    if (given.empty()) {
        const CatalogHandle catalog = open_catalog();
        StringHandle path;
        int32_t own = 0;
        check(quant_catalog_calibration_text(catalog.get(), model.c_str(), Out(path), &own),
              "Give one with --calibration FILE.");
        text.path = text_or_empty(path);
        if (!own)
            note("{} brings no calibration text: the shipped one is used, which suits models of general text "
                 "(--calibration FILE for another).",
                 model);
    }
    text.bytes = read_file(text.path);
    text.name = std::filesystem::path(text.path).filename().string();
    return text;
}

} // namespace quantctl
