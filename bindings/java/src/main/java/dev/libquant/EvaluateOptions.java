package dev.libquant;

import dev.libquant.internal.quant_eval_options;

/** What to measure on. What is not set is as the library has it. */
public final class EvaluateOptions {
    private Integer contextLength;
    private Integer chunks;
    private Activations activations;
    private Encoding keyType;
    private Encoding valueType;

    /** All as the library has it. */
    public EvaluateOptions() {}

    /**
     * Sets contextLength.
     *
     * @param value tokens a chunk; 0: 512, or the model's own where shorter
     * @return this
     */
    public EvaluateOptions contextLength(int value) {
        this.contextLength = value;
        return this;
    }

    /**
     * Sets chunks.
     *
     * @param value at most so many; 0: all whole chunks of the text
     * @return this
     */
    public EvaluateOptions chunks(int value) {
        this.chunks = value;
        return this;
    }

    /**
     * Sets activations.
     *
     * @param value of both models
     * @return this
     */
    public EvaluateOptions activations(Activations value) {
        this.activations = value;
        return this;
    }

    /**
     * Sets keyType.
     *
     * @param value what the model's keys are kept as
     * @return this
     */
    public EvaluateOptions keyType(Encoding value) {
        this.keyType = value;
        return this;
    }

    /**
     * Sets valueType.
     *
     * @param value and its values
     * @return this
     */
    public EvaluateOptions valueType(Encoding value) {
        this.valueType = value;
        return this;
    }

    void fill(quant_eval_options to) {
        if (contextLength != null) {
            to.setContext_length(Integer.toUnsignedLong(this.contextLength));
        }
        if (chunks != null) {
            to.setChunks(Integer.toUnsignedLong(this.chunks));
        }
        if (activations != null) {
            to.setActivations(this.activations.number());
        }
        if (keyType != null) {
            to.setKey_type(this.keyType.id());
        }
        if (valueType != null) {
            to.setValue_type(this.valueType.id());
        }
    }
}
