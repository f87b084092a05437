package dev.libquant;

import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.function.BiConsumer;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * Pieces of text from a thread that generates them to one that reads them. The writer waits when it is {@link #AHEAD}
 * pieces ahead, so that a reader that stops early has not paid for much more than it read.
 */
final class TokenStream implements Iterator<String> {
    private static final int AHEAD = 8;

    private final Pieces pieces = new Pieces();
    private final Thread writer;

    /**
     * `generation` gets where its pieces go, and who tells whether more are wanted: reading a long prompt takes time
     * as well. `ended` runs when it has ended, before the reader sees the end.
     */
    TokenStream(BiConsumer<Predicate<String>, BooleanSupplier> generation, Runnable ended) {
        Pieces to = pieces; // Not this: who forgets the stream lets go of the thread by its being collected.
        writer = new Thread(() -> write(to, generation, ended), "libquant-stream");
        writer.setDaemon(true);
    }

    private static void write(
            Pieces to, BiConsumer<Predicate<String>, BooleanSupplier> generation, Runnable ended) {
        Throwable failure = null;
        try {
            generation.accept(to::put, to::wanted);
        } catch (Throwable thrown) {
            failure = thrown;
        }
        ended.run();
        to.end(failure);
    }

    Stream<String> start() {
        CLEANER.register(this, pieces::stop);
        writer.start();
        return StreamSupport.stream(
                        Spliterators.spliteratorUnknownSize(this, Spliterator.ORDERED | Spliterator.NONNULL), false)
                .onClose(this::close);
    }

    private static final java.lang.ref.Cleaner CLEANER = java.lang.ref.Cleaner.create();

    @Override
    public boolean hasNext() {
        return pieces.hasNext();
    }

    @Override
    public String next() {
        return pieces.next();
    }

    /** Waits for the writer, whose next piece is its last; an interrupt is kept for the caller. */
    private void close() {
        pieces.stop();
        boolean interrupted = false;
        while (writer.isAlive()) {
            try {
                writer.join();
            } catch (InterruptedException now) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** What is between both threads. */
    private static final class Pieces {
        private final ArrayDeque<String> queue = new ArrayDeque<>();
        private boolean stopped;
        private boolean ended;
        private Throwable failure;

        /** False: no more are wanted. */
        synchronized boolean put(String piece) {
            while (queue.size() >= AHEAD && !stopped) {
                await();
            }
            queue.add(piece);
            notifyAll();
            return !stopped;
        }

        synchronized boolean wanted() {
            return !stopped;
        }

        synchronized void end(Throwable thrown) {
            failure = thrown;
            ended = true;
            notifyAll();
        }

        synchronized void stop() {
            stopped = true;
            queue.clear();
            notifyAll();
        }

        synchronized boolean hasNext() {
            while (queue.isEmpty() && !ended && !stopped) {
                await();
            }
            if (queue.isEmpty() && failure != null && !stopped) {
                Throwable thrown = failure;
                failure = null;
                Call.raise(thrown);
            }
            return !queue.isEmpty() && !stopped;
        }

        synchronized String next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            notifyAll();
            return queue.remove();
        }

        private void await() {
            try {
                wait();
            } catch (InterruptedException now) {
                stopped = true;
                Thread.currentThread().interrupt();
            }
        }
    }
}
