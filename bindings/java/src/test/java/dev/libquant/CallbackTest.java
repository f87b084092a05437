package dev.libquant;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class CallbackTest {
    private static final Prompt PROMPT = Prompt.of("In the beginning").maxTokens(24).greedy();

    @Test
    void severalThreadsStopFromTheirCallbacks() throws Exception {
        try (Model model = Model.open(Fixture.q8())) {
            ExecutorService threads = Executors.newFixedThreadPool(6);
            List<Future<String>> all = new ArrayList<>();
            for (int i = 0; i < 60; ++i) {
                int stopAfter = 1 + i % 7;
                all.add(threads.submit(() -> generate(model, stopAfter)));
            }
            String longest = generate(model, 7);
            for (Future<String> one : all) {
                assertTrue(longest.startsWith(one.get()));
            }
            threads.shutdown();
        }
    }

    private static String generate(Model model, int stopAfter) {
        StringBuilder text = new StringBuilder();
        int[] pieces = {0};
        try (Session session = model.session()) {
            Generation took = session.generate(PROMPT, piece -> {
                text.append(piece);
                return ++pieces[0] < stopAfter;
            });
            assertSame(StopReason.CALLER, took.stop());
        }
        return text.toString();
    }

    @Test
    void aCheckedExceptionComesOutAsItIs() {
        IOException own = new IOException("the pipe is gone");
        try (Model model = Model.open(Fixture.q8()); Session session = model.session()) {
            assertSame(own, assertThrows(IOException.class, () -> session.generate(PROMPT, piece -> {
                Call.raise(own);
                return true;
            })));
            assertSame(own, assertThrows(IOException.class,
                    () -> session.generate(PROMPT.prefill(report -> {
                        Call.raise(own);
                        return true;
                    }), piece -> true)));
        } finally {
            PROMPT.prefill(null);
        }
    }

    @Test
    void aStreamIsTheText() {
        try (Model model = Model.open(Fixture.q8()); Session session = model.session(); Session other = model.session()) {
            String text = session.generate(PROMPT);
            try (Stream<String> stream = other.stream(PROMPT)) {
                assertEquals(text, stream.collect(Collectors.joining()));
            }
            assertEquals(session.lastGeneration().generatedTokens(), other.lastGeneration().generatedTokens());
        }
    }

    @Test
    void aStreamClosedEarlyFreesItsThread() {
        try (Model model = Model.open(Fixture.q8()); Session session = model.session()) {
            try (Stream<String> stream = session.stream(Prompt.of("In the").maxTokens(400).greedy())) {
                assertEquals(2, stream.limit(2).count());
                assertThrows(IllegalStateException.class, session::length);
            }
            assertSame(StopReason.CALLER, session.lastGeneration().stop());
            assertTrue(session.length() < 100, "it went on for " + session.length() + " tokens");
        }
        assertFalse(Thread.getAllStackTraces().keySet().stream().anyMatch(t -> t.getName().equals("libquant-stream")));
    }

    @Test
    void aStreamClosedWhileThePromptIsReadReadsNoMoreOfIt() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        AtomicReference<Progress.Report> last = new AtomicReference<>();
        Prompt prompt = Prompt.of("In the beginning God created the heaven and the earth. ".repeat(30)).maxTokens(2)
                .prefill(report -> {
                    last.set(report);
                    begun.countDown();
                    try {
                        Thread.sleep(200);
                    } catch (InterruptedException nobody) {
                        throw new AssertionError(nobody);
                    }
                    return true;
                });
        try (Model model = Model.open(Fixture.q8()); Session session = model.session()) {
            try (Stream<String> pieces = session.stream(prompt)) {
                assertTrue(begun.await(20, TimeUnit.SECONDS));
            }
            assertTrue(last.get().done() < last.get().total(), last.get().toString());
        }
    }

    @Test
    void aStreamTellsWhatFailed() {
        try (Model model = Model.open(Fixture.q8()); Session session = model.session()) {
            Prompt bad = Prompt.of("In").sampling(new Sampling().topP(7));
            try (Stream<String> stream = session.stream(bad)) {
                QuantException thrown = assertThrows(QuantException.class, stream::count);
                assertSame(Status.ARGUMENT, thrown.status());
            }
        }
    }

    @Test
    void forksGoOnFromOnePrompt() {
        try (Model model = Model.open(Fixture.q8()); Session session = model.session()) {
            session.logits(model.tokenize("In the beginning", TextFlags.PROMPT));
            int length = session.length();
            try (Session fork = session.fork(length)) {
                String one = fork.generate(Prompt.of(" God").flags(TextFlags.PLAIN).maxTokens(6).greedy());
                String two = session.generate(Prompt.of(" God").flags(TextFlags.PLAIN).maxTokens(6).greedy());
                assertEquals(one, two);
            }
            session.truncate(length);
            assertEquals(length, session.length());
        }
    }

    @Test
    void aSchedulerServesMany() throws Exception {
        try (Model model = Model.open(Fixture.q8());
                Scheduler scheduler = model.scheduler(new SchedulerOptions().sequences(4))) {
            Sampling greedy = new Sampling().temperature(0);
            List<CompletableFuture<String>> all = new ArrayList<>();
            for (int i = 0; i < 12; ++i) {
                all.add(scheduler.submit(new Request("In the beginning").maxTokens(12).sampling(greedy)));
            }
            String first = all.get(0).get(60, TimeUnit.SECONDS);
            assertFalse(first.isEmpty());
            for (CompletableFuture<String> one : all) {
                assertEquals(first, one.get(60, TimeUnit.SECONDS));
            }
            assertEquals(12, scheduler.statistics().requests());
        }
    }

    @Test
    void aListenerThatThrowsCancelsItsRequest() throws Exception {
        try (Model model = Model.open(Fixture.q8());
                Scheduler scheduler = model.scheduler(new SchedulerOptions())) {
            IllegalStateException own = new IllegalStateException("mine");
            AtomicReference<Throwable> got = new AtomicReference<>();
            AtomicReference<Throwable> closing = new AtomicReference<>();
            CountDownLatch ended = new CountDownLatch(1);
            scheduler.submit(new Request("In the").maxTokens(200).ignoreEnd(true), new RequestListener() {
                @Override
                public void onText(String text, int token) {
                    throw own;
                }

                @Override
                public void onEnd(Generation result, Throwable failure) {
                    got.set(failure);
                    try {
                        scheduler.close();
                    } catch (IllegalStateException refused) {
                        closing.set(refused);
                    }
                    ended.countDown();
                }
            });
            assertTrue(ended.await(60, TimeUnit.SECONDS));
            assertSame(own, got.get());
            assertTrue(closing.get() != null);
        }
    }

    @Test
    void closingASchedulerEndsItsRequests() {
        try (Model model = Model.open(Fixture.q8())) {
            Scheduler scheduler = model.scheduler(new SchedulerOptions());
            CompletableFuture<String> future = scheduler.submit(new Request("In the").ignoreEnd(true));
            scheduler.close();
            CompletionException thrown = assertThrows(CompletionException.class, future::join);
            assertSame(Status.CANCELLED, ((QuantException) thrown.getCause()).status());
        }
    }

    @Test
    void logLinesArrive() {
        ConcurrentLinkedQueue<String> lines = new ConcurrentLinkedQueue<>();
        Quant.setLogger((level, line) -> {
            lines.add(level + " " + line);
            throw new IllegalStateException("passed over");
        });
        try (Model model = Model.open(Fixture.q8()); Session session = model.session()) {
            session.generate(PROMPT);
        } finally {
            Quant.setLogger(null);
        }
        lines.forEach(line -> assertFalse(line.isBlank()));
    }
}
