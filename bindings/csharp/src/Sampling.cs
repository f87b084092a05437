using LibQuant.Native;

namespace LibQuant
{
    /// <summary>How the next token is chosen. What is not set is as the library has it.</summary>
    public sealed class Sampling
    {
        /// <summary>0 to 100; 0: the likeliest token.</summary>
        public float? Temperature { get; set; }

        /// <summary>Keep the k likeliest; 0: all.</summary>
        public int? TopK { get; set; }

        /// <summary>Keep the likeliest whose sum reaches p.</summary>
        public float? TopP { get; set; }

        /// <summary>Drop what is less likely than that times the likeliest.</summary>
        public float? MinP { get; set; }

        /// <summary>Divides logits of recent tokens; 1: off.</summary>
        public float? RepeatPenalty { get; set; }

        /// <summary>How many tokens are recent; 0: none, -1: the whole context.</summary>
        public int? RepeatLastN { get; set; }

        /// <summary>The same seed gives the same text; 0: a random one.</summary>
        public long? Seed { get; set; }

        /// <summary>Keep those of nearly the expected surprise; 1: all.</summary>
        public float? TypicalP { get; set; }

        /// <summary>-2 to 2, subtracted from logits of recent tokens.</summary>
        public float? PresencePenalty { get; set; }

        /// <summary>-2 to 2, subtracted as often as the token occurs.</summary>
        public float? FrequencyPenalty { get; set; }

        /// <summary>Whether the prompt's tokens are recent ones, too.</summary>
        public bool? PenalizePrompt { get; set; }

        /// <summary>1 or 2: that version of Mirostat; 0: off.</summary>
        public int? Mirostat { get; set; }

        /// <summary>Bits of surprise a token.</summary>
        public float? MirostatTau { get; set; }

        /// <summary>How fast it corrects itself.</summary>
        public float? MirostatEta { get; set; }

        internal void Fill(quant_sampling to)
        {
            if (Temperature.HasValue) to.temperature = Temperature.Value;
            if (TopK.HasValue) to.top_k = unchecked((uint)TopK.Value);
            if (TopP.HasValue) to.top_p = TopP.Value;
            if (MinP.HasValue) to.min_p = MinP.Value;
            if (RepeatPenalty.HasValue) to.repeat_penalty = RepeatPenalty.Value;
            if (RepeatLastN.HasValue) to.repeat_last_n = unchecked((uint)RepeatLastN.Value);
            if (Seed.HasValue) to.seed = unchecked((ulong)Seed.Value);
            if (TypicalP.HasValue) to.typical_p = TypicalP.Value;
            if (PresencePenalty.HasValue) to.presence_penalty = PresencePenalty.Value;
            if (FrequencyPenalty.HasValue) to.frequency_penalty = FrequencyPenalty.Value;
            if (PenalizePrompt.HasValue) to.penalize_prompt = PenalizePrompt.Value ? 1 : 0;
            if (Mirostat.HasValue) to.mirostat = unchecked((uint)Mirostat.Value);
            if (MirostatTau.HasValue) to.mirostat_tau = MirostatTau.Value;
            if (MirostatEta.HasValue) to.mirostat_eta = MirostatEta.Value;
        }
    }
}
