// GGUF files that are right: another program's, our own writer's, split sets, and the
// largest metadata that is found in practice.
#include "base/sha256.h"
#include "container_bytes.h"
#include "container/gguf_format.h"
#include "container/gguf_types.h"

#include <limits>
#include <set>

using namespace quant;
using namespace quant::test;

namespace {

std::string bytes_of(const Container &c, std::string_view name) {
    const auto data = c.data(c.require(name));
    return {reinterpret_cast<const char *>(data.data()), data.size()};
}

std::span<const std::byte> as_data(const std::string &s) { return std::as_bytes(std::span(s.data(), s.size())); }

Metadata every_type() {
    Metadata m;
    m.set("u8", uint8_t{255});
    m.set("i8", int8_t{-128});
    m.set("u16", uint16_t{65535});
    m.set("i16", int16_t{-32768});
    m.set("u32", uint32_t{4294967295});
    m.set("i32", std::numeric_limits<int32_t>::min());
    m.set("f32", 1.5f);
    m.set("bool", true);
    m.set("string", std::string("a\0\xff" "b", 4));
    m.set("u64", UINT64_MAX);
    m.set("i64", INT64_MIN);
    m.set("f64", 0.1);
    m.set("a.u8", MetadataArray{std::vector<uint8_t>{1, 2}});
    m.set("a.i8", MetadataArray{std::vector<int8_t>{-1}});
    m.set("a.u16", MetadataArray{std::vector<uint16_t>{7, 8, 9}});
    m.set("a.i16", MetadataArray{std::vector<int16_t>{-7}});
    m.set("a.u32", MetadataArray{std::vector<uint32_t>{1u << 31}});
    m.set("a.i32", MetadataArray{std::vector<int32_t>{-1, 0, 1}});
    m.set("a.f32", MetadataArray{std::vector<float>{0.25f, -0.0f}});
    m.set("a.bool", MetadataArray{std::vector<bool>{true, false, true}});
    m.set("a.string", MetadataArray{std::vector<std::string>{"", "x", std::string(300, 'y')}});
    m.set("a.u64", MetadataArray{std::vector<uint64_t>{UINT64_MAX}});
    m.set("a.i64", MetadataArray{std::vector<int64_t>{INT64_MIN, 0}});
    m.set("a.f64", MetadataArray{std::vector<double>{0.1}});
    m.set("a.empty", MetadataArray{std::vector<std::string>{}});
    const MetadataArray inner{std::vector<uint32_t>{3, 4}};
    const MetadataArray second{std::vector<MetadataArray>{inner, MetadataArray{std::vector<std::string>{"deep"}}}};
    m.set("a.nested", MetadataArray{std::vector<MetadataArray>{second, second, inner}});
    return m;
}

bool same(const MetadataValue &a, const MetadataValue &b);

bool same(const MetadataArray &a, const MetadataArray &b) {
    if (a.elements.index() != b.elements.index() || a.size() != b.size()) return false;
    const auto *x = std::get_if<std::vector<MetadataArray>>(&a.elements);
    const auto *y = std::get_if<std::vector<MetadataArray>>(&b.elements);
    if (x) return std::equal(x->begin(), x->end(), y->begin(), [](const auto &p, const auto &q) { return same(p, q); });
    return std::visit(
        [&](const auto &v) {
            using V = std::decay_t<decltype(v)>;
            if constexpr (std::is_same_v<V, std::vector<MetadataArray>>)
                return false;
            else
                return v == std::get<V>(b.elements);
        },
        a.elements);
}

bool same(const MetadataValue &a, const MetadataValue &b) {
    if (a.index() != b.index()) return false;
    if (const auto *array = std::get_if<MetadataArray>(&a)) return same(*array, std::get<MetadataArray>(b));
    return std::visit(
        [&](const auto &v) {
            using V = std::decay_t<decltype(v)>;
            if constexpr (std::is_same_v<V, MetadataArray>)
                return false;
            else
                return v == std::get<V>(b);
        },
        a);
}

void require_same(const Metadata &a, const Metadata &b) {
    REQUIRE(a.entries().size() == b.entries().size());
    for (size_t i = 0; i < a.entries().size(); ++i) {
        INFO("key " << a.entries()[i].first);
        REQUIRE(a.entries()[i].first == b.entries()[i].first);
        REQUIRE(same(a.entries()[i].second, b.entries()[i].second));
    }
}

/// A part of a split set with the tensor `name` of eight floats.
std::string part(uint16_t number, uint16_t count, const std::string &name, int total, const std::string &more = "") {
    return padded(header(3, 1, more.empty() ? 3 : 4) +
                  join({kv("split.no", t_u16, u16(number)), kv("split.count", t_u16, u16(count)),
                        kv("split.tensors.count", t_i32, u32(static_cast<uint32_t>(total))), more,
                        tensor(name, {8}, 0, 0)})) +
           std::string(32, static_cast<char>('a' + number));
}

std::string part_name(int number, int count) { return fmt::format("m-{:05}-of-{:05}.gguf", number, count); }

} // namespace

