package dev.libquant;

import dev.libquant.internal.NativeModel;
import dev.libquant.internal.NativeRequest;
import dev.libquant.internal.NativeScheduler;
import dev.libquant.internal.quant_sampling;
import dev.libquant.internal.quant_scheduler_options;
import java.util.concurrent.CompletableFuture;

/** Runs many generations on one model at a time. May be used by several threads. */
public final class Scheduler extends Handle<NativeScheduler> {
    private final RequestRelay.Set requests;

    private Scheduler(NativeScheduler made, RequestRelay.Set requests) {
        super(made, () -> {
            made.delete();
            requests.release();
        });
        this.requests = requests;
    }

    static Scheduler open(NativeModel model, SchedulerOptions options) {
        try (quant_scheduler_options how = new quant_scheduler_options()) {
            options.fill(how);
            return new Scheduler(
                    Call.of(outcome -> NativeScheduler.open(model, how, outcome)), new RequestRelay.Set());
        }
    }

    /**
     * Puts a request in the queue. Its events may come before this returns.
     *
     * @param request what to generate
     * @param listener told what becomes of it
     * @return its number, for {@link #cancel} and {@link #pause}
     * @throws QuantException {@link Status#BUSY} where the queue is full
     */
    public long submit(Request request, RequestListener listener) {
        RequestRelay relay = requests.add(listener, this::cancel);
        try (NativeRequest what = request.request(); quant_sampling sampling = new quant_sampling()) {
            request.sampling().fill(sampling);
            long id = call((scheduler, outcome) -> scheduler.submit(what, sampling, relay, outcome));
            relay.known(id);
            return id;
        } catch (Throwable failed) {
            requests.forget(relay);
            throw failed;
        }
    }

    /**
     * Puts a request in the queue, whose text is wanted as a whole.
     *
     * @param request what to generate
     * @return its text; cancelling the future cancels the request
     */
    public CompletableFuture<String> submit(Request request) {
        CompletableFuture<String> future = new CompletableFuture<>();
        StringBuilder text = new StringBuilder();
        long id = submit(request, new RequestListener() {
            @Override
            public void onText(String piece, int token) {
                text.append(piece);
            }

            @Override
            public void onEnd(Generation result, Throwable failure) {
                if (failure == null) {
                    future.complete(text.toString());
                } else {
                    future.completeExceptionally(failure);
                }
            }
        });
        future.whenComplete((done, failure) -> {
            if (future.isCancelled()) {
                cancel(id);
            }
        });
        return future;
    }

    /**
     * Ends a request before its next token.
     *
     * @param id of a request; nothing happens where it has ended
     */
    public void cancel(long id) {
        with(scheduler -> {
            scheduler.cancel(id);
            return null;
        });
    }

    /**
     * Makes no more tokens for a request, or goes on.
     *
     * @param id of a request
     * @param paused whether its reader does not keep up
     */
    public void pause(long id, boolean paused) {
        with(scheduler -> {
            scheduler.pause(id, paused);
            return null;
        });
    }

    /**
     * What it does and has done.
     *
     * @return as it is now
     */
    public SchedulerStatistics statistics() {
        return call((scheduler, outcome) -> Call.read(
                scheduler.statistics(outcome), now -> outcome.ok() ? SchedulerStatistics.of(now) : null));
    }

    /** Cancels what it has, whose listeners are told so before this returns. Not from a listener. */
    @Override
    public void close() {
        if (RequestRelay.isCallback()) {
            throw new IllegalStateException("a Scheduler is not closed by a listener, for which closing would wait");
        }
        super.close();
    }
}
