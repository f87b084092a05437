#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/name_pattern.h"

#include "base/error.h"

#include <pcre2.h>

namespace quant {

struct NamePattern::Compiled {
    pcre2_code *code = nullptr;
    pcre2_match_data *match = nullptr;
    pcre2_match_context *context = nullptr;
    ~Compiled() {
        pcre2_match_data_free(match);
        pcre2_match_context_free(context);
        pcre2_code_free(code);
    }
};

NamePattern::NamePattern(std::string_view pattern) : text_(pattern), compiled_(std::make_unique<Compiled>()) {
    int error = 0;
    PCRE2_SIZE offset = 0;
    compiled_->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), 0, &error, &offset,
                                    nullptr);
    if (!compiled_->code) {
        PCRE2_UCHAR why[128] = {};
        pcre2_get_error_message(error, why, sizeof why);
        fail(QUANT_ERR_ARGUMENT, "pattern \"{}\" does not parse at position {}: {}", printable(pattern), offset,
             reinterpret_cast<const char *>(why));
    }
    compiled_->match = pcre2_match_data_create_from_pattern(compiled_->code, nullptr);
    compiled_->context = pcre2_match_context_create(nullptr);
    if (!compiled_->match || !compiled_->context) throw std::bad_alloc();
    pcre2_set_match_limit(compiled_->context, 100'000);
}

NamePattern::~NamePattern() = default;
NamePattern::NamePattern(NamePattern &&) noexcept = default;

bool NamePattern::matches(std::string_view name) const {
    const int result = pcre2_match(compiled_->code, reinterpret_cast<PCRE2_SPTR>(name.data()), name.size(), 0, 0,
                                   compiled_->match, compiled_->context);
    if (result < 0 && result != PCRE2_ERROR_NOMATCH)
        fail(QUANT_ERR_LIMIT, "pattern \"{}\" takes too many steps on the name {}", text_, name);
    return result >= 0;
}

} // namespace quant
