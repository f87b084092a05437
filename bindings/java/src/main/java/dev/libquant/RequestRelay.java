package dev.libquant;

import dev.libquant.internal.RequestSink;
import dev.libquant.internal.quant_generate_result;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.function.LongConsumer;

/** Between the scheduler's thread and a listener. */
final class RequestRelay extends RequestSink {
    private static final ThreadLocal<Boolean> CALLBACK = ThreadLocal.withInitial(() -> false);

    private final Set all;
    private final RequestListener listener;
    private volatile LongConsumer cancel;
    private volatile Throwable failure;
    private long id;

    private RequestRelay(Set all, RequestListener listener, LongConsumer cancel) {
        this.all = all;
        this.listener = listener;
        this.cancel = cancel;
    }

    /** Whether this thread is a scheduler's, at work for a listener. */
    static boolean isCallback() {
        return CALLBACK.get();
    }

    /** Its number, which may come later than its first events, and than its end. */
    void known(long number) {
        boolean failed;
        synchronized (this) {
            id = number;
            failed = failure != null;
        }
        if (failed) {
            cancelRequest();
        }
    }

    @Override
    public void on_event(byte[] text, int token) {
        if (failure != null) {
            return;
        }
        CALLBACK.set(true);
        try {
            listener.onText(Utf8.string(text), token);
        } catch (Throwable thrown) {
            fail(thrown);
        } finally {
            CALLBACK.set(false);
        }
    }

    private void fail(Throwable thrown) {
        boolean known;
        synchronized (this) {
            failure = thrown;
            known = id != 0;
        }
        if (known) {
            cancelRequest();
        }
    }

    /** Nothing where the request has ended, or its scheduler is being closed, which cancels all there is. */
    private void cancelRequest() {
        LongConsumer by = cancel;
        if (by == null) {
            return;
        }
        try {
            by.accept(id);
        } catch (IllegalStateException closed) {
            return;
        }
    }

    @Override
    public void on_end(int status, byte[] message, quant_generate_result result) {
        CALLBACK.set(true);
        try {
            Throwable why = failure;
            if (why == null && status != Status.OK.number()) {
                why = new QuantException(Status.of(status), Utf8.string(message));
            }
            listener.onEnd(Generation.of(result), why);
        } catch (Throwable nobodyToTell) {
            // The request has ended, and the thread is the scheduler's.
        } finally {
            CALLBACK.set(false);
            cancel = null; // It refers to the scheduler.
            all.ended(this);
        }
    }

    /** The relays of a scheduler, which must live until their requests have ended. */
    static final class Set {
        private final HashSet<RequestRelay> live = new HashSet<>();
        private final List<RequestRelay> ended = new ArrayList<>();

        synchronized RequestRelay add(RequestListener listener, LongConsumer cancel) {
            RequestRelay relay = new RequestRelay(this, listener, cancel);
            live.add(relay);
            return relay;
        }

        synchronized void forget(RequestRelay relay) {
            live.remove(relay);
            relay.delete();
        }

        /** Its native part is still at work under this call; those of requests that ended before are not any more. */
        private synchronized void ended(RequestRelay relay) {
            release();
            live.remove(relay);
            ended.add(relay);
        }

        /** Releases native parts of requests that have ended. */
        synchronized void release() {
            ended.forEach(RequestRelay::delete);
            ended.clear();
        }
    }
}
