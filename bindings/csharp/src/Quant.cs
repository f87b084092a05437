using System;
using System.Collections.Generic;
using LibQuant.Native;

namespace LibQuant
{
    /// <summary>What concerns the library as a whole.</summary>
    public static class Quant
    {
        private static readonly List<LogSink> Loggers = new List<LogSink>();

        /// <summary>The library's version, "MAJOR.MINOR.PATCH".</summary>
        public static string Version => Block.StringOf(NativeQuant.version());

        /// <summary>What quantctl doctor tells of the machine, as JSON; measured: with its limits, which takes half a
        /// second.</summary>
        public static string DescribeMachine(bool measured) =>
            Block.StringOf(Call.Of(outcome => NativeQuant.describe_machine(measured, outcome)));

        /// <summary>Sets where log lines of the whole process go; null for silence, as it is at first. Called from any
        /// thread, maybe from several at a time. What it throws is passed over.</summary>
        public static void SetLogger(Action<LogLevel, string> logger)
        {
            lock (Loggers)
            {
                LogSink next = logger == null ? null : new LogRelay(logger);
                NativeQuant.set_logger(next);
                // The one before may be in use by another thread, for which all are kept: there are few.
                if (next != null) Loggers.Add(next);
            }
        }

        private sealed class LogRelay : LogSink
        {
            private readonly Action<LogLevel, string> logger_;

            internal LogRelay(Action<LogLevel, string> logger)
            {
                logger_ = logger;
            }

            public override void on_log(int level, byte[] text)
            {
                try { logger_((LogLevel)level, Block.StringOf(text)); }
                catch (Exception) { /* The thread may be the library's own, which has no caller to tell. */ }
            }
        }
    }
}
