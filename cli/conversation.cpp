#include "conversation.h"

#include "failure.h"

#include <boost/json.hpp>

#include <utility>

namespace quantctl {

Conversation::Conversation(const quant_model *model, bool plain, const std::string &system) : model_(model) {
    auto info = sized<quant_model_info>();
    check(quant_model_get_info(model, &info));
    has_template_ = info.has_chat_template != 0;
    plain_ = plain || !has_template_;
    set_system(system);
}

void Conversation::set_system(const std::string &text) {
    if (plain_ && !text.empty())
        usage_error("a system message needs a chat template, {}",
                    has_template_ ? "which --raw leaves out" : "which this model does not have");
    system_ = text;
}

void Conversation::replace(std::vector<Message> messages) {
    clear();
    messages_ = std::move(messages);
    if (!messages_.empty() && messages_.back().role == "user") take_back();
}

void Conversation::say(const std::string &text) {
    unanswered_.clear();
    messages_.push_back({"user", text});
}

void Conversation::answer(const std::string &text, const std::string &reasoning) {
    messages_.push_back({"assistant", text, reasoning});
}

void Conversation::set_thinking(std::optional<bool> on) {
    auto can = sized<quant_reasoning_info>();
    check(quant_model_get_reasoning(model_, &can));
    const bool possible = !plain_ && (can.can_switch || (on.value_or(true) && (can.has_levels || can.always)));
    if (on && !possible)
        usage_error("thinking cannot be turned {}: {}", *on ? "on" : "off",
                    plain_ ? "there is no chat template" : "this model's chat template has no word for it");
    thinking_ = can.can_switch ? on : std::nullopt;
}

void Conversation::take_back() {
    unanswered_ = std::move(messages_.back().content);
    messages_.pop_back();
}

bool Conversation::say_again() {
    if (!unanswered_.empty()) {
        say(std::exchange(unanswered_, ""));
        return true;
    }
    if (messages_.size() < 2 || messages_[messages_.size() - 2].role != "user") return false;
    messages_.pop_back();
    return true;
}

void Conversation::clear() {
    messages_.clear();
    unanswered_.clear();
}

std::string Conversation::text() const {
    std::string text;
    for (const Message &m : messages_) {
        if (m.role == "user" && !text.empty() && text.back() != '\n') text += '\n';
        text += m.content;
    }
    return text;
}

namespace {

boost::json::object turn_of(const Message &m) {
    boost::json::object out{{"role", m.role}, {"content", m.content}};
    if (!m.reasoning.empty()) out["reasoning_content"] = m.reasoning;
    return out;
}

} // namespace

std::string Conversation::rendered(bool opens_answer) const {
    boost::json::array messages;
    if (!system_.empty()) messages.push_back(boost::json::object{{"role", "system"}, {"content", system_}});
    for (const Message &m : messages_)
        messages.push_back(turn_of(m));
    const std::string document = boost::json::serialize(messages);
    auto options = initialized(quant_render_options_init);
    options.messages_json = document.c_str();
    options.add_generation_prompt = opens_answer;
    if (thinking_)
        options.variables_json = *thinking_ ? R"({"enable_thinking":true,"thinking":true})" : R"({"enable_thinking":false,"thinking":false})";
    StringHandle text;
    check(quant_model_render_chat(model_, &options, Out(text)));
    return text_or_empty(text);
}

std::string Conversation::prompt() const { return plain_ ? text() : rendered(true); }

uint32_t Conversation::text_flags() const {
    // A template writes the special tokens itself; adding them again would double BOS.
    return plain_ ? QUANT_TEXT_ADD_SPECIAL | QUANT_TEXT_PARSE_SPECIAL : QUANT_TEXT_PARSE_SPECIAL;
}

size_t Conversation::tokens() const {
    if (messages_.empty() && system_.empty()) return 0;
    const std::string all = plain_ ? text() : rendered(false);
    size_t count = 0;
    check(quant_tokenize(quant_model_tokenizer(model_), all.data(), all.size(), text_flags(), nullptr, 0, &count));
    return count;
}

} // namespace quantctl
