package dev.libquant;

import dev.libquant.internal.LogSink;
import dev.libquant.internal.NativeQuant;

/** What concerns the library as a whole. */
public final class Quant {
    private static LogSink logger;

    private Quant() {}

    /** Receives log lines. */
    @FunctionalInterface
    public interface Logger {
        /**
         * Called from any thread, maybe from several at a time. What it throws is passed over.
         *
         * @param level how serious it is
         * @param line without a newline
         */
        void log(LogLevel level, String line);
    }

    /**
     * The library's version.
     *
     * @return "MAJOR.MINOR.PATCH"
     */
    public static String version() {
        return Utf8.string(NativeQuant.version());
    }

    /**
     * Describes the machine.
     *
     * @param measured with its limits, which takes half a second
     * @return what {@code quantctl doctor} tells, as JSON
     */
    public static String describeMachine(boolean measured) {
        return Utf8.string(Call.of(outcome -> NativeQuant.describe_machine(measured, outcome)));
    }

    /**
     * Sets where log lines of the whole process go. The library is silent until this is called.
     *
     * @param to null for silence
     */
    public static synchronized void setLogger(Logger to) {
        LogSink next = to == null ? null : new LogRelay(to);
        NativeQuant.set_logger(next);
        // The one before may be in use by another thread, for which it is kept: there are few.
        if (logger != null) {
            RETIRED.add(logger);
        }
        logger = next;
    }

    private static final java.util.List<LogSink> RETIRED = new java.util.ArrayList<>();

    private static final class LogRelay extends LogSink {
        private final Logger to;

        LogRelay(Logger to) {
            this.to = to;
        }

        @Override
        public void on_log(int level, byte[] text) {
            try {
                to.log(LogLevel.of(level), Utf8.string(text));
            } catch (Throwable nobodyToTell) {
                return; // The thread may be the library's own, which has no caller.
            }
        }
    }
}
