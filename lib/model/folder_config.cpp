// Keys as transformers' configuration classes name them. What is written is read back and held against the file by whoever
// asks (folder_view.cpp), so that what a config cannot say is found there.
#include "model/folder_config.h"

#include "base/error.h"
#include "model/rope_scaling.h"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace quant {

namespace {

/// The double of the shortest decimal that is this float: 1e-5, not 9.99999974737875e-06.
double shortest(float value) { return std::stod(fmt::format("{}", value)); }

class ConfigWriter {
public:
    ConfigWriter(const ModelFile &file, const Architecture &architecture)
        : file_(file), h_(file.hyperparameters()), architecture_(architecture) {}

    json::object write() {
        out_["architectures"] = json::array{json::value(architecture_.hugging_face_class)};
        out_["model_type"] = architecture_.model_type;
        sizes();
        biases();
        rotation();
        windows();
        if (h_.experts != 0) mixture();
        scales();
        tokens();
        return std::move(out_);
    }

private:
    bool is(std::string_view name) const { return architecture_.name == name; }
    [[noreturn]] void cannot(const std::string &what) const {
        fail(QUANT_ERR_UNSUPPORTED, "{}: a config.json has no words for {}", file_.metadata().name(), what);
    }
    std::string key(const char *name) const { return h_.architecture + "." + name; }
    double number(const char *name, double fallback) const {
        return shortest(static_cast<float>(file_.metadata().find_number(key(name)).value_or(fallback)));
    }

    void sizes() {
        out_["vocab_size"] = h_.vocabulary;
        out_["hidden_size"] = h_.embedding;
        out_["intermediate_size"] = h_.feed_forward;
        out_["num_hidden_layers"] = h_.layers;
        out_["num_attention_heads"] = h_.heads;
        out_["num_key_value_heads"] = h_.kv_heads;
        out_["head_dim"] = h_.head_dim;
        out_["max_position_embeddings"] = h_.context;
        out_["rms_norm_eps"] = shortest(h_.norm_epsilon);
        out_["hidden_act"] = h_.style.activation == Activation::gelu_tanh ? "gelu_pytorch_tanh" : "silu";
        if (h_.style.activation == Activation::gelu_tanh) out_["hidden_activation"] = "gelu_pytorch_tanh";
        out_["tie_word_embeddings"] = file_.find(Role::output, 0) == nullptr;
        out_["attention_dropout"] = 0.0;
        out_["use_cache"] = true;
    }

    void biases() {
        if (!h_.style.qkv_biases) out_["attention_bias"] = file_.find(Role::attention_q_bias, 0) != nullptr;
        if (file_.find(Role::ffn_gate_bias, 0)) out_["mlp_bias"] = true;
    }

    void rotation() {
        out_["rope_theta"] = shortest(static_cast<float>(h_.rope.base));
        if (h_.local_rope.dims != 0) out_["rope_local_base_freq"] = shortest(static_cast<float>(h_.local_rope.base));
        if (h_.rope.dims != h_.head_dim)
            out_["partial_rotary_factor"] = static_cast<double>(h_.rope.dims) / h_.head_dim;
        const std::string type = file_.metadata().find_string(key("rope.scaling.type")).value_or("none");
        json::value scaling = nullptr;
        if (!h_.rope.long_divisors.empty()) scaling = longrope();
        else if (file_.find(Role::rope_divisors, 0)) scaling = llama3();
        else if (type == "linear") scaling = json::object{{"rope_type", "linear"}, {"type", "linear"}, {"factor", number("rope.scaling.factor", 1)}};
        else if (type == "yarn") scaling = yarn();
        out_["rope_scaling"] = std::move(scaling);
    }

    json::object yarn() const {
        const double factor = number("rope.scaling.factor", 1);
        json::object out{{"rope_type", "yarn"},
                         {"type", "yarn"},
                         {"factor", factor},
                         {"original_max_position_embeddings", file_.metadata().require_uint(key("rope.scaling.original_context_length"))},
                         {"beta_fast", number("rope.scaling.yarn_beta_fast", 32)},
                         {"beta_slow", number("rope.scaling.yarn_beta_slow", 1)}};
        const double magnitude = number("rope.scaling.attn_factor", 1);
        if (magnitude != 1) out["attention_factor"] = magnitude * yarn_magnitude(factor);
        return out;
    }

    // The file has what each pair is divided by, of which the factor is the largest. The other two factors have been the
    // same in all models so far, and the original context a power of two.
    json::object llama3() const {
        constexpr double low = 1, high = 4;
        const std::vector<float> &found = h_.rope.divisors;
        const double factor = shortest(*std::max_element(found.begin(), found.end()));
        for (uint64_t original = 16; original <= max_context; original *= 2)
            if (same_divisors(llama3_rope_divisors(h_.rope.base, h_.rope.dims, factor, low, high, static_cast<double>(original)), found))
                return {{"rope_type", "llama3"},
                        {"factor", factor},
                        {"low_freq_factor", low},
                        {"high_freq_factor", high},
                        {"original_max_position_embeddings", original}};
        cannot(fmt::format("the divisors of rotation in {}", gguf_tensor_name(Role::rope_divisors, 0)));
    }

