#include "catalog_support.h"

#include <cmath>
#include <cstring>

using namespace quant;
using namespace quant::test;

namespace {

bool same_bits_or_nan(double a, double b) { return (std::isnan(a) && std::isnan(b)) || a == b; }

void require_same(const VariantRecord &a, const VariantRecord &b) {
    CHECK(a.name() == b.name());
    CHECK(a.architecture == b.architecture);
    CHECK(a.path == b.path);
    CHECK(a.parameters == b.parameters);
    CHECK(a.bytes == b.bytes);
    CHECK(same_bits_or_nan(a.bits_per_weight, b.bits_per_weight));
    CHECK(a.digest == b.digest);
    CHECK(a.base_id == b.base_id);
    CHECK(a.owned == b.owned);
    CHECK(a.type == b.type);
    CHECK(a.method == b.method);
    CHECK(a.calibration == b.calibration);
    CHECK(a.predicted_kld == b.predicted_kld);
    CHECK(a.adapters == b.adapters);
    CHECK(a.library_version == b.library_version);
}

} // namespace

TEST_CASE("a variant comes back as it was stored, with files and recipe in order", "[catalog]") {
    ScratchFolder scratch;
    const auto path = scratch / "deep/er/catalog.db";
    VariantRecord v = make_variant("kjv-5m", "Q4_K_M");
    v.owned = true;
    v.calibration = std::string(64, 'd');
    v.predicted_kld = 0.0125;
    v.adapters = R"([{"path":"/lora","sha256":"00","scale":0.5}])";
    v.files.push_back({"/models/not-utf8-\xff\xfe.gguf", 7, std::string(64, 'c'), -5});
    int64_t id = 0;
    {
        Catalog catalog(path);
        CHECK(catalog.path() == path);
        v.base_id = catalog.store(make_variant("kjv-5m", "BF16"));
        id = catalog.store(v);
    }
    Catalog catalog(path);
    const VariantRecord back = catalog.load(id);
    require_same(v, back);
    CHECK(back.id == id);
    CHECK(back.base == "kjv-5m:BF16");
    CHECK(back.created.size() == std::strlen("2026-03-14T15:09:26Z"));
    CHECK(back.created.back() == 'Z');
    REQUIRE(back.files.size() == 2);
    for (size_t i = 0; i < 2; ++i) {
        CHECK(back.files[i].path == v.files[i].path);
        CHECK(back.files[i].bytes == v.files[i].bytes);
        CHECK(back.files[i].sha256 == v.files[i].sha256);
        CHECK(back.files[i].mtime_ns == v.files[i].mtime_ns);
    }
    REQUIRE(back.recipe.size() == 2);
    for (size_t i = 0; i < 2; ++i) {
        CHECK(back.recipe[i].tensor == v.recipe[i].tensor);
        CHECK(back.recipe[i].shape == v.recipe[i].shape);
        CHECK(back.recipe[i].encoding == v.recipe[i].encoding);
        CHECK(back.recipe[i].method == v.recipe[i].method);
        CHECK(back.recipe[i].bytes == v.recipe[i].bytes);
        CHECK(back.recipe[i].rmse == v.recipe[i].rmse);
        CHECK(back.recipe[i].relative == v.recipe[i].relative);
    }
}

TEST_CASE("variants are found by name in any case, by path and by digest", "[catalog]") {
    ScratchFolder scratch;
    Catalog catalog(scratch / "catalog.db");
    const int64_t base = catalog.store(make_variant("Kjv-5m", "BF16"));
    catalog.store(make_variant("Kjv-5m", "F16"));
    VariantRecord derived = make_variant("Kjv-5m", "Q4_0");
    derived.base_id = base;
    const int64_t id = catalog.store(derived);

    CHECK(catalog.find("kJV-5M", "q4_0").value().id == id);
    CHECK(catalog.find("kjv-5m", "").value().id == base);
    CHECK(catalog.find("kjv-5m", "Q4_0").value().files.empty());
    CHECK(catalog.find("kjv-5m", "Q4_0").value().base == "Kjv-5m:BF16");
    CHECK_FALSE(catalog.find("kjv-5m", "Q4_1"));
    CHECK_FALSE(catalog.find("kjv", ""));
    CHECK(catalog.find_path(derived.path).value().id == id);
    CHECK_FALSE(catalog.find_path("/elsewhere"));
    CHECK(catalog.find_digest(derived.digest).value().id == id);
    CHECK_FALSE(catalog.find_digest(""));
    require_error(QUANT_ERR_NOT_FOUND, {"4711"}, [&] { catalog.load(4711); });
}

