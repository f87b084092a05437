#include "conversation.h"

#include "failure.h"

namespace quantctl {

Conversation::Conversation(const quant_model *model, bool plain, std::string system)
    : model_(model), plain_(plain), system_(std::move(system)) {
    auto info = sized<quant_model_info>();
    check(quant_model_get_info(model, &info));
    plain_ = plain || !info.has_chat_template;
    if (plain_ && !system_.empty())
        usage_error("--system needs a chat template, {}",
                    plain ? "which --raw leaves out" : "which this model does not have");
    clear();
}

void Conversation::add(const char *role, const std::string &text) {
    messages_.push_back(boost::json::object{{"role", role}, {"content", text}});
}

void Conversation::say(const std::string &text) {
    if (!plain_) return add("user", text);
    text_before_ = text_;
    if (!text_.empty() && text_.back() != '\n') text_ += '\n';
    text_ += text;
}

void Conversation::answer(const std::string &text) {
    if (plain_) text_ += text;
    else add("assistant", text);
}

void Conversation::take_back() {
    if (plain_) text_ = text_before_;
    else messages_.pop_back();
}

void Conversation::clear() {
    text_.clear();
    messages_.clear();
    if (!system_.empty()) add("system", system_);
}

std::string Conversation::prompt() const {
    if (plain_) return text_;
    const std::string messages = boost::json::serialize(messages_);
    auto options = initialized(quant_render_options_init);
    options.messages_json = messages.c_str();
    options.add_generation_prompt = 1;
    StringHandle text;
    check(quant_model_render_chat(model_, &options, Out(text)));
    return text_or_empty(text);
}

uint32_t Conversation::text_flags() const {
    // A template writes the special tokens itself; adding them again would double BOS.
    return plain_ ? QUANT_TEXT_ADD_SPECIAL | QUANT_TEXT_PARSE_SPECIAL : QUANT_TEXT_PARSE_SPECIAL;
}

} // namespace quantctl