    json::object longrope() {
        const auto list = [](const std::vector<float> &divisors) {
            json::array out;
            for (const float d : divisors) out.push_back(shortest(d));
            return out;
        };
        out_["original_max_position_embeddings"] = h_.rope.long_from;
        json::object out{{"type", "longrope"}, {"short_factor", list(h_.rope.divisors)}, {"long_factor", list(h_.rope.long_divisors)}};
        const auto usual = static_cast<float>(longrope_magnitude(h_.context, h_.rope.long_from));
        if (std::abs(h_.rope.magnitude - usual) > 1e-6f * usual) out["attention_factor"] = shortest(h_.rope.magnitude);
        return out;
    }

    void windows() {
        uint32_t window = 0;
        bool all_see_it = true, all_rotate = true;
        for (const LayerAttention &layer : h_.attention) {
            window = std::max(window, layer.window);
            all_see_it &= layer.window != 0, all_rotate &= layer.rotated;
        }
        out_["sliding_window"] = window ? json::value(window) : json::value(nullptr);
        const bool has_kinds = architecture_.window_by_flag || architecture_.window_every != 0;
        if (architecture_.window_by_flag) out_["use_sliding_window"] = window != 0;
        if (window && !has_kinds && !all_see_it) cannot("a window in some of its layers");
        if (has_kinds) {
            json::array types;
            for (const LayerAttention &layer : h_.attention) types.push_back(layer.window ? "sliding_attention" : "full_attention");
            out_["layer_types"] = std::move(types);
        }
        if (architecture_.unrotated_every == 0) {
            if (!all_rotate) cannot("layers that are not rotated");
            return;
        }
        json::array rotations;
        for (const LayerAttention &layer : h_.attention) rotations.push_back(layer.rotated ? 1 : 0);
        out_["no_rope_layers"] = std::move(rotations);
    }

    void mixture() {
        out_["num_experts_per_tok"] = h_.experts_used;
        if (is("llama")) {
            out_["num_local_experts"] = h_.experts;
            out_["intermediate_size"] = h_.expert_feed_forward;
            return;
        }
        out_["num_experts"] = h_.experts;
        out_["moe_intermediate_size"] = h_.expert_feed_forward;
        out_["norm_topk_prob"] = h_.expert_weights_sum_to_one;
        out_["decoder_sparse_step"] = 1;
        out_["mlp_only_layers"] = json::array{};
    }

    void scales() {
        if (is("granite")) {
            out_["embedding_multiplier"] = shortest(h_.embedding_scale);
            out_["residual_multiplier"] = shortest(h_.residual_scale);
            out_["attention_multiplier"] = shortest(h_.attention_scale);
            out_["logits_scaling"] = shortest(h_.logit_divisor);
        }
        if (!architecture_.embeds_by_root) return;
        // Whole in all models: a width.
        out_["query_pre_attn_scalar"] = static_cast<int64_t>(std::llround(1 / (double{h_.attention_scale} * h_.attention_scale)));
        const auto cap = [](float value) { return value != 0 ? json::value(shortest(value)) : json::value(nullptr); };
        out_["attn_logit_softcapping"] = cap(h_.attention_cap);
        out_["final_logit_softcapping"] = cap(h_.logit_cap);
    }

    void tokens() {
        const TokenizerSpec &spec = file_.tokenizer();
        const auto id = [](const std::optional<int32_t> &token) { return token ? json::value(*token) : json::value(nullptr); };
        out_["bos_token_id"] = id(spec.bos);
        out_["eos_token_id"] = id(spec.eos);
        out_["pad_token_id"] = id(spec.pad);
    }

    const ModelFile &file_;
    const Hyperparameters &h_;
    const Architecture &architecture_;
    json::object out_;
};

bool is_written(const Hyperparameters &h) {
    return h.latent.rank == 0 && h.conv_taps == 0 && h.style.causal && !h.style.sinks && !h.style.sub_norms;
}

} // namespace

const Architecture &folder_architecture(const ModelFile &gguf) {
    const Hyperparameters &h = gguf.hyperparameters();
    if (!is_written(h))
        fail(QUANT_ERR_UNSUPPORTED, "{}: a model of architecture \"{}\" cannot be written as a folder from GGUF; convert the folder "
             "that it was published as", gguf.metadata().name(), h.architecture);
    const bool windows = std::any_of(h.attention.begin(), h.attention.end(), [](const LayerAttention &l) { return l.window != 0; });
    const std::string_view wanted = h.experts != 0 ? "mixtral" : windows ? "mistral" : "llama";
    for (const Architecture &a : architectures())
        if (a.name == h.architecture && (h.architecture != "llama" || wanted == a.model_type)) return a;
    fail(QUANT_ERR_INTERNAL, "architecture \"{}\" has no row", h.architecture);
}

json::object folder_config(const ModelFile &gguf, const Architecture &architecture) {
    return ConfigWriter(gguf, architecture).write();
}

} // namespace quant
