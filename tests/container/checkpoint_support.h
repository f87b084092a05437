// Small quantized checkpoints of pieces that a test writes, and what is read of them.
#pragma once

#include "container/checkpoint.h"
#include "container_bytes.h"

#include <map>

namespace quant::test {

struct Piece {
    std::string dtype;
    std::vector<uint64_t> shape;
    std::string bytes;
};
using Pieces = std::map<std::string, Piece>;

inline std::string floats(const std::vector<float> &values) {
    std::string out;
    for (const float v : values) out += raw(v);
    return out;
}
inline std::string shape_text(const std::vector<uint64_t> &shape) {
    std::string out;
    for (const uint64_t n : shape) out += (out.empty() ? "" : ",") + std::to_string(n);
    return "[" + out + "]";
}

/// model.safetensors of these pieces in a folder.
inline void write_pieces(const ScratchFolder &folder, const Pieces &pieces) {
    std::string entries, bytes;
    for (const auto &[name, p] : pieces) {
        entries += (entries.empty() ? "\"" : ",\"") + name + R"(":{"dtype":")" + p.dtype + R"(","shape":)" +
                   shape_text(p.shape) + ",\"data_offsets\":[" + std::to_string(bytes.size()) + "," +
                   std::to_string(bytes.size() + p.bytes.size()) + "]}";
        bytes += p.bytes;
    }
    const std::string header = "{" + entries + "}";
    write_file(folder / "model.safetensors", u64(header.size()) + header + bytes);
}

/// They are opened as config.json's "quantization_config" says ("null": as they are).
inline std::shared_ptr<const Container> open_pieces(const ScratchFolder &folder, const Pieces &pieces,
                                                    const std::string &quantization) {
    write_pieces(folder, pieces);
    const json::value config = json::parse("{\"quantization_config\":" + quantization + "}", "config.json");
    return open_checkpoint(Container::open(folder / "model.safetensors"), json::Reader(config, "config.json"));
}

/// A change that makes good pieces wrong, and what must be said of it.
struct WrongPieces {
    const char *what;
    std::vector<std::string> words;
    std::function<void(Pieces &)> change;
};

inline void require_pieces_refused(const Pieces &good, const std::string &quantization,
                                   const std::vector<WrongPieces> &cases) {
    for (const WrongPieces &c : cases) {
        INFO(c.what);
        const ScratchFolder folder;
        Pieces pieces = good;
        c.change(pieces);
        try {
            open_pieces(folder, pieces, quantization);
            FAIL("accepted");
        } catch (const Error &e) {
            INFO("message: " << e.what());
            REQUIRE_THAT(std::string(e.what()), Catch::Contains("model.safetensors") || Catch::Contains("config.json"));
            for (const std::string &word : c.words) REQUIRE_THAT(std::string(e.what()), Catch::Contains(word));
        }
    }
}

} // namespace quant::test
