using System;
using LibQuant.Native;

namespace LibQuant
{
    /// <summary>Where long work stands. A callback of it answers true to go on, false to cancel: the call then throws
    /// QuantException of Status.Cancelled. What the callback throws ends the work, and comes out of the call.</summary>
    public sealed class ProgressReport
    {
        internal ProgressReport(string stage, long done, long total, double seconds, string detail)
        {
            Stage = stage;
            Done = done;
            Total = total;
            Seconds = seconds;
            Detail = detail;
        }

        /// <summary>What is being done, such as a tensor's name.</summary>
        public string Stage { get; }

        /// <summary>Units finished.</summary>
        public long Done { get; }

        /// <summary>Units in all; 0 where that is not known.</summary>
        public long Total { get; }

        /// <summary>Since the work began.</summary>
        public double Seconds { get; }

        /// <summary>A running result worth showing, or "".</summary>
        public string Detail { get; }
    }

    /// <summary>Keeps what a callback throws, since nothing may pass native frames.</summary>
    internal sealed class ProgressRelay : ProgressSink
    {
        private readonly Func<ProgressReport, bool> progress_;

        internal ProgressRelay(Func<ProgressReport, bool> progress)
        {
            progress_ = progress;
        }

        internal Exception Failure { get; private set; }

        public override int on_progress(byte[] stage, ulong done, ulong total, double seconds, byte[] detail)
        {
            try
            {
                var report = new ProgressReport(
                    Block.StringOf(stage), (long)done, (long)total, seconds, Block.StringOf(detail));
                return progress_(report) ? 0 : 1;
            }
            catch (Exception thrown)
            {
                Failure = thrown;
                return 1;
            }
        }
    }
}
