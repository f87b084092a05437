// Builds GGUF and safetensors files in memory from their smallest pieces, so that a test
// can get each piece wrong. It shares no code with the library's own writer.
#pragma once

#include "base/checked.h"
#include "container/container_parts.h"
#include "test_support.h"

#include <cstdint>
#include <cstring>
#include <functional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace quant::test {

template <class T>
std::string raw(T value) {
    std::string out(sizeof value, '\0');
    std::memcpy(out.data(), &value, sizeof value);
    return out;
}

inline std::string u16(uint16_t v) { return raw(v); }
inline std::string u32(uint32_t v) { return raw(v); }
inline std::string u64(uint64_t v) { return raw(v); }
inline std::string text(std::string_view s) { return u64(s.size()) + std::string(s); }

// GGUF's numbers for metadata types, written out once more so that the library's are tested.
enum : uint32_t { t_u8, t_i8, t_u16, t_i16, t_u32, t_i32, t_f32, t_bool, t_text, t_array, t_u64, t_i64, t_f64 };

inline std::string header(uint32_t version, uint64_t tensors, uint64_t keys) {
    return "GGUF" + u32(version) + u64(tensors) + u64(keys);
}
inline std::string kv(std::string_view key, uint32_t type, const std::string &payload) {
    return text(key) + u32(type) + payload;
}
inline std::string array(uint32_t type, uint64_t count, const std::string &payload) {
    return u32(type) + u64(count) + payload;
}
/// `dims` as GGUF has them, innermost first.
inline std::string tensor(std::string_view name, const std::vector<uint64_t> &dims, uint32_t type, uint64_t offset) {
    std::string out = text(name) + u32(static_cast<uint32_t>(dims.size()));
    for (const uint64_t n : dims) out += u64(n);
    return out + u32(type) + u64(offset);
}
inline std::string padded(std::string bytes, size_t alignment = 32) {
    bytes.resize((bytes.size() + alignment - 1) / alignment * alignment);
    return bytes;
}
inline std::string join(const std::vector<std::string> &pieces) {
    std::string out;
    for (const std::string &piece : pieces) out += piece;
    return out;
}
inline std::string gguf_keys(const std::vector<std::string> &keys) { return header(3, 0, keys.size()) + join(keys); }
inline std::string gguf_tensors(const std::vector<std::string> &tensors, size_t data_bytes) {
    return padded(header(3, tensors.size(), 0) + join(tensors)) + std::string(data_bytes, '\x11');
}

inline std::string safetensors(const std::string &json, size_t data_bytes = 0) {
    return u64(json.size()) + json + std::string(data_bytes, '\x22');
}

/// Parse in an allocation of exactly that size, so that a read past the end is seen by ASan.
template <class Parse>
ParsedFile parse_exact(Parse parse, std::string_view bytes) {
    std::vector<std::byte> copy(bytes.size());
    if (!bytes.empty()) std::memcpy(copy.data(), bytes.data(), bytes.size());
    return parse(copy, "t.file");
}

/// One malformed input and what must be said of it.
struct Malformed {
    const char *what;
    quant_status status;
    std::vector<std::string> words;
    std::string bytes;
};

template <class Parse>
void require_all_refused(Parse parse, const std::vector<Malformed> &cases) {
    for (const Malformed &c : cases) {
        INFO("input: " << c.what);
        std::vector<std::string> words = c.words;
        words.push_back("t.file");
        require_error(c.status, words, [&] { parse_exact(parse, c.bytes); });
    }
}

/// Every shorter file must be refused as cut off, or as no file of its kind.
template <class Parse>
void require_prefixes_refused(Parse parse, const std::string &bytes, size_t shortest_good) {
    for (size_t length = 0; length < shortest_good; ++length) {
        INFO("first " << length << " of " << bytes.size() << " bytes");
        try {
            parse_exact(parse, std::string_view(bytes).substr(0, length));
            FAIL("a cut file was accepted");
        } catch (const Error &e) {
            INFO(e.what());
            REQUIRE((e.status() == QUANT_ERR_TRUNCATED || e.status() == QUANT_ERR_FORMAT));
        }
    }
}

/// Flip bytes at random: each result parses to tensors inside the file, or throws Error.
template <class Parse>
void survive_mutations(Parse parse, const std::string &good, unsigned rounds, unsigned seed) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    unsigned refused = 0;
    for (unsigned round = 0; round < rounds; ++round) {
        std::string bytes = good;
        for (unsigned flips = 1 + random() % 4; flips != 0; --flips)
            bytes[random() % bytes.size()] = static_cast<char>(random() % 3 == 0 ? 0xff : random());
        try {
            const ParsedFile file = parse_exact(parse, bytes);
            for (const TensorInfo &t : file.tensors) {
                INFO("round " << round);
                REQUIRE(in_range(t.offset, t.bytes, bytes.size()));
            }
        } catch (const Error &e) {
            ++refused;
            if (std::string_view(e.what()).find("t.file") == std::string_view::npos)
                FAIL("round " << round << ": the message names no file: " << e.what());
        }
    }
    REQUIRE(refused > 0);
    REQUIRE(refused < rounds);
}

} // namespace quant::test
