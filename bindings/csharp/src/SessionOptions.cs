using LibQuant.Native;

namespace LibQuant
{
    /// <summary>How to begin a session. What is not set is as the library has it.</summary>
    public sealed class SessionOptions
    {
        /// <summary>Tokens it can hold; 0: the model's own length.</summary>
        public int? ContextLength { get; set; }

        /// <summary>What products round activations to.</summary>
        public Activations? Activations { get; set; }

        /// <summary>What keys are kept as: F32, F16, BF16, Q8_0 or Q4_0.</summary>
        public Encoding KeyType { get; set; }

        /// <summary>What values are kept as, likewise.</summary>
        public Encoding ValueType { get; set; }

        /// <summary>Guess what followed when the sequence's end last occurred in it; not with a draft
        /// model.</summary>
        public bool? Lookup { get; set; }

        /// <summary>Guesses at a time, 1 to 7.</summary>
        public int? DraftTokens { get; set; }

        /// <summary>A smaller model of the same vocabulary, which guesses at what comes next.</summary>
        public Model Draft { get; set; }

        internal void Fill(quant_session_options to)
        {
            if (ContextLength.HasValue) to.context_length = unchecked((uint)ContextLength.Value);
            if (Activations.HasValue) to.activations = (int)Activations.Value;
            if (KeyType != null) to.key_type = (int)KeyType.Id;
            if (ValueType != null) to.value_type = (int)ValueType.Id;
            if (Lookup.HasValue) to.lookup = Lookup.Value ? 1 : 0;
            if (DraftTokens.HasValue) to.draft_tokens = unchecked((uint)DraftTokens.Value);
        }
    }
}
