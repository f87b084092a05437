using LibQuant.Native;

namespace LibQuant
{
    /// <summary>What to measure on. What is not set is as the library has it.</summary>
    public sealed class EvaluateOptions
    {
        /// <summary>Tokens a chunk; 0: 512, or the model's own where shorter.</summary>
        public int? ContextLength { get; set; }

        /// <summary>At most so many; 0: all whole chunks of the text.</summary>
        public int? Chunks { get; set; }

        /// <summary>Of both models.</summary>
        public Activations? Activations { get; set; }

        /// <summary>What the model's keys are kept as.</summary>
        public Encoding KeyType { get; set; }

        /// <summary>And its values.</summary>
        public Encoding ValueType { get; set; }

        internal void Fill(quant_eval_options to)
        {
            if (ContextLength.HasValue) to.context_length = unchecked((uint)ContextLength.Value);
            if (Chunks.HasValue) to.chunks = unchecked((uint)Chunks.Value);
            if (Activations.HasValue) to.activations = (int)Activations.Value;
            if (KeyType != null) to.key_type = (int)KeyType.Id;
            if (ValueType != null) to.value_type = (int)ValueType.Id;
        }
    }
}
