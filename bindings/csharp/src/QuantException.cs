using System;
using LibQuant.Native;

namespace LibQuant
{
    /// <summary>What failed in the library, with one sentence.</summary>
    public class QuantException : Exception
    {
        /// <summary>An exception of that status.</summary>
        public QuantException(Status status, string message) : base(message)
        {
            Status = status;
        }

        /// <summary>What kind of failure it is.</summary>
        public Status Status { get; }

        /// <summary>A status of a newer library that this one has no name for is told as a defect.</summary>
        internal static QuantException Of(int status, byte[] message) => new QuantException(
            Enum.IsDefined(typeof(Status), status) ? (Status)status : Status.Internal, Block.StringOf(message));

        internal static void Check(Outcome outcome)
        {
            if (!outcome.ok()) throw Of(outcome.status(), outcome.message());
        }
    }
}