TEST_CASE("a GGUF file that the gguf package wrote is read") {
    const auto c = Container::open(test::data("container/foreign.gguf"));
    REQUIRE(c->kind() == ContainerKind::gguf);
    const Metadata &m = c->metadata();
    REQUIRE(m.require_string("general.architecture") == "llama");
    REQUIRE(std::get<uint8_t>(*m.find("t.u8")) == 200);
    REQUIRE(std::get<int8_t>(*m.find("t.i8")) == -100);
    REQUIRE(std::get<uint16_t>(*m.find("t.u16")) == 60000);
    REQUIRE(std::get<int16_t>(*m.find("t.i16")) == -30000);
    REQUIRE(std::get<uint32_t>(*m.find("t.u32")) == 4000000000u);
    REQUIRE(std::get<int32_t>(*m.find("t.i32")) == -2000000000);
    REQUIRE(std::get<float>(*m.find("t.f32")) == 0.5f);
    REQUIRE(std::get<bool>(*m.find("t.bool")));
    REQUIRE(std::get<std::string>(*m.find("t.string")) == "gr\xc3\xbc\xc3\x9f" "e");
    REQUIRE(std::get<uint64_t>(*m.find("t.u64")) == (uint64_t{1} << 63) + 1);
    REQUIRE(std::get<int64_t>(*m.find("t.i64")) == -(int64_t{1} << 62));
    REQUIRE(std::get<double>(*m.find("t.f64")) == 0.1);
    REQUIRE(*m.find_strings("t.strings") == std::vector<std::string>{"a", "", "ccc"});
    REQUIRE(*m.find_ints("t.ints") == std::vector<int64_t>{1, -2, 3});
    REQUIRE(*m.find_floats("t.floats") == std::vector<float>{0.5f, -1.5f});

    REQUIRE(c->tensors().size() == 4);
    const TensorInfo &a = c->require("a.weight");
    REQUIRE(a.shape == std::vector<uint64_t>{3, 32});
    REQUIRE(a.type_name == "F32");
    REQUIRE(a.offset == 672);
    REQUIRE(sha256_hex(bytes_of(*c, "a.weight")) == "03e0387bec4386d7eb86966dd1357d67d4203fb2e2d1a2028300fc37c5d58bd9");
    REQUIRE(sha256_hex(bytes_of(*c, "b.weight")) == "32f2d79cf1fb7807c549b4416ad8a213b42e375b26b9cd3fada59f8172c44a9b");
    REQUIRE(sha256_hex(bytes_of(*c, "c.weight")) == "8d9553752fb7bffd1d4e5d2a88544f870d678ee590b090faace204d612691bdf");
    REQUIRE(c->require("c.weight").encoding->id == QUANT_Q8_0);
    REQUIRE(c->decode(a).at(95) == Approx(0.58338237f));

    const TensorInfo &ids = c->require("d.ids");
    REQUIRE(ids.encoding == nullptr);
    REQUIRE(ids.type_name == "I32");
    require_error(QUANT_ERR_UNSUPPORTED, {"foreign.gguf", "d.ids", "I32"}, [&] { c->decode(ids); });
    require_error(QUANT_ERR_NOT_FOUND, {"foreign.gguf", "\"e\""}, [&] { c->require("e"); });
    REQUIRE(c->find("") == nullptr);
}

