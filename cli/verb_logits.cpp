// quantctl logits: run tokens through a model, and write a row of float32 for each.
#include "failure.h"
#include "local_file.h"
#include "model_choice.h"
#include "model_opening.h"
#include "numbers.h"
#include "output.h"
#include "verb.h"

#include <algorithm>

namespace quantctl {

namespace {

// Rows held in memory at a time: vocabularies are large.
constexpr size_t batch_tokens = 64;

struct LogitsOptions {
    std::string model, tokens, out;
};

void logits(const LogitsOptions &options) {
    const std::vector<int32_t> ids = parse_ids("--tokens", options.tokens == "-" ? read_file("-") : options.tokens);
    if (ids.empty()) usage_error("--tokens: expected at least one token id");
    const ModelHandle model = open_model(path_of_model(options.model));
    auto info = sized<quant_model_info>();
    check(quant_model_get_info(model.get(), &info));
    // Before any work: an id that does not exist must not cost the run of those before it.
    for (const int32_t id : ids)
        if (id < 0 || static_cast<uint32_t>(id) >= info.vocabulary_size)
            usage_error("--tokens: {} is not in the vocabulary of {} tokens", id, info.vocabulary_size);
    auto request = initialized(quant_session_options_init);
    request.context_length = static_cast<uint32_t>(ids.size());
    request.activations = QUANT_ACTIVATIONS_F32; // For comparing with references, which round nothing.
    SessionHandle session;
    check(quant_session_new(Out(session), model.get(), &request));
    OutputFile file(options.out);
    std::vector<float> rows(std::min(ids.size(), batch_tokens) * info.vocabulary_size);
    for (size_t at = 0; at < ids.size(); at += batch_tokens) {
        const size_t count = std::min(batch_tokens, ids.size() - at);
        check(quant_session_run(session.get(), ids.data() + at, count, rows.data(), nullptr));
        file.write(std::span(rows).first(count * info.vocabulary_size));
    }
    file.commit();
}

} // namespace

Action add_logits(CLI::App &app) {
    auto o = std::make_shared<LogitsOptions>();
    app.add_option("MODEL", o->model, "A name of the catalog, or a path")->required();
    app.add_option("--tokens", o->tokens, "1,2,3 or a JSON array; - for standard input")->required()->type_name("IDS");
    app.add_option("--out", o->out, "Little-endian float32, a row of the vocabulary for each token")
        ->required()
        ->type_name("L.f32");
    return [o] { logits(*o); };
}

} // namespace quantctl
