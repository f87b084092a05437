namespace LibQuant
{
    /// <summary>Why a generation ended.</summary>
    public enum StopReason
    {
        /// <summary>The model said so.</summary>
        End = 0,
        /// <summary>The number of tokens asked for was reached.</summary>
        Length = 1,
        /// <summary>The context is full.</summary>
        Context = 2,
        /// <summary>The callback asked, or the stream was closed.</summary>
        Caller = 3,
        /// <summary>A stop string came, which is not part of the text.</summary>
        Text = 4,
    }
}