TEST_CASE("what GgufWriter writes is read back equal, and as long as announced") {
    const ScratchFolder folder;
    const Metadata metadata = every_type();
    const std::vector<TensorPlan> plan = {{"embed", {3, 4}, QUANT_F32},        {"q", {2, 3, 64}, QUANT_Q8_0},
                                          {"k", {1, 2, 2, 256}, QUANT_Q4_K},   {"bias", {5}, QUANT_F16},
                                          {"norm", {1}, QUANT_BF16}};
    const std::vector<size_t> sizes = {48, 2 * 3 * 68, 4 * 144, 10, 2};
    {
        GgufWriter writer(folder / "w.gguf", metadata, plan);
        for (size_t i = 0; i < plan.size(); ++i) writer.add(as_data(std::string(sizes[i], static_cast<char>('A' + i))));
        REQUIRE_FALSE(std::filesystem::exists(folder / "w.gguf"));
        writer.commit();
    }
    REQUIRE(std::filesystem::file_size(folder / "w.gguf") == GgufWriter::file_bytes(metadata, plan));
    const auto c = Container::open(folder / "w.gguf");
    require_same(c->metadata(), metadata);
    REQUIRE(c->file_bytes() == GgufWriter::file_bytes(metadata, plan));
    REQUIRE(c->tensors().size() == plan.size());
    for (size_t i = 0; i < plan.size(); ++i) {
        const TensorInfo &t = c->tensors()[i];
        REQUIRE(t.name == plan[i].name);
        REQUIRE(t.shape == plan[i].shape);
        REQUIRE(t.encoding->id == plan[i].encoding);
        REQUIRE(t.offset % 32 == 0);
        REQUIRE(bytes_of(*c, t.name) == std::string(sizes[i], static_cast<char>('A' + i)));
    }
    REQUIRE(c->tensors()[1].rows() == 6);
    REQUIRE(c->tensors()[1].cols() == 64);
}

TEST_CASE("GgufWriter obeys general.alignment, and writes a file without tensors") {
    const ScratchFolder folder;
    for (const uint32_t alignment : {8u, 64u, 4096u, 65536u}) {
        Metadata m;
        m.set("general.alignment", alignment);
        const std::vector<TensorPlan> plan = {{"a", {3}, QUANT_F32}, {"b", {1}, QUANT_F32}};
        GgufWriter writer(folder / "a.gguf", m, plan);
        writer.add(as_data(std::string(12, 'a')));
        writer.add(as_data(std::string(4, 'b')));
        writer.commit();
        const auto c = Container::open(folder / "a.gguf");
        for (const TensorInfo &t : c->tensors()) REQUIRE(t.offset % alignment == 0);
        REQUIRE(c->file_bytes() == GgufWriter::file_bytes(m, plan));
        REQUIRE(c->file_bytes() % alignment == 0);
        REQUIRE(bytes_of(*c, "b") == "bbbb");
    }
    GgufWriter writer(folder / "vocabulary.gguf", every_type(), {});
    writer.commit();
    REQUIRE(Container::open(folder / "vocabulary.gguf")->tensors().empty());
}

