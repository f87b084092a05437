#include <quant/text.h>

#include "api/guard.h"
#include "api/handles.h"
#include "api/render.h"
#include "api/tokenizer_source.h"
#include "base/json.h"
#include "text/chat_template.h"

using namespace quant;
using namespace quant::api;

namespace {

void check_flags(uint32_t flags, uint32_t known, const char *names) {
    if (flags & ~known) fail(QUANT_ERR_ARGUMENT, "flags {:#x}: expected {} only", flags, names);
}

} // namespace

extern "C" {

quant_status quant_tokenizer_open(quant_tokenizer **out, const char *path) {
    return guarded([&] {
        require(out, "out");
        *out = nullptr;
        require(path, "path");
        *out = new quant_tokenizer{Tokenizer::create(read_tokenizer(path))};
    });
}

void quant_tokenizer_free(quant_tokenizer *tokenizer) { delete tokenizer; }

size_t quant_tokenizer_size(const quant_tokenizer *tokenizer) { return tokenizer ? tokenizer->tokenizer->size() : 0; }

quant_status quant_tokenize(const quant_tokenizer *tokenizer, const char *text, size_t text_bytes, uint32_t flags,
                            int32_t *ids, size_t capacity, size_t *out_count) {
    return guarded([&] {
        require(tokenizer, "tokenizer"), require(out_count, "out_count");
        if (text_bytes != 0) require(text, "text");
        check_flags(flags, QUANT_TEXT_ADD_SPECIAL | QUANT_TEXT_PARSE_SPECIAL,
                    "QUANT_TEXT_ADD_SPECIAL and QUANT_TEXT_PARSE_SPECIAL");
        const std::vector<int32_t> all = tokenizer->tokenizer->encode(
            {text, text_bytes}, {(flags & QUANT_TEXT_ADD_SPECIAL) != 0, (flags & QUANT_TEXT_PARSE_SPECIAL) != 0});
        *out_count = all.size();
        if (!ids) return;
        if (capacity < all.size())
            fail(QUANT_ERR_LIMIT, "the text has {} tokens, but there is room for {}", all.size(), capacity);
        std::copy(all.begin(), all.end(), ids);
    });
}

quant_status quant_detokenize(const quant_tokenizer *tokenizer, const int32_t *ids, size_t count, uint32_t flags,
                              char **out_text, size_t *out_bytes) {
    return guarded([&] {
        require(tokenizer, "tokenizer"), require(out_text, "out_text");
        if (count != 0) require(ids, "ids");
        check_flags(flags, QUANT_TEXT_SKIP_SPECIAL, "QUANT_TEXT_SKIP_SPECIAL");
        const std::string text = tokenizer->tokenizer->decode({ids, count}, (flags & QUANT_TEXT_SKIP_SPECIAL) != 0);
        *out_text = new_string(text);
        if (out_bytes) *out_bytes = text.size();
    });
}

void quant_render_options_init(quant_render_options *options, size_t size) {
    init_struct(options, size, default_render_options());
}

quant_status quant_template_render(const char *source, size_t source_bytes, const char *name,
                                   const quant_render_options *options, char **out_text) {
    return guarded([&] {
        require(source, "source"), require(name, "name"), require(options, "options"), require(out_text, "out_text");
        const TemplateInput input = template_input(read_struct(options, default_render_options(), "options"));
        *out_text = new_string(ChatTemplate({source, source_bytes}, name).render(input));
    });
}

} // extern "C"