TEST_CASE("storing a name again replaces the variant, keeps its number and drops its numbers", "[catalog]") {
    ScratchFolder scratch;
    Catalog catalog(scratch / "catalog.db");
    const int64_t base = catalog.store(make_variant("m", "BF16"));
    VariantRecord v = make_variant("m", "Q4_0");
    v.base_id = base;
    const int64_t id = catalog.store(v);
    VariantRecord child = make_variant("m", "child");
    child.base_id = id;
    const int64_t child_id = catalog.store(child);
    catalog.add_measurement(make_measurement(id, base, 10));
    catalog.add_measurement(make_measurement(child_id, id, 11));
    catalog.add_speed(make_speed(id, "here", 50));

    v.variant = "q4_0";
    v.digest = "another";
    v.recipe.resize(1);
    CHECK(catalog.store(v) == id);
    const VariantRecord back = catalog.load(id);
    CHECK(back.digest == "another");
    CHECK(back.variant == "q4_0");
    CHECK(back.recipe.size() == 1);
    CHECK(back.files.size() == 1);
    CHECK(catalog.measurements(id).empty());
    CHECK(catalog.speeds(id).empty());
    CHECK(catalog.load(child_id).base_id == id);
    CHECK(catalog.measurements(child_id).size() == 1);
    CHECK(catalog.list("", "").size() == 3);
}

TEST_CASE("removing a variant leaves what was made from it, without a base", "[catalog]") {
    ScratchFolder scratch;
    Catalog catalog(scratch / "catalog.db");
    const int64_t base = catalog.store(make_variant("m", "BF16"));
    VariantRecord v = make_variant("m", "Q4_0");
    v.base_id = base;
    const int64_t id = catalog.store(v);
    catalog.add_measurement(make_measurement(id, base, 10));

    catalog.remove(base);
    CHECK(catalog.load(id).base_id == 0);
    CHECK(catalog.load(id).base.empty());
    const auto measured = catalog.measurements(id);
    REQUIRE(measured.size() == 1);
    CHECK(measured[0].base_id == 0);
    CHECK(measured[0].base == "m:BF16");
    require_error(QUANT_ERR_NOT_FOUND, {"catalog.db"}, [&] { catalog.remove(base); });

    catalog.remove(id);
    CHECK(catalog.list("", "").empty());
    CHECK(catalog.near("m", 5).empty());
    CHECK(catalog.store(make_variant("m", "new")) > id); // A number is never used twice.
}

