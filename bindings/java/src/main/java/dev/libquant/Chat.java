package dev.libquant;

import dev.libquant.internal.NativeQuant;
import dev.libquant.internal.NativeRenderOptions;

/** The turns of a chat, and what else a template is rendered with. */
public final class Chat {
    private final StringBuilder messages = new StringBuilder();
    private String json;
    private String tools = "";
    private String variables = "";
    private String now = "";
    private boolean generationPrompt = true;

    /** Without turns. */
    public Chat() {}

    /**
     * Takes messages as JSON, for what {@link #add} has no room.
     *
     * @param messagesJson an array of {"role", "content", ...}
     * @return to be rendered
     */
    public static Chat ofJson(String messagesJson) {
        Chat chat = new Chat();
        chat.json = messagesJson;
        return chat;
    }

    /**
     * Adds a turn of the user.
     *
     * @param content what they say
     * @return this
     */
    public Chat user(String content) {
        return add("user", content);
    }

    /**
     * Adds a turn of the model.
     *
     * @param content what it said
     * @return this
     */
    public Chat assistant(String content) {
        return add("assistant", content);
    }

    /**
     * Adds what the model is told to be.
     *
     * @param content the instruction
     * @return this
     */
    public Chat system(String content) {
        return add("system", content);
    }

    /**
     * Adds a turn.
     *
     * @param role "system", "user", "assistant" or another that the template knows
     * @param content the text
     * @return this
     */
    public Chat add(String role, String content) {
        if (json != null) {
            throw new IllegalStateException("the messages were given as JSON");
        }
        messages.append(messages.length() == 0 ? "" : ",").append("{\"role\":");
        Json.quote(messages, role).append(",\"content\":");
        Json.quote(messages, content).append('}');
        return this;
    }

    /**
     * Sets the tools that the model may call.
     *
     * @param toolsJson a JSON array
     * @return this
     */
    public Chat tools(String toolsJson) {
        tools = toolsJson;
        return this;
    }

    /**
     * Sets further variables of the template, such as enable_thinking.
     *
     * @param variablesJson a JSON object
     * @return this
     */
    public Chat variables(String variablesJson) {
        variables = variablesJson;
        return this;
    }

    /**
     * Sets the time that the template is told.
     *
     * @param time such as "2026-03-14T15:09:26"
     * @return this
     */
    public Chat now(String time) {
        now = time;
        return this;
    }

    /**
     * Sets whether to end with the opening of the answer.
     *
     * @param value true unless this is called
     * @return this
     */
    public Chat generationPrompt(boolean value) {
        generationPrompt = value;
        return this;
    }

    /**
     * Renders a template of one's own; that of a model is rendered by {@link Model#render}.
     *
     * @param template Jinja, the subset that models' templates use
     * @param name what messages call it
     * @return the text
     */
    public String render(String template, String name) {
        try (NativeRenderOptions how = options()) {
            return Utf8.string(Call.of(outcome ->
                    NativeQuant.render_template(
                            Utf8.bytes(template), Utf8.name(name, "a template's name"), how, outcome)));
        }
    }

    NativeRenderOptions options() {
        return Call.filled(new NativeRenderOptions(), this::fill);
    }

    private void fill(NativeRenderOptions how) {
        how.setMessages_json(Utf8.name(json != null ? json : "[" + messages + "]", "messages"));
        how.setTools_json(Utf8.name(tools, "tools"));
        how.setVariables_json(Utf8.name(variables, "variables"));
        how.setNow(Utf8.name(now, "a time"));
        how.setAdd_generation_prompt(generationPrompt);
    }
}
