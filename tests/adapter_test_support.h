// Adapters made by tests: files of any numbers and names, right and wrong ones.
#pragma once

#include "base/join.h"
#include "container/container.h"
#include "model/adapter.h"
#include "test_support.h"

#include <cstring>
#include <random>

namespace quant::test {

/// A tensor of an adapter.
struct AdapterTensor {
    std::string name;
    std::vector<uint64_t> shape;
    std::vector<float> values;
};

inline std::vector<float> random_values(size_t count, uint32_t seed, float size) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<float> pick(-size, size);
    std::vector<float> out(count);
    for (float &v : out) v = pick(random);
    return out;
}

inline AdapterTensor random_tensor(const std::string &name, uint64_t rows, uint64_t cols, uint32_t seed) {
    return {name, {rows, cols}, random_values(rows * cols, seed, 0.2f)};
}

inline void write_safetensors(const std::filesystem::path &path, const std::vector<AdapterTensor> &tensors) {
    std::string header = "{", data;
    for (const AdapterTensor &t : tensors) {
        const size_t begin = data.size();
        data.append(reinterpret_cast<const char *>(t.values.data()), t.values.size() * sizeof(float));
        header += std::string(header.size() > 1 ? "," : "") + "\"" + t.name + R"(":{"dtype":"F32","shape":[)" +
                  joined(t.shape, ",") + R"(],"data_offsets":[)" + std::to_string(begin) + "," +
                  std::to_string(data.size()) + "]}";
    }
    header += "}";
    const uint64_t length = header.size();
    std::string bytes(sizeof length, 0);
    std::memcpy(bytes.data(), &length, sizeof length);
    write_file(path, bytes + header + data);
}

/// A PEFT folder with this configuration but for what every one has.
inline void write_peft(const std::filesystem::path &folder, const std::string &config,
                       const std::vector<AdapterTensor> &tensors) {
    std::filesystem::create_directories(folder);
    write_file(folder / "adapter_config.json", R"({"peft_type": "LORA", "bias": "none", )" + config + "}");
    write_safetensors(folder / "adapter_model.safetensors", tensors);
}

/// The keys of a GGUF adapter for the architecture llama.
inline Metadata gguf_adapter_keys(float alpha) {
    Metadata keys;
    keys.set("general.architecture", std::string("llama"));
    keys.set("general.type", std::string("adapter"));
    keys.set("adapter.type", std::string("lora"));
    keys.set("adapter.lora.alpha", alpha);
    return keys;
}

inline void write_gguf_adapter(const std::filesystem::path &path, const Metadata &keys,
                               const std::vector<AdapterTensor> &tensors) {
    std::vector<TensorPlan> plan;
    for (const AdapterTensor &t : tensors) plan.push_back({t.name, t.shape, QUANT_F32});
    GgufWriter writer(path, keys, plan);
    for (const AdapterTensor &t : tensors) writer.add(std::as_bytes(std::span(t.values)));
    writer.commit();
}

/// Factors for every matrix of the layers of tests/data/model/llama-base and models like it.
inline std::vector<AdapterTensor> random_adapter(const Hyperparameters &h, uint64_t rank, uint32_t seed) {
    const std::pair<const char *, Role> modules[] = {
        {"self_attn.q_proj", Role::attention_q}, {"self_attn.k_proj", Role::attention_k},
        {"self_attn.v_proj", Role::attention_v}, {"self_attn.o_proj", Role::attention_output},
        {"mlp.gate_proj", Role::ffn_gate},       {"mlp.up_proj", Role::ffn_up},
        {"mlp.down_proj", Role::ffn_down}};
    std::vector<AdapterTensor> out;
    for (uint32_t layer = 0; layer < h.layers; layer++)
        for (const auto &[module, role] : modules) {
            const std::string name = "base_model.model.model.layers." + std::to_string(layer) + "." + module + ".lora_";
            const std::vector<uint64_t> shape = expected_shape(role, h);
            out.push_back(random_tensor(name + "A.weight", rank, shape[1], seed++));
            out.push_back(random_tensor(name + "B.weight", shape[0], rank, seed++));
        }
    return out;
}

} // namespace quant::test
