using System;
using System.Text;
using LibQuant.Native;

namespace LibQuant
{
    /// <summary>The turns of a chat, and what else a template is rendered with.</summary>
    public sealed class Chat
    {
        private readonly StringBuilder messages_ = new StringBuilder();
        private string json_;

        /// <summary>Messages as JSON, for what Add has no room: an array of {"role", "content", ...}.</summary>
        public static Chat OfJson(string messagesJson) => new Chat { json_ = messagesJson };

        /// <summary>The tools that the model may call: a JSON array, or null.</summary>
        public string ToolsJson { get; set; }

        /// <summary>Further variables of the template, such as enable_thinking: a JSON object, or null.</summary>
        public string VariablesJson { get; set; }

        /// <summary>The time that the template is told, such as "2026-03-14T15:09:26"; null: the clock.</summary>
        public string Now { get; set; }

        /// <summary>Whether to end with the opening of the answer.</summary>
        public bool GenerationPrompt { get; set; } = true;

        /// <summary>Adds a turn of the user.</summary>
        public Chat User(string content) => Add("user", content);

        /// <summary>Adds a turn of the model.</summary>
        public Chat Assistant(string content) => Add("assistant", content);

        /// <summary>Adds what the model is told to be.</summary>
        public Chat System(string content) => Add("system", content);

        /// <summary>Adds a turn of "system", "user", "assistant" or another role that the template knows.</summary>
        public Chat Add(string role, string content)
        {
            if (json_ != null) throw new InvalidOperationException("the messages were given as JSON");
            messages_.Append(messages_.Length == 0 ? "" : ",").Append("{\"role\":");
            Json.Quote(messages_, role).Append(",\"content\":");
            Json.Quote(messages_, content).Append('}');
            return this;
        }

        /// <summary>Renders a template of one's own, by a name for messages; Model.Render does so with the model's.</summary>
        public string Render(string template, string name)
        {
            using (NativeRenderOptions how = Options())
                return Block.StringOf(Call.Of(outcome =>
                    NativeQuant.render_template(
                        Block.Utf8Of(template), Block.NameOf(name, nameof(name)), how, outcome)));
        }

        internal NativeRenderOptions Options() => new NativeRenderOptions
        {
            messages_json = Block.NameOf(json_ ?? "[" + messages_ + "]", "messages"),
            tools_json = Block.NameOf(ToolsJson, nameof(ToolsJson)),
            variables_json = Block.NameOf(VariablesJson, nameof(VariablesJson)),
            now = Block.NameOf(Now, nameof(Now)),
            add_generation_prompt = GenerationPrompt
        };
    }
}
