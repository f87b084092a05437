#include "conversation_file.h"

#include "failure.h"
#include "json_fields.h"
#include "local_file.h"
#include "output.h"

#include <filesystem>
#include <optional>

namespace quantctl {

namespace {

struct Contents {
    std::string system;
    std::vector<Message> messages;
};

[[noreturn]] void malformed(const std::string &path, const std::string &what) {
    throw Failure(exit_failure, fmt::format("{}: {}", path, what));
}

Message message_of(const json::value &value, const std::string &path, size_t index) {
    const auto text = [&](const char *key) {
        const json::value &found = value.is_object() ? member(value.get_object(), key) : value;
        if (!value.is_object() || !found.is_string())
            malformed(path, fmt::format("messages[{}]: expected an object with a string \"{}\"", index, key));
        return std::string(found.get_string());
    };
    Message out{text("role"), text("content")};
    if (member(value.get_object(), "reasoning_content").is_string()) out.reasoning = text("reasoning_content");
    return out;
}

Contents contents_of(const std::string &path) {
    json::error_code error;
    const json::value document = json::parse(read_file(path), error);
    if (error) malformed(path, "is no JSON: " + error.message());
    const json::value &messages = document.is_object() ? member(document.get_object(), "messages") : document;
    if (!messages.is_array()) malformed(path, "is no conversation: expected an array \"messages\"");
    Contents contents;
    for (size_t i = 0; i < messages.get_array().size(); i++) {
        Message message = message_of(messages.get_array()[i], path, i);
        if (message.role == "system" && i == 0)
            contents.system = std::move(message.content);
        else if (message.role == "user" || message.role == "assistant")
            contents.messages.push_back(std::move(message));
        else
            malformed(path,
                      fmt::format("messages[{}].role is \"{}\": expected \"user\" or \"assistant\", or, of the first, "
                                  "\"system\"",
                                  i, message.role));
    }
    return contents;
}

} // namespace

void save_conversation(const Conversation &conversation, const std::string &model, const std::string &path) {
    if (std::filesystem::is_regular_file(path)) {
        try {
            contents_of(path);
        } catch (const Failure &) {
            throw Failure(exit_failure, fmt::format("{} is there, and is no conversation: it stays as it is", path));
        }
    }
    json::array messages;
    if (!conversation.system().empty())
        messages.push_back(json::object{{"role", "system"}, {"content", conversation.system()}});
    for (const Message &m : conversation.messages()) {
        json::object turn{{"role", m.role}, {"content", m.content}};
        if (!m.reasoning.empty()) turn["reasoning_content"] = m.reasoning;
        messages.push_back(std::move(turn));
    }
    OutputFile file(path);
    file.write(json_text({{"schema_version", schema_version}, {"model", model}, {"messages", messages}}));
    file.commit();
}

void load_conversation(Conversation &conversation, const std::string &path) {
    Contents contents = contents_of(path);
    conversation.set_system(contents.system);
    conversation.replace(std::move(contents.messages));
}

} // namespace quantctl
