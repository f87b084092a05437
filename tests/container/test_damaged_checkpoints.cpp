// Every quantized checkpoint of the fixtures, with each piece and each word of its configuration made wrong in turn: it is
// refused with the name of the file and of what is wrong, or it is read; never anything else.
#include "checkpoint_support.h"

#include <algorithm>

using namespace quant;
using namespace quant::test;

namespace {

/// Modules that are damaged, and one tensor that is not quantized.
const std::vector<std::string> modules = {"model.layers.0.self_attn.q_proj.", "model.layers.0.mlp.down_proj.", "q4_axis1_g64.",
                                          "q3_axis0_g64."},
                               others = {"model.layers.0.input_layernorm."};

bool begins_with_one(const std::string &name, const std::vector<std::string> &prefixes) {
    return std::any_of(prefixes.begin(), prefixes.end(), [&](const std::string &prefix) { return name.starts_with(prefix); });
}

Pieces pieces_of(const std::filesystem::path &file) {
    const std::string bytes = read_file(file);
    uint64_t header = 0;
    std::memcpy(&header, bytes.data(), sizeof header);
    const size_t begin = sizeof header + header;
    const json::value document = json::parse(bytes.substr(sizeof header, header), "header");
    Pieces out;
    for (const auto &[key, entry] : document.as_object()) {
        const std::string name(key);
        if (!begins_with_one(name, modules) && !begins_with_one(name, others)) continue;
        Piece &piece = out[name];
        piece.dtype = std::string(entry.at("dtype").as_string());
        for (const json::value &n : entry.at("shape").as_array()) piece.shape.push_back(n.to_number<uint64_t>());
        const auto &offsets = entry.at("data_offsets").as_array();
        const auto from = offsets[0].to_number<size_t>(), to = offsets[1].to_number<size_t>();
        piece.bytes = bytes.substr(begin + from, to - from);
    }
    return out;
}

size_t elements(const Piece &piece) {
    size_t count = 1;
    for (const uint64_t n : piece.shape) count *= n;
    return count;
}

/// The piece with another shape, its bytes repeated or cut to fit.
Piece shaped(const Piece &good, std::vector<uint64_t> shape) {
    Piece out{good.dtype, std::move(shape), ""};
    const size_t width = elements(good) ? good.bytes.size() / elements(good) : 1;
    out.bytes.resize(elements(out) * width);
    for (size_t i = 0; i < out.bytes.size(); i++) out.bytes[i] = good.bytes.empty() ? '\0' : good.bytes[i % good.bytes.size()];
    return out;
}

std::vector<Piece> damaged(const Piece &good) {
    std::vector<Piece> out;
    for (size_t d = 0; d < good.shape.size(); d++) {
        const uint64_t n = good.shape[d];
        for (const uint64_t to : {n + 1, n - 1, n / 2, n * 2, uint64_t{0}, uint64_t{1}}) {
            std::vector<uint64_t> shape = good.shape;
            shape[d] = to;
            out.push_back(shaped(good, shape));
        }
    }
    std::vector<uint64_t> more = good.shape;
    more.insert(more.begin(), 1);
    out.push_back(shaped(good, more));
    out.push_back(shaped(good, {elements(good)}));
    out.push_back(shaped(good, {}));
    std::vector<uint64_t> turned(good.shape.rbegin(), good.shape.rend());
    out.push_back(shaped(good, turned));
    const std::map<size_t, std::vector<const char *>> dtypes = {
        {1, {"U8", "I8", "F8_E4M3", "F8_E5M2", "BOOL"}}, {2, {"F16", "BF16", "I16"}}, {4, {"F32", "I32", "U32"}}, {8, {"I64", "F64"}}};
    const size_t width = elements(good) ? good.bytes.size() / elements(good) : 0;
    for (const auto &[bytes, names] : dtypes)
        for (const char *name : names) {
            if (bytes == width && name != good.dtype) out.push_back({name, good.shape, good.bytes});
            if (bytes != width) out.push_back({name, good.shape, std::string(elements(good) * bytes, '\x3c')});
        }
    for (const char byte : {'\0', '\x01', '\x7f', '\x80', '\xff'})
        out.push_back({good.dtype, good.shape, std::string(good.bytes.size(), byte)});
    return out;
}

/// Calls `visit` once for every value below an object or a list, with that value in its place changed.
void with_each_changed(json::value &at, const std::string &path, const std::function<void(const std::string &)> &visit) {
    const auto change = [&](json::value &value, const std::string &name) {
        const json::value was = value;
        for (const json::value &wrong : std::vector<json::value>{nullptr, true, 0, -1, 1, 3, 1 << 30, INT64_MAX, UINT64_MAX, 1e300, 0.5, "",
                                                                 "unknown", json::array{}, json::array{1, "a"}, json::object{}}) {
            value = wrong;
            visit(name + ": " + json::serialize(wrong));
        }
        value = was;
        with_each_changed(value, name, visit);
    };
    if (json::object *object = at.if_object()) {
        std::vector<std::string> keys;
        for (const auto &entry : *object) keys.emplace_back(entry.key());
        for (const std::string &key : keys) {
            change((*object)[key], path + "." + key);
            const json::object was = *object;
            object->erase(key);
            visit(path + "." + key + " is missing");
            *object = was;
        }
    } else if (json::array *array = at.if_array()) {
        for (size_t i = 0; i < array->size(); i++) change((*array)[i], path + "[" + std::to_string(i) + "]");
    }
}

/// What it says of what is read, and of each weight; "" where nothing is wrong with it.
std::string complaint(const ScratchFolder &folder, const Pieces &pieces, const json::value &config) {
    try {
        write_pieces(folder, pieces);
        const auto container = open_checkpoint(Container::open(folder / "model.safetensors"), json::Reader(config, "config.json"));
        for (const TensorInfo &tensor : container->tensors())
            if (tensor.encoding) container->decode(tensor);
        return "";
    } catch (const Error &e) {
        INFO(e.what());
        CHECK(e.status() != QUANT_ERR_INTERNAL);
        CHECK(e.status() != QUANT_ERR_NO_MEMORY);
        return e.what();
    }
}

struct Counts {
    size_t refused = 0, read = 0;
};

/// What is said, if anything, names a file, and one of these.
void judge(const std::string &said, const std::vector<std::string> &one_of, Counts &counts) {
    (said.empty() ? counts.read : counts.refused)++;
    if (said.empty()) return;
    INFO(said);
    CHECK((said.find(".safetensors") != said.npos || said.find("config.json") != said.npos));
    CHECK(std::any_of(one_of.begin(), one_of.end(), [&](const std::string &word) { return said.find(word) != said.npos; }));
}

void damage_all(const std::filesystem::path &file, json::value config, Counts &counts) {
    INFO(file.string());
    const ScratchFolder folder;
    const Pieces good = pieces_of(file);
    REQUIRE(!good.empty());
    REQUIRE(complaint(folder, good, config) == "");
    for (const auto &[piece, was] : good) {
        if (!begins_with_one(piece, modules)) continue;
        const auto module = *std::find_if(modules.begin(), modules.end(), [&](const std::string &m) { return piece.starts_with(m); });
        const std::string name = module.substr(0, module.size() - 1);
        Pieces pieces = good;
        pieces.erase(piece);
        {
            INFO(piece << " is missing");
            judge(complaint(folder, pieces, config), {name}, counts);
        }
        for (const Piece &wrong : damaged(was)) {
            INFO(piece << " becomes " << wrong.dtype << " " << shape_text(wrong.shape));
            pieces[piece] = wrong;
            judge(complaint(folder, pieces, config), {name}, counts);
        }
    }
    for (const char *key : {"quantization_config", "quantization"})
        if (config.as_object().contains(key))
            with_each_changed(config.at(key), key, [&](const std::string &what) {
                INFO(what);
                // A key, or the tensors that do not fit it.
                judge(complaint(folder, good, config), {"key \"", "model.layers.0", "quantization", "q4_axis1", "q3_axis0"}, counts);
            });
}

} // namespace

