namespace LibQuant
{
    /// <summary>How the tokens of a text become one embedding.</summary>
    public enum Pooling
    {
        /// <summary>As the model was trained.</summary>
        Default = 0,
        /// <summary>Not at all: one embedding for each token.</summary>
        None = 1,
        /// <summary>Their mean, special tokens included.</summary>
        Mean = 2,
        /// <summary>The last token's.</summary>
        Last = 3,
        /// <summary>The first token's, which encoders put in front.</summary>
        Cls = 4,
    }
}
