package dev.libquant;

import dev.libquant.internal.NativeGenerateOptions;
import dev.libquant.internal.NativeModel;
import dev.libquant.internal.NativeSession;
import dev.libquant.internal.TextSink;
import dev.libquant.internal.quant_sampling;
import dev.libquant.internal.quant_session_options;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** One sequence of tokens. It is used by one thread at a time, and says so where it is not. */
public final class Session extends Handle<NativeSession> {
    private final AtomicBoolean busy = new AtomicBoolean();
    private volatile Generation last;

    private Session(NativeSession made) {
        super(made, made::delete);
    }

    static Session open(NativeModel model, SessionOptions options) {
        return options.draft() == null
                ? open(model, null, options)
                : options.draft().with(draft -> open(model, draft, options));
    }

    private static Session open(NativeModel model, NativeModel draft, SessionOptions options) {
        try (quant_session_options how = new quant_session_options()) {
            options.fill(how);
            return new Session(Call.of(outcome -> NativeSession.open(model, how, draft, outcome)));
        }
    }

    /**
     * Begins a sequence with the first tokens of this one, whose memory both share.
     *
     * @param length of {@link #length()} tokens at most
     * @return to be closed
     */
    public Session fork(int length) {
        return alone(() -> new Session(call((session, outcome) -> session.fork(length, outcome))));
    }

    /**
     * Tokens in the sequence.
     *
     * @return so many
     */
    public int length() {
        return alone(() -> with(session -> (int) session.length()));
    }

    /**
     * Tokens it can hold.
     *
     * @return so many
     */
    public int capacity() {
        return with(session -> (int) session.capacity());
    }

    /**
     * Forgets tokens at the end.
     *
     * @param length that stay
     */
    public void truncate(int length) {
        alone(() -> call((session, outcome) -> {
            session.truncate(length, outcome);
            return null;
        }));
    }

    /**
     * Appends tokens and runs the model on them.
     *
     * @param ids at least one
     * @return a logit for each token of the vocabulary, of what follows the last id
     */
    public float[] logits(int... ids) {
        return alone(() -> call((session, outcome) -> session.run(ids, false, outcome)));
    }

    /**
     * Appends tokens and runs the model on them.
     *
     * @param ids at least one
     * @return ids x vocabulary logits, row-major
     */
    public float[] allLogits(int... ids) {
        return alone(() -> call((session, outcome) -> session.run(ids, true, outcome)));
    }

    /**
     * Generates text in this thread.
     *
     * @param prompt what to go on from
     * @param text gets pieces of it, whole characters; answers true to go on, false to stop. What it throws stops the
     *     generation and comes out of this call. Null: the text is not wanted
     * @return what it took
     */
    public Generation generate(Prompt prompt, Predicate<String> text) {
        return alone(() -> run(prompt, text, prompt.prefill()));
    }

    /**
     * Generates text in this thread.
     *
     * @param prompt what to go on from
     * @return all of it
     */
    public String generate(Prompt prompt) {
        StringBuilder out = new StringBuilder();
        generate(prompt, piece -> {
            out.append(piece);
            return true;
        });
        return out.toString();
    }

    /**
     * Generates text in a thread of its own, a few pieces ahead of its reader. The session is in use until the stream is at
     * its end or closed; closing it early stops the generation, also in the prompt, and waits for its thread.
     * What a stream took is {@link #lastGeneration()}.
     *
     * @param prompt what to go on from
     * @return to be closed, unless it is read to its end
     */
    public Stream<String> stream(Prompt prompt) {
        begin();
        TokenStream pieces = new TokenStream(
                (text, wanted) -> run(prompt, text, whileWanted(prompt.prefill(), wanted)), () -> busy.set(false));
        try {
            return pieces.start();
        } catch (Throwable noThread) {
            busy.set(false);
            throw noThread;
        }
    }

    private static Progress whileWanted(Progress prefill, BooleanSupplier wanted) {
        return report -> wanted.getAsBoolean() && (prefill == null || prefill.update(report));
    }

    /**
     * What the last generation took that ended without an exception.
     *
     * @return null before the first
     */
    public Generation lastGeneration() {
        return last;
    }

    private Generation run(Prompt prompt, Predicate<String> text, Progress prefill) {
        try (NativeGenerateOptions how = prompt.options();
                quant_sampling sampling = new quant_sampling();
                TextRelay relay = text == null ? null : new TextRelay(text)) {
            prompt.sampling().fill(sampling);
            last = with(session -> Call.of(prefill, (sink, outcome) -> {
                Generation result = Call.read(
                        session.generate(how, sampling, relay, sink, outcome),
                        made -> outcome.ok() ? Generation.of(made) : null);
                if (relay != null && relay.failure != null) {
                    Call.raise(relay.failure);
                }
                return result;
            }));
            return last;
        }
    }

    private void begin() {
        if (!busy.compareAndSet(false, true)) {
            throw new IllegalStateException("the Session is in use by another thread or stream");
        }
    }

    private <R> R alone(java.util.function.Supplier<R> body) {
        begin();
        try {
            return body.get();
        } finally {
            busy.set(false);
        }
    }

    /** Keeps what the callback throws, since nothing may pass native frames. */
    private static final class TextRelay extends TextSink {
        private final Predicate<String> text;
        private Throwable failure;

        TextRelay(Predicate<String> text) {
            this.text = text;
        }

        @Override
        public int on_text(byte[] utf8) {
            try {
                return text.test(Utf8.string(utf8)) ? 0 : 1;
            } catch (Throwable thrown) {
                failure = thrown;
                return 1;
            }
        }
    }
}
