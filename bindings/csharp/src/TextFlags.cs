using System;

namespace LibQuant
{
    /// <summary>What tokenizing does with special tokens.</summary>
    [Flags]
    public enum TextFlags
    {
        /// <summary>Text that is only text.</summary>
        Plain = 0,
        /// <summary>Add the BOS and EOS tokens that the model wants.</summary>
        AddSpecial = 1,
        /// <summary>Special tokens written in the text become their ids.</summary>
        ParseSpecial = 2,
        /// <summary>Both: a prompt that a template has written, or that is one as it stands.</summary>
        Prompt = 3
    }
}
