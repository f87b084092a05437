using LibQuant.Native;

namespace LibQuant
{
    /// <summary>How to embed. What is not set is as the library has it.</summary>
    public sealed class EmbedOptions
    {
        /// <summary>How tokens become one embedding.</summary>
        public Pooling? Pooling { get; set; }

        /// <summary>Whether embeddings have length 1.</summary>
        public bool? Normalize { get; set; }

        /// <summary>Keep only so many; 0: all.</summary>
        public int? Dimensions { get; set; }

        /// <summary>Whether a text that is too long loses its end; else it is an error.</summary>
        public bool? Truncate { get; set; }

        /// <summary>What products round activations to.</summary>
        public Activations? Activations { get; set; }

        internal void Fill(quant_embedding_options to)
        {
            if (Pooling.HasValue) to.pooling = (int)Pooling.Value;
            if (Normalize.HasValue) to.normalize = Normalize.Value ? 1 : 0;
            if (Dimensions.HasValue) to.dimensions = unchecked((uint)Dimensions.Value);
            if (Truncate.HasValue) to.truncate = Truncate.Value ? 1 : 0;
            if (Activations.HasValue) to.activations = (int)Activations.Value;
        }
    }
}
