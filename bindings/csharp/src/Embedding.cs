using LibQuant.Native;

namespace LibQuant
{
    /// <summary>What a text became.</summary>
    public sealed class Embedding
    {
        internal Embedding(float[] values, quant_embedding from)
        {
            Values = values;
            Rows = (int)from.rows;
            Dimensions = (int)from.dimensions;
            Tokens = (int)from.tokens;
            TokensCut = (int)from.tokens_cut;
        }

        /// <summary>Rows x Dimensions, row-major.</summary>
        public float[] Values { get; }

        /// <summary>1; with Pooling.None one for each token.</summary>
        public int Rows { get; }

        /// <summary>Numbers of a vector.</summary>
        public int Dimensions { get; }

        /// <summary>That were read, special ones included.</summary>
        public int Tokens { get; }

        /// <summary>That the text lost to EmbedOptions.Truncate.</summary>
        public int TokensCut { get; }
    }
}
