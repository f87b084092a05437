package dev.libquant;

import dev.libquant.internal.quant_session_options;

/** How to begin a session. What is not set is as the library has it. */
public final class SessionOptions {
    private Integer contextLength;
    private Activations activations;
    private Encoding keyType;
    private Encoding valueType;
    private Boolean lookup;
    private Integer draftTokens;
    private Model draft;

    /** All as the library has it. */
    public SessionOptions() {}

    /**
     * Sets contextLength.
     *
     * @param value tokens it can hold; 0: the model's own length
     * @return this
     */
    public SessionOptions contextLength(int value) {
        this.contextLength = value;
        return this;
    }

    /**
     * Sets activations.
     *
     * @param value what products round activations to
     * @return this
     */
    public SessionOptions activations(Activations value) {
        this.activations = value;
        return this;
    }

    /**
     * Sets keyType.
     *
     * @param value what keys are kept as: F32, F16, BF16, Q8_0 or Q4_0
     * @return this
     */
    public SessionOptions keyType(Encoding value) {
        this.keyType = value;
        return this;
    }

    /**
     * Sets valueType.
     *
     * @param value what values are kept as, likewise
     * @return this
     */
    public SessionOptions valueType(Encoding value) {
        this.valueType = value;
        return this;
    }

    /**
     * Sets lookup.
     *
     * @param value guess what followed when the sequence's end last occurred in it; not with a draft model
     * @return this
     */
    public SessionOptions lookup(boolean value) {
        this.lookup = value;
        return this;
    }

    /**
     * Sets draftTokens.
     *
     * @param value guesses at a time, 1 to 7
     * @return this
     */
    public SessionOptions draftTokens(int value) {
        this.draftTokens = value;
        return this;
    }

    /**
     * Sets a smaller model of the same vocabulary, which guesses at what comes next.
     *
     * @param value the session keeps what it needs of it; the handle may be closed
     * @return this
     */
    public SessionOptions draft(Model value) {
        this.draft = value;
        return this;
    }

    Model draft() {
        return draft;
    }

    void fill(quant_session_options to) {
        if (contextLength != null) {
            to.setContext_length(Integer.toUnsignedLong(this.contextLength));
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
        if (lookup != null) {
            to.setLookup(this.lookup ? 1 : 0);
        }
        if (draftTokens != null) {
            to.setDraft_tokens(Integer.toUnsignedLong(this.draftTokens));
        }
    }
}
