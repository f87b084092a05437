using LibQuant.Native;

namespace LibQuant
{
    /// <summary>What to time. What is not set is as the library has it.</summary>
    public sealed class BenchOptions
    {
        /// <summary>Of the prompt.</summary>
        public int? PromptTokens { get; set; }

        /// <summary>To generate.</summary>
        public int? DecodeTokens { get; set; }

        /// <summary>Of which medians are given.</summary>
        public int? Rounds { get; set; }

        /// <summary>That generate at once.</summary>
        public int? Sequences { get; set; }

        /// <summary>What keys are kept as.</summary>
        public Encoding KeyType { get; set; }

        /// <summary>What values are kept as.</summary>
        public Encoding ValueType { get; set; }

        internal void Fill(quant_bench_options to)
        {
            if (PromptTokens.HasValue) to.prompt_tokens = unchecked((uint)PromptTokens.Value);
            if (DecodeTokens.HasValue) to.decode_tokens = unchecked((uint)DecodeTokens.Value);
            if (Rounds.HasValue) to.rounds = unchecked((uint)Rounds.Value);
            if (Sequences.HasValue) to.sequences = unchecked((uint)Sequences.Value);
            if (KeyType != null) to.key_type = (int)KeyType.Id;
            if (ValueType != null) to.value_type = (int)ValueType.Id;
        }
    }
}
