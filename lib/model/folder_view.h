// A GGUF model as the Hugging Face folder that it would be: for what is made of folders.
#pragma once

#include "model/model_file.h"

#include <map>
#include <memory>
#include <string>

namespace quant {

/// Files of a folder that lies nowhere: config.json, tokenizer.json and the like, all in the folder itself.
class MadeFiles final : public FileSource, public std::enable_shared_from_this<MadeFiles> {
public:
    MadeFiles(std::filesystem::path folder, std::map<std::string, std::string> texts);

    std::shared_ptr<const MappedFile> map(const std::filesystem::path &path) const override;
    bool has_file(const std::filesystem::path &path) const override;
    bool has_folder(const std::filesystem::path &path) const override { return path == folder_; }
    std::vector<std::filesystem::path> list(const std::filesystem::path &folder, size_t most) const override;

    const std::filesystem::path &folder() const { return folder_; }
    const std::map<std::string, std::string> &texts() const { return texts_; }

private:
    std::filesystem::path folder_;
    std::map<std::string, std::string> texts_; ///< By name.
};

struct FolderView {
    std::shared_ptr<const Container> tensors;  ///< Under the names and with the rows that a folder has.
    std::shared_ptr<const MadeFiles> files;
};

/// Throws Error (QUANT_ERR_UNSUPPORTED) naming the file and what of it a folder cannot be.
FolderView view_as_folder(const ModelFile &gguf);

/// Throws Error (QUANT_ERR_UNSUPPORTED) where what the folder says is not what the file says.
void require_same_model(const ModelFile &gguf, const ModelFile &folder);

} // namespace quant
