// safetensors files that are right, and models in several of them.
#include "base/log.h"
#include "base/sha256.h"
#include "container_bytes.h"

using namespace quant;
using namespace quant::test;

namespace {

std::string shard(const std::vector<std::string> &names) {
    std::string json = R"({"__metadata__":{"format":"pt"})";
    for (size_t i = 0; i < names.size(); ++i)
        json += fmt::format(R"(,"{}":{{"dtype":"F32","shape":[2],"data_offsets":[{},{}]}})", names[i], 8 * i, 8 * i + 8);
    return safetensors(json + "}", 8 * names.size());
}

std::string index(const std::vector<std::pair<std::string, std::string>> &weight_map) {
    std::string json = R"({"metadata":{"total_size":1},"weight_map":{)";
    for (const auto &[tensor, file] : weight_map)
        json += fmt::format(R"({}"{}":"{}")", json.back() == '{' ? "" : ",", tensor, file);
    return json + "}}";
}

constexpr const char *index_name = "model.safetensors.index.json";

} // namespace

TEST_CASE("a safetensors file that the safetensors package wrote is read") {
    const auto c = Container::open(test::data("container/foreign.safetensors"));
    REQUIRE(c->kind() == ContainerKind::safetensors);
    REQUIRE(c->metadata().require_string("format") == "np");
    REQUIRE(c->metadata().require_string("who") == "gr\xc3\xbc\xc3\x9f" "e");
    REQUIRE(c->tensors().size() == 5);
    const TensorInfo &x = c->require("x");
    REQUIRE(x.shape == std::vector<uint64_t>{3, 32});
    REQUIRE(x.encoding->id == QUANT_F32);
    const auto bytes = c->data(x);
    REQUIRE(sha256_hex({reinterpret_cast<const char *>(bytes.data()), bytes.size()}) ==
            "03e0387bec4386d7eb86966dd1357d67d4203fb2e2d1a2028300fc37c5d58bd9");
    REQUIRE(c->require("y").encoding->id == QUANT_F16);
    REQUIRE(c->require("ids").encoding == nullptr);
    REQUIRE(c->require("ids").type_name == "I64");
    REQUIRE(c->require("ids").bytes == 32);
    REQUIRE(c->decode(c->require("scalar")) == std::vector<float>{2.5f});
    REQUIRE(c->require("scalar").shape.empty());
    REQUIRE(c->decode(c->require("none")).empty());
    REQUIRE(c->require("none").bytes == 0);
}

TEST_CASE("every dtype has its size") {
    const std::vector<std::pair<const char *, size_t>> bits = {
        {"F64", 64}, {"F32", 32}, {"F16", 16},     {"BF16", 16},   {"I64", 64},    {"I32", 32},  {"I16", 16},
        {"I8", 8},   {"U64", 64}, {"U32", 32},     {"U16", 16},    {"U8", 8},      {"BOOL", 8},  {"F8_E4M3", 8},
        {"C64", 64}, {"F4", 4},   {"F8_E5M2", 8},  {"F8_E8M0", 8}, {"F6_E2M3", 6}, {"F6_E3M2", 6}};
    for (const auto &[dtype, size] : bits) {
        const auto json = fmt::format(R"({{"w":{{"dtype":"{}","shape":[4,3],"data_offsets":[0,{}]}}}})", dtype, 12 * size / 8);
        const auto file = parse_exact(parse_safetensors, safetensors(json, 12 * size / 8));
        REQUIRE(file.tensors[0].type_name == dtype);
        const bool weights = std::string_view("F32 F16 BF16").find(dtype) != std::string_view::npos;
        REQUIRE((file.tensors[0].encoding != nullptr) == weights);
    }
}

TEST_CASE("tensors come in the order of their data, whatever the header's order") {
    const auto file = parse_exact(
        parse_safetensors,
        safetensors(R"({"b":{"dtype":"U8","shape":[3],"data_offsets":[2,5]},"none":{"dtype":"U8","shape":[0],)"
                    R"("data_offsets":[2,2]},"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2],"note":"kept out"}}   )",
                    5));
    REQUIRE(file.tensors[0].name == "a");
    REQUIRE(file.tensors[1].name == "none");
    REQUIRE(file.tensors[2].name == "b");
    REQUIRE(parse_exact(parse_safetensors, safetensors("{}")).tensors.empty());
}

