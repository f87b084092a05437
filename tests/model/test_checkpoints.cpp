// Quantized checkpoints against the reference libraries' weights and logits: every fixture of the kinds
// that are read.
#include "golden_logits.h"

#include "container/checkpoint.h"

#include <algorithm>
#include <cmath>

using namespace quant;
using namespace quant::test;

namespace {

// To the bit, but for the sign of zeros, which not all encodings have.
bool same_weight(float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); }

// Weights are those of the reference.
void require_weights(const std::filesystem::path &folder) {
    const json::value config = json::parse(read_file(folder / "config.json"), "config.json");
    const auto opened = open_checkpoint(Container::open(folder), json::Reader(config, "config.json"));
    const Container &container = *opened;
    const json::value document = json::parse(read_file(folder / "golden/golden.json"), "golden.json");
    size_t seen = 0;
    for (const json::value &v : document.at("dequantized_tensors").as_array()) {
        const json::Reader entry(v, "dequantized_tensors");
        const std::string name = entry.require_string("name");
        INFO(name);
        const std::vector<float> expected = read_array<float>(folder / "golden" / entry.require_string("file"));
        const std::vector<float> found = container.decode(container.require(name));
        REQUIRE(expected.size() <= found.size());
        REQUIRE(std::equal(expected.begin(), expected.end(), found.begin(), same_weight));
        seen++;
    }
    REQUIRE(seen > 0);
}

void require_logits(const std::filesystem::path &folder) {
    const auto model = Model::open(folder);
    for (const Prompt &p : golden_prompts(folder))
        CHECK(largest_difference(all_logits(*model, p.ids), p.logits) <= tolerance);
}

bool is_read(const std::string &name) { return name.starts_with("quant/") || name.starts_with("arch/gpt-oss"); }

// BitNet's logits are of rounded activations, and compared in test_bitnet_and_mxfp4.cpp.
bool is_run(const std::string &name) { return !name.starts_with("quant/bitnet"); }

} // namespace

TEST_CASE("quantized checkpoints have the reference's weights and logits") {
    const auto manifest = shared("fixtures/MANIFEST.json");
    if (manifest.empty()) {
        WARN("no fixtures");
        return;
    }
    const json::value document = json::parse(read_file(manifest), "MANIFEST.json");
    for (const json::value &v : document.at("fixtures").as_array()) {
        const std::string name = json::Reader(v, "fixture").require_string("name");
        if (!is_read(name)) continue;
        SECTION(name) {
            const auto folder = shared("fixtures/" + name);
            require_weights(folder);
            if (is_run(name)) require_logits(folder);
        }
    }
}
