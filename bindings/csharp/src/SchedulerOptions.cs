using LibQuant.Native;

namespace LibQuant
{
    /// <summary>How to run requests. What is not set is as the library has it.</summary>
    public sealed class SchedulerOptions
    {
        /// <summary>Tokens that a sequence can hold; 0: the model's own length.</summary>
        public int? ContextLength { get; set; }

        /// <summary>That run at a time, at least 1.</summary>
        public int? Sequences { get; set; }

        /// <summary>Requests that wait at most.</summary>
        public int? Queue { get; set; }

        /// <summary>Of one client.</summary>
        public int? QueuePerClient { get; set; }

        /// <summary>Of ended sequences whose keys and values are kept.</summary>
        public long? CachedTokens { get; set; }

        /// <summary>What keys are kept as.</summary>
        public Encoding KeyType { get; set; }

        /// <summary>What values are kept as.</summary>
        public Encoding ValueType { get; set; }

        internal void Fill(quant_scheduler_options to)
        {
            if (ContextLength.HasValue) to.context_length = unchecked((uint)ContextLength.Value);
            if (Sequences.HasValue) to.sequences = unchecked((uint)Sequences.Value);
            if (Queue.HasValue) to.queue = unchecked((uint)Queue.Value);
            if (QueuePerClient.HasValue) to.queue_per_client = unchecked((uint)QueuePerClient.Value);
            if (CachedTokens.HasValue) to.cached_tokens = unchecked((ulong)CachedTokens.Value);
            if (KeyType != null) to.key_type = (int)KeyType.Id;
            if (ValueType != null) to.value_type = (int)ValueType.Id;
        }
    }
}
