namespace LibQuant
{
    /// <summary>How codes and scales are chosen when encoding.</summary>
    public enum Method
    {
        /// <summary>Importance where importance is given, else Search.</summary>
        Default = 0,
        /// <summary>Scales from the extremes, codes to nearest. Fastest.</summary>
        Round = 1,
        /// <summary>Scale and codes searched for the least squared error.</summary>
        Search = 2,
        /// <summary>The same, with errors weighted by importance, by a longer search.</summary>
        Importance = 3,
        /// <summary>Error feedback with second moments of the inputs; needs statistics.</summary>
        Feedback = 4,
        /// <summary>For each matrix what does best on held-out inputs; needs statistics.</summary>
        Best = 5,
    }
}
