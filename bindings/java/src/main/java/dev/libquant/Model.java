package dev.libquant;

import dev.libquant.internal.NativeEmbeddings;
import dev.libquant.internal.NativeModel;
import dev.libquant.internal.NativeQuant;
import dev.libquant.internal.NativeRenderOptions;
import dev.libquant.internal.Texts;
import dev.libquant.internal.quant_bench_options;
import dev.libquant.internal.quant_embedding;
import dev.libquant.internal.quant_embedding_options;
import dev.libquant.internal.quant_eval_options;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A model. May be used by several threads; sessions and schedulers keep what they need of it when it is closed. */
public final class Model extends Handle<NativeModel> {
    private Model(NativeModel made) {
        super(made, made::delete);
    }

    /**
     * Opens a model; weights stay mapped.
     *
     * @param path a GGUF file, or a folder with config.json and safetensors
     * @return to be closed
     */
    public static Model open(Path path) {
        return open(path, new OpenOptions());
    }

    /**
     * Opens a model; weights stay mapped.
     *
     * @param path a GGUF file, or a folder with config.json and safetensors
     * @param options how
     * @return to be closed
     */
    public static Model open(Path path, OpenOptions options) {
        return new Model(Call.of(options.progress(), (sink, outcome) -> NativeModel.open(Utf8.bytes(path),
                options.flags(), Utf8.name(options.numa(), "numa"), Utf8.name(options.packCache(), "packCache"), sink,
                outcome)));
    }

    /**
     * Opens what a user means by a name: of this user's catalog, or a path.
     *
     * @param name such as "kjv-5m:Q4_K_M"
     * @return to be closed
     */
    public static Model open(String name) {
        try (Catalog catalog = Catalog.open()) {
            return open(catalog.resolve(name));
        }
    }

    /**
     * Borrows a model from the daemon, whose memory it stays.
     *
     * @param name of the daemon's catalog
     * @param options how
     * @return to be closed
     * @throws QuantException {@link Status#UNAVAILABLE} where no daemon answers
     */
    public static Model openShared(String name, SharedOptions options) {
        return new Model(Call.of(options.progress(), (sink, outcome) -> NativeModel.open_shared(
                Utf8.name(name, "a model's name"), options.flags(), Utf8.bytes(options.socket()),
                options.timeoutSeconds(), sink, outcome)));
    }

    /**
     * What it is.
     *
     * @return a copy
     */
    public ModelInfo info() {
        return call((model, outcome) ->
                Call.read(model.info(outcome), info -> outcome.ok() ? ModelInfo.of(info) : null));
    }

    /**
     * Begins an empty sequence.
     *
     * @return to be closed
     */
    public Session session() {
        return session(new SessionOptions());
    }

    /**
     * Begins an empty sequence.
     *
     * @param options how
     * @return to be closed
     */
    public Session session(SessionOptions options) {
        return with(model -> Session.open(model, options));
    }

    /**
     * Begins to run requests of many callers.
     *
     * @param options how
     * @return to be closed
     */
    public Scheduler scheduler(SchedulerOptions options) {
        return with(model -> Scheduler.open(model, options));
    }

    /**
     * Text to ids.
     *
     * @param text may hold NUL
     * @param flags what to do with special tokens
     * @return the ids
     */
    public int[] tokenize(String text, TextFlags flags) {
        return tokenize(Utf8.bytes(text), flags);
    }

    /**
     * Bytes to ids.
     *
     * @param text any bytes, meant as UTF-8
     * @param flags what to do with special tokens
     * @return the ids
     */
    public int[] tokenize(byte[] text, TextFlags flags) {
        return call((model, outcome) -> model.tokenize(text, flags.bits(), outcome));
    }

    /**
     * Ids to text.
     *
     * @param ids of the vocabulary
     * @param skipSpecial leave special tokens out
     * @return sequences that are no UTF-8 become U+FFFD
     */
    public String detokenize(int[] ids, boolean skipSpecial) {
        return Utf8.string(detokenizeBytes(ids, skipSpecial));
    }

    /**
     * Ids to bytes.
     *
     * @param ids of the vocabulary
     * @param skipSpecial leave special tokens out
     * @return as the tokens have them
     */
    public byte[] detokenizeBytes(int[] ids, boolean skipSpecial) {
        return call((model, outcome) -> model.detokenize(ids, TextFlags.skipping(skipSpecial), outcome));
    }

    /**
     * Renders the model's own chat template.
     *
     * @param chat its turns
     * @return a prompt
     */
    public String render(Chat chat) {
        try (NativeRenderOptions how = chat.options()) {
            return Utf8.string(call((model, outcome) -> model.render_chat(how, outcome)));
        }
    }

    /**
     * Embeds texts together.
     *
     * @param texts at least one
     * @return one for each
     */
    public List<Embedding> embed(List<String> texts) {
        return embed(texts, new EmbedOptions(), null);
    }

    /**
     * Embeds texts together.
     *
     * @param texts at least one
     * @param options how
     * @param progress may cancel; null for none
     * @return one for each
     */
    public List<Embedding> embed(List<String> texts, EmbedOptions options, Progress progress) {
        try (Texts all = new Texts(); quant_embedding_options how = new quant_embedding_options()) {
            texts.forEach(text -> all.add(Utf8.bytes(text)));
            options.fill(how);
            try (NativeEmbeddings made = with(model ->
                    Call.of(progress, (sink, outcome) -> NativeEmbeddings.of(model, all, how, sink, outcome)))) {
                List<Embedding> out = new ArrayList<>();
                for (long i = 0; i < made.count(); ++i) {
                    out.add(embedding(made, i));
                }
                return List.copyOf(out);
            }
        }
    }

    private static Embedding embedding(NativeEmbeddings all, long index) {
        float[] values = Call.of(outcome -> all.values(index, outcome));
        return Call.of(outcome -> Call.read(all.at(index, outcome), (quant_embedding one) -> new Embedding(values,
                (int) one.getRows(), (int) one.getDimensions(), (int) one.getTokens(), (int) one.getTokens_cut())));
    }

    /**
     * Perplexity of a text, and the divergence from another model.
     *
     * @param text what it is measured on
     * @param base the reference; null for perplexity alone
     * @param options how
     * @param progress in chunks; null for none
     * @return the measurement
     */
    public Evaluation evaluate(String text, Model base, EvaluateOptions options, Progress progress) {
        byte[] utf8 = Utf8.bytes(text);
        try (quant_eval_options how = new quant_eval_options()) {
            options.fill(how);
            return with(model -> base == null
                    ? evaluate(model, null, utf8, how, progress)
                    : base.with(other -> evaluate(model, other, utf8, how, progress)));
        }
    }

    private static Evaluation evaluate(
            NativeModel model, NativeModel base, byte[] text, quant_eval_options how, Progress progress) {
        return Call.of(progress, (sink, outcome) -> Call.read(
                NativeQuant.evaluate(model, base, text, how, sink, outcome),
                result -> outcome.ok() ? Evaluation.of(result) : null));
    }

    /**
     * Times the model here and now.
     *
     * @param options what to time
     * @param progress in rounds; null for none
     * @return the speeds
     */
    public Benchmark bench(BenchOptions options, Progress progress) {
        try (quant_bench_options how = new quant_bench_options()) {
            options.fill(how);
            return with(model -> Call.of(progress, (sink, outcome) -> Call.read(
                    NativeQuant.bench(model, how, sink, outcome),
                    result -> outcome.ok() ? Benchmark.of(result) : null)));
        }
    }
}