TEST_CASE("GgufWriter refuses plans that no file could hold, and leaves nothing") {
    const ScratchFolder folder;
    const auto refuse = [&](const std::vector<std::string> &words, const std::vector<TensorPlan> &plan,
                            const Metadata &m = Metadata()) {
        require_error(QUANT_ERR_ARGUMENT, words, [&] { GgufWriter writer(folder / "x.gguf", m, plan); });
        require_error(QUANT_ERR_ARGUMENT, words, [&] { (void)GgufWriter::file_bytes(m, plan); });
    };
    constexpr uint64_t half = uint64_t{1} << 32;
    refuse({"\"a\"", "twice"}, {{"a", {1}, QUANT_F32}, {"a", {1}, QUANT_F32}});
    refuse({"name"}, {{"", {1}, QUANT_F32}});
    refuse({"name"}, {{std::string(64, 'n'), {1}, QUANT_F32}});
    refuse({"\"a\"", "dimensions"}, {{"a", {1, 1, 1, 1, 1}, QUANT_F32}});
    refuse({"\"a\"", "dimensions"}, {{"a", {}, QUANT_F32}});
    refuse({"\"a\"", "0"}, {{"a", {0, 4}, QUANT_F32}});
    refuse({"\"a\"", "Q4_K", "128"}, {{"a", {2, 128}, QUANT_Q4_K}});
    refuse({"\"a\"", "INT4_G128"}, {{"a", {2, 128}, QUANT_INT4_G128}});
    refuse({"\"a\"", "overflows"}, {{"a", {half, half}, QUANT_F32}});
    const uint64_t large = half << 28;
    refuse({"too large"}, {{"a", {large}, QUANT_F32}, {"b", {large}, QUANT_F32}, {"c", {large}, QUANT_F32}});
    Metadata m;
    m.set("general.alignment", uint32_t{24});
    refuse({"general.alignment"}, {}, m);
    m.set("general.alignment", uint64_t{32});
    refuse({"general.alignment"}, {}, m);
    Metadata empty_key;
    empty_key.set("", uint32_t{1});
    refuse({"key"}, {}, empty_key);
    Metadata deep;
    MetadataArray array{std::vector<uint8_t>{1}};
    for (int level = 1; level < 5; ++level) array = MetadataArray{std::vector<MetadataArray>{array}};
    deep.set("deep", array);
    refuse({"\"deep\"", "nested"}, {}, deep);
    REQUIRE(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("GgufWriter takes exactly the planned tensors and commits only all of them") {
    const ScratchFolder folder;
    {
        GgufWriter writer(folder / "x.gguf", Metadata(), {{"a", {2}, QUANT_F32}, {"b", {1}, QUANT_F32}});
        require_error(QUANT_ERR_ARGUMENT, {"x.gguf", "\"a\"", "8 bytes", "7"},
                      [&] { writer.add(as_data(std::string(7, 'x'))); });
        writer.add(as_data(std::string(8, 'x')));
        require_error(QUANT_ERR_ARGUMENT, {"x.gguf", "1 of 2", "\"b\""}, [&] { writer.commit(); });
        writer.add(as_data(std::string(4, 'x')));
        require_error(QUANT_ERR_ARGUMENT, {"x.gguf", "all 2"}, [&] { writer.add(as_data(std::string(4, 'x'))); });
    }
    REQUIRE(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("GgufWriter takes parts of tensors in any order, and commits only what is whole") {
    const ScratchFolder folder;
    GgufWriter writer(folder / "x.gguf", Metadata(), {{"a", {2}, QUANT_F32}, {"b", {3}, QUANT_F32}});
    writer.write(1, 8, as_data("4444"));
    writer.write(0, 0, as_data("00001111"));
    writer.write(1, 0, as_data("2222"));
    require_error(QUANT_ERR_ARGUMENT, {"x.gguf", "\"b\"", "8 of 12"}, [&] { writer.commit(); });
    require_error(QUANT_ERR_ARGUMENT, {"x.gguf", "\"b\"", "9 to 13 of 12"}, [&] { writer.write(1, 9, as_data("3333")); });
    require_error(QUANT_ERR_ARGUMENT, {"x.gguf", "2 of 2"}, [&] { writer.write(2, 0, as_data("3333")); });
    writer.write(1, 4, as_data("3333"));
    writer.commit();
    const auto c = Container::open(folder / "x.gguf");
    REQUIRE(bytes_of(*c, "a") == "00001111");
    REQUIRE(bytes_of(*c, "b") == "222233334444");
}

TEST_CASE("any part of a split set opens the whole set") {
    const ScratchFolder folder;
    write_file(folder / part_name(1, 3), part(0, 3, "one", 3, kv("general.name", t_text, text("first"))));
    write_file(folder / part_name(2, 3), part(1, 3, "two", 3));
    write_file(folder / part_name(3, 3), part(2, 3, "three", 3));
    for (const int number : {1, 2, 3}) {
        const auto c = Container::open(folder / part_name(number, 3));
        REQUIRE(c->files().size() == 3);
        REQUIRE(c->tensors().size() == 3);
        REQUIRE(c->metadata().require_string("general.name") == "first");
        REQUIRE(bytes_of(*c, "one") == std::string(32, 'a'));
        REQUIRE(bytes_of(*c, "three") == std::string(32, 'c'));
        REQUIRE(c->files()[c->require("two").file].filename() == part_name(2, 3));
    }
    REQUIRE(Container::open(folder.path())->tensors().size() == 3);

    // Written again as one file, it is no longer a part of anything.
    const auto set = Container::open(folder / part_name(2, 3));
    GgufWriter writer(folder / "one.gguf", set->metadata(), {{"one", {8}, QUANT_F32}});
    writer.add(set->data(set->require("one")));
    writer.commit();
    REQUIRE(Container::open(folder / "one.gguf")->metadata().require_string("general.name") == "first");
}

TEST_CASE("a split set that does not fit together is refused") {
    const ScratchFolder folder;
    const auto put = [&](int number, const std::string &bytes) { write_file(folder / part_name(number, 3), bytes); };
    const auto refuse = [&](quant_status status, const std::vector<std::string> &words) {
        require_error(status, words, [&] { Container::open(folder / part_name(1, 3)); });
    };
    put(1, part(0, 3, "one", 3));
    refuse(QUANT_ERR_NOT_FOUND, {"m-00001-of-00003.gguf", "2 of", "m-00002-of-00003.gguf", "m-00003-of-00003.gguf"});
    put(2, part(1, 3, "two", 3));
    put(3, part(2, 3, "one", 3));
    refuse(QUANT_ERR_FORMAT, {"\"one\"", "m-00001-of-00003.gguf", "m-00003-of-00003.gguf"});
    put(3, part(1, 3, "three", 3));
    refuse(QUANT_ERR_FORMAT, {"m-00003-of-00003.gguf", "split.no"});
    put(3, part(2, 4, "three", 3));
    refuse(QUANT_ERR_FORMAT, {"m-00003-of-00003.gguf", "split.count"});
    put(3, part(2, 3, "three", 3).substr(0, 100));
    refuse(QUANT_ERR_TRUNCATED, {"m-00003-of-00003.gguf"});
    put(3, part(2, 3, "three", 3));
    put(1, part(0, 3, "one", 4));
    refuse(QUANT_ERR_FORMAT, {"split.tensors.count", "4", "3"});
    put(1, part(0, 60000, "one", 3));
    refuse(QUANT_ERR_FORMAT, {"split.count", "60000"});

    write_file(folder / "renamed.gguf", part(0, 3, "one", 3));
    require_error(QUANT_ERR_FORMAT, {"renamed.gguf", "of-00003"}, [&] { Container::open(folder / "renamed.gguf"); });
    write_file(folder / "typed.gguf", gguf_keys({kv("split.count", t_text, text("3"))}));
    require_error(QUANT_ERR_FORMAT, {"typed.gguf", "split.count"}, [&] { Container::open(folder / "typed.gguf"); });
}

TEST_CASE("names of split files are taken apart strictly") {
    const auto name = parse_split_name("model-q4-00002-of-00010.gguf");
    REQUIRE(name);
    REQUIRE(name->prefix == "model-q4");
    REQUIRE(name->part == 1);
    REQUIRE(name->count == 10);
    REQUIRE(name->file_name(9) == "model-q4-00010-of-00010.gguf");
    for (const char *other : {"model.gguf", "-00001-of-00003.gguf", "m-00000-of-00003.gguf", "m-00004-of-00003.gguf",
                              "m-0001-of-0003.gguf", "m-0000a-of-00003.gguf", "m-00001-of-00003.safetensors", ""})
        REQUIRE_FALSE(parse_split_name(other));
}

TEST_CASE("types without an encoding are listed and their sizes checked") {
    const auto file = parse_exact(parse_gguf, gguf_tensors({tensor("ids", {6}, 26, 0), tensor("q8k", {512, 2}, 15, 32)},
                                                           32 + 4 * 292));
    REQUIRE(file.tensors[0].type_name == "I32");
    REQUIRE(file.tensors[0].encoding == nullptr);
    REQUIRE(file.tensors[0].bytes == 24);
    REQUIRE(file.tensors[1].type_name == "Q8_K");
    REQUIRE(file.tensors[1].bytes == 4 * 292);
    for (const EncodingTraits &e : encodings()) {
        if (e.id >= 256) continue;
        INFO(e.name);
        REQUIRE(find_gguf_type(e.id)->encoding == &e);
        for (const GgufType &type : undecoded_gguf_types)
            if (type.id == static_cast<uint32_t>(e.id))
                REQUIRE((type.block_bytes == e.block_bytes && type.name == std::string(e.name)));
    }
    std::set<uint32_t> ids;
    for (const GgufType &type : undecoded_gguf_types) REQUIRE(ids.insert(type.id).second);
}

TEST_CASE("GGUF accepts what is unusual but right") {
    REQUIRE(parse_exact(parse_gguf, header(2, 0, 0)).tensors.empty());
    REQUIRE(parse_exact(parse_gguf, gguf_tensors({tensor("s", {}, 0, 0)}, 4)).tensors[0].elements() == 1);
    REQUIRE(parse_exact(parse_gguf, gguf_tensors({tensor(std::string(127, 'n'), {1}, 0, 0)}, 4)).tensors.size() == 1);
    const auto gap = gguf_tensors({tensor("late", {8}, 0, 64), tensor("early", {8}, 0, 0)}, 96);
    REQUIRE(parse_exact(parse_gguf, gap).tensors[0].name == "late");
    const auto deep = array(t_array, 1, array(t_array, 1, array(t_array, 1, array(t_u8, 1, "x"))));
    REQUIRE(parse_exact(parse_gguf, gguf_keys({kv("deep", t_array, deep)})).metadata.find("deep"));
    const std::string key = kv("general.alignment", t_u32, u32(1024));
    const auto aligned = padded(header(3, 1, 1) + key + tensor("a", {8}, 0, 1024), 1024);
    REQUIRE(parse_exact(parse_gguf, aligned + std::string(1024 + 32, 'd')).tensors[0].offset == 2048);
}

TEST_CASE("a vocabulary of 150,000 tokens is read whole") {
    std::string tokens, scores, merges;
    constexpr uint64_t n = 150000;
    for (uint64_t i = 0; i < n; ++i) {
        tokens += text(fmt::format("token{}", i));
        scores += raw(static_cast<float>(i));
        merges += text(fmt::format("a b{}", i));
    }
    const auto file = parse_exact(parse_gguf, gguf_keys({kv("tokens", t_array, array(t_text, n, tokens)),
                                                         kv("scores", t_array, array(t_f32, n, scores)),
                                                         kv("merges", t_array, array(t_text, n, merges))}));
    REQUIRE(file.metadata.find_strings("tokens")->at(n - 1) == "token149999");
    REQUIRE(file.metadata.find_floats("scores")->at(77) == 77.0f);
    REQUIRE(file.metadata.find_strings("merges")->size() == n);
}

TEST_CASE("the GGUF fixtures open and every tensor's bytes can be read") {
    const auto folder = test::shared("fixtures/gguf");
    if (folder.empty()) {
        WARN("fixtures/gguf is not there: skipped");
        return;
    }
    size_t files = 0;
    for (const auto &entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() != ".gguf") continue;
        INFO(entry.path());
        const auto c = Container::open(entry.path());
        REQUIRE(c->metadata().find_strings("tokenizer.ggml.tokens")->size() > 0);
        Sha256 all;
        for (const TensorInfo &t : c->tensors()) {
            all.update(c->data(t));
            REQUIRE(c->find(t.name) == &t);
            REQUIRE(t.encoding != nullptr);
        }
        REQUIRE(all.hex().size() == 64);
        ++files;
    }
    REQUIRE(files >= 8);
}