TEST_CASE("measurements come back latest first, and what was not measured is NaN", "[catalog]") {
    ScratchFolder scratch;
    Catalog catalog(scratch / "catalog.db");
    const int64_t base = catalog.store(make_variant("m", "BF16"));
    const int64_t id = catalog.store(make_variant("m", "Q4_0"));
    const MeasurementRecord full = make_measurement(id, base, 17.5);
    MeasurementRecord bare = make_measurement(id, 0, 18.5);
    bare.base = "/somewhere/base.gguf";
    bare.created = "2026-03-14T15:09:26Z";
    bare.kld_mean = bare.top1 = not_measured;
    bare.kld_max = std::numeric_limits<double>::infinity();
    catalog.add_measurement(full);
    catalog.add_measurement(bare);

    const auto back = catalog.measurements(id);
    REQUIRE(back.size() == 2);
    CHECK(back[0].ppl == 18.5);
    CHECK(std::isnan(back[0].kld_mean));
    CHECK(std::isnan(back[0].top1));
    CHECK(std::isinf(back[0].kld_max));
    CHECK(back[0].base_id == 0);
    CHECK(back[0].base == bare.base);
    CHECK(back[0].created == bare.created);
    const MeasurementRecord &m = back[1];
    CHECK(m.variant_id == id);
    CHECK(m.base_id == base);
    CHECK(m.base == "m:BF16");
    CHECK(m.base_digest == full.base_digest);
    CHECK(m.variant_digest == full.variant_digest);
    CHECK(m.text_name == full.text_name);
    CHECK(m.text_sha256 == full.text_sha256);
    CHECK(m.activations == "int8");
    CHECK(m.library_version == full.library_version);
    CHECK(m.created.size() == bare.created.size());
    CHECK(m.context_length == 512);
    CHECK(m.chunks == 24);
    CHECK(m.tokens == 6144);
    const double got[] = {m.ppl, m.ppl_se, m.base_ppl, m.base_ppl_se, m.ln_ratio, m.ln_ratio_se, m.kld_mean, m.kld_se,
                          m.kld_median, m.kld_p99, m.kld_p999, m.kld_max, m.top1, m.top1_se, m.dp_mean, m.dp_rms,
                          m.seconds};
    for (size_t i = 0; i < std::size(got); ++i) CHECK(got[i] == 17.5 + 0.0625 * static_cast<double>(i));

    require_error(QUANT_ERR_NOT_FOUND, {"99"}, [&] { catalog.add_measurement(make_measurement(99, 0, 1)); });
    require_error(QUANT_ERR_NOT_FOUND, {"98"}, [&] { catalog.add_measurement(make_measurement(id, 98, 1)); });
    CHECK(catalog.measurements(id).size() == 2);
}

TEST_CASE("speeds come back latest first, each with its machine and tier", "[catalog]") {
    ScratchFolder scratch;
    Catalog catalog(scratch / "catalog.db");
    const int64_t id = catalog.store(make_variant("m", "Q4_0"));
    catalog.add_speed(make_speed(id, "there", 10));
    SpeedRecord scalar = make_speed(id, "here", 20);
    scalar.machine.tier = "scalar";
    catalog.add_speed(scalar);
    catalog.add_speed(make_speed(id, "here", 30));

    const auto back = catalog.speeds(id);
    REQUIRE(back.size() == 3);
    CHECK(back[0].decode_per_second == 30);
    CHECK(back[0].prefill_per_second == 300);
    CHECK(back[0].machine.tier == "avx2");
    CHECK(back[1].machine.tier == "scalar");
    CHECK(back[1].machine.fingerprint == "here");
    CHECK(back[2].machine.fingerprint == "there");
    CHECK(back[2].machine.cpu == "A CPU");
    CHECK(back[2].machine.cores == 16);
    CHECK(back[2].machine.memory_bytes == uint64_t{64} << 30);
    CHECK(back[2].threads == 8);
    CHECK_FALSE(back[2].created.empty());
    require_error(QUANT_ERR_NOT_FOUND, {"99"}, [&] { catalog.add_speed(make_speed(99, "here", 1)); });
}

TEST_CASE("the list is ordered by model and size, with the latest numbers of this machine", "[catalog]") {
    ScratchFolder scratch;
    Catalog catalog(scratch / "catalog.db");
    const int64_t small = catalog.store(make_variant("beta", "Q2_K", 100));
    const int64_t large = catalog.store(make_variant("beta", "F16", 900));
    catalog.store(make_variant("Alpha", "F16", 500));
    catalog.add_measurement(make_measurement(small, large, 30));
    MeasurementRecord latest = make_measurement(small, large, 20);
    latest.kld_se = not_measured;
    catalog.add_measurement(latest);
    catalog.add_speed(make_speed(small, "here", 70));
    catalog.add_speed(make_speed(small, "there", 90));

    const auto all = catalog.list("", "here");
    REQUIRE(all.size() == 3);
    CHECK(all[0].variant.name() == "Alpha:F16");
    CHECK(all[1].variant.name() == "beta:F16");
    CHECK(all[2].variant.name() == "beta:Q2_K");
    CHECK(std::isnan(all[1].ppl));
    CHECK(std::isnan(all[1].decode_per_second));
    CHECK(all[2].ppl == 20);
    CHECK(all[2].ppl_se == latest.ppl_se);
    CHECK(all[2].kld_mean == latest.kld_mean);
    CHECK(std::isnan(all[2].kld_se));
    CHECK(all[2].top1 == latest.top1);
    CHECK(all[2].decode_per_second == 70);
    CHECK(all[2].prefill_per_second == 700);
    CHECK(catalog.list("BETA", "there").at(1).decode_per_second == 90);
    CHECK(std::isnan(catalog.list("beta", "nowhere").at(1).decode_per_second));
    CHECK(catalog.list("gamma", "here").empty());
}

