// What a chat model writes, as content, reasoning and calls of tools: the C ABI's parser with an owner.
#pragma once

#include "model_pool.h"

#include <string>
#include <string_view>
#include <vector>

namespace quantd {

struct ReplyPart {
    quant_reply_kind kind;
    uint32_t index = 0; ///< Of a call.
    std::string text, name, id;
};

/// One reply; one thread at a time.
class ReplyReader {
public:
    /// `tools`: JSON array, or "" for none. Throws ApiError: the model knows no tools.
    ReplyReader(const Resident &resident, const std::string &tools, const std::string &prompt);

    std::vector<ReplyPart> feed(std::string_view text);
    std::vector<ReplyPart> finish();

private:
    ReplyParserHandle parser_;
};

} // namespace quantd
