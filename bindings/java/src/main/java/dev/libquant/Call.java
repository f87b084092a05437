package dev.libquant;

import dev.libquant.internal.Outcome;
import dev.libquant.internal.ProgressSink;

/** Calls of the native part, whose failures become exceptions. */
final class Call {
    /** What is called. */
    interface Body<R> {
        R run(Outcome outcome);
    }

    /** What is called with a sink for progress, which may be null. */
    interface LongBody<R> {
        R run(ProgressSink sink, Outcome outcome);
    }

    private Call() {}

    static <R> R of(Body<R> body) {
        try (Outcome outcome = new Outcome()) {
            R result = body.run(outcome);
            QuantException.check(outcome);
            return result;
        }
    }

    /** What the callback threw goes before what the library says of it. */
    static <R> R of(Progress progress, LongBody<R> body) {
        try (ProgressRelay relay = ProgressRelay.of(progress); Outcome outcome = new Outcome()) {
            R result = body.run(relay, outcome);
            try {
                ProgressRelay.rethrow(relay);
                QuantException.check(outcome);
            } catch (Throwable thrown) {
                closeQuietly(result);
                throw thrown;
            }
            return result;
        }
    }

    /** Takes what is needed of a struct, and releases it. */
    static <S extends AutoCloseable, R> R read(S struct, java.util.function.Function<S, R> reader) {
        try {
            return reader.apply(struct);
        } finally {
            closeQuietly(struct);
        }
    }

    /** What `fill` fills; released where that fails. */
    static <S extends AutoCloseable> S filled(S made, java.util.function.Consumer<S> fill) {
        try {
            fill.accept(made);
            return made;
        } catch (Throwable thrown) {
            closeQuietly(made);
            throw thrown;
        }
    }

    /** Throws it as it is, checked or not. */
    @SuppressWarnings("unchecked")
    static <E extends Throwable> void raise(Throwable thrown) throws E {
        throw (E) thrown;
    }

    /** Closing what the native part made never fails. */
    private static void closeQuietly(Object made) {
        if (made instanceof AutoCloseable) {
            try {
                ((AutoCloseable) made).close();
            } catch (Exception never) {
                throw new AssertionError(never);
            }
        }
    }
}