TEST_CASE("near names are suggested, best first", "[catalog]") {
    ScratchFolder scratch;
    Catalog catalog(scratch / "catalog.db");
    for (const char *variant : {"BF16", "Q4_K_M", "Q4_K_S"}) catalog.store(make_variant("kjv-5m", variant));
    catalog.store(make_variant("SmolLM2-135M", "F16"));
    using Names = std::vector<std::string>;
    CHECK(catalog.near("kjv5m", 1) == Names{"kjv-5m"});
    CHECK(catalog.near("KVJ-5m", 1) == Names{"kjv-5m"});
    CHECK(catalog.near("kjv-5m:Q4_K", 2) == Names{"kjv-5m:Q4_K_M", "kjv-5m:Q4_K_S"});
    CHECK(catalog.near("kjv-5m:Q4_KS", 1) == Names{"kjv-5m:Q4_K_S"});
    CHECK(catalog.near("smol", 1) == Names{"SmolLM2-135M"});
    CHECK(catalog.near("something else altogether", 5).empty());
    CHECK(catalog.near("", 5).empty());
    CHECK(catalog.near("kjv", 0).empty());
    CHECK(catalog.near(std::string(1 << 20, 'k'), 5).empty());
}

TEST_CASE("hostile names are data", "[catalog]") {
    ScratchFolder scratch;
    Catalog catalog(scratch / "catalog.db");
    const std::string model = "x'); DROP TABLE variants; --", variant = "\"?1 %s $(rm) \xc3\xa9\xf0\x9f\x90\x87\\";
    VariantRecord v = make_variant(model, variant);
    v.recipe[0].tensor = std::string("nul\0inside", 10);
    v.architecture = "' OR 1=1 --";
    const int64_t id = catalog.store(v);
    CHECK(catalog.find(model, variant).value().id == id);
    CHECK(catalog.find_path("' OR '1'='1") == std::nullopt);
    CHECK(catalog.load(id).recipe[0].tensor == v.recipe[0].tensor);
    CHECK(catalog.list(model, "'").size() == 1);
    CHECK(catalog.near(model, 1).at(0) == model);

    const std::string bad[] = {"", "a:b", "tab\there", std::string("a\0b", 3), "\xff", std::string(256, 'n')};
    for (const std::string &name : bad) {
        require_error(QUANT_ERR_ARGUMENT, {"name of a model"}, [&] { catalog.store(make_variant(name, "F16")); });
        require_error(QUANT_ERR_ARGUMENT, {"name of a variant"}, [&] { catalog.store(make_variant("m", name)); });
    }
    v.parameters = UINT64_MAX;
    require_error(QUANT_ERR_LIMIT, {"18446744073709551615"}, [&] { catalog.store(v); });
    CHECK(catalog.load(id).parameters == make_variant("", "").parameters);
}

TEST_CASE("a chain of bases cannot become a circle", "[catalog]") {
    ScratchFolder scratch;
    Catalog catalog(scratch / "catalog.db");
    VariantRecord a = make_variant("m", "a"), b = make_variant("m", "b"), c = make_variant("m", "c");
    const int64_t a_id = a.id = catalog.store(a);
    b.base_id = a_id;
    c.base_id = catalog.store(b);
    const int64_t c_id = catalog.store(c);
    for (const int64_t base : {a_id, c_id}) {
        a.base_id = base;
        require_error(QUANT_ERR_ARGUMENT, {"m:a", "itself"}, [&] { catalog.store(a); });
    }
    CHECK(catalog.load(a_id).base_id == 0);
    VariantRecord orphan = make_variant("m", "orphan");
    orphan.base_id = 4711;
    require_error(QUANT_ERR_NOT_FOUND, {"4711"}, [&] { catalog.store(orphan); });
    CHECK_FALSE(catalog.find("m", "orphan"));
}

