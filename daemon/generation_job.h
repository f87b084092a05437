// A request between a scheduler and a reply: text goes out as it comes, a peer that is gone cancels it, and one
// that does not keep up makes it wait.
#pragma once

#include "model_pool.h"
#include "reply.h"
#include "request_fields.h"

#include <optional>
#include <string>
#include <vector>

namespace quantd {

/// What to generate, of whatever API.
struct GenerationSpec {
    std::string prompt;
    uint32_t text_flags = QUANT_TEXT_ADD_SPECIAL | QUANT_TEXT_PARSE_SPECIAL;
    std::vector<int32_t> tokens; ///< Instead of prompt.
    quant_sampling sampling = initialized(quant_sampling_init);
    std::vector<quant_logit_bias> biases;
    std::optional<uint32_t> probabilities; ///< Tell them, and of so many of the likeliest tokens.
    uint32_t max_tokens = 0;               ///< 0: until the end or the context is full.
    std::vector<std::string> stops;
    std::string grammar, json_schema; ///< That the text keeps to; "": none.
    std::string tools;                ///< JSON array whose calls the reply keeps to; "": it is not held to any.
    std::string tool_name;            ///< The only one that is called; "": any.
    bool tools_required = false, tools_single = false; ///< As quant_request's.
    json::object variables;                            ///< For the chat template.
    bool control_text = false;                         ///< As quant_request's.
    bool json_object = false;                          ///< Or it is a JSON object of any kind.
    bool ignore_end = false;
    uint64_t client = 0;
};

/// Turns events into an API's bytes. Called on the scheduler's thread, one call at a time for each request;
/// must not throw or block.
class GenerationListener {
public:
    virtual ~GenerationListener() = default;
    virtual void on_text(const quant_request_event &event) = 0;
    /// The last call; `event.status` says whether all went well.
    virtual void on_end(const quant_request_event &event) = 0;
};

/// Hands the request to the model's scheduler. The listener lives until the end. Throws ApiError where it is refused.
void start_generation(ModelPool &pool, std::shared_ptr<Resident> resident, const GenerationSpec &spec, ReplyPtr reply,
                      std::shared_ptr<GenerationListener> listener);

/// Requests of one peer wait in one line.
uint64_t client_number(const Peer &peer);

/// Messages (a JSON array of {"role", "content", ...}) as the model's template has them, in spec.prompt; models without
/// a template continue the contents, line by line. Throws ApiError.
void render_messages(const Resident &resident, const json::array &messages, const json::array *tools,
                     GenerationSpec &spec);

/// Token ids of a text as the request of `spec` would have them. Throws ApiError.
std::vector<int32_t> tokens_of(const Resident &resident, const std::string &text, uint32_t text_flags);
/// The other way, without control tokens. Throws ApiError (400) for ids outside the vocabulary.
std::string text_of(const Resident &resident, const std::vector<int32_t> &tokens);

/// What kept a request from its end, as a client is told.
ApiError error_of_event(const quant_request_event &event);

} // namespace quantd
