// Writes a folder of safetensors files, as Hugging Face models are kept: one file, or shards and their index.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace quant {

/// A tensor that is to be written.
struct SafetensorsPlan {
    std::string name;
    std::string dtype;           ///< "BF16", as the format spells it.
    std::vector<uint64_t> shape; ///< Row-major.
    uint64_t bytes;
};

/// The folder appears under its name complete or not at all: until commit() it has another beside it, which goes
/// with this object.
class SafetensorsWriter {
public:
    /// `format` is what the files' metadata say, "pt" or "mlx"; a shard has at most `shard_bytes`, or one tensor.
    /// Throws Error: something of that name is there, no space, no permission.
    SafetensorsWriter(std::filesystem::path folder, std::vector<SafetensorsPlan> plan, std::string_view format,
                      uint64_t shard_bytes = uint64_t{5'000'000'000});
    ~SafetensorsWriter();

    /// Bytes of all files of tensors, of the folder that would be written.
    static uint64_t file_bytes(const std::vector<SafetensorsPlan> &plan, std::string_view format,
                               uint64_t shard_bytes = uint64_t{5'000'000'000});

    /// Part of the plan's tensor with this number, from its byte `offset` on. Any thread; each byte once.
    void write(size_t tensor, uint64_t offset, std::span<const std::byte> bytes);
    /// A small file beside the tensors.
    void add_file(const std::string &name, std::string_view text);
    /// All tensors are there.
    void commit();

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace quant
