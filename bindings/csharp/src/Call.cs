using System;
using System.Runtime.ExceptionServices;
using LibQuant.Native;

namespace LibQuant
{
    /// <summary>Calls of the native part, whose failures become exceptions.</summary>
    internal static class Call
    {
        internal static R Of<R>(Func<Outcome, R> body)
        {
            using (var outcome = new Outcome())
            {
                R result = body(outcome);
                QuantException.Check(outcome);
                return result;
            }
        }

        internal static void Of(Action<Outcome> body) => Of(outcome => { body(outcome); return 0; });

        /// <summary>What the callback threw goes before what the library says of it.</summary>
        internal static R Of<R>(Func<ProgressReport, bool> progress, Func<ProgressSink, Outcome, R> body)
        {
            using (var relay = progress == null ? null : new ProgressRelay(progress))
            using (var outcome = new Outcome())
            {
                R result = body(relay, outcome);
                try
                {
                    Rethrow(relay?.Failure);
                    QuantException.Check(outcome);
                }
                catch
                {
                    (result as IDisposable)?.Dispose();
                    throw;
                }
                return result;
            }
        }

        /// <summary>The same exception, with the place it came from.</summary>
        internal static void Rethrow(Exception thrown)
        {
            if (thrown != null) ExceptionDispatchInfo.Capture(thrown).Throw();
        }

        /// <summary>Takes what is needed of a struct, and releases it; nothing where the call failed.</summary>
        internal static R Read<S, R>(S from, Outcome outcome, Func<S, R> reader) where S : IDisposable
        {
            using (from) return outcome.ok() ? reader(from) : default(R);
        }
    }
}
