package dev.libquant;

import dev.libquant.internal.NativePlan;
import dev.libquant.internal.NativeQuant;
import dev.libquant.internal.NativeQuantizeOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What becomes of every tensor of a model. One thread at a time. */
public final class Plan extends Handle<NativePlan> {
    private Plan(NativePlan made) {
        super(made, made::delete);
    }

    /**
     * Reads the source's headers and decides. Writes nothing.
     *
     * @param source a GGUF file or a Hugging Face folder
     * @param options how
     * @return to be closed
     */
    public static Plan make(Path source, QuantizeOptions options) {
        try (NativeQuantizeOptions how = options.options()) {
            return new Plan(Call.of(outcome -> NativePlan.make(Utf8.bytes(source), how, outcome)));
        }
    }

    /**
     * Plans and carries out in one call.
     *
     * @param source a GGUF file or a Hugging Face folder
     * @param output where the GGUF file goes; it appears complete or not at all
     * @param options how
     * @param progress in weights; null for none
     * @return what became of it
     */
    public static PlanSummary quantize(Path source, Path output, QuantizeOptions options, Progress progress) {
        try (Plan plan = make(source, options)) {
            plan.run(output, progress);
            return plan.summary();
        }
    }

    /** What a searched plan keeps within. Of the three one is set, which the functions here do.
     *
     * @param fileBytes the whole file at most, or 0
     * @param bitsPerWeight at most, or 0
     * @param maxKld predicted mean KL divergence at most, or 0
     */
    public record Target(long fileBytes, double bitsPerWeight, double maxKld) {
        /**
         * A size.
         *
         * @param bytes of the file at most
         * @return the target
         */
        public static Target ofFileBytes(long bytes) {
            return new Target(bytes, 0, 0);
        }

        /**
         * Bits.
         *
         * @param bits a weight at most
         * @return the target
         */
        public static Target ofBitsPerWeight(double bits) {
            return new Target(0, bits, 0);
        }

        /**
         * A divergence.
         *
         * @param nats a token at most
         * @return the target
         */
        public static Target ofMaxKld(double nats) {
            return new Target(0, 0, nats);
        }
    }

    /**
     * Chooses the encoding of every matrix for the least divergence within a target.
     *
     * @param source a GGUF file or a Hugging Face folder
     * @param target what to keep within
     * @param method by which the plan will be carried out
     * @param text that sensitivities are measured on
     * @param tokens at most so many of it; 0: as the library has it
     * @param progress null for none
     * @return a plan document for {@link QuantizeOptions#ofPlan}
     */
    public static String search(
            Path source, Target target, Method method, String text, long tokens, Progress progress) {
        return Utf8.string(Call.of(progress, (sink, outcome) -> NativeQuant.search_plan(Utf8.bytes(source),
                target.fileBytes(), target.bitsPerWeight(), target.maxKld(), method.number(), Utf8.bytes(text), tokens,
                sink, outcome)));
    }

    /**
     * Sums.
     *
     * @return a copy
     */
    public PlanSummary summary() {
        return call((plan, outcome) ->
                Call.read(plan.summary(outcome), sums -> outcome.ok() ? PlanSummary.of(sums) : null));
    }

    /**
     * Every tensor, with its error once the plan has run.
     *
     * @return in output order
     */
    public List<PlanTensor> tensors() {
        List<PlanTensor> out = new ArrayList<>();
        long count = summary().tensors();
        for (long i = 0; i < count; ++i) {
            long index = i;
            out.add(call((plan, outcome) -> Call.read(
                    plan.tensor(index, outcome), tensor -> outcome.ok() ? PlanTensor.of(tensor) : null)));
        }
        return List.copyOf(out);
    }

    /**
     * Carries it out.
     *
     * @param output where the GGUF file goes; it appears complete or not at all
     * @param progress in weights; null for none
     */
    public void run(Path output, Progress progress) {
        with(plan -> Call.of(progress, (sink, outcome) -> {
            plan.run(Utf8.bytes(output), sink, outcome);
            return null;
        }));
    }
}
