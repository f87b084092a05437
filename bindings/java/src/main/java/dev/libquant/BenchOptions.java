package dev.libquant;

import dev.libquant.internal.quant_bench_options;

/** What to time. What is not set is as the library has it. */
public final class BenchOptions {
    private Integer promptTokens;
    private Integer decodeTokens;
    private Integer rounds;
    private Integer sequences;
    private Encoding keyType;
    private Encoding valueType;

    /** All as the library has it. */
    public BenchOptions() {}

    /**
     * Sets promptTokens.
     *
     * @param value of the prompt
     * @return this
     */
    public BenchOptions promptTokens(int value) {
        this.promptTokens = value;
        return this;
    }

    /**
     * Sets decodeTokens.
     *
     * @param value to generate
     * @return this
     */
    public BenchOptions decodeTokens(int value) {
        this.decodeTokens = value;
        return this;
    }

    /**
     * Sets rounds.
     *
     * @param value of which medians are given
     * @return this
     */
    public BenchOptions rounds(int value) {
        this.rounds = value;
        return this;
    }

    /**
     * Sets sequences.
     *
     * @param value that generate at once
     * @return this
     */
    public BenchOptions sequences(int value) {
        this.sequences = value;
        return this;
    }

    /**
     * Sets keyType.
     *
     * @param value what keys are kept as
     * @return this
     */
    public BenchOptions keyType(Encoding value) {
        this.keyType = value;
        return this;
    }

    /**
     * Sets valueType.
     *
     * @param value what values are kept as
     * @return this
     */
    public BenchOptions valueType(Encoding value) {
        this.valueType = value;
        return this;
    }

    void fill(quant_bench_options to) {
        if (promptTokens != null) {
            to.setPrompt_tokens(Integer.toUnsignedLong(this.promptTokens));
        }
        if (decodeTokens != null) {
            to.setDecode_tokens(Integer.toUnsignedLong(this.decodeTokens));
        }
        if (rounds != null) {
            to.setRounds(Integer.toUnsignedLong(this.rounds));
        }
        if (sequences != null) {
            to.setSequences(Integer.toUnsignedLong(this.sequences));
        }
        if (keyType != null) {
            to.setKey_type(this.keyType.id());
        }
        if (valueType != null) {
            to.setValue_type(this.valueType.id());
        }
    }
}
