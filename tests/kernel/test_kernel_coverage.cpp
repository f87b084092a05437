// No silent fallback: coverage.txt says for each tier, operation and encoding whether
// a kernel or the reference runs, and this holds it to the tables. Tables of another
// instruction set are not here to be read: of those it checks that nothing is left out.
// Also the choice of the tier by QUANT_ISA.
#include "kernel_test_support.h"

#include <fstream>
#include <map>
#include <set>
#include <sstream>

using namespace quant;
using namespace quant::kernel;

namespace {

using Coverage = std::map<std::string, std::string>;

Coverage stated_coverage() {
    std::ifstream in(QUANT_KERNEL_COVERAGE);
    REQUIRE(in.good());
    Coverage out;
    for (std::string line; std::getline(in, line);) {
        if (line.empty() || line[0] == '#') continue;
        std::istringstream words(line);
        std::string tier, operation, encoding, state;
        words >> tier >> operation >> encoding >> state;
        INFO(line);
        REQUIRE((state == "kernel" || state == "reference"));
        REQUIRE(out.emplace(tier + " " + operation + " " + encoding, state).second);
    }
    return out;
}

void expect(Coverage &stated, const std::string &key, bool kernel) {
    INFO(key);
    REQUIRE(stated.count(key) == 1);
    REQUIRE(stated[key] == (kernel ? "kernel" : "reference"));
    stated.erase(key);
}

} // namespace

TEST_CASE("what runs on a kernel and what on the reference is as coverage.txt states") {
    Coverage stated = stated_coverage();
    for (const KernelTable *table : test::readable_tables()) {
        const std::string tier = table->tier;
        for (const EncodingTraits &e : encodings()) {
            REQUIRE(static_cast<size_t>(e.id) < encoding_slots);
            expect(stated, tier + " decode " + e.name, table->of(e).decode != nullptr);
            expect(stated, tier + " dot " + e.name, table->of(e).dot != nullptr);
            expect(stated, tier + " gemm " + e.name, table->of(e).gemm != nullptr);
            expect(stated, tier + " bytes " + e.name, table->of(e).expand != nullptr);
            expect(stated, tier + " panel " + e.name, table->of(e).panel != nullptr);
            expect(stated, tier + " panel_bytes " + e.name, table->of(e).expand_panel != nullptr);
        }
        REQUIRE(table->gemm != nullptr);
        REQUIRE(table->pairs.add_values != nullptr);
        REQUIRE(table->vector.log_sum_exp != nullptr);
    }
    std::set<std::string> absent; // lines left over may only be of tiers that this machine lacks
    for (const auto &[key, state] : stated) absent.insert(key.substr(0, key.find(' ')));
    for (const KernelTable *table : test::readable_tables()) REQUIRE(absent.count(table->tier) == 0);
    for (const std::string &tier : absent) {
        WARN("this machine lacks " << tier << "; that its coverage is true is not checked");
        for (const EncodingTraits &e : encodings())
            for (const char *operation : {" decode ", " dot ", " gemm ", " bytes ", " panel ", " panel_bytes "}) {
                INFO(tier << operation << e.name);
                REQUIRE(stated.erase(tier + operation + e.name) == 1);
            }
    }
    REQUIRE(stated.empty());
}

TEST_CASE("a tier that is not there is refused by name") {
    test::require_error(QUANT_ERR_UNSUPPORTED, {"QUANT_ISA", "sse9", "scalar"}, [] { find_tier("sse9"); });
    REQUIRE(std::string(find_tier("scalar").tier) == "scalar");
}

TEST_CASE("the tier in use is the one asked for, else the best", "[forced]") {
    const char *forced = std::getenv("QUANT_ISA");
    const std::string wanted = forced && *forced ? forced : test::tiers().back()->tier;
    for (const KernelTable *table : available_tiers())
        if (wanted == table->tier) {
            REQUIRE(active_tier() == wanted);
            return;
        }
    test::require_error(QUANT_ERR_UNSUPPORTED, {wanted}, [] { active_tier(); });
    WARN("this machine lacks " << wanted);
}
