using LibQuant.Native;

namespace LibQuant
{
    /// <summary>What a generation took.</summary>
    public sealed class Generation
    {
        /// <summary>Why it ended.</summary>
        public StopReason Stop { get; }

        /// <summary>Of the prompt, those kept from before included.</summary>
        public int PromptTokens { get; }

        /// <summary>Of them, those that had not to be run again.</summary>
        public int CachedTokens { get; }

        /// <summary>The end token not counted.</summary>
        public int GeneratedTokens { get; }

        /// <summary>For the prompt.</summary>
        public double PrefillSeconds { get; }

        /// <summary>For what was generated.</summary>
        public double DecodeSeconds { get; }

        /// <summary>That was used.</summary>
        public long Seed { get; }

        /// <summary>Guesses that were run along.</summary>
        public int DraftedTokens { get; }

        /// <summary>Those of them that were right.</summary>
        public int AcceptedTokens { get; }

        internal Generation(quant_generate_result from)
        {
            Stop = (StopReason)(int)from.stop;
            PromptTokens = (int)from.prompt_tokens;
            CachedTokens = (int)from.cached_tokens;
            GeneratedTokens = (int)from.generated_tokens;
            PrefillSeconds = from.prefill_seconds;
            DecodeSeconds = from.decode_seconds;
            Seed = (long)from.seed;
            DraftedTokens = (int)from.drafted_tokens;
            AcceptedTokens = (int)from.accepted_tokens;
        }
    }
}
