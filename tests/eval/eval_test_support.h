// What the tests of this room share: a text, and how to ask for it to be scored.
#pragma once

#include <quant/evaluate.h>

#include <cstdint>
#include <string>

namespace quant::test {

inline std::string long_text() {
    std::string text;
    for (int i = 0; i < 400; i++)
        text += "A quantized model stores its weights in few bits, number " + std::to_string(i) + ". ";
    return text;
}

/// `text` must live as long as the options.
inline quant_eval_options eval_options(const std::string &text, uint32_t context, uint32_t chunks) {
    quant_eval_options o{};
    o.size = sizeof o;
    o.text = text.c_str();
    o.text_bytes = text.size();
    o.context_length = context;
    o.chunks = chunks;
    return o;
}

} // namespace quant::test
