using System;

namespace LibQuant
{
    /// <summary>How to open a model. What is not set is as the library has it.</summary>
    public sealed class OpenOptions
    {
        /// <summary>Read all of the files before opening returns.</summary>
        public bool Prefault { get; set; }

        /// <summary>How workers and weights are spread over memory nodes: "auto", "shard", "mirror", "node=N", "off".</summary>
        public string Numa { get; set; }

        /// <summary>Whether weights as this CPU reads them are kept in a file: "off", "on", or a size such as "8G".</summary>
        public string PackCache { get; set; }

        /// <summary>Told of reading ahead, in bytes.</summary>
        public Func<ProgressReport, bool> Progress { get; set; }
    }

    /// <summary>How to borrow a model from the daemon. What is not set is as the library has it.</summary>
    public sealed class SharedOptions
    {
        /// <summary>Compare packed weights with their checksums before they are used.</summary>
        public bool Verify { get; set; }

        /// <summary>The daemon's socket; else QUANT_SOCKET in the environment, or where daemons have it.</summary>
        public string Socket { get; set; }

        /// <summary>How long to wait for the daemon's answer; zero: five minutes.</summary>
        public TimeSpan Timeout { get; set; }

        /// <summary>Told while the daemon loads the model.</summary>
        public Func<ProgressReport, bool> Progress { get; set; }
    }
}
