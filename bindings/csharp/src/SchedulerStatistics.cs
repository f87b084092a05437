using LibQuant.Native;

namespace LibQuant
{
    /// <summary>What a scheduler does and has done.</summary>
    public sealed class SchedulerStatistics
    {
        /// <summary>Sequences, now.</summary>
        public int Running { get; }

        /// <summary>Requests in the queue, now.</summary>
        public int Waiting { get; }

        /// <summary>Taken into the queue, ever.</summary>
        public long Requests { get; }

        /// <summary>For the queue was full.</summary>
        public long Refused { get; }

        /// <summary>By their callers.</summary>
        public long Cancelled { get; }

        /// <summary>Of prompts read.</summary>
        public long PromptTokens { get; }

        /// <summary>Of them, that had not to be run.</summary>
        public long CachedTokens { get; }

        /// <summary>Of requests that have ended.</summary>
        public long GeneratedTokens { get; }

        /// <summary>Of ended sequences, kept now.</summary>
        public long KeptTokens { get; }

        /// <summary>That the step it is at has taken; 0: it waits for something to do.</summary>
        public double StepSeconds { get; }

        internal SchedulerStatistics(quant_scheduler_statistics from)
        {
            Running = (int)from.running;
            Waiting = (int)from.waiting;
            Requests = (long)from.requests;
            Refused = (long)from.refused;
            Cancelled = (long)from.cancelled;
            PromptTokens = (long)from.prompt_tokens;
            CachedTokens = (long)from.cached_tokens;
            GeneratedTokens = (long)from.generated_tokens;
            KeptTokens = (long)from.kept_tokens;
            StepSeconds = from.step_seconds;
        }
    }
}
