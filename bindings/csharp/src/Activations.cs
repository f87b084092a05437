namespace LibQuant
{
    /// <summary>To what a product rounds the activations it reads.</summary>
    public enum Activations
    {
        /// <summary>Not at all.</summary>
        F32 = 0,
        /// <summary>To 8 bits with a scale for each block, as runtimes of GGUF files do.</summary>
        Int8 = 1,
    }
}