TEST_CASE("what would change the weights of compressed-tensors is refused by name") {
    const auto folder = shared("fixtures/quant/ct-w4a16-g128-sym");
    if (folder.empty()) {
        WARN("no fixtures/quant");
        return;
    }
    const Pieces good = pieces_of(folder / "model.safetensors");
    const struct {
        const char *key;
        json::value value;
        const char *word;
    } cases[] = {{"transform_config", json::object{{"config_groups", json::object{{"u", 1}}}}, "transform_config"},
                 {"sparsity_config", json::object{{"format", "sparse-24-bitmask"}}, "sparse-24-bitmask"},
                 {"sparsity_config", json::object{{"format", "dense"}}, ""}};
    for (const auto &c : cases) {
        INFO(c.key << " " << json::serialize(c.value));
        json::value config = json::parse(read_file(folder / "config.json"), "config.json");
        config.at("quantization_config").as_object()[c.key] = c.value;
        const ScratchFolder scratch;
        const std::string said = complaint(scratch, good, config);
        CHECK(said.empty() == (*c.word == 0));
        CHECK(said.find(c.word) != said.npos);
    }
    json::value config = json::parse(read_file(folder / "config.json"), "config.json");
    config.at_pointer("/quantization_config/config_groups/group_0/weights/symmetric") = false;
    const ScratchFolder scratch;
    CHECK(complaint(scratch, good, config).find("weight_zero_point is missing") != std::string::npos);
}

TEST_CASE("a damaged checkpoint is refused by name, or read") {
    Counts counts;
    damage_all(data("container/hqq.safetensors"), json::parse(R"({"quantization_config":{"quant_method":"hqq"}})", "config.json"), counts);
    const auto fixtures = shared("fixtures/quant");
    if (fixtures.empty()) {
        WARN("no fixtures/quant");
        return;
    }
    for (const auto &entry : std::filesystem::directory_iterator(fixtures))
        damage_all(entry.path() / "model.safetensors", json::parse(read_file(entry.path() / "config.json"), "config.json"), counts);
    INFO(counts.refused << " refused, " << counts.read << " read");
    // Other values are other weights, and much of a configuration is for those who quantize; the rest is noticed.
    CHECK(counts.refused * 3 > counts.read);
}
