// The catalog through the C functions, on a copy of a small model.
#include <quant/quant.h>

#include "base/json.h"
#include "base/sha256.h"
#include "container/container.h"
#include "test_support.h"

#include <cmath>

namespace {

using quant::test::ScratchFolder;

// The status and, where it is not OK, this thread's message.
#define REQUIRE_OK(call)                              \
    do {                                              \
        const quant_status got = (call);              \
        INFO(#call << ": " << quant_error_message()); \
        REQUIRE(got == QUANT_OK);                     \
    } while (0)

std::string take(char *text) {
    std::string copy = text ? text : "";
    quant_string_free(text);
    return copy;
}

// A catalog in a folder of its own, and a model beside it.
struct Fixture {
    ScratchFolder folder;
    quant_catalog *catalog = nullptr;
    std::string model;

    Fixture() {
        model = (folder / "small.gguf").string();
        std::filesystem::copy_file(quant::test::data("model/llama-3-rope.gguf"), model);
        REQUIRE_OK(quant_catalog_open(&catalog, (folder / "home/catalog.db").c_str()));
    }
    ~Fixture() { quant_catalog_free(catalog); }

    std::string quantize(const char *source, const char *type) {
        char *path = nullptr, *name = nullptr;
        REQUIRE_OK(quant_catalog_resolve(catalog, source, &path, nullptr));
        const std::string from = take(path);
        REQUIRE_OK(quant_catalog_output_path(catalog, source, type, &path));
        const std::string to = take(path);
        quant_quantize_options options;
        quant_quantize_options_init(&options, sizeof options);
        options.type = type;
        quant_plan *plan = nullptr;
        REQUIRE_OK(quant_plan_new(&plan, from.c_str(), &options));
        REQUIRE_OK(quant_plan_run(plan, to.c_str(), nullptr, nullptr));
        REQUIRE_OK(quant_catalog_add_variant(catalog, source, plan, to.c_str(), nullptr, nullptr, &name));
        quant_plan_free(plan);
        return take(name);
    }

    std::vector<std::string> names(const char *filter = nullptr) {
        quant_variant_list *list = nullptr;
        REQUIRE_OK(quant_catalog_list(catalog, filter, &list));
        std::vector<std::string> out;
        for (size_t i = 0; i < quant_variant_list_count(list); i++) {
            quant_variant_info info;
            info.size = sizeof info;
            REQUIRE_OK(quant_variant_list_get(list, i, &info));
            out.push_back(info.name);
        }
        quant_variant_list_free(list);
        return out;
    }

    std::string show(const char *name) {
        char *json = nullptr;
        REQUIRE_OK(quant_catalog_show(catalog, name, &json));
        return take(json);
    }
};

using Names = std::vector<std::string>;

} // namespace

TEST_CASE("a model is imported in place, quantized beside the catalog, and removed") {
    Fixture f;
    char *text = nullptr;
    REQUIRE_OK(quant_catalog_import(f.catalog, f.model.c_str(), nullptr, nullptr, nullptr, &text));
    REQUIRE(take(text) == "small:BF16");
    REQUIRE(f.quantize("small", "q4_k_m") == "small:Q4_K_M");
    REQUIRE(f.quantize(f.model.c_str(), "Q8_0") == "small:Q8_0");
    REQUIRE(f.names() == Names{"small:BF16", "small:Q8_0", "small:Q4_K_M"});
    REQUIRE(f.names("small:Q8_0") == Names{"small:Q8_0"});

    const auto made = f.folder / "home/models/small-Q8_0.gguf";
    REQUIRE(std::filesystem::exists(made));
    REQUIRE_OK(quant_catalog_base(f.catalog, "small:Q8_0", &text));
    REQUIRE(take(text) == "small:BF16");
    REQUIRE(quant_catalog_base(f.catalog, "small:BF16", &text) == QUANT_ERR_NOT_FOUND);

    uint32_t removed = 0;
    REQUIRE_OK(quant_catalog_remove(f.catalog, "small:Q8_0", 0, &removed));
    REQUIRE(removed == 1);
    REQUIRE_FALSE(std::filesystem::exists(made));
    REQUIRE_OK(quant_catalog_remove(f.catalog, "small", 0, &removed));
    REQUIRE(removed == 2);
    REQUIRE(std::filesystem::exists(f.model));
    REQUIRE(f.names().empty());
}

TEST_CASE("a variant's record tells where it came from and what each tensor became") {
    Fixture f;
    f.quantize(f.model.c_str(), "Q4_K_M");
    const auto v = quant::json::parse(f.show("small:Q4_K_M"), "show");
    REQUIRE(v.at("schema_version").as_int64() == 1);
    REQUIRE(v.at("provenance").at("base").as_string() == "small:BF16");
    REQUIRE(v.at("provenance").at("method").as_string() == "search");
    const auto &recipe = v.at("recipe").as_array();
    REQUIRE(recipe.size() == 21);
    for (const auto &row : recipe) REQUIRE(row.at("rmse").to_number<double>() >= 0);
    const std::string path(v.at("path").as_string());
    REQUIRE(v.at("digest").as_string() == quant::sha256_hex(quant::test::read_file(path)));
}

TEST_CASE("measurements are stored and shown with the list") {
    Fixture f;
    f.quantize(f.model.c_str(), "Q8_0");
    quant_eval_result r{};
    r.size = sizeof r;
    r.ppl = 10, r.base_ppl = 9, r.kld_mean = 0.25, r.top1 = NAN, r.tokens = 100;
    REQUIRE_OK(quant_catalog_record_eval(f.catalog, "small:Q8_0", "small:BF16", "text", &r));
    REQUIRE(quant_catalog_record_eval(f.catalog, "small:Q5_0", nullptr, "text", &r) == QUANT_ERR_NOT_FOUND);
    quant_bench_result b{};
    b.size = sizeof b;
    b.decode_per_second = 42;
    REQUIRE_OK(quant_catalog_record_bench(f.catalog, "small:Q8_0", &b));
    quant_variant_list *list = nullptr;
    REQUIRE_OK(quant_catalog_list(f.catalog, "small:Q8_0", &list));
    quant_variant_info info;
    info.size = sizeof info;
    REQUIRE_OK(quant_variant_list_get(list, 0, &info));
    REQUIRE(info.ppl == 10);
    REQUIRE(info.kld_mean == 0.25);
    REQUIRE(std::isnan(info.top1));
    REQUIRE(info.decode_per_second == 42);
    REQUIRE(quant_variant_list_get(list, 1, &info) == QUANT_ERR_ARGUMENT);
    quant_variant_list_free(list);
    REQUIRE_OK(quant_catalog_list(f.catalog, "small:BF16", &list));
    REQUIRE_OK(quant_variant_list_get(list, 0, &info));
    REQUIRE(info.ppl == 9);
    REQUIRE(std::isnan(info.kld_mean));
    quant_variant_list_free(list);
}

TEST_CASE("a model is shown with all its variants, all their measurements, and without their recipes") {
    Fixture f;
    f.quantize(f.model.c_str(), "Q8_0");
    const std::string q4 = f.quantize(f.model.c_str(), "Q4_0");
    quant_eval_result r{};
    r.size = sizeof r;
    for (const double loss : {0.5, 0.25}) {
        r.ppl = 10, r.base_ppl = 9, r.kld_mean = loss, r.tokens = 100;
        REQUIRE_OK(quant_catalog_record_eval(f.catalog, "small:Q4_0", "small:BF16", "text", &r));
    }
    std::filesystem::remove(f.folder / "home/models/small-Q8_0.gguf"); // It counts all the same.
    std::string first;
    for (const std::string &name : {std::string("SMALL"), q4, f.model}) {
        char *json = nullptr;
        REQUIRE_OK(quant_catalog_show_model(f.catalog, name.c_str(), &json));
        const std::string text = take(json);
        if (first.empty()) first = text;
        REQUIRE(text == first);
    }
    const auto model = quant::json::parse(first, "show");
    REQUIRE(model.at("model").as_string() == "small");
    const auto &variants = model.at("variants").as_array();
    REQUIRE(variants.size() == 3);
    REQUIRE(variants[0].at("name").as_string() == "small:BF16");
    REQUIRE(variants[1].at("file_missing").as_bool());
    REQUIRE(variants[1].at("measurements").as_array().empty());
    REQUIRE(variants[2].at("provenance").at("method").as_string() == "search");
    const auto &measurements = variants[2].at("measurements").as_array();
    REQUIRE(measurements.size() == 2);
    REQUIRE(measurements[0].at("kld_mean").to_number<double>() == 0.25); // The latest first.
    REQUIRE(variants[2].as_object().count("recipe") == 0);
    char *json = nullptr;
    REQUIRE(quant_catalog_show_model(f.catalog, "smal", &json) == QUANT_ERR_NOT_FOUND);
    REQUIRE_THAT(quant_error_message(), Catch::Contains("small"));
    REQUIRE(quant_catalog_show_model(f.catalog, f.folder.path().c_str(), &json) == QUANT_ERR_NOT_FOUND);
}

TEST_CASE("a stamp travels in the file, is replaced by the next, and the catalog follows") {
    Fixture f;
    f.quantize(f.model.c_str(), "Q8_0");
    quant_eval_result r{};
    r.size = sizeof r;
    r.ppl = 10, r.kld_mean = 0.25, r.top1 = NAN, r.tokens = 100;
    REQUIRE_OK(quant_catalog_record_eval(f.catalog, "small:Q8_0", "small:BF16", "text", &r));
    const auto shown = [&] { return quant::json::parse(f.show("small:Q8_0"), "show"); };
    const std::string path(shown().at("path").as_string());
    const auto weights = [&] {
        const auto c = quant::Container::open(path);
        const auto data = c->data(c->require("blk.0.attn_q.weight"));
        return std::string(reinterpret_cast<const char *>(data.data()), data.size());
    };
    const std::string before = weights();
    const auto stamp = [&] {
        return quant_catalog_stamp(f.catalog, "small:Q8_0", "small:BF16", "text", &r, nullptr, nullptr);
    };
    REQUIRE_OK(stamp());
    const auto once = quant::Container::open(path)->metadata();
    REQUIRE(once.require_number("quant.eval.kld_mean") == 0.25);
    REQUIRE(once.require_uint("quant.eval.tokens") == 100);
    REQUIRE(once.require_string("quant.eval.base_digest") == quant::sha256_hex(quant::test::read_file(f.model)));
    REQUIRE(once.require_string("quant.recipe.method") == "search");
    REQUIRE(once.find("quant.eval.top1") == nullptr); // It was not measured.
    r.ppl = 11, r.kld_mean = NAN;
    REQUIRE_OK(stamp());
    const auto twice = quant::Container::open(path)->metadata();
    REQUIRE(twice.require_number("quant.eval.ppl") == 11);
    REQUIRE(twice.find("quant.eval.kld_mean") == nullptr);
    REQUIRE(twice.entries().size() == once.entries().size() - 1);
    REQUIRE(weights() == before);

    // What the catalog says is true of the new bytes, and the measurement is still there.
    const auto v = shown();
    REQUIRE(v.at("digest").as_string() == quant::sha256_hex(quant::test::read_file(path)));
    REQUIRE(v.at("files").as_array()[0].at("sha256") == v.at("digest"));
    REQUIRE(v.at("bytes").to_number<uint64_t>() == std::filesystem::file_size(path));
    REQUIRE(v.at("measurements").as_array()[0].at("variant_digest") == v.at("digest"));
    char *name = nullptr;
    REQUIRE_OK(quant_catalog_import(f.catalog, path.c_str(), nullptr, nullptr, nullptr, &name));
    REQUIRE(take(name) == "small:Q8_0");
    REQUIRE(shown().at("measurements").as_array().size() == 1);

    // A variant made of it does not claim what was measured on it.
    quant_quantize_options options;
    quant_quantize_options_init(&options, sizeof options);
    options.type = "Q4_0";
    quant_plan *plan = nullptr;
    REQUIRE_OK(quant_plan_new(&plan, path.c_str(), &options));
    REQUIRE_OK(quant_plan_run(plan, (f.folder / "q4.gguf").c_str(), nullptr, nullptr));
    quant_plan_free(plan);
    const auto made = quant::Container::open(f.folder / "q4.gguf");
    for (const auto &[key, value] : made->metadata().entries()) REQUIRE_FALSE(key.starts_with("quant."));

    // A file that is not what was recorded gets no new digest.
    std::filesystem::copy_file(f.folder / "q4.gguf", path, std::filesystem::copy_options::overwrite_existing);
    REQUIRE(stamp() == QUANT_ERR_VERIFY);
    REQUIRE(shown().at("digest") == v.at("digest"));
    // One that the catalog does not know gets its measurement alone.
    const std::string stray = (f.folder / "q4.gguf").string();
    REQUIRE_OK(quant_catalog_stamp(f.catalog, stray.c_str(), nullptr, "text", &r, nullptr, nullptr));
    const auto alone = quant::Container::open(stray)->metadata();
    REQUIRE(alone.require_number("quant.eval.ppl") == 11);
    REQUIRE(alone.find("quant.recipe.method") == nullptr);
    const std::string folder = quant::test::data("model/llama-3-rope").string();
    REQUIRE(quant_catalog_stamp(f.catalog, folder.c_str(), nullptr, "text", &r, nullptr, nullptr) ==
            QUANT_ERR_ARGUMENT);
    REQUIRE_THAT(quant_error_message(), Catch::Contains("a folder"));
}

TEST_CASE("what is not there is answered with what is near it") {
    Fixture f;
    f.quantize(f.model.c_str(), "Q8_0");
    char *path = nullptr;
    REQUIRE(quant_catalog_resolve(f.catalog, "smal:Q8_0", &path, nullptr) == QUANT_ERR_NOT_FOUND);
    REQUIRE_THAT(quant_error_message(), Catch::Contains("small"));
    REQUIRE(quant_catalog_resolve(f.catalog, "/absent/file", &path, nullptr) == QUANT_ERR_NOT_FOUND);
    REQUIRE_THAT(quant_error_message(), Catch::Contains("/absent/file"));
    std::filesystem::remove(f.folder / "home/models/small-Q8_0.gguf");
    REQUIRE(quant_catalog_resolve(f.catalog, "small:Q8_0", &path, nullptr) == QUANT_ERR_NOT_FOUND);
    REQUIRE_THAT(quant_error_message(), Catch::Contains("gone"));
    REQUIRE(quant_catalog_import(f.catalog, f.model.c_str(), "bad/name", nullptr, nullptr, nullptr) ==
            QUANT_ERR_ARGUMENT);
    REQUIRE(quant_catalog_remove(f.catalog, "other", 0, nullptr) == QUANT_ERR_NOT_FOUND);
}

TEST_CASE("looking records nothing") {
    Fixture f;
    ::setenv("QUANT_SHARE", (f.folder / "share").c_str(), 1);
    std::filesystem::create_directories(f.folder / "share/models");
    std::filesystem::copy(quant::test::data("model/llama-f16-sharded"), f.folder / "share/models/tiny",
                          std::filesystem::copy_options::recursive);
    char *path = nullptr, *name = nullptr;
    REQUIRE_OK(quant_catalog_resolve(f.catalog, "tiny", &path, &name));
    const std::string tiny = take(name);
    take(path);
    REQUIRE(tiny == "tiny:F16");
    REQUIRE_OK(quant_catalog_output_path(f.catalog, "tiny", "Q8_0", &path));
    take(path);
    REQUIRE(f.names().empty());
    quant_bench_result b{};
    b.size = sizeof b;
    REQUIRE_OK(quant_catalog_record_bench(f.catalog, tiny.c_str(), &b));
    REQUIRE(f.names() == Names{"tiny:F16"});
    ::unsetenv("QUANT_SHARE");
}

TEST_CASE("two files may not share a name") {
    Fixture f;
    f.quantize(f.model.c_str(), "Q8_0");
    std::filesystem::create_directory(f.folder / "other");
    const auto twin = f.folder / "other/small.gguf";
    std::filesystem::copy_file(quant::test::data("model/llama-3-rope.gguf"), twin);
    char *name = nullptr;
    // The same bytes are the same variant; other bytes are refused.
    REQUIRE_OK(quant_catalog_import(f.catalog, twin.c_str(), nullptr, nullptr, nullptr, &name));
    REQUIRE(take(name) == "small:BF16");
    REQUIRE(quant_catalog_import(f.catalog, twin.c_str(), "small:Q8_0", nullptr, nullptr, nullptr) == QUANT_ERR_EXISTS);
    REQUIRE_OK(quant_catalog_import(f.catalog, twin.c_str(), "twin", nullptr, nullptr, &name));
    REQUIRE(take(name) == "twin:BF16");
}

TEST_CASE("a variant gets a second name, with all that was measured, and each name goes by itself") {
    Fixture f;
    f.quantize(f.model.c_str(), "Q8_0");
    quant_eval_result r{};
    r.size = sizeof r;
    r.ppl = 10, r.base_ppl = 9, r.kld_mean = 0.25, r.tokens = 100;
    REQUIRE_OK(quant_catalog_record_eval(f.catalog, "small:Q8_0", "small:BF16", "text", &r));
    char *text = nullptr;
    REQUIRE_OK(quant_catalog_copy(f.catalog, "small:Q8_0", "other", &text));
    REQUIRE(take(text) == "other:Q8_0");
    REQUIRE_OK(quant_catalog_copy(f.catalog, "small:Q8_0", "other:v1", nullptr));
    const auto one = quant::json::parse(f.show("small:Q8_0"), "show"), two = quant::json::parse(f.show("other"), "show");
    for (const char *key : {"path", "digest", "base", "recipe", "measurements", "files"}) REQUIRE(one.at(key) == two.at(key));

    REQUIRE(quant_catalog_copy(f.catalog, "small:Q8_0", "SMALL:q8_0", nullptr) == QUANT_ERR_ARGUMENT);
    REQUIRE(quant_catalog_copy(f.catalog, "small:Q8_0", "small:BF16", nullptr) == QUANT_ERR_ARGUMENT);
    REQUIRE(quant_catalog_copy(f.catalog, "small:Q8_0", "../up", nullptr) == QUANT_ERR_ARGUMENT);
    REQUIRE(quant_catalog_copy(f.catalog, "nothing", "x", nullptr) == QUANT_ERR_NOT_FOUND);
    REQUIRE(f.names() == Names{"other:Q8_0", "other:v1", "small:BF16", "small:Q8_0"});
    REQUIRE(quant::json::parse(f.show("small:Q8_0"), "show") == one);

    const auto shared = f.folder / "home/models/small-Q8_0.gguf", second = f.folder / "home/models/small-Q8_0-2.gguf";
    REQUIRE_OK(quant_catalog_remove(f.catalog, "other:v1", 0, nullptr));
    REQUIRE(std::filesystem::exists(shared));
    f.quantize("small", "Q8_0"); // Beside the file that "other" still has.
    REQUIRE(std::filesystem::exists(second));
    REQUIRE(quant::json::parse(f.show("other"), "show").at("digest") == two.at("digest"));
    REQUIRE_OK(quant_catalog_remove(f.catalog, "other", 0, nullptr));
    REQUIRE_FALSE(std::filesystem::exists(shared));
    f.quantize("small", "Q8_0"); // Back in its usual place, and the one before it goes.
    REQUIRE(std::filesystem::exists(shared));
    REQUIRE_FALSE(std::filesystem::exists(second));
}

TEST_CASE("a variant that replaces a copy takes its file away only where nobody else has it") {
    Fixture f;
    f.quantize(f.model.c_str(), "Q8_0");
    f.quantize("small", "Q4_0");
    REQUIRE_OK(quant_catalog_copy(f.catalog, "small:Q8_0", "kept:v", nullptr));
    REQUIRE_OK(quant_catalog_remove(f.catalog, "small:Q8_0", 0, nullptr));
    REQUIRE_OK(quant_catalog_copy(f.catalog, "small:Q4_0", "kept:v", nullptr));
    REQUIRE_FALSE(std::filesystem::exists(f.folder / "home/models/small-Q8_0.gguf"));
    REQUIRE(std::filesystem::exists(f.folder / "home/models/small-Q4_0.gguf"));
}

TEST_CASE("names and types that run together do not share a file") {
    Fixture f;
    char *path = nullptr;
    REQUIRE_OK(quant_catalog_import(f.catalog, f.model.c_str(), "a", nullptr, nullptr, nullptr));
    REQUIRE_OK(quant_catalog_named_path(f.catalog, "a:b-c", "Q4_0", &path));
    const std::string first = take(path);
    std::filesystem::copy_file(f.model, first);
    REQUIRE_OK(quant_catalog_import(f.catalog, first.c_str(), "a:b-c", nullptr, nullptr, nullptr));
    REQUIRE_OK(quant_catalog_named_path(f.catalog, "a-b:c", "Q4_0", &path));
    REQUIRE(take(path) != first);
    REQUIRE_OK(quant_catalog_named_path(f.catalog, "A:B-C", "Q4_0", &path));
    REQUIRE(take(path).find("-2.gguf") == std::string::npos);
    REQUIRE(quant_catalog_named_path(f.catalog, "a/b", "Q4_0", &path) == QUANT_ERR_ARGUMENT);
    REQUIRE(quant_catalog_named_path(f.catalog, "a", "Q99", &path) == QUANT_ERR_NOT_FOUND);
}

TEST_CASE("quantizing to the source's own type leaves the source's file alone") {
    Fixture f;
    f.quantize(f.model.c_str(), "Q8_0");
    const auto source = f.folder / "home/models/small-Q8_0.gguf";
    const std::string before = quant::test::read_file(source);
    REQUIRE(f.quantize("small:Q8_0", "Q8_0") == "small:Q8_0-requantized");
    REQUIRE(std::filesystem::exists(f.folder / "home/models/small-Q8_0-requantized.gguf"));
    REQUIRE(quant::test::read_file(source) == before);
}

TEST_CASE("a file becomes the catalog's own, under a name of the caller's choice") {
    Fixture f;
    char *text = nullptr;
    const auto own = f.folder / "home/models/mine-BF16.gguf";
    REQUIRE_OK(quant_catalog_named_path(f.catalog, "mine", "Q4_0", &text)); // Makes the folder.
    quant_string_free(text);
    for (int i = 0; i < 2; i++) {
        REQUIRE_OK(quant_catalog_adopt(f.catalog, f.model.c_str(), "mine", nullptr, nullptr, &text));
        REQUIRE(take(text) == "mine:BF16");
        REQUIRE(std::filesystem::equivalent(own, f.model));
    }
    REQUIRE(f.names() == Names{"mine:BF16"});
    REQUIRE_OK(quant_catalog_remove(f.catalog, "mine", 0, nullptr));
    REQUIRE_FALSE(std::filesystem::exists(own));
    REQUIRE(std::filesystem::exists(f.model));
    const auto bad = (f.folder / "bad.gguf").string();
    quant::test::write_file(bad, "GGUF");
    REQUIRE(quant_catalog_adopt(f.catalog, bad.c_str(), "mine", nullptr, nullptr, nullptr) == QUANT_ERR_TRUNCATED);
    REQUIRE(quant_catalog_adopt(f.catalog, f.model.c_str(), "a/b", nullptr, nullptr, nullptr) == QUANT_ERR_ARGUMENT);
    REQUIRE(std::filesystem::is_empty(f.folder / "home/models"));
}

TEST_CASE("what was made without a recorded source is found by its model's name") {
    Fixture f;
    quant_quantize_options options;
    quant_quantize_options_init(&options, sizeof options);
    options.type = "Q4_0";
    quant_plan *plan = nullptr;
    REQUIRE_OK(quant_plan_new(&plan, f.model.c_str(), &options));
    char *text = nullptr;
    REQUIRE_OK(quant_catalog_named_path(f.catalog, "mine", "Q4_0", &text));
    const std::string output = take(text);
    REQUIRE_OK(quant_plan_run(plan, output.c_str(), nullptr, nullptr));
    REQUIRE_OK(quant_catalog_add_named_variant(f.catalog, "mine", nullptr, plan, output.c_str(), nullptr, nullptr, &text));
    REQUIRE(take(text) == "mine:Q4_0");
    REQUIRE_OK(quant_catalog_resolve(f.catalog, "mine", nullptr, &text));
    REQUIRE(take(text) == "mine:Q4_0");
    // And of another model: its base is there, but a model's name alone means the model's own variant.
    REQUIRE_OK(quant_catalog_add_named_variant(f.catalog, "yours:x", "mine", plan, output.c_str(), nullptr, nullptr, nullptr));
    REQUIRE_OK(quant_catalog_resolve(f.catalog, "yours", nullptr, &text));
    REQUIRE(take(text) == "yours:x");
    REQUIRE_OK(quant_catalog_base(f.catalog, "yours:x", &text));
    REQUIRE(take(text) == "mine:Q4_0");
    quant_plan_free(plan);
}

TEST_CASE("the machine's topology is its description without what is measured") {
    char *text = nullptr;
    REQUIRE_OK(quant_machine_topology(&text));
    const auto v = quant::json::parse(take(text), "topology");
    for (const char *key : {"cpu", "tier", "cores", "cpu_quota", "memory_nodes"}) REQUIRE(v.as_object().contains(key));
    for (const char *key : {"pack_cache", "read_bytes_per_second", "kernels"}) REQUIRE_FALSE(v.as_object().contains(key));
}
