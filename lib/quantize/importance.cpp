#include "quantize/importance.h"

#include "base/error.h"
#include "kernel/kernel_table.h"
#include "model/forward.h"

#include <algorithm>
#include <cmath>

namespace quant {

namespace {

// The matrices that one observed input goes into.
struct Sharing {
    Role observed;
    std::initializer_list<Role> roles;
};
constexpr Sharing sharings[] = {
    {Role::attention_q, {Role::attention_q, Role::attention_k, Role::attention_v, Role::latent_q, Role::latent_kv}},
    {Role::attention_output, {Role::attention_output}},
    {Role::conv_in, {Role::conv_in}},
    {Role::conv_out, {Role::conv_out}},
    {Role::ffn_gate, {Role::ffn_gate, Role::ffn_up}},
    {Role::ffn_down, {Role::ffn_down}},
    {Role::expert_gate, {Role::expert_gate, Role::expert_up}},
    {Role::expert_down, {Role::expert_down}},
};

void add_squares(const float *x, size_t tokens, size_t width, std::vector<double> &sums) {
    default_pool().parallel_for(width, 256, [&](size_t begin, size_t end, unsigned) {
        for (size_t t = 0; t < tokens; t++)
            for (size_t i = begin; i < end; i++) sums[i] += double{x[t * width + i]} * x[t * width + i];
    });
}

} // namespace

std::vector<float> Importance::columns_of(std::string_view tensor, uint64_t columns, uint64_t matrices) const {
    const auto found = entries.find(std::string(tensor));
    if (found == entries.end()) return {};
    const ImportanceEntry &e = found->second;
    // The older format does not tell matrices apart; its values are means already.
    const bool told_apart = e.counts.size() == matrices;
    if (e.sums.size() != columns * matrices || (!told_apart && e.counts.size() != 1))
        fail(QUANT_ERR_ARGUMENT, "{}: tensor {} has {} matrices of {} columns there, but {} of {} in the model: the "
                                 "statistics are of another model",
             name, tensor, e.counts.size(), e.columns(), matrices, columns);
    std::vector<float> out(e.sums);
    std::vector<float> mean(columns);
    float used = 0;
    for (uint64_t i = 0; i < out.size(); i++) {
        if (!(std::isfinite(out[i]) && out[i] >= 0))
            fail(QUANT_ERR_ARGUMENT, "{}: tensor {} holds {}, expected sums of squares", name, tensor, out[i]);
        const float count = e.counts[told_apart ? i / columns : 0];
        if (!(count > 0)) continue;
        out[i] /= count;
        mean[i % columns] += out[i];
        used += i % columns == 0 ? 1.0f : 0.0f;
    }
    if (used == 0) fail(QUANT_ERR_ARGUMENT, "{}: tensor {} was never used by the calibration text", name, tensor);
    for (uint64_t i = 0; i < out.size(); i++)
        if (!(e.counts[told_apart ? i / columns : 0] > 0)) out[i] = mean[i % columns] / used;
    return out;
}

Importance gather_importance(std::shared_ptr<const Model> model, const std::vector<std::vector<int32_t>> &sequences,
                             Progress &progress, const AdapterSet &adapters) {
    model->require_causal("be calibrated on a text");
    struct Sums {
        std::vector<double> squares;
        size_t tokens = 0;
    };
    std::map<std::pair<Role, uint32_t>, std::vector<Sums>> gathered;
    size_t longest = 1;
    for (const auto &s : sequences) longest = std::max(longest, s.size());
    const Hyperparameters &h = model->hyperparameters();
    KvCache cache(h, static_cast<uint32_t>(longest));
    Forward forward(*model, default_pool());
    forward.observe([&](const ObservedInput &in) {
        std::vector<Sums> &matrices = gathered[{in.role, in.layer}];
        const std::vector<uint64_t> shape = expected_shape(in.role, h);
        matrices.resize(shape.size() == 3 ? shape[0] : 1);
        for (Sums &sums : matrices) sums.squares.resize(shape.back());
        add_squares(in.x, in.tokens, shape.back(), matrices[in.expert].squares);
        matrices[in.expert].tokens += in.tokens;
    });
    progress.begin("gathering statistics", sequences.size());
    for (const auto &sequence : sequences) {
        const SequenceRun run{&cache, sequence, 0, 0, nullptr, nullptr, &adapters};
        forward.run({&run, 1});
        progress.advance();
    }
    progress.finish();

    Importance out;
    out.name = "the gathered statistics";
    out.chunks = static_cast<uint32_t>(sequences.size());
    out.chunk_tokens = static_cast<uint32_t>(longest);
    for (const auto &[key, matrices] : gathered)
        for (const Sharing &sharing : sharings) {
            if (sharing.observed != key.first) continue;
            for (const Role role : sharing.roles) {
                if (!model->file().find(role, key.second)) continue;
                ImportanceEntry &e = out.entries[model->file().find(role, key.second)->name];
                for (const Sums &sums : matrices) {
                    e.sums.insert(e.sums.end(), sums.squares.begin(), sums.squares.end());
                    e.counts.push_back(static_cast<float>(sums.tokens));
                }
            }
        }
    for (const auto &[tensor, e] : out.entries)
        for (const float v : e.sums)
            if (!std::isfinite(v))
                fail(QUANT_ERR_MODEL, "{}: what goes into tensor {} is not finite", model->file().metadata().name(),
                     tensor);
    return out;
}

uint32_t calibration_context(const Hyperparameters &h, uint32_t wanted) {
    if (wanted == 0) return std::min(512u, h.context);
    if (wanted < 16 || wanted > h.context)
        fail(QUANT_ERR_ARGUMENT, "sequences of {} tokens: expected 16 to the model's {}", wanted, h.context);
    return wanted;
}

void write_importance_of(const std::filesystem::path &path, std::string_view text, std::string text_name,
                         uint32_t context, uint64_t tokens, ImportanceFormat format,
                         const std::filesystem::path &output, Progress &progress) {
    const auto model = Model::open(path);
    context = calibration_context(model->hyperparameters(), context);
    Importance importance =
        gather_importance(model, calibration_sequences(model->tokenizer(), text, context, tokens, 1), progress);
    if (!text_name.empty()) importance.datasets.push_back(std::move(text_name));
    write_importance(importance, format, output);
}

std::vector<std::vector<int32_t>> calibration_sequences(const Tokenizer &tokenizer, std::string_view text,
                                                        uint32_t context, uint64_t most_tokens, size_t least) {
    std::vector<int32_t> ids = tokenizer.encode(text, {true, false});
    const bool limited = most_tokens != 0 && ids.size() > most_tokens;
    if (limited) ids.resize(most_tokens);
    std::vector<std::vector<int32_t>> sequences;
    for (size_t at = 0; at + context <= ids.size(); at += context) {
        const auto first = ids.begin() + static_cast<ptrdiff_t>(at);
        sequences.emplace_back(first, first + context);
        if (tokenizer.spec().add_bos && tokenizer.spec().bos) sequences.back()[0] = *tokenizer.spec().bos;
    }
    if (sequences.size() < least)
        fail(QUANT_ERR_ARGUMENT, "{} {} tokens, expected at least {} ({} sequences of {})",
             limited ? "of the calibration text are to be used" : "the calibration text has", ids.size(),
             least * context, least, context);
    return sequences;
}

} // namespace quant
