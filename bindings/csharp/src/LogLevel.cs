namespace LibQuant
{
    /// <summary>How serious a log line is.</summary>
    public enum LogLevel
    {
        /// <summary>For whoever looks for a fault.</summary>
        Debug = 0,
        /// <summary>Worth knowing.</summary>
        Info = 1,
        /// <summary>Something is not as it should be.</summary>
        Warning = 2,
        /// <summary>Something failed.</summary>
        Error = 3,
    }
}
