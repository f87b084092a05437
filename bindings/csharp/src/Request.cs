using System;
using System.Collections.Generic;
using LibQuant.Native;

namespace LibQuant
{
    /// <summary>What a scheduler is to generate.</summary>
    public sealed class Request
    {
        private readonly byte[] prompt_;

        /// <summary>A request for what follows a prompt, which is the whole sequence.</summary>
        public Request(string prompt)
        {
            prompt_ = Block.Utf8Of(prompt);
        }

        /// <summary>What is done with special tokens.</summary>
        public TextFlags Flags { get; set; } = TextFlags.Prompt;

        /// <summary>At most so many tokens; 0: until the end, or the context is full.</summary>
        public int MaxTokens { get; set; }

        /// <summary>How tokens are chosen; null: as the library has it.</summary>
        public Sampling Sampling { get; set; }

        /// <summary>Strings before whose first the text ends.</summary>
        public IList<string> Stops { get; } = new List<string>();

        /// <summary>Text keeps to this grammar, in GBNF. One of these three.</summary>
        public string Grammar { get; set; }

        /// <summary>Or is JSON of this schema.</summary>
        public string JsonSchema { get; set; }

        /// <summary>Or is a JSON object of any kind.</summary>
        public bool JsonObject { get; set; }

        /// <summary>Tokens that end a text are never chosen.</summary>
        public bool IgnoreEnd { get; set; }

        /// <summary>Who asks: requests of one number wait in one line.</summary>
        public long Client { get; set; }

        internal NativeRequest ToNative()
        {
            var made = new NativeRequest
            {
                prompt = prompt_,
                text_flags = (uint)Flags,
                max_tokens = checked((uint)MaxTokens),
                grammar = Block.NameOf(Grammar, nameof(Grammar)),
                json_schema = Block.NameOf(JsonSchema, nameof(JsonSchema)),
                json_object = JsonObject,
                ignore_end = IgnoreEnd,
                client = unchecked((ulong)Client)
            };
            foreach (string stop in Stops) made.add_stop(Block.NameOf(stop, nameof(Stops)));
            return made;
        }
    }
}
