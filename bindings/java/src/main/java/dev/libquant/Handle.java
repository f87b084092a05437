package dev.libquant;

import dev.libquant.internal.Outcome;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.util.function.BiFunction;
import java.util.function.Function;

/**
 * An object of the native part. It is released by close(), else when nobody refers to it any more; while a call is at work
 * on it, by the end of that call.
 */
abstract class Handle<T> implements AutoCloseable {
    private static final Cleaner CLEANER = Cleaner.create();

    private final Held<T> held;
    private final Cleaner.Cleanable cleanable;

    /** `release` must not refer to this object. */
    Handle(T made, Runnable release) {
        held = new Held<>(made, release);
        cleanable = CLEANER.register(this, held);
    }

    /** Releases it. Closing it twice does nothing. */
    @Override
    public void close() {
        cleanable.clean();
    }

    /** The object, for as long as `body` runs. */
    final <R> R with(Function<T, R> body) {
        T object = held.take(getClass().getSimpleName());
        try {
            return body.apply(object);
        } finally {
            held.giveBack();
            Reference.reachabilityFence(this);
        }
    }

    final <R> R call(BiFunction<T, Outcome, R> body) {
        return with(object -> Call.of(outcome -> body.apply(object, outcome)));
    }

    private static final class Held<T> implements Runnable {
        private final T object;
        private final Runnable release;
        private int users;
        private boolean closed;

        Held(T object, Runnable release) {
            this.object = object;
            this.release = release;
        }

        synchronized T take(String what) {
            if (closed) {
                throw new IllegalStateException("the " + what + " is closed");
            }
            ++users;
            return object;
        }

        void giveBack() {
            boolean last;
            synchronized (this) {
                last = --users == 0 && closed;
            }
            if (last) {
                release.run();
            }
        }

        /** Closes it: runs once, by the cleaner. */
        @Override
        public void run() {
            boolean free;
            synchronized (this) {
                closed = true;
                free = users == 0;
            }
            if (free) {
                release.run();
            }
        }
    }
}