TEST_CASE("a copy has the source's recipe, files, measurements and speeds, and goes by itself") {
    const ScratchFolder folder;
    Catalog catalog(folder / "catalog.db");
    const int64_t base = catalog.store(make_variant("m", "F16"));
    VariantRecord made = make_variant("m", "Q4_0");
    made.base_id = base;
    const int64_t id = catalog.store(made);
    catalog.add_measurement(make_measurement(id, base, 8));
    catalog.add_measurement(make_measurement(id, base, 9));
    catalog.add_speed(make_speed(id, "here", 50));
    const int64_t copy = catalog.copy(id, "n", "v");
    const VariantRecord back = catalog.load(copy);
    CHECK(back.name() == "n:v");
    CHECK(back.base_id == base);
    CHECK(back.path == made.path);
    CHECK(back.files.size() == made.files.size());
    CHECK(back.recipe.size() == made.recipe.size());
    REQUIRE(catalog.measurements(copy).size() == 2);
    CHECK(catalog.measurements(copy)[0].ppl == 9);
    CHECK(catalog.measurements(copy)[1].dp_rms == catalog.measurements(id)[1].dp_rms);
    CHECK(catalog.measurements(copy)[0].created == catalog.measurements(id)[0].created);
    REQUIRE(catalog.speeds(copy).size() == 1);
    CHECK(catalog.speeds(copy)[0].decode_per_second == 50);
    CHECK(catalog.at_path(made.path).size() == 2);
    CHECK(catalog.find("n", "").value().id == copy); // Its base is another model's.

    require_error(QUANT_ERR_ARGUMENT, {"own name"}, [&] { catalog.copy(id, "M", "q4_0"); });
    require_error(QUANT_ERR_ARGUMENT, {"itself"}, [&] { catalog.copy(id, "m", "F16"); });
    require_error(QUANT_ERR_NOT_FOUND, {"4711"}, [&] { catalog.copy(4711, "n", "w"); });
    CHECK(catalog.measurements(id).size() == 2);
    catalog.remove(id);
    CHECK(catalog.measurements(copy).size() == 2);
    CHECK(catalog.at_path(made.path).size() == 1);
}

TEST_CASE("a rewritten file keeps what was measured, and every mention of its digest follows") {
    const ScratchFolder folder;
    Catalog catalog(folder / "catalog.db");
    const int64_t base = catalog.store(make_variant("m", "F16"));
    VariantRecord made = make_variant("m", "Q4_0");
    made.base_id = base;
    const int64_t id = catalog.store(made);
    MeasurementRecord current = make_measurement(id, base, 8), old = make_measurement(id, base, 9);
    current.variant_digest = "d-m-Q4_0", current.base_digest = "d-m-F16"; // `old` is of other bytes.
    catalog.add_measurement(old);
    catalog.add_measurement(current);

    const std::string digest(64, 'c');
    catalog.replace_file(id, {made.path, 1064, digest, 7});
    const VariantRecord v = catalog.load(id);
    REQUIRE(v.digest == digest);
    REQUIRE(v.bytes == 1064);
    REQUIRE(v.files.size() == 1);
    REQUIRE(v.files[0].sha256 == digest);
    REQUIRE(v.files[0].mtime_ns == 7);
    REQUIRE(v.recipe.size() == 2);
    REQUIRE(v.base_id == base);
    REQUIRE(catalog.measurements(id)[0].variant_digest == digest);
    REQUIRE(catalog.measurements(id)[0].base_digest == "d-m-F16");
    REQUIRE(catalog.measurements(id)[1].variant_digest == "variant digest");
    catalog.replace_file(base, {"/models/m-F16.gguf", 1000, std::string(64, 'd'), 8});
    REQUIRE(catalog.measurements(id)[0].base_digest == std::string(64, 'd'));
    REQUIRE(catalog.measurements(id)[1].base_digest == "base digest");
    REQUIRE(catalog.measurements(id)[0].variant_digest == digest);
    require_error(QUANT_ERR_NOT_FOUND, {"77"}, [&] { catalog.replace_file(77, {}); });
}
