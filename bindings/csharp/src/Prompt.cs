using System;
using LibQuant.Native;

namespace LibQuant
{
    /// <summary>A prompt and how to go on from it.</summary>
    public sealed class Prompt
    {
        private readonly byte[] text_;

        /// <summary>Text that is appended to the sequence.</summary>
        public Prompt(string text) : this(Block.Utf8Of(text)) { }

        /// <summary>Bytes, meant as UTF-8, that are appended to the sequence.</summary>
        public Prompt(byte[] utf8)
        {
            text_ = utf8;
        }

        /// <summary>What is done with special tokens.</summary>
        public TextFlags Flags { get; set; } = TextFlags.Prompt;

        /// <summary>Whether this is the whole sequence, of which the session keeps what it has already: a chat that is
        /// rendered anew each turn.</summary>
        public bool Whole { get; set; }

        /// <summary>At most so many tokens; 0: until the end, or the context is full.</summary>
        public int MaxTokens { get; set; }

        /// <summary>How tokens are chosen; null: as the library has it.</summary>
        public Sampling Sampling { get; set; }

        /// <summary>Told of progress on a long prompt; may cancel.</summary>
        public Func<ProgressReport, bool> Prefill { get; set; }

        /// <summary>Always takes the likeliest token.</summary>
        public Prompt Greedy()
        {
            Sampling = new Sampling { Temperature = 0 };
            return this;
        }

        internal NativeGenerateOptions Options() => new NativeGenerateOptions
        {
            prompt = text_,
            text_flags = (uint)Flags,
            whole = Whole,
            max_tokens = checked((uint)MaxTokens)
        };
    }
}