TEST_CASE("a sharded model opens by its index or its folder") {
    const ScratchFolder folder;
    write_file(folder / "s1.safetensors", shard({"a", "b"}));
    write_file(folder / "s2.safetensors", shard({"c"}));
    write_file(folder / index_name, index({{"a", "s1.safetensors"}, {"b", "s1.safetensors"}, {"c", "s2.safetensors"}}));
    for (const auto &path : {folder / index_name, folder.path()}) {
        const auto c = Container::open(path);
        REQUIRE(c->path() == path);
        REQUIRE(c->files().size() == 2);
        REQUIRE(c->tensors().size() == 3);
        REQUIRE(c->require("c").file == 1);
        REQUIRE(c->data(c->require("c")).size() == 8);
        REQUIRE(c->metadata().require_string("format") == "pt");
    }
}

TEST_CASE("an index that does not fit its shards is refused") {
    const ScratchFolder folder;
    write_file(folder / "s1.safetensors", shard({"a", "b"}));
    const auto refuse = [&](quant_status status, const std::vector<std::string> &words, const std::string &json) {
        write_file(folder / index_name, json);
        require_error(status, words, [&] { Container::open(folder / index_name); });
    };
    refuse(QUANT_ERR_NOT_FOUND, {index_name, "s9.safetensors"}, index({{"a", "s9.safetensors"}}));
    refuse(QUANT_ERR_FORMAT, {"s1.safetensors", "\"z\""}, index({{"a", "s1.safetensors"}, {"z", "s1.safetensors"}}));
    for (const char *name : {"../s1.safetensors", "/etc/passwd", "x/s1.safetensors", "..", ".", "", "a\\\\b", "s1\\u0000"})
        refuse(QUANT_ERR_FORMAT, {index_name, "\"a\"", "same folder"}, index({{"a", name}}));
    refuse(QUANT_ERR_FORMAT, {index_name, "weight_map", "missing"}, "{}");
    refuse(QUANT_ERR_FORMAT, {index_name, "weight_map", "empty"}, R"({"weight_map":{}})");
    refuse(QUANT_ERR_FORMAT, {index_name, "weight_map", "object"}, R"({"weight_map":[]})");
    refuse(QUANT_ERR_FORMAT, {index_name, "\"a\""}, R"({"weight_map":{"a":1}})");
    refuse(QUANT_ERR_FORMAT, {index_name, "twice"}, R"({"weight_map":{"a":"s1.safetensors","a":"s1.safetensors"}})");
    refuse(QUANT_ERR_FORMAT, {index_name, "JSON"}, "{\"weight_map\":");
    write_file(folder / "s2.safetensors", shard({"b"}).substr(0, 60));
    refuse(QUANT_ERR_TRUNCATED, {"s2.safetensors"}, index({{"b", "s2.safetensors"}}));
    std::filesystem::create_directory(folder / "s3.safetensors");
    refuse(QUANT_ERR_ARGUMENT, {"s3.safetensors", "folder"}, index({{"b", "s3.safetensors"}}));
}

TEST_CASE("a tensor that the index does not list is left out with a warning") {
    const ScratchFolder folder;
    write_file(folder / "s1.safetensors", shard({"a", "stray"}));
    write_file(folder / "s2.safetensors", shard({"a", "b"}));
    write_file(folder / index_name, index({{"a", "s1.safetensors"}, {"b", "s2.safetensors"}}));
    std::string logged;
    set_logger([](void *user, quant_log_level, const char *line) { *static_cast<std::string *>(user) += line; }, &logged);
    const auto c = Container::open(folder / index_name);
    set_logger(nullptr, nullptr);
    REQUIRE(c->tensors().size() == 2);
    REQUIRE(c->find("stray") == nullptr);
    REQUIRE(c->require("a").file == 0);
    REQUIRE_THAT(logged, Catch::Contains("s1.safetensors") && Catch::Contains("s2.safetensors"));
}

TEST_CASE("the safetensors fixtures open") {
    const auto folder = test::shared("fixtures/arch");
    if (folder.empty()) {
        WARN("fixtures/arch is not there: skipped");
        return;
    }
    size_t models = 0;
    for (const auto &entry : std::filesystem::directory_iterator(folder)) {
        INFO(entry.path());
        const auto c = Container::open(entry.path());
        REQUIRE(c->kind() == ContainerKind::safetensors);
        REQUIRE(c->tensors().size() > 10);
        for (const TensorInfo &t : c->tensors()) REQUIRE(c->data(t).size() == t.bytes);
        ++models;
    }
    REQUIRE(models >= 17);
    REQUIRE(Container::open(folder / "llama-f16-sharded")->files().size() == 3);
}
