// quantctl recommend: the variant that loses least within a memory, and the command
// that makes it. Nothing is made or recorded.
#include "failure.h"
#include "measured_model.h"
#include "model_choice.h"
#include "numbers.h"
#include "output.h"
#include "recommend_candidates.h"
#include "size_words.h"
#include "verb.h"

#include <algorithm>

namespace quantctl {

namespace {

struct RecommendOptions {
    std::string model, memory;
    float min_speed = 0;
    uint32_t context = 0;
    bool as_json = false;
};

// What is known of a model, the file to make variants of, and one to ask for its shape.
struct Subject {
    MeasuredModel model;
    std::string source, base_path, any_path;
};

Subject subject_of(quant_catalog *catalog, const std::string &text) {
    Subject subject;
    StringHandle document;
    if (quant_catalog_show_model(catalog, text.c_str(), Out(document)) != QUANT_OK) {
        // Perhaps a file, or a shipped model, that was never recorded.
        subject.base_path = subject.any_path = choose_model(catalog, text).path;
        subject.source = subject.model.name = text;
        return subject;
    }
    subject.model = measured_model(catalog, text);
    subject.source = subject.model.name;
    const std::string base = base_name(subject.model);
    for (const MeasuredVariant &v : subject.model.variants) {
        if (v.file_missing) continue;
        if (subject.any_path.empty()) subject.any_path = v.path;
        if (v.name == base) subject.base_path = subject.any_path = v.path;
    }
    if (subject.any_path.empty())
        throw Failure(exit_not_found, fmt::format("the files of all variants of {} have gone", subject.source));
    return subject;
}

bool fits(const Candidate &c, uint64_t memory) { return c.needed_bytes <= memory; }
// A speed that is not known is none that is enough.
bool is_fast(const Candidate &c, double least) { return least <= 0 || c.speed >= least; }

std::string title_of(const Candidate &c) { return c.name.empty() ? c.type : c.name; }

void require_speeds(const RecommendOptions &options, const std::vector<Candidate> &candidates) {
    const bool known = std::any_of(candidates.begin(), candidates.end(),
                                   [](const Candidate &c) { return c.speed_is != Knowledge::unknown; });
    if (options.min_speed > 0 && !known)
        throw Failure(exit_not_found,
                      fmt::format("--min-speed: no variant of {} has been timed on this machine", options.model),
                      fmt::format("Time one: quantctl bench {}", options.model));
}

// Nothing will do: say by how much.
[[noreturn]] void nothing_fits(const RecommendOptions &options, uint64_t memory, const RunningCost &cost,
                               const std::vector<Candidate> &candidates) {
    const auto smallest =
        std::min_element(candidates.begin(), candidates.end(),
                         [](const Candidate &a, const Candidate &b) { return a.needed_bytes < b.needed_bytes; });
    if (smallest == candidates.end())
        throw Failure(exit_not_found, fmt::format("{} has no variant, and no file to make one of", options.model));
    if (!fits(*smallest, memory))
        throw Failure(exit_no_space,
                      fmt::format("nothing of {} fits in {}: the smallest, {}, needs {} ({} bytes): a file of {}, {} "
                                  "for a context of {} tokens, and {} to run",
                                  options.model, human_bytes(memory), title_of(*smallest),
                                  human_bytes(smallest->needed_bytes), grouped(smallest->needed_bytes),
                                  human_bytes(smallest->bytes), human_bytes(cost.kv_bytes), cost.context,
                                  human_bytes(cost.overhead_bytes)),
                      "A shorter context needs less: --ctx N.");
    double fastest = 0;
    for (const Candidate &c : candidates)
        if (fits(c, memory) && c.speed > fastest) fastest = c.speed;
    throw Failure(exit_not_found,
                  fmt::format("nothing of {} that fits in {} reaches {} tokens a second: {:.1f} at most",
                              options.model, human_bytes(memory), options.min_speed, fastest));
}

std::string loss_basis(const MeasuredModel &model) {
    const size_t points = static_cast<size_t>(std::count_if(
        model.variants.begin(), model.variants.end(), [](const MeasuredVariant &v) { return v.measured; }));
    if (points == 0)
        return "Predicted losses are those typical of other models at the same bits per weight: a rough guide.";
    return fmt::format("Predicted losses are drawn over bits per weight through {} measured {} ({}, {} tokens, "
                       "activations in {}).",
                       points, points == 1 ? "variant" : "variants", model.text, grouped(model.group.tokens),
                       model.group.activations);
}

bool any_predicted(const std::vector<Candidate> &candidates, Knowledge Candidate::*what) {
    return std::any_of(candidates.begin(), candidates.end(),
                       [&](const Candidate &c) { return c.*what == Knowledge::predicted; });
}

void print_ranking(const std::vector<Candidate> &good) {
    Table table({{"VARIANT", Table::left}, {"SIZE", Table::right}, {"NEEDS", Table::right}, {"BITS/W", Table::right},
                 {"MEAN KLD", Table::right}, {"", Table::left}, {"TOK/S HERE", Table::right}, {"", Table::left}}, 2);
    for (const Candidate &c : good)
        table.add({title_of(c) + (c.exists ? "" : " (to be made)"), human_bytes(c.bytes), human_bytes(c.needed_bytes),
                   fixed_or_dash(c.bits_per_weight, 2), fixed_or_dash(c.loss, 5), words_of(c.loss_is),
                   fixed_or_dash(c.speed, 1), c.speed_is == Knowledge::unknown ? "" : words_of(c.speed_is)});
    table.print();
}

void print_report(const RecommendOptions &options, const Subject &subject, uint64_t memory, const RunningCost &cost,
                  const std::vector<Candidate> &all, const std::vector<Candidate> &good) {
    print("{} in {}\n", bold(harmless(subject.source)), human_bytes(memory));
    print("  needs   the file, {} for a context of {} tokens, and {} to run\n", human_bytes(cost.kv_bytes),
          cost.context, human_bytes(cost.overhead_bytes));
    if (options.min_speed > 0) print("  speed   at least {} tokens generated a second\n", options.min_speed);
    if (const size_t left = all.size() - good.size(); left != 0)
        print("  left    {} of {} are too large or too slow\n", left, all.size());
    print_ranking(good);
    if (any_predicted(good, &Candidate::loss_is)) print("{}\n", harmless(loss_basis(subject.model)));
    if (any_predicted(good, &Candidate::speed_is))
        print("Predicted speeds are those of the variant nearest in size, in proportion to bytes.\n");
    print("{} loses least. {}: {}\n", bold(harmless(title_of(good.front()))),
          good.front().exists ? "Run it" : "Make it", harmless(good.front().command));
}

json::object candidate_json(const Candidate &c, const RecommendOptions &options, uint64_t memory) {
    return {{"name", c.name.empty() ? json::value(nullptr) : json::value(c.name)},
            {"type", c.type},
            {"exists", c.exists},
            {"bytes", c.bytes},
            {"needed_bytes", c.needed_bytes},
            {"bits_per_weight", number_or_null(c.bits_per_weight)},
            {"kld_mean", number_or_null(c.loss)},
            {"kld_is", words_of(c.loss_is)},
            {"decode_per_second", number_or_null(c.speed)},
            {"speed_is", words_of(c.speed_is)},
            {"fits", fits(c, memory)},
            {"fast_enough", is_fast(c, options.min_speed)},
            {"command", c.command}};
}

void recommend(const RecommendOptions &options) {
    const uint64_t memory = parse_size("--memory", options.memory);
    const CatalogHandle catalog = open_catalog();
    const Subject subject = subject_of(catalog.get(), options.model);
    const RunningCost cost = running_cost(subject.any_path, options.context);
    const std::vector<Candidate> all = candidates_of(subject.model, subject.source, subject.base_path, cost);
    require_speeds(options, all);
    std::vector<Candidate> good;
    std::copy_if(all.begin(), all.end(), std::back_inserter(good), [&](const Candidate &c) {
        return fits(c, memory) && is_fast(c, options.min_speed);
    });
    if (good.empty()) nothing_fits(options, memory, cost, all);
    if (subject.base_path.empty())
        warn("the file of the base of {} has gone: nothing can be made of it", subject.source);
    if (!options.as_json) return print_report(options, subject, memory, cost, all, good);
    json::array list;
    for (const Candidate &c : all) list.push_back(candidate_json(c, options, memory));
    print_json({{"schema_version", schema_version},
                {"model", subject.source},
                {"memory_bytes", memory},
                {"ctx", cost.context},
                {"kv_bytes", cost.kv_bytes},
                {"overhead_bytes", cost.overhead_bytes},
                {"min_speed", options.min_speed},
                {"loss_basis", loss_basis(subject.model)},
                {"best", title_of(good.front())},
                {"command", good.front().command},
                {"candidates", std::move(list)}});
}

} // namespace

Action add_recommend(CLI::App &app) {
    auto o = std::make_shared<RecommendOptions>();
    app.add_option("MODEL", o->model, "A model of the catalog, a GGUF file, or a Hugging Face folder")->required();
    app.add_option("--memory", o->memory, "What there is, such as 6G or 6.5GiB (G is 10^9 bytes, GiB 2^30)")
        ->type_name("SIZE")
        ->required();
    add_real(app, "--min-speed", o->min_speed, 0, 1e9F, "Only what generates so many tokens a second on this machine");
    add_count(app, "--ctx", o->context, 1,
              "Tokens of context to keep room for (default: 4096, or the model's own where that is shorter)");
    app.add_flag("--json", o->as_json, "Print a JSON document");
    return [o] { recommend(*o); };
}

} // namespace quantctl
