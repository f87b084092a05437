// The models of the shared fixtures that have the reference library's logits.
#pragma once

#include "golden_logits.h"
#include "model/architecture.h"

namespace quant::test {

// Folders of fixtures/arch, and GGUF files of the same models.
struct Fixture {
    std::filesystem::path folder, gguf;
    float tolerance;
};

// Those of the manifest whose architecture this version knows. New ones are found without a word here.
inline std::vector<Fixture> fixtures_of_architectures() {
    std::vector<Fixture> out;
    const auto root = shared("fixtures");
    if (root.empty()) return out;
    const json::value document = json::parse(read_file(root / "MANIFEST.json"), "MANIFEST.json");
    for (const json::value &v : document.at("fixtures").as_array()) {
        const json::Reader fixture(v, "MANIFEST.json");
        const std::string name = fixture.require_string("name"), type = fixture.get_string("architecture", "");
        const std::span<const Architecture> known = architectures();
        const bool is_known = std::any_of(known.begin(), known.end(), [&](const Architecture &a) { return type == a.model_type; });
        if (!name.starts_with("arch/") || !is_known) continue;
        const double most = fixture.require_object("tolerance").require_object("f32_weights_f32_activations")
                                .get_number("max_abs", tolerance);
        out.push_back({root / name, root / "gguf" / (name.substr(5) + ".gguf"), static_cast<float>(most)});
    }
    return out;
}

} // namespace quant::test
